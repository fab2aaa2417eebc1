//! What was observed of a target, read from the event store.

use std::sync::Arc;

use fansipan_model::{Event, FieldId, Op, Part, Pattern, Predicate, Scope, predicate::Target as Where, predicate::Test};
use fansipan_storage::{EventStore, Facet, SearchRequest, StoreError, TimeRange, Total};

use sha2::{Digest as _, Sha256};

use crate::{
    ports::{Counted, Impact, Seen, Telemetry},
    target::{Target, bare_account},
};

/// Names listed of each kind.
const TOP: usize = 10;
/// Events kept with an action of those that got through, and of those that were stopped.
const KEPT: usize = 10;
/// Bytes kept of a record.
const RECORD: usize = 1024;

/// Reads from the event store.
pub struct Observed {
    events: Arc<dyn EventStore>,
}

impl Observed {
    /// Over a store.
    pub fn new(events: Arc<dyn EventStore>) -> Self {
        Self { events }
    }
}

fn field(name: &str) -> Option<FieldId> {
    FieldId::lookup(name)
}

fn test(name: &str, op: Op) -> Predicate {
    match field(name) {
        Some(field) => Predicate::Test(Test { target: Where::Field([field].into_iter().collect()), op }),
        None => Predicate::False,
    }
}

fn equals(name: &str, text: &str) -> Predicate {
    test(name, Op::Like(Pattern::exact(text)))
}

/// Events that concern a target.
fn about(target: &Target) -> Predicate {
    match target {
        Target::Networks { networks, .. } => {
            Predicate::Or(networks.iter().flat_map(|n| ["source.ip", "destination.ip"].map(|name| test(name, Op::Cidr(*n)))).collect())
        }
        Target::Account { name } => {
            let bare = bare_account(name);
            let mut any = vec![equals("user.name", name), equals("user.name", &bare)];
            any.push(test("user.name", Op::Like(Pattern::new(vec![Part::Literal(format!("{bare}@").into()), Part::Many], false))));
            Predicate::Or(any)
        }
        Target::People => Predicate::False,
    }
}

/// Events that show something being stopped.
fn stopped(target: &Target) -> Predicate {
    match target {
        Target::Account { .. } => Predicate::Or(vec![equals("event.outcome", "failure"), equals("event.type", "denied")]),
        _ => Predicate::Or(vec![
            equals("event.type", "denied"),
            Predicate::And(vec![equals("event.category", "network"), equals("event.outcome", "failure")]),
        ]),
    }
}

/// For accounts only logons count as getting through: a mail to somebody is no use of the account.
fn through(target: &Target) -> Predicate {
    let mut all = vec![about(target), Predicate::Not(Box::new(stopped(target)))];
    if matches!(target, Target::Account { .. }) {
        all.push(equals("event.category", "authentication"));
    }
    Predicate::And(all)
}

fn pairs(facet: Option<&Facet>) -> Vec<(String, u64)> {
    facet.map(|f| f.values.iter().map(|v| (v.value.text(), v.count)).collect()).unwrap_or_default()
}

/// What stays of an event with the action that it speaks for or against.
fn counted(event: &Event, passed: bool) -> Counted {
    // what a sensor saw has no record but the event itself
    let record = event.raw().unwrap_or_else(|| fansipan_model::json::to_string(event).into_bytes().into());
    let via =
        ["observer.name", "host.name", "fansipan.source"].iter().find_map(|name| event.get_by_name(name)?.text().map(|t| t.into_owned()));
    let text = String::from_utf8_lossy(record.get(..RECORD).unwrap_or(&record)).into_owned();
    Counted {
        id: event.id().to_string(),
        at: event.timestamp(),
        passed,
        via: via.unwrap_or_default(),
        record: text,
        sha256: hex::encode(Sha256::digest(&record)),
    }
}

impl Telemetry for Observed {
    fn seen(&self, scope: &Scope, target: &Target, range: TimeRange) -> Result<Seen, StoreError> {
        let filter = through(target);
        // the newest ones and how many there are
        let request = SearchRequest { filter: filter.clone(), range, limit: KEPT, after: None, total: Total::Exact };
        let page = self.events.search(scope, &request)?;
        let mut out = Seen { passed: page.total, last: page.events.first().map(|e| e.timestamp()), ..Seen::default() };
        if out.passed > 0 {
            let names = [field("observer.name"), field("host.name"), field("fansipan.source")];
            let fields: Vec<FieldId> = names.into_iter().flatten().collect();
            let facets = self.events.facets(scope, &filter, range, &fields, 3)?;
            out.via = facets
                .iter()
                .find(|f| !f.values.is_empty())
                .map(|f| pairs(Some(f)).into_iter().map(|(v, _)| v).collect())
                .unwrap_or_default();
        }
        let filter = Predicate::And(vec![about(target), stopped(target)]);
        let halted = self.events.search(scope, &SearchRequest { filter, range, limit: KEPT, after: None, total: Total::Exact })?;
        out.stopped = halted.total;
        out.events = page.events.iter().map(|e| counted(e, true)).chain(halted.events.iter().map(|e| counted(e, false))).collect();
        Ok(out)
    }

    fn impact(&self, scope: &Scope, target: &Target, range: TimeRange) -> Result<Impact, StoreError> {
        let filter = about(target);
        let names = ["source.ip", "destination.ip", "host.name", "user.name", "destination.port"];
        let fields: Vec<FieldId> = names.iter().filter_map(|n| field(n)).collect();
        let facets = self.events.facets(scope, &filter, range, &fields, TOP * 2)?;
        let of = |name: &str| pairs(facets.iter().find(|f| f.field == name));
        let inside = |text: &str| text.parse().is_ok_and(|a: std::net::IpAddr| target.networks().iter().any(|n| n.contains(&a)));
        let mut peers: Vec<(String, u64)> = of("source.ip").into_iter().chain(of("destination.ip")).filter(|(a, _)| !inside(a)).collect();
        peers.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let mut seen = std::collections::BTreeSet::new();
        peers.retain(|(a, _)| seen.insert(a.clone()));
        let first = |mut list: Vec<(String, u64)>| {
            list.truncate(TOP);
            list
        };
        Ok(Impact {
            days: 0,
            events: self.events.count(scope, &filter, range)?,
            peers: first(peers),
            hosts: first(of("host.name")),
            users: first(of("user.name")),
            services: first(of("destination.port")),
            known: true,
        })
    }
}
