//! The list of sources and the loss ledger.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test says what went wrong by ending")]

mod sources_kit;

use std::{net::SocketAddr, sync::Arc};

use fansipan_collector::{
    Transport,
    ledger::{Reason, SourceRegistry},
    pipeline::{Assignments, Lane, Origin, Pipeline, now},
    sources::{SourcesConfig, config::LimitsConfig},
};
use fansipan_model::{SourceCounters, codec, fields};
use sources_kit::{balanced, normalizer, open_bus};

struct Rig {
    registry: Arc<SourceRegistry>,
    pipeline: Pipeline,
    bus: fansipan_bus::EmbeddedBus,
    _dir: tempfile::TempDir,
}

fn rig(limits: LimitsConfig) -> Rig {
    let dir = tempfile::tempdir().unwrap();
    let config = SourcesConfig { limits, ..SourcesConfig::default() };
    let registry = Arc::new(SourceRegistry::new(&config.limits));
    let bus = open_bus(dir.path());
    let pipeline =
        Pipeline::start(normalizer(), Assignments::new(&config), registry.clone(), Arc::new(bus.clone()), (&config.limits).into()).unwrap();
    Rig { registry, pipeline, bus, _dir: dir }
}

fn peer(n: u32) -> Option<SocketAddr> {
    let [_, a, b, c] = n.to_be_bytes();
    Some(SocketAddr::from(([10, a, b, c], 514)))
}

async fn say(lane: &mut Lane, n: u32, times: usize) {
    for _ in 0..times {
        lane.push(peer(n), b"<38>Nov 23 10:00:00 h sshd[1]: Failed password for root from 10.0.0.9 port 22 ssh2", false, now());
    }
    lane.flush().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_bounded_and_established_sources_stay() {
    let rig = rig(LimitsConfig { sources: 64, ..LimitsConfig::default() });
    let mut lane = rig.pipeline.lane(Origin::new(Transport::Udp));
    for n in 0..10 {
        say(&mut lane, n, 100).await;
    }
    say(&mut lane, 10, 1).await;
    while rig.registry.totals().counters.kept < 1001 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert!(rig.registry.pin_format("udp:10.0.0.10", Some("sshd")));
    // somebody sends under ten thousand forged addresses
    for n in 1000..11_000 {
        lane.push(peer(n), b"<13>x", false, now());
        if lane.is_full() {
            lane.flush().await.unwrap();
        }
    }
    // those that were known go on sending
    for n in 0..10 {
        say(&mut lane, n, 1).await;
    }
    drop(lane);
    rig.pipeline.close().await;
    let list = rig.registry.snapshot();
    assert!(list.len() <= 64, "{}", list.len());
    for n in 0..11 {
        assert!(list.iter().any(|s| s.id == format!("udp:10.0.0.{n}")), "{n} was pushed out by forged senders");
    }
    let totals = rig.registry.totals();
    assert_eq!((totals.counters.kept, totals.sources), (11_011, list.len()));
    assert!(totals.evicted as usize >= 10_011 - list.len());
    balanced(&rig.registry);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_left_the_list_comes_back_with_its_next_record() {
    let rig = rig(LimitsConfig { sources: 16, ..LimitsConfig::default() });
    let mut quiet = rig.pipeline.lane(Origin::new(Transport::Tcp));
    say(&mut quiet, 1, 1).await;
    let mut flood = rig.pipeline.lane(Origin::new(Transport::Udp));
    for n in 0..100 {
        say(&mut flood, n, 1).await;
    }
    assert!(rig.registry.get("tcp:10.0.0.1").is_none());
    say(&mut quiet, 1, 1).await;
    drop((quiet, flood));
    rig.pipeline.close().await;
    assert_eq!(rig.registry.get("tcp:10.0.0.1").unwrap().counters.kept, 1);
    assert_eq!(rig.registry.totals().counters.kept, 102);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_known_is_known_after_a_restart() {
    let first = rig(LimitsConfig::default());
    let mut changes = first.registry.changes();
    let mut lane = first.pipeline.lane(Origin::new(Transport::Udp));
    say(&mut lane, 1, 3).await;
    assert!(changes.has_changed().unwrap());
    drop(lane);
    first.pipeline.refuse(&Origin::new(Transport::Udp), peer(1).map(|p| p.ip()), Reason::RateLimit, 2);
    first.pipeline.close().await;
    changes.mark_unchanged();
    let saved = first.registry.changed();
    assert_eq!(saved, first.registry.snapshot());
    assert!(first.registry.changed().is_empty());

    let second = rig(LimitsConfig::default());
    second.registry.restore(saved.clone());
    assert_eq!(second.registry.snapshot(), saved);
    assert!(second.registry.changed().is_empty(), "nothing to save yet");
    let mut lane = second.pipeline.lane(Origin::new(Transport::Udp));
    say(&mut lane, 1, 1).await;
    drop(lane);
    second.pipeline.close().await;
    let now = &second.registry.snapshot()[0];
    let expected = SourceCounters {
        received: 6,
        kept: 4,
        parsed: 4,
        unparsed: 0,
        bytes: saved[0].counters.bytes / 3 * 4,
        refused: [("rate_limit".to_owned(), 2)].into(),
    };
    assert_eq!((now.first_seen, &now.counters), (saved[0].first_seen, &expected));
    assert_eq!(second.registry.totals().counters, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_format_is_used_at_once_and_released() {
    let rig = rig(LimitsConfig::default());
    let id = "udp:10.0.0.1";
    assert!(!rig.registry.pin_format(id, Some("nginx_access")), "nobody of that name yet");
    let mut lane = rig.pipeline.lane(Origin::new(Transport::Udp));
    say(&mut lane, 1, 5).await;
    let guessed = rig.registry.get(id).unwrap();
    assert_eq!((guessed.format.as_deref(), guessed.pinned), (Some("sshd"), false), "{guessed:?}");
    assert!(guessed.product.is_some() && guessed.confidence.0 > 500, "{guessed:?}");
    assert!(rig.registry.pin_format(id, Some("nginx_access")));
    lane.push(peer(1), b"<38>Nov 23 10:00:00 h sshd[1]: Failed password for root from 10.0.0.9 port 22 ssh2", false, now());
    let parcel = lane.take().unwrap();
    assert_eq!(parcel.records(), 1);
    let pinned = rig.registry.get(id).unwrap();
    assert_eq!((pinned.format.as_deref(), pinned.pinned), (Some("nginx_access"), true));
    rig.pipeline.appender().send(parcel).await.unwrap();
    assert!(rig.registry.pin_format(id, None));
    say(&mut lane, 1, 1).await;
    drop(lane);
    rig.pipeline.close().await;
    let released = rig.registry.get(id).unwrap();
    assert_eq!((released.format.as_deref(), released.pinned), (Some("sshd"), false), "{released:?}");
    let mut consumer = rig.bus.consumer("test").unwrap();
    let records = consumer.poll(100, 1 << 20, std::time::Duration::from_secs(5)).unwrap();
    let parsers: Vec<_> = records.map(|(_, b)| codec::decode(b).unwrap().str(fields::FANSIPAN_PARSER).map(str::to_owned)).collect();
    let by = |name: &str| Some(name.to_owned());
    assert_eq!(parsers[..5], vec![by("sshd"); 5]);
    assert_ne!(parsers[5], by("sshd"));
    assert_eq!(parsers[6], by("sshd"));
}

#[tokio::test(flavor = "multi_thread")]
async fn formats_may_change_while_records_come() {
    let rig = rig(LimitsConfig::default());
    let mut lane = rig.pipeline.lane(Origin::new(Transport::Udp));
    say(&mut lane, 1, 2).await;
    rig.pipeline.swap_normalizer(normalizer());
    say(&mut lane, 1, 2).await;
    say(&mut lane, 1, 2).await;
    drop(lane);
    rig.pipeline.close().await;
    let source = rig.registry.get("udp:10.0.0.1").unwrap();
    assert_eq!((source.counters.parsed, source.format.as_deref()), (6, Some("sshd")));
}

#[tokio::test(flavor = "multi_thread")]
async fn history_has_a_row_per_minute_for_an_hour() {
    let rig = rig(LimitsConfig::default());
    let mut lane = rig.pipeline.lane(Origin::new(Transport::Udp));
    let minute = 60_000_000_000i64;
    let start = 1_795_000_000_000_000_000 / minute * minute;
    for m in 0..100i64 {
        for _ in 0..=(m % 3) {
            lane.push(peer(1), b"<13>x", false, start + m * minute + 7);
        }
        lane.flush().await.unwrap();
    }
    drop(lane);
    rig.pipeline.close().await;
    let rows = rig.registry.history("udp:10.0.0.1");
    assert_eq!((rows.len(), rows[0].start, rows[59].start), (60, start + 40 * minute, start + 99 * minute));
    assert!(rows.iter().zip(40..).all(|(row, m)| row.kept == (m % 3 + 1) as u64 && row.received == row.kept), "{rows:?}");
    assert!(rig.registry.history("udp:10.0.0.2").is_empty());
}
