//! HTTP ingest: 200 means durable, the same request twice stores once, bad requests are told why.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test says what went wrong by ending")]

mod sources_kit;

use std::{
    io::{Read as _, Write as _},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fansipan_bus::{Batch, BusError, EmbeddedBus, Receipt};
use fansipan_collector::{
    Transport,
    pipeline::{Pending, Sink},
    sources::config::LimitsConfig,
};
use fansipan_model::fields;
use sources_kit::{Rig, TOKEN, balanced, config};

/// Status, head and body of an answer.
struct Answer {
    status: u16,
    head: String,
    body: serde_json::Value,
}

fn post(to: SocketAddr, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = std::net::TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(sources_kit::PATIENCE)).unwrap();
    let mut head = format!("POST /ingest/v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    // a server that refuses early may close before the body is sent
    drop(stream.write_all(body));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_ascii_lowercase(), body: serde_json::from_str(body).unwrap_or_default() }
}

fn send(to: SocketAddr, body: &[u8]) -> Answer {
    post(to, &[("Authorization", &format!("Bearer {TOKEN}"))], body)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_of_body_becomes_records() {
    let mut rig = Rig::new(config()).await;
    let to = rig.address(Transport::Http);
    let lines = b"{\"message\":\"one\"}\n\nthis is not JSON\n{\"message\":\"two\"}\r\n";
    let cases: &[(&[u8], &[&str])] = &[
        (lines, &["{\"message\":\"one\"}", "this is not JSON", "{\"message\":\"two\"}"]),
        (b"[{\"message\":\"a\"}, {\"message\":\"b\"}]", &["{\"message\":\"a\"}", "{\"message\":\"b\"}"]),
        (b"{\n  \"message\": \"pretty\"\n}\n", &["{\n  \"message\": \"pretty\"\n}"]),
        (b"<38>Nov 23 10:00:00 web-01 sshd[1]: x", &["<38>Nov 23 10:00:00 web-01 sshd[1]: x"]),
        (b"", &[]),
    ];
    let mut offset = 0;
    for (body, records) in cases {
        let answer = send(to, body);
        assert_eq!((answer.status, answer.body["accepted"].as_u64()), (200, Some(records.len() as u64)), "{}", answer.body);
        if !records.is_empty() {
            assert_eq!(answer.body["first_offset"].as_u64(), Some(offset));
        }
        offset += records.len() as u64;
        assert_eq!(&rig.originals(records.len()), records);
    }
    let answer = post(to, &[("Authorization", &format!("Bearer {TOKEN}")), ("Content-Encoding", "gzip")], &gzip(lines));
    assert_eq!((answer.status, answer.body["accepted"].as_u64()), (200, Some(3)));
    let events = rig.events(3);
    assert_eq!(events[1].original(), Some("this is not JSON"));
    assert_eq!(events[1].str(fields::EVENT_KIND), Some("pipeline_error"));
    for event in &events {
        assert_eq!((event.str(fields::FANSIPAN_TRANSPORT), event.agency()), (Some("http"), "so-y-te"));
    }
    let source = rig.source("http:agent", |s| s.counters.kept == 10).await;
    assert_eq!(source.agency, "so-y-te");
    assert!(source.counters.unparsed >= 2, "{source:?}");
    balanced(&rig.registry);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_stores_once_also_after_a_restart() {
    let mut rig = Rig::new(config()).await;
    let token = format!("Bearer {TOKEN}");
    // more records than are stored together, so that the request has several batches
    let body: String = (0..20_000).map(|i| format!("{{\"message\":\"line {i}\"}}\n")).collect();
    let headers = [("Authorization", token.as_str()), ("Idempotency-Key", "upload-1")];
    let first = post(rig.address(Transport::Http), &headers, body.as_bytes());
    assert_eq!((first.status, first.body["accepted"].as_u64(), first.body["first_offset"].as_u64()), (200, Some(20_000), Some(0)));
    rig.events(20_000);
    let again = post(rig.address(Transport::Http), &headers, body.as_bytes());
    assert_eq!((again.status, again.body["accepted"].as_u64(), again.body["first_offset"].as_u64()), (200, Some(20_000), Some(0)));
    assert_eq!(again.body["duplicate"].as_bool(), Some(true));
    rig.silence();
    let dir = rig.stop().await;
    let mut rig = Rig::in_dir(config(), dir).await;
    let again = post(rig.address(Transport::Http), &headers, body.as_bytes());
    assert_eq!((again.status, again.body["duplicate"].as_bool()), (200, Some(true)));
    rig.silence();
    let other =
        post(rig.address(Transport::Http), &[("Authorization", &token), ("Idempotency-Key", "upload-2")], b"{\"message\":\"other\"}");
    assert_eq!(other.body["first_offset"].as_u64(), Some(20_000));
    rig.events(1);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_told_why_and_counted() {
    let limits = LimitsConfig { http_body_bytes: 1000, ..LimitsConfig::default() };
    let mut rig = Rig::new(fansipan_collector::sources::SourcesConfig { limits, ..config() }).await;
    let to = rig.address(Transport::Http);
    let token = format!("Bearer {TOKEN}");
    let auth = ("Authorization", token.as_str());
    let bomb = gzip(&[b'a'; 1 << 20]);
    let long_key = "k".repeat(300);
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(Headers<'_>, &[u8], u16, &str)] = &[
        (&[], b"{}", 401, "FSP-SRC-201"),
        (&[("Authorization", "Bearer wrong")], b"{}", 401, "FSP-SRC-201"),
        (&[("Authorization", "Basic YTpi")], b"{}", 401, "FSP-SRC-201"),
        (&[auth, ("Content-Encoding", "br")], b"{}", 415, "FSP-SRC-202"),
        (&[auth, ("Idempotency-Key", &long_key)], b"{}", 400, "FSP-SRC-203"),
        (&[auth], &[b'a'; 1001], 413, "FSP-SRC-204"),
        (&[auth, ("Content-Encoding", "gzip")], &bomb, 413, "FSP-SRC-204"),
        (&[auth], b"text then \0 nothing", 400, "FSP-SRC-205"),
        (&[auth, ("Content-Encoding", "gzip")], b"no gzip", 400, "FSP-SRC-205"),
    ];
    for (headers, body, status, code) in cases {
        let answer = post(to, headers, body);
        assert_eq!((answer.status, answer.body["code"].as_str()), (*status, Some(*code)), "{}", answer.body);
        assert!(answer.head.contains("application/problem+json"), "{}", answer.head);
    }
    let answer = post(to, &[auth], b"text then \0 nothing");
    assert_eq!(answer.body["position"].as_u64(), Some(10));
    let refused = rig.source("http:agent", |s| s.counters.received == 7).await.counters.refused;
    assert_eq!((refused.get("too_large"), refused.get("not_text")), (Some(&2), Some(&5)));
    let strangers = rig.source("http:127.0.0.1", |s| s.counters.received == 3).await.counters.refused;
    assert_eq!(strangers.get("unauthorized"), Some(&3));
    // text that is no UTF-8 is kept
    assert_eq!(send(to, b"caf\xe9 \xff\n{\"message\":\"ok\"}").status, 200);
    assert_eq!(rig.events(2)[0].raw().unwrap().as_ref(), b"caf\xe9 \xff");
    rig.silence();
    balanced(&rig.registry);
    rig.stop().await;
}

/// A log that takes nothing while it is shut.
struct Gate {
    bus: EmbeddedBus,
    shut: Arc<AtomicBool>,
}

impl Sink for Gate {
    fn append(&self, batch: Batch) -> Result<Pending, BusError> {
        while self.shut.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Sink::append(&self.bus, batch)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_log_says_come_back_and_holds_tcp_back() {
    let dir = tempfile::tempdir().unwrap();
    let bus = sources_kit::open_bus(dir.path());
    let shut = Arc::new(AtomicBool::new(true));
    let sink = Gate { bus: bus.clone(), shut: shut.clone() };
    let config = config();
    let (registry, pipeline, sources) = sources_kit::start(&config, dir.path(), Arc::new(sink)).await;
    let address = |t| sources.bound().iter().find(|b| b.transport == t).unwrap().address;
    // TCP: the sender is held back by its window, nothing is refused
    let tcp = std::net::TcpStream::connect(address(Transport::Tcp)).unwrap();
    let line = format!("<13>{}\n", "x".repeat(1000)).repeat(1000);
    tcp.set_nonblocking(true).unwrap();
    let mut sent = 0;
    let mut stuck = 0;
    while stuck < 100 && sent < (1 << 30) {
        let at = sent % line.len();
        match (&tcp).write(&line.as_bytes()[at..]) {
            Ok(n) => (sent, stuck) = (sent + n, 0),
            Err(_) => {
                stuck += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
    assert!(sent < (200 << 20), "the window never closed: {sent}");
    let answer = tokio::task::spawn_blocking({
        let to = address(Transport::Http);
        move || send(to, b"{\"message\":\"wait\"}")
    });
    let answer = answer.await.unwrap();
    assert_eq!((answer.status, answer.body["code"].as_str()), (503, Some("FSP-SRC-209")), "{}", answer.body);
    assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    shut.store(false, Ordering::Relaxed);
    tcp.set_nonblocking(false).unwrap();
    let rest = line.len() - sent % line.len();
    (&tcp).write_all(&line.as_bytes()[line.len() - rest..]).unwrap();
    let lines = ((sent + rest) / 1005) as u64;
    drop(tcp);
    assert_eq!(send(address(Transport::Http), b"{\"message\":\"now\"}").status, 200);
    sources.stop().await;
    pipeline.close().await;
    let tcp = registry.get("tcp:127.0.0.1").unwrap().counters;
    assert_eq!((tcp.kept, tcp.refused.len()), (lines, 0), "held back, nothing lost");
    assert_eq!(registry.get("http:agent").unwrap().counters.refused.get("backpressure"), Some(&1));
    balanced(&registry);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_log_costs_datagrams_which_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let shut = Arc::new(AtomicBool::new(true));
    let sink = Gate { bus: sources_kit::open_bus(dir.path()), shut: shut.clone() };
    let mut config = config();
    config.udp[0].queue_bytes = 1; // two buffers
    let (registry, pipeline, sources) = sources_kit::start(&config, dir.path(), Arc::new(sink)).await;
    let to = sources.bound().iter().find(|b| b.transport == Transport::Udp).unwrap().address;
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let total = 60_000u64;
    for i in 0..total {
        udp.send_to(format!("<13>{i} {}", "u".repeat(300)).as_bytes(), to).unwrap();
        if i % 200 == 0 {
            std::thread::sleep(Duration::from_millis(1)); // the kernel's buffer is not what is tested here
        }
    }
    std::thread::sleep(Duration::from_millis(700));
    shut.store(false, Ordering::Relaxed);
    sources.stop().await;
    pipeline.close().await;
    let all = registry.totals().counters;
    assert_eq!(all.received, total, "{all:?}");
    assert!(all.refused.get("queue_full").is_some_and(|&n| n > 1000), "{all:?}");
    balanced(&registry);
}

/// A log that fails.
struct Broken;

impl Sink for Broken {
    fn append(&self, _: Batch) -> Result<Pending, BusError> {
        Ok(Box::pin(async { Err::<Receipt, _>(BusError::Closed) }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_refuses_is_never_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let (registry, pipeline, sources) = sources_kit::start(&config(), dir.path(), Arc::new(Broken)).await;
    let to = sources.bound().iter().find(|b| b.transport == Transport::Http).unwrap().address;
    assert_eq!(send(to, b"{\"message\":\"x\"}").status, 503);
    sources.stop().await;
    pipeline.close().await;
    let counters = registry.get("http:agent").unwrap().counters;
    assert_eq!((counters.kept, counters.refused.get("not_stored")), (0, Some(&1)));
    balanced(&registry);
}
