//! From an event and the rules it satisfied to records of groups.

use std::sync::Arc;

use fansipan_model::{Event, FieldId, Value, fields};
use fansipan_rules::{RuleIndex, ast::CorrelationKind};
use smallvec::SmallVec;

use super::{
    context,
    keyed::{Keyed, Record, mix, put_text},
    plan::{Compiled, Feed, Plan},
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
    context: SmallVec<[u8; 96]>,
}

impl Router {
    /// For a plan.
    pub fn new(plan: Arc<Plan>, settings: Settings) -> Self {
        let since = vec![i64::MAX; plan.correlations().len()];
        Self { plan, settings, watermark: Watermark::default(), since, ungrouped: 0, text: String::new(), context: SmallVec::new() }
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
    pub fn route(&mut self, event: &Event, matches: &[RuleIndex], mut out: impl FnMut(Keyed)) {
        let mark = self.watermark.mark;
        let plan = Arc::clone(&self.plan);
        self.context.clear();
        let mut known = false;
        for &rule in matches {
            for feed in plan.feeds(rule) {
                let Some(compiled) = plan.get(feed.correlation) else { continue };
                let Some((key, value)) = self.address(event, feed, compiled) else {
                    self.ungrouped += 1;
                    continue;
                };
                if !known {
                    context::write(event, &mut self.context, &mut self.text);
                    known = true;
                }
                let since = self.since.get_mut(feed.correlation as usize).map_or(i64::MIN, |s| {
                    *s = (*s).min(event.timestamp());
                    *s
                });
                let (high, low) = event.id().as_u64_pair();
                let drill = event.get(fields::FANSIPAN_DRILL) == Some(Value::Bool(true));
                let record = Record { at: event.timestamp(), id: [high, low], value, context: 0, member: feed.member, drill, below: false };
                let context = self.context.clone();
                out(Keyed { correlation: feed.correlation, key, record, context, remove: false, now: event.ingested(), mark, since });
            }
        }
    }

    /// The group of an event and what is counted of it. `None` where a value is missing.
    fn address(&mut self, event: &Event, feed: &Feed, compiled: &Compiled) -> Option<(SmallVec<[u8; 64]>, u64)> {
        let mut key = SmallVec::new();
        put_text(&mut key, event.agency().as_bytes());
        for candidates in &feed.group {
            self.put(event, candidates, &mut key)?;
        }
        let value = match compiled.kind {
            CorrelationKind::ValueCount => {
                let mut all: SmallVec<[u8; 64]> = SmallVec::new();
                for candidates in &feed.values {
                    self.put(event, candidates, &mut all)?;
                }
                mix(&all)
            }
            CorrelationKind::FirstSeen => {
                for candidates in &feed.values {
                    self.put(event, candidates, &mut key)?;
                }
                0
            }
            kind if kind.needs_field() => {
                let value = feed.values.first().and_then(|c| present(event, c))?;
                value.as_number()?.to_bits()
            }
            _ => 0,
        };
        Some((key, value))
    }

    fn put(&mut self, event: &Event, candidates: &[FieldId], out: &mut impl Extend<u8>) -> Option<()> {
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
