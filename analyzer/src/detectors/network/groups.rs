//! The groups of a detector: bounded, the one that was quiet longest going first; and the alerts they opened.
//!
//! What a detector finds is an episode: one alert for each group, finding and period, that grows while more is found.

use std::{collections::BTreeMap, sync::Arc};

use fansipan_model::{Alert, AlertId, AlertStatus, Entity, EntityKind, MatchedField, RuleRef};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Watcher, parameters::Parameters, sight::Fact};
use crate::{correlate::Losses, entities, grouping::Signal};

/// Ids of events of a group from before anything was found.
const RECENT: usize = 10;

/// What a detector found in a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Finding {
    /// Its name in the parameters.
    pub(super) name: &'static str,
    /// What sets it apart from other findings of the group, besides the name.
    pub(super) apart: Vec<String>,
    /// Length of the period that has one alert, nanoseconds.
    pub(super) period: i64,
    /// When it began.
    pub(super) since: i64,
    /// Events behind it so far.
    pub(super) count: u64,
    /// Which figures, against which thresholds.
    pub(super) figures: Vec<(String, String)>,
    /// Addresses, accounts and names it is about, with the fields they come from.
    pub(super) about: Vec<(EntityKind, &'static str, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Episode {
    name: String,
    period: i64,
    length: i64,
    alert: Alert,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Group<S> {
    state: S,
    recent: Vec<Uuid>,
    open: Vec<Episode>,
    heard: i64,
}

struct Place<S> {
    group: Group<S>,
    /// Its turn among those that were heard.
    turn: u64,
    weight: usize,
}

type Key = Arc<[String]>;

/// The groups of one detector.
pub(super) struct Groups<W: Watcher> {
    watcher: W,
    rules: BTreeMap<&'static str, RuleRef>,
    most: usize,
    values: usize,
    groups: HashMap<Key, Place<W::State>, foldhash::fast::FixedState>,
    turns: BTreeMap<u64, Key>,
    turn: u64,
    weight: usize,
    /// Alerts that changed, by id.
    changed: BTreeMap<(i64, AlertId), Alert>,
    losses: Losses,
}

/// What [`super::Network`] needs of a detector, whatever its state is.
pub(super) trait Keeping: Send {
    fn name(&self) -> &'static str;
    fn take(&mut self, fact: &Fact);
    fn settle(&mut self, out: &mut Vec<Signal>);
    fn save(&self) -> serde_json::Value;
    fn load(&mut self, state: serde_json::Value) -> Option<()>;
    fn held(&self) -> (usize, Losses);
}

impl<W: Watcher> Groups<W> {
    pub(super) fn new(watcher: W, parameters: &Parameters) -> Self {
        let rules = W::FINDINGS.iter().filter_map(|name| Some((*name, parameters.rule(name)?))).collect();
        Self {
            watcher,
            rules,
            most: parameters.groups.max(1),
            values: parameters.values.max(1),
            groups: HashMap::default(),
            turns: BTreeMap::new(),
            turn: 0,
            weight: 0,
            changed: BTreeMap::new(),
            losses: Losses::default(),
        }
    }

    /// Forgets what is over, and what there is no room for.
    fn make_room(&mut self, now: i64) {
        while let Some((turn, key)) = self.turns.first_key_value().map(|(t, k)| (*t, Arc::clone(k))) {
            let over = self.groups.get(&key).is_none_or(|p| p.group.heard.saturating_add(self.watcher.life()) < now);
            let full = self.groups.len() > self.most || self.weight > self.values && self.groups.len() > 1;
            if !over && !full {
                return;
            }
            self.losses.evicted += u64::from(!over);
            self.turns.remove(&turn);
            if let Some(place) = self.groups.remove(&key) {
                self.weight -= place.weight;
            }
        }
    }

    fn put(&mut self, key: Key, group: Group<W::State>) {
        let weight = 1 + self.watcher.weight(&group.state);
        self.turn += 1;
        self.turns.insert(self.turn, Arc::clone(&key));
        self.weight += weight;
        self.groups.insert(key, Place { group, turn: self.turn, weight });
    }
}

impl<W: Watcher> Keeping for Groups<W> {
    fn name(&self) -> &'static str {
        W::NAME
    }

    fn take(&mut self, fact: &Fact) {
        let (key, mut group) = match self.groups.remove_entry(fact.key.as_slice()) {
            Some((key, place)) => {
                self.turns.remove(&place.turn);
                self.weight -= place.weight;
                (key, place.group)
            }
            None => (Arc::from(fact.key.clone()), Group::default()),
        };
        group.heard = group.heard.max(fact.now);
        group.open.retain(|e| (e.period + 2).saturating_mul(e.length) > fact.at);
        let mut findings = Vec::new();
        self.watcher.take(&mut group.state, fact, &mut findings, &mut self.losses);
        if group.recent.len() < RECENT || group.open.is_empty() {
            group.recent.push(fact.id);
            let over = group.recent.len().saturating_sub(RECENT);
            group.recent.drain(..over);
        }
        for finding in findings {
            if let Some(rule) = self.rules.get(finding.name)
                && let Some(alert) = group.note(rule, &finding, fact)
            {
                self.changed.insert((alert.raised, alert.id), alert.clone());
            }
        }
        self.put(key, group);
        self.make_room(fact.now);
    }

    fn settle(&mut self, out: &mut Vec<Signal>) {
        let changed = std::mem::take(&mut self.changed);
        out.extend(changed.into_values().map(|alert| Signal::Put(Box::new(alert))));
    }

    fn save(&self) -> serde_json::Value {
        let list: Vec<_> = self.turns.values().filter_map(|key| Some((key.to_vec(), &self.groups.get(key)?.group))).collect();
        let losses = [self.losses.evicted, self.losses.late, self.losses.cut, self.losses.ungrouped];
        serde_json::json!({"groups": list, "losses": losses})
    }

    fn load(&mut self, mut state: serde_json::Value) -> Option<()> {
        let groups: Vec<(Vec<String>, Group<W::State>)> = serde_json::from_value(state.get_mut("groups")?.take()).ok()?;
        let [evicted, late, cut, ungrouped]: [u64; 4] = serde_json::from_value(state.get_mut("losses")?.take()).ok()?;
        self.losses = Losses { evicted, late, cut, ungrouped };
        groups.into_iter().for_each(|(key, group)| self.put(Arc::from(key), group));
        Some(())
    }

    fn held(&self) -> (usize, Losses) {
        (self.groups.len(), self.losses)
    }
}

impl<S> Group<S> {
    /// Opens the alert of a finding or lets it grow; `None`: nothing about it is new.
    fn note(&mut self, rule: &RuleRef, finding: &Finding, fact: &Fact) -> Option<&Alert> {
        let length = finding.period.max(1);
        let period = fact.at.div_euclid(length);
        let same = |e: &Episode| e.name == finding.name && (period - e.period).abs() <= 1 && e.alert.group.ends_with(&finding.apart);
        // what goes on over the end of a period is the same alert; what goes on longer is told anew
        let place = match self.open.iter().position(|e| same(e) && e.period == period).or_else(|| self.open.iter().position(same)) {
            Some(place) => place,
            None => {
                let alert = open(rule, finding, fact, period.saturating_mul(length), &self.recent);
                self.open.push(Episode { name: finding.name.to_owned(), period, length, alert });
                self.open.len() - 1
            }
        };
        let alert = &mut self.open.get_mut(place)?.alert;
        alert.count = alert.count.max(finding.count);
        alert.first_seen = alert.first_seen.min(finding.since).min(fact.at);
        alert.last_seen = alert.last_seen.max(fact.at);
        alert.drill &= fact.drill;
        if alert.events.len() < Alert::SAMPLE && !alert.events.contains(&fact.id) {
            alert.events.push(fact.id);
        }
        alert.matched = finding.figures.iter().map(|(field, value)| MatchedField { field: field.clone(), value: value.clone() }).collect();
        let parts: Vec<String> = alert.matched.iter().map(|m| format!("{}={}", m.field, m.value)).collect();
        alert.summary = parts.join(" ");
        for (kind, field, value) in &finding.about {
            let entity = Entity { kind: *kind, field: (*field).to_owned(), value: value.clone() };
            if alert.entities.len() < entities::LIMIT && !value.is_empty() && !alert.entities.contains(&entity) {
                alert.entities.push(entity);
            }
        }
        alert.entities.sort();
        Some(alert)
    }
}

fn open(rule: &RuleRef, finding: &Finding, fact: &Fact, began: i64, recent: &[Uuid]) -> Alert {
    let agency = fact.key(0).to_owned();
    let group: Vec<String> = fact.key.iter().skip(1).chain(&finding.apart).cloned().collect();
    let began = began.to_string();
    let parts: Vec<&str> = group.iter().map(String::as_str).chain([began.as_str()]).collect();
    Alert {
        id: AlertId::derive(&agency, &rule.id, &rule.hash, &parts),
        agency,
        rule: rule.clone(),
        first_seen: fact.at,
        last_seen: fact.at,
        raised: fact.now,
        count: 0,
        entities: Vec::new(),
        group,
        matched: Vec::new(),
        events: recent.to_vec(),
        summary: String::new(),
        status: AlertStatus::New,
        assignee: None,
        drill: fact.drill,
        suppressed: None,
        version: 1,
    }
}

/// A figure against its threshold, as people read it.
pub(super) fn against(value: impl std::fmt::Display, threshold: impl std::fmt::Display) -> String {
    format!("{value} (≥ {threshold})")
}

/// State that is kept between events.
pub(super) trait State: Default + Clone + Serialize + DeserializeOwned + Send {}

impl<T: Default + Clone + Serialize + DeserializeOwned + Send> State for T {}
