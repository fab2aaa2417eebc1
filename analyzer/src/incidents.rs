//! Which alerts belong together: those that share who acted or what was acted on, within a time.
//!
//! An alert of level high or above opens an incident; lesser ones join one, also those that came shortly before it. An alert
//! that links two incidents merges the younger into the older. Accounts, source addresses and hashes link; hosts and destination
//! addresses link until so many different parties touched them that they say nothing (a firewall, a domain controller).
//! Pure: the same alerts in the same order give the same links. Memory is bounded by time and number.

use std::collections::{BTreeMap, BTreeSet};

use fansipan_model::{Alert, AlertId, Entity, EntityKind, IncidentId, IncidentLink, Level, time::SECOND};
use hashbrown::HashMap;

/// How alerts are linked.
#[derive(Clone, Debug)]
pub struct LinkSettings {
    /// What somebody did is linked with what they did within this time, nanoseconds.
    pub actor: i64,
    /// What happened to something is linked with what happened to it within this time, nanoseconds.
    pub target: i64,
    /// A host or destination that more parties touched links nothing.
    pub parties: usize,
    /// Alerts of this level and above open incidents.
    pub opens: Level,
    /// Keys remembered at once.
    pub keys: usize,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self { actor: 12 * 3600 * SECOND, target: 2 * 3600 * SECOND, parties: 8, opens: Level::High, keys: 200_000 }
    }
}

/// Kind of a key: who acted, or what was acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Actor,
    Target,
}

type Hasher = foldhash::fast::RandomState;

/// What alerts are linked by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    agency: String,
    kind: EntityKind,
    value: String,
}

impl From<&Key> for Key {
    fn from(key: &Key) -> Key {
        key.clone()
    }
}

#[derive(Debug, Default)]
struct Place {
    /// The incident that this key led to last, and when.
    incident: Option<(IncidentId, i64)>,
    /// Alerts of no incident so far.
    loose: Vec<(AlertId, i64)>,
    /// Who touched it; no more are remembered than matter.
    parties: BTreeSet<String>,
    seen: i64,
}

/// Loose alerts a key remembers.
const LOOSE: usize = 16;

/// Links alerts to incidents.
#[derive(Debug, Default)]
pub struct Incidents {
    settings: LinkSettings,
    places: HashMap<Key, Place, Hasher>,
    joined: HashMap<AlertId, IncidentId, Hasher>,
    merged: BTreeMap<IncidentId, IncidentId>,
    opened: BTreeMap<IncidentId, i64>,
}

impl Incidents {
    /// With no alerts yet.
    pub fn new(settings: LinkSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Continues: an alert of an earlier run and the incident it is in, oldest first.
    pub fn restore(&mut self, alert: &Alert, incident: Option<IncidentId>) {
        if let Some(incident) = incident {
            self.opened.entry(incident).or_insert(alert.raised);
        }
        let keys = keys(alert);
        self.touch(alert, &keys);
        self.note(alert, keys, incident);
    }

    /// Takes a new or grown alert in; appends what changed.
    pub fn take(&mut self, alert: &Alert, out: &mut Vec<IncidentLink>) {
        let keys = keys(alert);
        self.touch(alert, &keys);
        let mut found: Vec<IncidentId> = self.joined.get(&alert.id).map(|i| self.whole(*i)).into_iter().collect();
        for (role, key) in &keys {
            if let Some(incident) = self.linked(*role, key, alert.last_seen) {
                found.push(incident);
            }
        }
        found.sort_by_key(|i| (self.opened.get(i).copied().unwrap_or(i64::MAX), *i));
        found.dedup();
        let incident = match found.first() {
            Some(oldest) => *oldest,
            None if alert.rule.level >= self.settings.opens => {
                let id = AlertId::derive(&alert.agency, "incident", "", &[&alert.id.to_string()]);
                self.opened.insert(id, alert.raised);
                id
            }
            None => return self.note(alert, keys, None),
        };
        for younger in found.into_iter().skip(1) {
            self.merged.insert(younger, incident);
            out.push(IncidentLink::Merge { from: younger, into: incident });
        }
        let before: BTreeSet<AlertId> = keys.iter().flat_map(|(role, key)| self.loose(*role, key, alert.first_seen)).collect();
        for id in before.into_iter().chain([alert.id]) {
            if self.joined.insert(id, incident) != Some(incident) {
                out.push(IncidentLink::Join { alert: id, incident });
            }
        }
        self.note(alert, keys, Some(incident));
    }

    /// The incident that an incident is part of now.
    fn whole(&self, mut incident: IncidentId) -> IncidentId {
        while let Some(next) = self.merged.get(&incident) {
            incident = *next;
        }
        incident
    }

    fn reach(&self, role: Role) -> i64 {
        if role == Role::Actor { self.settings.actor } else { self.settings.target }
    }

    /// Whether a key says something: not what everybody touches.
    fn tells(&self, role: Role, place: &Place) -> bool {
        role == Role::Actor || place.parties.len() <= self.settings.parties
    }

    fn linked(&self, role: Role, key: &Key, at: i64) -> Option<IncidentId> {
        let place = self.places.get(key).filter(|p| self.tells(role, p))?;
        let (incident, seen) = place.incident?;
        (at.abs_diff(seen) <= self.reach(role) as u64).then(|| self.whole(incident))
    }

    fn loose(&self, role: Role, key: &Key, at: i64) -> Vec<AlertId> {
        let Some(place) = self.places.get(key).filter(|p| self.tells(role, p)) else { return Vec::new() };
        let reach = self.settings.target as u64;
        place.loose.iter().filter(|(_, seen)| at.abs_diff(*seen) <= reach).map(|(id, _)| *id).collect()
    }

    /// Remembers who touched what.
    fn touch(&mut self, alert: &Alert, keys: &[(Role, Key)]) {
        for (role, key) in keys {
            let most = self.settings.parties + 1;
            let place = self.places.entry_ref(key).or_default();
            place.seen = place.seen.max(alert.last_seen);
            if *role == Role::Target {
                let parties = keys.iter().filter(|(r, _)| *r == Role::Actor).map(|(_, k)| k.value.clone());
                place.parties.extend(parties.take(most.saturating_sub(place.parties.len())));
            }
        }
    }

    /// Remembers for the keys of an alert where it led.
    fn note(&mut self, alert: &Alert, keys: Vec<(Role, Key)>, incident: Option<IncidentId>) {
        if let Some(incident) = incident {
            self.joined.insert(alert.id, incident);
        }
        for (_, key) in keys {
            let place = self.places.entry(key).or_default();
            match incident {
                Some(incident) => {
                    place.incident = Some((incident, alert.last_seen));
                    place.loose.clear();
                }
                None if place.loose.iter().any(|(id, _)| *id == alert.id) => {}
                None => {
                    place.loose.push((alert.id, alert.last_seen));
                    if place.loose.len() > LOOSE {
                        place.loose.remove(0);
                    }
                }
            }
        }
        self.forget(alert.last_seen);
    }

    /// Keeps memory bounded: what nothing can be linked with goes, and the oldest where there is still too much.
    fn forget(&mut self, now: i64) {
        if self.places.len() <= self.settings.keys {
            return;
        }
        let until = now.saturating_sub(self.settings.actor);
        self.places.retain(|_, p| p.seen >= until);
        if self.places.len() > self.settings.keys {
            let mut ages: Vec<i64> = self.places.values().map(|p| p.seen).collect();
            ages.sort_unstable();
            let middle = ages.get(ages.len() / 2).copied().unwrap_or(until);
            self.places.retain(|_, p| p.seen > middle);
        }
        let live: BTreeSet<AlertId> = self.places.values().flat_map(|p| p.incident.map(|i| i.0)).map(|i| self.whole(i)).collect();
        let merged = std::mem::take(&mut self.merged);
        self.opened.retain(|i, _| live.contains(i));
        self.merged = merged;
        let opened = &self.opened;
        self.joined.retain(|_, i| opened.contains_key(i));
    }
}

/// Accounts that are everywhere and nobody in particular.
const NOBODY: [&str; 12] = [
    "root",
    "system",
    "administrator",
    "admin",
    "local service",
    "network service",
    "anonymous logon",
    "guest",
    "nobody",
    "www-data",
    "-",
    "unknown",
];

fn keys(alert: &Alert) -> Vec<(Role, Key)> {
    let one = |e: &Entity| {
        let value = e.value.to_lowercase();
        let role = match (e.kind, e.field.as_str()) {
            (EntityKind::User, _) if NOBODY.contains(&value.as_str()) || value.ends_with('$') => return None,
            (EntityKind::User | EntityKind::Hash, _) | (EntityKind::Address, "source.ip") => Role::Actor,
            (EntityKind::Address, _) if value.starts_with("127.") || value == "::1" || value == "0.0.0.0" => return None,
            (EntityKind::Address | EntityKind::Host, _) => Role::Target,
            (EntityKind::File | EntityKind::Process | EntityKind::Domain, _) => return None,
        };
        Some((role, Key { agency: alert.agency.clone(), kind: e.kind, value }))
    };
    let mut list: Vec<(Role, Key)> = alert.entities.iter().filter_map(one).collect();
    list.sort();
    list.dedup();
    list
}
