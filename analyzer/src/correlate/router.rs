//! From an event and the rules it satisfied to records of groups.

use std::{ops::Range, sync::Arc};

use fansipan_model::{Event, FieldId, Value, fields};
use fansipan_rules::{RuleIndex, ast::CorrelationKind};

use super::{
    context,
    keyed::{Record, Routed, mix, put_text},
    plan::{Feed, Plan},
    settings::Settings,
    watermark::Watermark,
};

/// Keeps the watermark; otherwise without state.
pub struct Router {
    pub(crate) plan: Arc<Plan>,
    settings: Settings,
    pub(crate) watermark: Watermark,
    /// `@timestamp` of the first record of each correlation.
    pub(crate) since: Vec<i64>,
    ungrouped: u64,
    text: String,
    context: Vec<u8>,
    /// The keys of the event being routed.
    keys: Vec<u8>,
    /// Where they are, by layout; `None`: a value is missing.
    spans: Vec<(u32, Option<Range<usize>>)>,
    counted: Vec<u8>,
}

impl Router {
    /// For a plan.
    pub fn new(plan: Arc<Plan>, settings: Settings) -> Self {
        let since = vec![i64::MAX; plan.correlations().len()];
        Self {
            plan,
            settings,
            watermark: Watermark::default(),
            since,
            ungrouped: 0,
            text: String::new(),
            context: Vec::new(),
            keys: Vec::new(),
            spans: Vec::new(),
            counted: Vec::new(),
        }
    }

    /// The watermark: no source that still sends is expected to send anything older.
    pub fn mark(&self) -> i64 {
        self.watermark.mark
    }

    /// Matches that belong to no group for want of a value.
    pub fn ungrouped(&self) -> u64 {
        self.ungrouped
    }

    /// Moves the watermark; whether it moved. Every event moves it, matched or not; workers must know of it
    /// ([`super::Worker::advance`]) before they take in the event's records.
    pub fn see(&mut self, event: &Event) -> bool {
        let before = self.watermark.mark;
        let source = event.str(fields::FANSIPAN_SOURCE).unwrap_or("");
        self.watermark.see(source, event.timestamp(), event.ingested(), &self.settings) != before
    }

    /// Calls `out` for each record of an event that was seen.
    pub fn route(&mut self, event: &Event, matches: &[RuleIndex], mut out: impl FnMut(Routed<'_>)) {
        if matches.is_empty() {
            return;
        }
        let (mark, now, at) = (self.watermark.mark, event.ingested(), event.timestamp());
        let plan = Arc::clone(&self.plan);
        let (high, low) = event.id().as_u64_pair();
        let drill = event.get(fields::FANSIPAN_DRILL) == Some(Value::Bool(true));
        self.context.clear();
        self.keys.clear();
        self.spans.clear();
        for feed in matches.iter().flat_map(|&rule| plan.feeds(rule)) {
            let Some(compiled) = plan.get(feed.correlation) else { continue };
            if self.context.is_empty() {
                context::write(event, &mut self.context, &mut self.text);
            }
            let Some((span, value)) = self.key(event, feed.layout, &plan).zip(self.value(event, feed, compiled.kind)) else {
                self.ungrouped += 1;
                continue;
            };
            let since = self.since.get_mut(feed.correlation as usize).map_or(i64::MIN, |s| {
                *s = (*s).min(at);
                *s
            });
            let record = Record { at, id: [high, low], value, context: 0, member: feed.member, drill, below: false };
            let key = self.keys.get(span).unwrap_or(&[]);
            out(Routed { correlation: feed.correlation, key, record, context: &self.context, remove: false, now, mark, since });
        }
    }

    /// Where among the keys of this event a feed's is. `None` where a value of it is missing.
    fn key(&mut self, event: &Event, layout: u32, plan: &Plan) -> Option<Range<usize>> {
        if let Some((_, known)) = self.spans.iter().find(|(known, _)| *known == layout) {
            return known.clone();
        }
        let start = self.keys.len();
        let mut keys = std::mem::take(&mut self.keys);
        put_text(&mut keys, event.agency().as_bytes());
        let whole = plan.layout(layout).iter().all(|candidates| self.put(event, candidates, &mut keys).is_some());
        let span = whole.then_some(start..keys.len());
        self.keys = keys;
        self.spans.push((layout, span.clone()));
        span
    }

    /// What is counted of an event. `None` where it is missing.
    fn value(&mut self, event: &Event, feed: &Feed, kind: CorrelationKind) -> Option<u64> {
        match kind {
            CorrelationKind::ValueCount => {
                let mut all = std::mem::take(&mut self.counted);
                all.clear();
                let whole = feed.values.iter().all(|candidates| self.put(event, candidates, &mut all).is_some());
                let value = mix(&all);
                self.counted = all;
                whole.then_some(value)
            }
            CorrelationKind::FirstSeen => Some(0),
            kind if kind.needs_field() => Some(feed.values.first().and_then(|c| present(event, c))?.as_number()?.to_bits()),
            _ => Some(0),
        }
    }

    fn put(&mut self, event: &Event, candidates: &[FieldId], out: &mut Vec<u8>) -> Option<()> {
        let value = present(event, candidates)?;
        if let Value::Str(text) = value {
            put_text(out, text.as_bytes());
        } else {
            self.text.clear();
            value.write_text(&mut self.text);
            put_text(out, self.text.as_bytes());
        }
        Some(())
    }
}

fn present<'e>(event: &'e Event, candidates: &[FieldId]) -> Option<Value<'e>> {
    let some = |v: &Value<'_>| !matches!(v, Value::Null | Value::Str("" | "-"));
    candidates.iter().find_map(|f| event.get(*f).filter(some))
}
