//! Syslog over UDP, TCP and TLS on loopback, as a sysadmin would see it: what was sent is there, who sent it is known, what was
//! refused is counted.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test says what went wrong by ending")]

mod sources_kit;

use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use fansipan_collector::{
    Transport,
    sources::{
        SourceError, Sources, SourcesConfig,
        config::{AgencyConfig, ClientCertificates, LimitsConfig, OverrideConfig, TcpConfig, TlsConfig, TlsListenerConfig, UdpConfig},
    },
};
use fansipan_model::{Value, fields};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use sources_kit::{Rig, any_port, balanced, config};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const SSHD: &str = "<38>Nov 23 10:00:00 web-01 sshd[812]: Failed password for root from 203.0.113.9 port 4711 ssh2";

#[tokio::test(flavor = "multi_thread")]
async fn a_device_appears_with_its_first_line() {
    let mut rig = Rig::new(config()).await;
    let mut tcp = TcpStream::connect(rig.address(Transport::Tcp)).await.unwrap();
    tcp.write_all(format!("{SSHD}\n").as_bytes()).await.unwrap();
    let event = rig.events(1).remove(0);
    assert_eq!(event.original(), Some(SSHD));
    assert_eq!(event.id().get_version_num(), 7);
    assert_eq!(event.str(fields::FANSIPAN_SOURCE), Some("tcp:127.0.0.1"));
    assert_eq!(event.get(fields::FANSIPAN_PEER_IP).map(|v| v.text().unwrap().into_owned()).as_deref(), Some("127.0.0.1"));
    assert_eq!(event.get(fields::FANSIPAN_PEER_PORT), Some(Value::Int(tcp.local_addr().unwrap().port().into())));
    let source = rig.source("tcp:127.0.0.1", |s| s.counters.kept == 1).await;
    assert_eq!((source.transport.as_str(), source.host.as_deref(), source.counters.received), ("tcp", Some("web-01"), 1));
    assert_eq!(source.counters.bytes, SSHD.len() as u64);
    balanced(&rig.registry);
    let minutes = rig.registry.history("tcp:127.0.0.1");
    assert_eq!((minutes.len(), minutes[0].kept, minutes[0].refused), (1, 1, 0));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_framing_on_one_port_and_one_connection() {
    let mut rig = Rig::new(config()).await;
    let mut tcp = TcpStream::connect(rig.address(Transport::Tcp)).await.unwrap();
    let stream = b"<13>one\n7 <13>two10 <13>five\nx<13>three\0<13>four\r\n<13>six";
    for part in stream.chunks(5) {
        tcp.write_all(part).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(tcp);
    assert_eq!(rig.originals(6), ["<13>one", "<13>two", "<13>five\nx", "<13>three", "<13>four", "<13>six"]);
    rig.silence();
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_connection_wakes_up_and_a_huge_line_is_cut() {
    let mut rig = Rig::new(config()).await;
    let mut tcp = TcpStream::connect(rig.address(Transport::Tcp)).await.unwrap();
    let line = format!("<13>{}\n<13>after\n", "z".repeat(3 << 20));
    tcp.write_all(line.as_bytes()).await.unwrap();
    let events = rig.events(2);
    assert_eq!(events[0].original().unwrap().len(), 64 << 10);
    assert_eq!(events[0].get(fields::FANSIPAN_TRUNCATED), Some(Value::Bool(true)));
    assert_eq!(events[1].original(), Some("<13>after"));
    assert_eq!(events[1].get(fields::FANSIPAN_TRUNCATED), None);
    rig.source("tcp:127.0.0.1", |s| s.counters.kept == 2).await;
    assert_eq!(rig.registry.totals().truncated, 1);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_of_any_size_and_encoding_are_kept() {
    let mut rig = Rig::new(config()).await;
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.connect(rig.address(Transport::Udp)).unwrap();
    let large = format!("<13>{}", "x".repeat(65_507 - 4));
    let vietnamese_1258 = b"<13>c\xe2nh b\xe1o: t\xe0i kho\xe4n \xff\xfe";
    udp.send(large.as_bytes()).unwrap();
    udp.send(vietnamese_1258).unwrap();
    udp.send(b"<13>two\nlines\n\0").unwrap();
    udp.send(b"").unwrap();
    udp.send(b"\n").unwrap();
    let events = rig.events(3);
    assert_eq!(events[0].original(), Some(large.as_str()));
    assert_eq!(events[1].raw().unwrap().as_ref(), vietnamese_1258);
    assert_eq!(events[1].original(), None);
    assert_eq!(events[2].original(), Some("<13>two\nlines"), "a datagram is one record");
    rig.silence();
    rig.source("udp:127.0.0.1", |s| s.counters.kept == 3).await;
    balanced(&rig.registry);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_record_limit_holds_for_datagrams_too() {
    let limits = LimitsConfig { max_record_bytes: 100, ..LimitsConfig::default() };
    let mut rig = Rig::new(SourcesConfig { limits, ..config() }).await;
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(&[b'a'; 500], rig.address(Transport::Udp)).unwrap();
    let event = rig.events(1).remove(0);
    assert_eq!(event.original().unwrap().len(), 100);
    assert_eq!(event.get(fields::FANSIPAN_TRUNCATED), Some(Value::Bool(true)));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_datagrams_is_kept_or_counted() {
    let mut rig = Rig::new(config()).await;
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.connect(rig.address(Transport::Udp)).unwrap();
    let total = 20_000u64;
    for i in 0..total {
        udp.send(format!("<13>Nov 23 10:00:00 fw kernel: burst {i}").as_bytes()).unwrap();
    }
    let until = std::time::Instant::now() + sources_kit::PATIENCE;
    loop {
        let totals = rig.registry.totals().counters;
        if totals.received == total {
            break;
        }
        assert!(std::time::Instant::now() < until, "{totals:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    balanced(&rig.registry);
    let kept = rig.registry.totals().counters.kept as usize;
    rig.events(kept);
    rig.silence();
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_told_apart_by_host_up_to_the_limit() {
    let limits = LimitsConfig { hosts_per_peer: 2, ..LimitsConfig::default() };
    let mut rig = Rig::new(SourcesConfig { limits, ..config() }).await;
    let mut tcp = TcpStream::connect(rig.address(Transport::Tcp)).await.unwrap();
    for host in ["relay", "fw-01", "web-02", "relay", "fw-01", "one-too-many"] {
        tcp.write_all(format!("<38>Nov 23 10:00:00 {host} sshd[1]: Accepted password for an from 10.0.0.1 port 1 ssh2\n").as_bytes())
            .await
            .unwrap();
    }
    let events = rig.events(6);
    let ids: Vec<_> = events.iter().map(|e| e.str(fields::FANSIPAN_SOURCE).unwrap()).collect();
    let base = "tcp:127.0.0.1";
    assert_eq!(ids, [base, "tcp:127.0.0.1/fw-01", "tcp:127.0.0.1/web-02", base, "tcp:127.0.0.1/fw-01", base]);
    assert!(events.iter().all(|e| e.values(fields::FANSIPAN_SOURCE).count() == 1));
    rig.source(base, |s| s.counters.kept == 3).await;
    let fw = rig.source("tcp:127.0.0.1/fw-01", |s| s.counters.kept == 2).await;
    assert_eq!(fw.host.as_deref(), Some("fw-01"));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agencies_and_overrides_go_by_sender_and_host() {
    let agencies = vec![
        AgencyConfig { name: "tinh".to_owned(), networks: vec!["127.0.0.0/8".parse().unwrap()] },
        AgencyConfig { name: "so-tttt".to_owned(), networks: vec!["127.0.0.1/32".parse().unwrap()] },
    ];
    let overrides = vec![OverrideConfig {
        hosts: vec!["fw-*".to_owned()],
        agency: Some("van-phong".to_owned()),
        class: Some("firewall".to_owned()),
        format: Some("fortigate".to_owned()),
        ..OverrideConfig::default()
    }];
    let mut rig = Rig::new(SourcesConfig { agencies, overrides, ..config() }).await;
    let mut tcp = TcpStream::connect(rig.address(Transport::Tcp)).await.unwrap();
    tcp.write_all(b"<13>Nov 23 10:00:00 web-1 app: a\n<13>Nov 23 10:00:00 FW-1 app: b\n<13>Nov 23 10:00:00 FW-1 app: c\n").await.unwrap();
    let events = rig.events(3);
    let whose: Vec<_> = events.iter().map(|e| (e.agency(), e.str(fields::FANSIPAN_CLASS).unwrap())).collect();
    assert_eq!(whose, [("so-tttt", "default"), ("van-phong", "firewall"), ("van-phong", "firewall")]);
    let firewall = rig.source("tcp:127.0.0.1/FW-1", |_| true).await;
    assert_eq!((firewall.agency.as_str(), firewall.format.as_deref(), firewall.pinned), ("van-phong", Some("fortigate"), true));
    // a sender whose first host is the firewall is known by it, today and when it comes again
    let mut udp = Vec::new();
    for _ in 0..2 {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(b"<13>Nov 23 10:00:00 fw-9 app: d", rig.address(Transport::Udp)).unwrap();
        udp.extend(rig.events(1));
    }
    assert!(udp.iter().all(|e| e.agency() == "van-phong"), "the very first record too");
    let firewall = rig.source("udp:127.0.0.1", |_| true).await;
    assert_eq!((firewall.agency.as_str(), firewall.format.as_deref()), ("van-phong", Some("fortigate")));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_are_refused_and_counted() {
    let limits = LimitsConfig { connections: 3, connections_per_peer: 2, idle_seconds: 1, ..LimitsConfig::default() };
    let mut rig = Rig::new(SourcesConfig { limits, ..config() }).await;
    let to = rig.address(Transport::Tcp);
    let mut first = TcpStream::connect(to).await.unwrap();
    let _second = TcpStream::connect(to).await.unwrap();
    first.write_all(b"<13>in\n").await.unwrap();
    rig.events(1);
    let mut third = TcpStream::connect(to).await.unwrap();
    assert_eq!(third.read(&mut [0; 1]).await.unwrap_or(0), 0, "closed at once");
    rig.source("tcp:127.0.0.1", |s| s.counters.refused.get("peer_connection_limit") == Some(&1)).await;
    // both fall silent and are closed, which makes room
    rig.source("tcp:127.0.0.1", |s| s.counters.refused.get("idle_timeout") == Some(&2)).await;
    let mut fourth = TcpStream::connect(to).await.unwrap();
    fourth.write_all(b"<13>in again\n").await.unwrap();
    assert_eq!(rig.originals(1), ["<13>in again"]);
    balanced(&rig.registry);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_over_its_allowance_waits_on_tcp_and_loses_on_udp() {
    let limits = LimitsConfig { records_per_second: 200, ..LimitsConfig::default() };
    let mut rig = Rig::new(SourcesConfig { limits, ..config() }).await;
    let mut tcp = TcpStream::connect(rig.address(Transport::Tcp)).await.unwrap();
    let begun = std::time::Instant::now();
    // a second's worth may be saved up; what is beyond delays what comes next
    tcp.write_all("<13>tcp\n".repeat(400).as_bytes()).await.unwrap();
    rig.events(400);
    tcp.write_all(b"<13>late\n").await.unwrap();
    rig.events(1);
    assert!(begun.elapsed() > Duration::from_millis(900), "{:?}", begun.elapsed());
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..1000 {
        udp.send_to(b"<13>udp", rig.address(Transport::Udp)).unwrap();
    }
    let source = rig.source("udp:127.0.0.1", |s| s.counters.received == 1000).await;
    let refused = source.counters.refused.get("rate_limit").copied().unwrap_or(0);
    assert!((500..=800).contains(&refused), "{refused}");
    balanced(&rig.registry);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_keeps_what_was_on_its_way() {
    let mut rig = Rig::new(config()).await;
    let mut tcp = TcpStream::connect(rig.address(Transport::Tcp)).await.unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    tcp.write_all("<13>line of text\n".repeat(5000).as_bytes()).await.unwrap();
    tcp.write_all(b"<13>without an end").await.unwrap();
    for _ in 0..50 {
        udp.send_to(b"<13>datagram", rig.address(Transport::Udp)).unwrap();
    }
    let registry = rig.registry.clone();
    // bytes in the kernel count as received: the sender believes so
    let consumer_ready = rig.events(1).len();
    let dir = rig.stop().await;
    assert_eq!(registry.totals().counters.kept, 5051);
    balanced(&registry);
    let bus = sources_kit::open_bus(dir.path());
    let mut consumer = bus.consumer("test").unwrap();
    let mut count = consumer_ready;
    loop {
        let records = consumer.poll(100_000, 1 << 24, Duration::from_millis(100)).unwrap();
        let next = records.next_offset();
        let n = records.count();
        if n == 0 {
            break;
        }
        count += n;
        consumer.commit(next).unwrap();
    }
    assert_eq!(count, 5051);
}

/// An authority and what it signed, as files.
struct Pki {
    ca: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
    dir: tempfile::TempDir,
}

impl Pki {
    fn new() -> Pki {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "Test CA");
        let ca = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
        let pki = Pki { ca, dir: tempfile::tempdir().unwrap() };
        std::fs::write(pki.path("ca.pem"), pki.ca.pem()).unwrap();
        pki
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn issue(&self, name: &str, common: Option<&str>) -> (std::path::PathBuf, std::path::PathBuf) {
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common) = common {
            params.distinguished_name.push(rcgen::DnType::CommonName, common);
        }
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        let files = (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")));
        std::fs::write(&files.0, certificate.pem()).unwrap();
        std::fs::write(&files.1, key.serialize_pem()).unwrap();
        files
    }

    fn listener(&self, client_certificates: ClientCertificates) -> TlsListenerConfig {
        let (certificate, key) = self.issue("localhost", Some("collector"));
        let tls = TlsConfig { certificate: Some(certificate), key: Some(key), client_certificates, client_ca: Some(self.path("ca.pem")) };
        TlsListenerConfig { listen: any_port(), tls, ..TlsListenerConfig::default() }
    }

    async fn connect(
        &self,
        to: SocketAddr,
        client: Option<&(std::path::PathBuf, std::path::PathBuf)>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap().with_root_certificates(roots);
        let client = match client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_file(certificate).unwrap()],
                    PrivateKeyDer::from_pem_file(key).unwrap(),
                )
                .unwrap(),
        };
        let stream = TcpStream::connect(to).await?;
        tokio_rustls::TlsConnector::from(Arc::new(client)).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_names_the_sender_by_its_certificate() {
    let pki = Pki::new();
    let tls = vec![pki.listener(ClientCertificates::Required)];
    let mut rig = Rig::new(SourcesConfig { tls, ..config() }).await;
    let to = rig.address(Transport::Tls);
    let named = pki.issue("fw-01.laichau.test", Some("fw-01"));
    let by_san = pki.issue("fw-02.laichau.test", None);
    for (client, versions, identity) in [
        (&named, &[&rustls::version::TLS13], "fw-01"),
        (&named, &[&rustls::version::TLS12], "fw-01"),
        (&by_san, &[&rustls::version::TLS13], "fw-02.laichau.test"),
    ] {
        let mut stream = pki.connect(to, Some(client), versions).await.unwrap();
        stream.write_all(format!("{} {SSHD}", SSHD.len()).as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let event = rig.events(1).remove(0);
        assert_eq!(event.original(), Some(SSHD));
        assert_eq!(event.str(fields::FANSIPAN_PEER_TLS), Some(identity));
        assert_eq!(event.str(fields::FANSIPAN_TRANSPORT), Some("tls"));
        rig.source("tls:127.0.0.1", |s| s.tls_identity.as_deref() == Some(identity)).await;
    }
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_refuses_strangers_and_counts_them() {
    let pki = Pki::new();
    let strangers = Pki::new();
    let tls = vec![pki.listener(ClientCertificates::Required)];
    let limits = LimitsConfig { handshake_seconds: 1, ..LimitsConfig::default() };
    let mut rig = Rig::new(SourcesConfig { tls, limits, ..config() }).await;
    let to = rig.address(Transport::Tls);
    let versions = &[&rustls::version::TLS12];
    assert!(pki.connect(to, None, versions).await.is_err(), "no certificate");
    let stranger = strangers.issue("fw-01", Some("fw-01"));
    assert!(pki.connect(to, Some(&stranger), versions).await.is_err(), "certificate of another authority");
    let mut plain = TcpStream::connect(to).await.unwrap();
    plain.write_all(b"<13>not TLS at all, long enough to be a record\n").await.unwrap();
    rig.source("tls:127.0.0.1", |s| s.counters.refused.get("handshake_failed") == Some(&3)).await;
    let _silent = TcpStream::connect(to).await.unwrap();
    rig.source("tls:127.0.0.1", |s| s.counters.refused.get("handshake_timeout") == Some(&1)).await;
    rig.silence();
    balanced(&rig.registry);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_may_be_optional() {
    let pki = Pki::new();
    let tls = vec![pki.listener(ClientCertificates::Optional)];
    let mut rig = Rig::new(SourcesConfig { tls, ..config() }).await;
    let mut stream = pki.connect(rig.address(Transport::Tls), None, &[&rustls::version::TLS13]).await.unwrap();
    stream.write_all(b"<13>anonymous\n").await.unwrap();
    let event = rig.events(1).remove(0);
    assert_eq!((event.original(), event.str(fields::FANSIPAN_PEER_TLS)), (Some("<13>anonymous"), None));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ipv6_and_ipv4_on_one_port() {
    let v6 = |listen: &str| SourcesConfig {
        tcp: vec![TcpConfig { listen: listen.parse().unwrap(), ..TcpConfig::default() }],
        udp: vec![UdpConfig { listen: listen.parse().unwrap(), ..UdpConfig::default() }],
        ..config()
    };
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        println!("skipped: this machine has no IPv6");
        return;
    }
    let mut rig = Rig::new(v6("[::]:0")).await;
    let port = rig.address(Transport::Tcp).port();
    for (to, source) in [("[::1]", "tcp:::1"), ("127.0.0.1", "tcp:127.0.0.1")] {
        let mut tcp = TcpStream::connect(format!("{to}:{port}")).await.unwrap();
        tcp.write_all(b"<13>x\n").await.unwrap();
        assert_eq!(rig.events(1)[0].str(fields::FANSIPAN_SOURCE), Some(source));
    }
    let udp = UdpSocket::bind("[::1]:0").unwrap();
    udp.send_to(b"<13>u", ("::1", rig.address(Transport::Udp).port())).unwrap();
    assert_eq!(rig.events(1)[0].str(fields::FANSIPAN_SOURCE), Some("udp:::1"));
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_prevents_a_start_is_said_with_a_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let bus = sources_kit::open_bus(dir.path());
    let registry = Arc::new(fansipan_collector::ledger::SourceRegistry::new(&LimitsConfig::default()));
    let base = config();
    let pipeline = fansipan_collector::pipeline::Pipeline::start(
        sources_kit::normalizer(),
        fansipan_collector::pipeline::Assignments::new(&base),
        registry,
        Arc::new(bus),
        (&base.limits).into(),
    )
    .unwrap();
    let start = async |config: SourcesConfig| -> SourceError {
        let ingest = sources_kit::ingest(&pipeline, &config);
        match Sources::start(&config, dir.path(), pipeline.clone(), ingest).await {
            Ok(_) => panic!("started"),
            Err(error) => error,
        }
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let holder = std::net::TcpListener::bind(taken).unwrap();
    let tcp = |listen: &str| SourcesConfig { tcp: vec![TcpConfig { listen: listen.parse().unwrap(), ..TcpConfig::default() }], ..config() };
    let tls = |tls: TlsConfig| SourcesConfig {
        tls: vec![TlsListenerConfig { listen: any_port(), tls, ..TlsListenerConfig::default() }],
        ..config()
    };
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let pki = Pki::new();
    let (cert, _) = pki.issue("a", Some("a"));
    let (_, other_key) = pki.issue("b", Some("b"));
    let cases = [
        (tcp(&taken.to_string()), "FSP-SRC-101", "ss -lnp"),
        (tcp("203.0.113.1:9"), "FSP-SRC-103", "ip addr"),
        (
            tls(TlsConfig { certificate: Some("/nonexistent.pem".into()), key: Some("/nonexistent.key".into()), ..TlsConfig::default() }),
            "FSP-SRC-105",
            "/nonexistent.pem",
        ),
        (
            tls(TlsConfig { certificate: file("x.pem", "nonsense"), key: file("x.key", "nonsense"), ..TlsConfig::default() }),
            "FSP-SRC-105",
            "no certificate",
        ),
        (
            tls(TlsConfig { certificate: Some(cert.clone()), key: file("x.key", "nonsense"), ..TlsConfig::default() }),
            "FSP-SRC-105",
            "no usable private key",
        ),
        (
            tls(TlsConfig { certificate: Some(cert.clone()), key: Some(other_key), ..TlsConfig::default() }),
            "FSP-SRC-105",
            "the key belongs",
        ),
        (tls(TlsConfig { certificate: Some(cert), ..TlsConfig::default() }), "FSP-SRC-107", "both or none"),
        (tls(TlsConfig::default()), "FSP-SRC-106", "[[sources.tls]]"),
        (SourcesConfig { timezone: "Mars/Olympus".to_owned(), ..config() }, "FSP-SRC-107", "Asia/Ho_Chi_Minh"),
    ];
    for (config, code, help) in cases {
        let text = start(config).await.to_string();
        assert!(text.starts_with(code) && text.contains(help), "{text}");
    }
    drop(holder);
}

#[test]
fn unknown_settings_are_errors_and_defaults_are_loopback() {
    let parse = |text: &str| toml::from_str::<SourcesConfig>(text);
    let defaults = parse("").unwrap();
    assert_eq!(defaults, SourcesConfig::default());
    let listens =
        defaults.udp.iter().map(|u| u.listen).chain(defaults.tcp.iter().map(|t| t.listen)).chain(defaults.tls.iter().map(|t| t.listen));
    assert_eq!(listens.map(|l| l.to_string()).collect::<Vec<_>>(), ["127.0.0.1:5514", "127.0.0.1:5514", "127.0.0.1:6514"]);
    let full = r#"
        timezone = "Asia/Ho_Chi_Minh"
        [[udp]]
        listen = "0.0.0.0:514"
        [[tls]]
        listen = "[::]:6514"
        tls = { certificate = "c.pem", key = "k.pem", client_certificates = "required", client_ca = "ca.pem" }
        [[file]]
        path = "/var/log/*/access.log"
        format = "nginx"
        start = "end"
        [limits]
        records_per_second = 1000
        [[agencies]]
        name = "so-y-te"
        networks = ["10.21.0.0/16"]
        [[overrides]]
        networks = ["10.21.9.0/24"]
        timezone = "+09:00"
    "#;
    parse(full).unwrap().check().unwrap();
    for (text, named) in [
        ("[[udp]]\nlisten = \"127.0.0.1:1\"\nsize = 1", "size"),
        ("[limits]\nmax = 1", "max"),
        ("nonsense = 1", "nonsense"),
        ("[[tls]]\ncert = \"x\"", "cert"),
        ("[[file]]\nstart = \"end\"", "path"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}
