//! Repeats become one alert: the same rule about the same things within a window counts up the alert the first one opened.
//!
//! The alert's id comes from its first event, so a replay of the log gives the same alerts with the same ids and counts.
//! Memory is bounded: beyond `max_open` the oldest open alert is closed (a later repeat opens a new one) and counted.

use fansipan_model::{Alert, AlertId, AlertStatus, Event, MatchedField, RuleRef, fields};
use hashbrown::HashMap;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{entities, summary};

/// How repeats are folded.
#[derive(Clone, Debug)]
pub struct GroupingConfig {
    /// How long after its first event an alert takes repeats in, nanoseconds of `event.ingested`.
    pub window: i64,
    /// How many alerts may be open to repeats at once.
    pub max_open: usize,
}

impl Default for GroupingConfig {
    fn default() -> Self {
        Self { window: 3_600 * fansipan_model::time::SECOND, max_open: 100_000 }
    }
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A new alert.
    Open(Box<Alert>),
    /// One more event for an alert opened before.
    Repeat {
        /// Which alert.
        id: AlertId,
        /// The event.
        event: Uuid,
        /// Its `@timestamp`, UTC nanoseconds.
        at: i64,
        /// Whether the alert still wants the event's id in its sample.
        sampled: bool,
    },
    /// A correlated alert as it is now, new or not. What people decided about it stays.
    Put(Box<Alert>),
    /// A late event proved a correlated alert wrong.
    Superseded {
        /// Which alert.
        id: AlertId,
        /// The one that covers its time instead, if any.
        by: Option<AlertId>,
    },
}

/// Agency, rule id, rule hash, group values, what holds it back: what is held back is no part of what is shown.
type Key = (Box<str>, Box<str>, Box<str>, Vec<String>, Option<Box<str>>);

#[derive(Clone, Debug)]
struct Open {
    id: AlertId,
    raised: i64,
    sampled: usize,
}

/// An open alert as it is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct OpenAlert {
    agency: String,
    rule: String,
    hash: String,
    group: Vec<String>,
    /// What holds it back, if anything.
    #[serde(default)]
    held: Option<String>,
    id: AlertId,
    raised: i64,
    sampled: usize,
}

pub(crate) struct Grouping {
    config: GroupingConfig,
    /// In order of opening, so that the oldest goes first.
    open: IndexMap<Key, Open, foldhash::fast::RandomState>,
    evicted: u64,
}

impl Grouping {
    pub(crate) fn new(config: GroupingConfig) -> Self {
        Self { config, open: IndexMap::default(), evicted: 0 }
    }

    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    pub(crate) fn restore(&mut self, alerts: &[Alert]) {
        // the latest of each key is the one still open
        let mut latest: HashMap<Key, &Alert> = HashMap::new();
        for alert in alerts {
            let entry = latest.entry(key(&alert.agency, &alert.rule, alert.group.clone(), alert.suppressed.as_deref())).or_insert(alert);
            if (alert.raised, alert.id) > (entry.raised, entry.id) {
                *entry = alert;
            }
        }
        let mut list: Vec<(Key, &Alert)> = latest.into_iter().collect();
        list.sort_by_key(|(_, alert)| (alert.raised, alert.id));
        for (key, alert) in list {
            self.open.insert(key, Open { id: alert.id, raised: alert.raised, sampled: alert.events.len() });
        }
        self.close_oldest();
    }

    /// Takes a match in; `held`: what holds its alert back.
    pub(crate) fn note(
        &mut self,
        rule: &RuleRef,
        event: &Event,
        held: Option<&str>,
        matched: impl FnOnce() -> Vec<MatchedField>,
        out: &mut Vec<Signal>,
    ) {
        let group = entities::group(event);
        let key = key(event.agency(), rule, group.clone(), held);
        if let Some(open) = self.open.get_mut(&key) {
            if event.ingested() < open.raised.saturating_add(self.config.window) {
                let sampled = open.sampled < Alert::SAMPLE;
                open.sampled += usize::from(sampled);
                out.push(Signal::Repeat { id: open.id, event: event.id(), at: event.timestamp(), sampled });
                return;
            }
            self.open.shift_remove(&key);
        }
        let alert = Alert { suppressed: held.map(ToOwned::to_owned), ..open_alert(rule, event, group, matched()) };
        self.open.insert(key, Open { id: alert.id, raised: alert.raised, sampled: 1 });
        out.push(Signal::Open(Box::new(alert)));
        self.close_oldest();
    }

    /// Takes the alert that an event would open, made elsewhere: as [`Grouping::note`].
    pub(crate) fn take(&mut self, alert: Alert, out: &mut Vec<Signal>) {
        let key = key(&alert.agency, &alert.rule, alert.group.clone(), alert.suppressed.as_deref());
        if let Some(open) = self.open.get_mut(&key) {
            if alert.raised < open.raised.saturating_add(self.config.window) {
                let sampled = open.sampled < Alert::SAMPLE;
                open.sampled += usize::from(sampled);
                let event = alert.events.first().copied().unwrap_or_default();
                out.push(Signal::Repeat { id: open.id, event, at: alert.first_seen, sampled });
                return;
            }
            self.open.shift_remove(&key);
        }
        self.open.insert(key, Open { id: alert.id, raised: alert.raised, sampled: 1 });
        out.push(Signal::Open(Box::new(alert)));
        self.close_oldest();
    }

    /// The open alerts, oldest first.
    pub(crate) fn save(&self) -> Vec<OpenAlert> {
        let one = |((agency, rule, hash, group, held), open): (&Key, &Open)| OpenAlert {
            agency: agency.to_string(),
            rule: rule.to_string(),
            hash: hash.to_string(),
            group: group.clone(),
            held: held.as_deref().map(ToOwned::to_owned),
            id: open.id,
            raised: open.raised,
            sampled: open.sampled,
        };
        self.open.iter().map(one).collect()
    }

    /// Continues with what [`Grouping::save`] gave.
    pub(crate) fn load(&mut self, open: Vec<OpenAlert>) {
        let one = |o: OpenAlert| {
            let key: Key = (o.agency.into(), o.rule.into(), o.hash.into(), o.group, o.held.map(Into::into));
            (key, Open { id: o.id, raised: o.raised, sampled: o.sampled })
        };
        self.open = open.into_iter().map(one).collect();
    }

    fn close_oldest(&mut self) {
        let over = self.open.len().saturating_sub(self.config.max_open);
        if over > 0 {
            // an eighth at a time: removing from the front moves everything behind it
            let many = over.max(self.config.max_open / 8).min(self.open.len());
            self.open.drain(..many);
            self.evicted += many as u64;
        }
    }
}

fn key(agency: &str, rule: &RuleRef, group: Vec<String>, held: Option<&str>) -> Key {
    (agency.into(), rule.id.as_str().into(), rule.hash.as_str().into(), group, held.map(Into::into))
}

/// The alert that an event opens.
pub(crate) fn open_alert(rule: &RuleRef, event: &Event, group: Vec<String>, matched: Vec<MatchedField>) -> Alert {
    let event_id = event.id().to_string();
    Alert {
        id: AlertId::derive(event.agency(), &rule.id, &rule.hash, &[&event_id]),
        agency: event.agency().to_owned(),
        rule: rule.clone(),
        first_seen: event.timestamp(),
        last_seen: event.timestamp(),
        raised: event.ingested(),
        count: 1,
        entities: entities::of(event),
        group,
        summary: summary::of(event, &matched),
        matched,
        events: vec![event.id()],
        status: AlertStatus::New,
        assignee: None,
        drill: event.get(fields::FANSIPAN_DRILL) == Some(fansipan_model::Value::Bool(true)),
        suppressed: None,
        version: 1,
    }
}

#[cfg(test)]
mod tests {
    use fansipan_model::{Alert, Event, Level, RuleRef, Value, fields};
    use uuid::Uuid;

    use super::{Grouping, GroupingConfig, Signal};

    fn rule() -> RuleRef {
        RuleRef {
            id: "r".into(),
            title: "t".into(),
            title_vi: None,
            level: Level::High,
            hash: "h".into(),
            tags: vec![],
            advice: None,
            advice_vi: None,
        }
    }

    fn event(n: u128, second: i64, host: &str) -> Event {
        let mut e = Event::default();
        e.set_id(Uuid::from_u128(n));
        e.set_timestamp(second * 1_000_000_000);
        e.set_ingested(second * 1_000_000_000);
        e.push(fields::HOST_NAME, Value::Str(host));
        e
    }

    fn run(grouping: &mut Grouping, events: &[Event]) -> Vec<Signal> {
        let mut out = Vec::new();
        for e in events {
            grouping.note(&rule(), e, None, Vec::new, &mut out);
        }
        out
    }

    fn opened(signals: &[Signal]) -> Vec<Alert> {
        signals.iter().filter_map(|s| if let Signal::Open(a) = s { Some((**a).clone()) } else { None }).collect()
    }

    #[test]
    fn repeats_count_up_one_alert_until_the_window_ends() {
        let mut grouping = Grouping::new(GroupingConfig { window: 60_000_000_000, max_open: 10 });
        let events: Vec<Event> = (0..100i64).map(|i| event(i as u128 + 1, i, "a")).collect();
        let signals = run(&mut grouping, &events);
        assert_eq!(opened(&signals).len(), 2, "one alert for 0–59 s, one for 60–99 s");
        assert_eq!(signals.len(), 100);
        let sampled = signals.iter().filter(|s| matches!(s, Signal::Repeat { sampled: true, .. })).count();
        assert_eq!(sampled, 2 * (Alert::SAMPLE - 1));
    }

    #[test]
    fn other_hosts_are_other_alerts_and_replay_gives_the_same() {
        let events = [event(1, 0, "a"), event(2, 0, "b"), event(3, 1, "a")];
        let first = run(&mut Grouping::new(GroupingConfig::default()), &events);
        let second = run(&mut Grouping::new(GroupingConfig::default()), &events);
        assert_eq!(first, second);
        assert_eq!(opened(&first).len(), 2);
    }

    #[test]
    fn a_restart_continues_open_alerts() {
        let events: Vec<Event> = (0..10i64).map(|i| event(i as u128 + 1, i, "a")).collect();
        let whole = run(&mut Grouping::new(GroupingConfig::default()), &events);
        let mut parts = run(&mut Grouping::new(GroupingConfig::default()), &events[..4]);
        let mut restarted = Grouping::new(GroupingConfig::default());
        let mut stored = opened(&parts);
        stored[0].events = events[..4].iter().map(Event::id).collect();
        restarted.restore(&stored);
        parts.extend(run(&mut restarted, &events[4..]));
        assert_eq!(parts, whole);
    }

    #[test]
    fn memory_is_bounded_and_eviction_counted() {
        let mut grouping = Grouping::new(GroupingConfig { window: i64::MAX, max_open: 16 });
        let events: Vec<Event> = (0..100u32).map(|i| event(u128::from(i) + 1, i64::from(i), &format!("h{i}"))).collect();
        run(&mut grouping, &events);
        assert!(grouping.open() <= 16);
        assert_eq!(grouping.open() as u64 + grouping.evicted(), 100);
    }
}
