//! Who sends how much a second to whom, of the flows of the last minutes: a flood is seen as it is, before anybody judges it.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::IpAddr,
    ops::ControlFlow,
    time::Duration,
};

use axum::extract::State;
use fansipan_model::{Event, FieldId, Op, Pattern, Predicate, Scope, Value, fields, time};
use fansipan_storage::{EventStore, StoreError, TimeRange};

use crate::{
    dto::{Bucket, Talker, Talkers, Target},
    identity::Caller,
    problem::Problem,
    shared::{Same, Shared, scope_key},
    state::{Api, now},
};

/// How far back flows are looked at, seconds; one without an end is reported when it has been silent for so long.
const SPAN: i64 = 300;
/// Flows looked at: what comes beyond is said to be missing.
const FLOWS: usize = 200_000;
/// Addresses that receive, and those that send to the first of them.
const TOP: usize = 7;

/// Answers by scope.
pub(crate) struct TalkersCache(Shared<Option<Vec<String>>, Talkers>);

impl Default for TalkersCache {
    fn default() -> Self {
        Self(Shared::new(Duration::from_secs(2), 4, Duration::from_secs(30)))
    }
}

/// `GET /network/talkers`
pub(crate) async fn show(State(api): State<Api>, caller: Caller) -> Result<Same<Talkers>, Problem> {
    let (key, deps) = (scope_key(&caller.scope), api.deps.clone());
    let compute = async { api.searches.store(move || compute(&*deps.events, &caller.scope, now())).await };
    api.talkers.0.get(key, compute).await.map(Same)
}

/// What one side of a flow sent.
#[derive(Clone, Copy)]
struct Sent {
    from: IpAddr,
    to: IpAddr,
    /// First and last second.
    seconds: (i64, i64),
    packets: u64,
    bytes: u64,
}

/// Packets by second.
#[derive(Default)]
struct Rate {
    seconds: BTreeMap<i64, u64>,
    packets: u64,
    bytes: u64,
}

impl Rate {
    /// Spreads what was sent over the seconds it took, and leaves out those before `first`.
    fn add(&mut self, sent: &Sent, first: i64) {
        let (begin, end) = sent.seconds;
        let many = (end - begin + 1).unsigned_abs();
        let mut inside = 0;
        for (i, second) in (0..many).zip(begin..=end).filter(|(_, second)| *second >= first) {
            let part = sent.packets / many + u64::from(i < sent.packets % many);
            *self.seconds.entry(second).or_default() += part;
            inside += part;
        }
        self.packets += inside;
        self.bytes += (u128::from(sent.bytes) * u128::from(inside) / u128::from(sent.packets.max(1))) as u64;
    }

    fn highest(&self) -> u64 {
        self.seconds.values().copied().max().unwrap_or(0)
    }
}

/// Which flow an event is about: its ends and when it began.
fn name(event: &Event) -> u64 {
    let mut hasher = DefaultHasher::new();
    event.str(fields::NETWORK_COMMUNITY_ID).hash(&mut hasher);
    match event.get(fields::EVENT_START) {
        Some(Value::Time(t)) => t.hash(&mut hasher),
        _ => event.id().hash(&mut hasher),
    }
    hasher.finish()
}

/// Both sides of a flow.
fn sides(event: &Event) -> Option<[Sent; 2]> {
    let address = |field: FieldId| match event.get(field) {
        Some(Value::Ip(ip)) => Some(ip),
        _ => None,
    };
    let count = |field: FieldId| match event.get(field) {
        Some(Value::Int(n)) => u64::try_from(n).unwrap_or(0),
        _ => 0,
    };
    let (source, destination) = (address(fields::SOURCE_IP)?, address(fields::DESTINATION_IP)?);
    let end = event.timestamp().div_euclid(time::SECOND);
    let start = match event.get(fields::EVENT_START) {
        Some(Value::Time(t)) => t.div_euclid(time::SECOND).clamp(end - SPAN, end),
        _ => end,
    };
    let sent = |from, to, packets, bytes| Sent { from, to, seconds: (start, end), packets: count(packets), bytes: count(bytes) };
    Some([
        sent(source, destination, fields::SOURCE_PACKETS, fields::SOURCE_BYTES),
        sent(destination, source, fields::DESTINATION_PACKETS, fields::DESTINATION_BYTES),
    ])
}

fn compute(events: &dyn EventStore, scope: &Scope, now: i64) -> Result<Talkers, StoreError> {
    let range = TimeRange { from: now.saturating_sub(SPAN * time::SECOND), to: i64::MAX };
    let filter = Predicate::test(fields::EVENT_DATASET, Op::Like(Pattern::exact("network.flow")));
    let mut found: HashMap<u64, [Sent; 2]> = HashMap::new();
    let mut complete = true;
    events.scan(scope, &filter, range, &mut |event| {
        if found.len() >= FLOWS {
            complete = false;
            return ControlFlow::Break(());
        }
        let Some(sides) = sides(event) else { return ControlFlow::Continue(()) };
        // a flow that goes on is reported again and again with all it sent so far: the latest counts
        let packets = |s: &[Sent; 2]| s.iter().map(|s| s.packets).sum::<u64>();
        let known = found.entry(name(event));
        known
            .and_modify(|k| {
                if packets(k) < packets(&sides) {
                    *k = sides
                }
            })
            .or_insert(sides);
        ControlFlow::Continue(())
    })?;
    let flows = found.len() as u64;
    let all: Vec<Sent> = found.into_values().flatten().filter(|s| s.packets > 0).collect();
    let first = range.from.div_euclid(time::SECOND);
    let mut targets: HashMap<IpAddr, Rate> = HashMap::new();
    for sent in &all {
        targets.entry(sent.to).or_default().add(sent, first);
    }
    let targets = sorted(targets);
    let mut answer = Talkers {
        generated_at: time::to_rfc3339(now),
        from: time::to_rfc3339(range.from),
        to: time::to_rfc3339(now),
        flows,
        complete,
        targets: Vec::new(),
        series: Vec::new(),
        senders: 0,
        talkers: Vec::new(),
    };
    if let Some((target, rate)) = targets.first() {
        answer.series = (first..=now.div_euclid(time::SECOND))
            .map(|second| Bucket { t: second * 1000, count: rate.seconds.get(&second).copied().unwrap_or(0) })
            .collect();
        let mut senders: HashMap<IpAddr, Rate> = HashMap::new();
        for sent in all.iter().filter(|s| s.to == *target) {
            senders.entry(sent.from).or_default().add(sent, first);
        }
        answer.senders = senders.len() as u64;
        let whole = rate.packets.max(1) as f64;
        let talker = |(address, r): &(IpAddr, Rate)| Talker {
            address: address.to_string(),
            packets: r.packets,
            bytes: r.bytes,
            highest_second: r.highest(),
            share: r.packets as f64 / whole,
        };
        answer.talkers = sorted(senders).iter().take(TOP).map(talker).collect();
    }
    let target = |(address, r): &(IpAddr, Rate)| Target {
        address: address.to_string(),
        packets: r.packets,
        bytes: r.bytes,
        highest_second: r.highest(),
    };
    answer.targets = targets.iter().take(TOP).map(target).collect();
    Ok(answer)
}

/// Those of the highest second first; equal ones by address.
fn sorted(rates: HashMap<IpAddr, Rate>) -> Vec<(IpAddr, Rate)> {
    let mut list: Vec<(IpAddr, Rate)> = rates.into_iter().filter(|(_, r)| r.packets > 0).collect();
    list.sort_by(|a, b| b.1.highest().cmp(&a.1.highest()).then_with(|| b.1.packets.cmp(&a.1.packets)).then_with(|| a.0.cmp(&b.0)));
    list
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use fansipan_model::{Agency, Scope, json};
    use fansipan_storage::{
        EventWriter as _,
        engine::{EngineConfig, TantivyStore},
    };

    use super::compute;

    const NOW: i64 = 1_764_300_000_000_000_000;

    /// A flow of so many packets from `from` to `to` that began and ended so many seconds ago.
    fn flow(n: u128, agency: &str, (from, to): (IpAddr, IpAddr), (began, ended): (i64, i64), packets: (u64, u64)) -> fansipan_model::Event {
        let time = |ago: i64| fansipan_model::time::to_rfc3339(NOW - ago * 1_000_000_000);
        let text = serde_json::json!({
            "@timestamp": time(ended), "event.start": time(began), "event.dataset": "network.flow", "event.type": ["connection", "end"],
            "source.ip": from.to_string(), "destination.ip": to.to_string(), "source.packets": packets.0, "destination.packets": packets.1,
            "source.bytes": packets.0 * 60, "destination.bytes": packets.1 * 60, "network.community_id": format!("1:{n}"), "fansipan.agency": agency, "fansipan.class": "default",
        });
        let mut event = json::read(&text.to_string()).unwrap();
        event.set_id(uuid::Uuid::from_u128(n << 64 | u128::from(packets.0)));
        event.set_ingested(NOW);
        event
    }

    #[test]
    fn a_flood_shows_its_target_its_seconds_and_who_sends() {
        let dir = tempfile::tempdir().unwrap();
        let store = TantivyStore::open(EngineConfig { heap_bytes: 16 << 20, ..EngineConfig::new(dir.path().join("events")) }).unwrap();
        let ip = |n: u32| IpAddr::from(Ipv4Addr::from(n));
        let (web, loud) = (ip(0x0a02_0001), ip(0xc633_6407));
        let mut events = vec![
            // one that sends 1000 packets in each of ten seconds, and what answers it
            flow(1, "tax", (loud, web), (29, 20), (10_000, 500)),
            // the same flow as it was told while it went on
            flow(1, "tax", (loud, web), (29, 25), (5_000, 200)),
            // before the window: of its 400 seconds the last 300 count at most
            flow(2, "tax", (ip(7), ip(8)), (900, 299), (600, 0)),
        ];
        // and many that send little each
        events.extend((0..200).map(|n| flow(10 + u128::from(n), "tax", (ip(0xcb00_7100 + n), web), (25, 25), (1, 0))));
        events.push(flow(9, "health", (ip(1), ip(2)), (5, 5), (50, 0)));
        let mut writer = store.writer().unwrap();
        for (offset, event) in events.iter().enumerate() {
            writer.add(offset as u64, event).unwrap();
        }
        writer.commit().unwrap();
        let told = compute(&store, &Scope::All, NOW).unwrap();
        assert_eq!((told.flows, told.complete, told.senders), (203, true, 201));
        assert_eq!((told.targets[0].address.as_str(), told.targets[0].packets, told.targets[0].highest_second), ("10.2.0.1", 10_200, 1200));
        let top = &told.talkers[0];
        assert_eq!((top.address.as_str(), top.packets, top.highest_second, top.bytes), ("198.51.100.7", 10_000, 1000, 600_000));
        assert!((top.share - 10_000.0 / 10_200.0).abs() < 1e-9);
        assert_eq!(told.series.iter().filter(|b| b.count > 0).count(), 10);
        assert_eq!((told.series.len(), told.series.iter().map(|b| b.count).sum::<u64>()), (301, 10_200));
        // another agency sees its own
        let health = Scope::Agencies(vec![Agency::new("health")]);
        let told = compute(&store, &health, NOW).unwrap();
        assert_eq!((told.flows, told.targets[0].address.as_str(), told.talkers[0].highest_second), (1, "0.0.0.2", 50));
        let nobody = compute(&store, &Scope::Agencies(vec![Agency::new("roads")]), NOW).unwrap();
        assert!(nobody.targets.is_empty() && nobody.series.is_empty() && nobody.complete);
    }
}
