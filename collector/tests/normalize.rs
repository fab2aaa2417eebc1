//! What becomes of a record as a whole: header, time, charset, format choice, provenance.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test whose case cannot be set up has failed")]

use std::net::SocketAddr;

use fansipan_collector::{Normalizer, Received, Settings, SourceState, Transport, clock::Zone};
use fansipan_model::{
    Event, Value, fields,
    time::{from_rfc3339, to_rfc3339},
};

const ARRIVAL: &str = "2026-11-23T10:00:00Z";

fn received(raw: &[u8]) -> Received<'_> {
    let peer: SocketAddr = "192.0.2.1:40000".parse().unwrap();
    Received { raw, peer: Some(peer), transport: Transport::Udp, tls_identity: None, at: from_rfc3339(ARRIVAL).unwrap(), path: None }
}

fn one(raw: &[u8]) -> Event {
    Normalizer::load_builtin().unwrap().normalize(&mut SourceState::default(), &received(raw))
}

fn text<'e>(event: &'e Event, name: &str) -> &'e str {
    event.get_by_name(name).and_then(Value::as_str).unwrap_or("")
}

#[test]
fn provenance_is_on_every_event() {
    let normalizer = Normalizer::load_builtin().unwrap();
    let mut state = SourceState::default();
    let mut from = received(b"<13>Nov 23 16:59:00 h app: x");
    from.transport = Transport::Tls;
    from.tls_identity = Some("CN=fw01");
    let event = normalizer.normalize(&mut state, &from);
    assert_eq!(text(&event, "fansipan.source"), "tls:192.0.2.1");
    assert_eq!(text(&event, "fansipan.transport"), "tls");
    assert_eq!(text(&event, "fansipan.peer.tls"), "CN=fw01");
    assert_eq!(text(&event, "fansipan.agency"), "default");
    assert_eq!(text(&event, "fansipan.class"), "default");
    assert_eq!(event.get(fields::FANSIPAN_PEER_IP), Some(Value::Ip("192.0.2.1".parse().unwrap())));
    assert_eq!(event.get(fields::FANSIPAN_PEER_PORT), Some(Value::Int(40000)));
    assert_eq!(to_rfc3339(event.ingested()), ARRIVAL);
    assert!(event.id().is_nil(), "the source layer gives the id");
    state.assign("tls:192.0.2.1/fw01", Some("so-y-te"), Some("long"));
    let event = normalizer.normalize(&mut state, &from);
    assert_eq!(text(&event, "fansipan.source"), "tls:192.0.2.1/fw01");
    assert_eq!((event.agency(), text(&event, "fansipan.class")), ("so-y-te", "long"));
}

#[test]
fn what_nobody_described_is_kept_and_told_apart() {
    let cases = [
        ("<13>Nov 23 16:59:00 h someapp[7]: hello", "event", "syslog.generic", "hello"),
        ("<13>1 2026-11-23T09:59:00Z h someapp 7 - - hello", "event", "syslog.generic", "hello"),
        ("<13>", "event", "syslog.generic", ""),
        ("a line of nothing known", "pipeline_error", "", "a line of nothing known"),
        ("{\"broken\": ", "pipeline_error", "", "{\"broken\":"),
        ("{\"nobody\": \"described this\"}", "event", "json.generic", ""),
        ("", "pipeline_error", "", ""),
    ];
    for (raw, kind, dataset, message) in cases {
        let event = one(raw.as_bytes());
        assert_eq!(
            (text(&event, "event.kind"), text(&event, "event.dataset"), text(&event, "message")),
            (kind, dataset, message),
            "{raw:?}"
        );
        assert_eq!(text(&event, "fansipan.error").is_empty(), kind == "event", "{raw:?}");
        assert_eq!(event.original().unwrap_or(""), raw);
    }
}

#[test]
fn clocks_that_are_wrong() {
    let cases = [
        // (time in the header, transport, @timestamp, flagged)
        ("2026-11-23T09:59:30Z", Transport::Udp, "2026-11-23T09:59:30Z", false),
        ("2026-11-23T12:00:00Z", Transport::Udp, "2026-11-23T12:00:00Z", false),
        ("2026-11-25T10:00:01Z", Transport::Udp, ARRIVAL, true), // more than a day ahead
        ("2019-01-01T00:00:00Z", Transport::Udp, "2019-01-01T00:00:00Z", true), // years behind: kept, flagged
        ("1993-01-01T00:00:00Z", Transport::Tcp, ARRIVAL, true), // a clock that was never set
        ("2019-01-01T00:00:00Z", Transport::File, "2019-01-01T00:00:00Z", false), // history
        ("2026-11-25T10:00:01Z", Transport::File, ARRIVAL, true),
    ];
    let normalizer = Normalizer::load_builtin().unwrap();
    for (time, transport, expected, flagged) in cases {
        let raw = format!("<13>1 {time} h someapp - - - x");
        let mut from = received(raw.as_bytes());
        from.transport = transport;
        let event = normalizer.normalize(&mut SourceState::default(), &from);
        assert_eq!(to_rfc3339(event.timestamp()), expected, "{time} {transport:?}");
        assert_eq!(text(&event, "tags") == "clock_skew", flagged, "{time} {transport:?}");
        assert_eq!(event.get(fields::FANSIPAN_SKEW).is_some(), flagged);
    }
}

#[test]
fn zones_of_times_that_name_none() {
    let raw = b"<13>Nov 23 10:00:00 h someapp: x";
    let normalizer = Normalizer::load_builtin().unwrap();
    let at = |normalizer: &Normalizer| to_rfc3339(normalizer.normalize(&mut SourceState::default(), &received(raw)).timestamp());
    assert_eq!(at(&normalizer), "2026-11-23T03:00:00Z", "Viet Nam unless configured");
    let settings = Settings { timezone: Zone::parse("UTC").unwrap(), zones: Vec::new() };
    let normalizer = normalizer.with_settings(settings);
    assert_eq!(at(&normalizer), "2026-11-23T10:00:00Z");
    let settings = Settings { timezone: Zone::default(), zones: vec![("192.0.2.0/24".parse().unwrap(), Zone::parse("+09:00").unwrap())] };
    assert_eq!(at(&normalizer.with_settings(settings)), "2026-11-23T01:00:00Z");
}

#[test]
fn a_time_inside_the_message_wins() {
    let event = one(b"<190>Nov 23 16:00:00 web01 nginx: 10.0.0.9 - - [23/Nov/2026:16:59:05 +0700] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"");
    assert_eq!(to_rfc3339(event.timestamp()), "2026-11-23T09:59:05Z");
}

#[test]
fn bytes_that_are_not_utf8() {
    let raw = b"<38>Nov 23 16:59:00 web01 sshd[1]: Failed password for invalid user caf\xE9 from 203.0.113.7 port 22 ssh2";
    let event = one(raw);
    assert_eq!(text(&event, "user.name"), "café");
    assert_eq!(event.raw().as_deref(), Some(&raw[..]), "the bytes themselves are kept");
    assert_eq!(event.original(), None);
    assert_eq!(event.get(fields::SOURCE_IP), Some(Value::Ip("203.0.113.7".parse().unwrap())));
}

#[test]
fn one_host_many_programs() {
    let normalizer = Normalizer::load_builtin().unwrap();
    let mut state = SourceState::default();
    let lines = [
        ("<38>Nov 23 16:59:00 h sshd[1]: Invalid user a from 10.0.0.1 port 1", "sshd"),
        ("<85>Nov 23 16:59:00 h sudo: an : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls", "sudo"),
        ("<78>Nov 23 16:59:00 h CRON[1]: (root) CMD (x)", "cron"),
        ("<30>Nov 23 16:59:00 h systemd[1]: Reloading.", "systemd"),
        ("<85>Nov 23 16:59:00 h sshd[1]: pam_unix(sshd:session): session closed for user an", "pam"),
        ("<4>Nov 23 16:59:00 h kernel: x IN=a OUT= SRC=10.0.0.1 DST=10.0.0.2 PROTO=TCP SPT=1 DPT=2", "iptables"),
        ("<13>Nov 23 16:59:00 h unheardof: x", "syslog"),
    ];
    for _ in 0..50 {
        for (line, parser) in lines {
            let event = normalizer.normalize(&mut state, &received(line.as_bytes()));
            assert_eq!(text(&event, "fansipan.parser"), parser, "{line}");
        }
    }
    assert_eq!(state.confidence(), 857, "six of seven");
    assert!(state.format().and_then(|id| normalizer.format_info(id)).is_some());
}

#[test]
fn look_alikes_follow_what_the_source_spoke_before() {
    let normalizer = Normalizer::load_builtin().unwrap();
    let line = b"203.0.113.7 - - [23/Nov/2026:16:59:01 +0700] \"GET / HTTP/1.1\" 200 1 \"-\" \"x\"";
    let error = b"[Mon Nov 23 16:59:02.1 2026] [core:error] [pid 1] [client 10.0.0.1:1] AH00126: Invalid URI";
    let common = b"203.0.113.7 - - [23/Nov/2026:16:59:01 +0700] \"GET / HTTP/1.1\" 200 1";
    let mut state = SourceState::default();
    assert_eq!(text(&normalizer.normalize(&mut state, &received(line)), "fansipan.parser"), "nginx_access");
    let mut state = SourceState::default();
    for raw in [&error[..], common] {
        normalizer.normalize(&mut state, &received(raw));
    }
    assert_eq!(text(&normalizer.normalize(&mut state, &received(line)), "fansipan.parser"), "apache_access");
}

#[test]
fn an_operator_overrides() {
    let normalizer = Normalizer::load_builtin().unwrap();
    let mut state = SourceState::default();
    state.pin(normalizer.format_named("apache_access"));
    let line = b"203.0.113.7 - - [23/Nov/2026:16:59:01 +0700] \"GET / HTTP/1.1\" 200 1 \"-\" \"x\"";
    assert_eq!(text(&normalizer.normalize(&mut state, &received(line)), "fansipan.parser"), "apache_access");
    assert!(state.pinned());
    // another syntax than the one fixed is told, not guessed around
    state.pin(normalizer.format_named("cef"));
    let event = normalizer.normalize(&mut state, &received(b"<13>Nov 23 16:59:00 h sshd[1]: x"));
    assert_eq!(text(&event, "event.kind"), "pipeline_error");
    assert!(text(&event, "fansipan.error").contains("cef"), "{}", text(&event, "fansipan.error"));
}

#[test]
fn structured_data_becomes_fields() {
    let event = one(br#"<13>1 2026-11-23T09:59:00Z h someapp 7 ID1 [ex@32473 iut="3" who="a \"b\""] hello"#);
    assert_eq!(text(&event, "syslog.sd.ex@32473.iut"), "3");
    assert_eq!(text(&event, "syslog.sd.ex@32473.who"), "a \"b\"");
    assert_eq!(text(&event, "log.syslog.msgid"), "ID1");
    assert_eq!(text(&event, "log.syslog.facility.name"), "user");
    assert_eq!(text(&event, "log.syslog.severity.name"), "notice");
    assert_eq!(text(&event, "message"), "hello");
}

#[test]
fn a_record_cannot_forge_what_the_program_writes() {
    let event = one(br#"CEF:0|V|P|1|1|n|1|fansipan.agency=other event.id=00000000-0000-7000-8000-000000000001 @timestamp=2000-01-01T00:00:00Z src=10.0.0.1"#);
    assert_eq!(event.agency(), "default");
    assert!(event.id().is_nil());
    let event = one(br#"{"fansipan.agency":"other","fansipan.parser":"x","event.ingested":"2000-01-01T00:00:00Z","event":{"id":"00000000-0000-7000-8000-000000000001"},"a":1}"#);
    assert_eq!(event.agency(), "default");
    assert!(event.id().is_nil());
    assert_eq!(to_rfc3339(event.ingested()), ARRIVAL);
}

#[test]
fn a_sites_own_format() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, body: &str| {
        std::fs::create_dir_all(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("format.toml"), body).unwrap();
    };
    write(
        "gate",
        "name = \"gate\"\nsyntax = \"text\"\n[[detect]]\napp = \"gate\"\n[[message]]\ntext = \"badge <badge> at <door>\"\nset = { \"event.action\" = \"badge_read\" }\n",
    );
    let normalizer = Normalizer::with_dir(dir.path()).unwrap();
    let event = normalizer.normalize(&mut SourceState::default(), &received(b"<13>Nov 23 16:59:00 h gate: badge 42 at north"));
    assert_eq!((text(&event, "gate.badge"), text(&event, "gate.door"), text(&event, "event.action")), ("42", "north", "badge_read"));
    let mistakes = [
        ("name = \"x\"\nsyntax = \"text\"\nnonsense = 1\n", "nonsense"),
        ("name = \"x\"\nsyntax = \"morse\"\n", "morse"),
        ("name = \"x\"\nsyntax = \"kv\"\n[rename]\na = \"event.id\"\n", "event.id"),
        ("name = \"x\"\nsyntax = \"kv\"\n[rename]\na = \"b.c:backwards\"\n", "backwards"),
        ("name = \"x\"\nsyntax = \"text\"\n[[message]]\ntext = \"a <b> <\"\n", "`<`"),
        ("name = \"x\"\nsyntax = \"text\"\n[[message]]\nregex = \"(\"\n", "regex"),
        ("name = \"x\"\nsyntax = \"kv\"\nextends = \"nobody\"\n", "nobody"),
        ("name = \"x\"\nsyntax = \"kv\"\n[[detect]]\nconfidence = 5\n", "clue"),
    ];
    for (body, word) in mistakes {
        write("bad", body);
        let message = Normalizer::with_dir(dir.path()).unwrap_err().to_string();
        assert!(message.contains(word) && message.contains("FSP-C10") && message.contains("bad"), "{body}: {message}");
    }
}
