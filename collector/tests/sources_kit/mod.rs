//! A collector on random loopback ports over a real log in a temporary folder.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test says what went wrong by ending")]
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use fansipan_bus::{BusConfig, Consumer, EmbeddedBus};
use fansipan_collector::{
    Normalizer, Transport,
    ledger::SourceRegistry,
    pipeline::{Assignments, Pipeline, PipelineLimits, Sink},
    sources::{
        Ingest, Sender, Sources, SourcesConfig,
        config::{HttpConfig, TcpConfig, UdpConfig},
    },
};
use fansipan_model::{Event, SourceInfo, codec};
use tempfile::TempDir;

/// How long anything on loopback may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The token that may send.
pub(crate) const TOKEN: &str = "secret-of-the-test";

pub(crate) fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// UDP, TCP and HTTP on ports that the system chooses.
pub(crate) fn config() -> SourcesConfig {
    SourcesConfig {
        udp: vec![UdpConfig { listen: any_port(), ..UdpConfig::default() }],
        tcp: vec![TcpConfig { listen: any_port(), ..TcpConfig::default() }],
        tls: Vec::new(),
        http: vec![HttpConfig { listen: any_port(), tls: None }],
        ..SourcesConfig::default()
    }
}

pub(crate) fn normalizer() -> Arc<Normalizer> {
    Arc::new(Normalizer::load_builtin().unwrap())
}

pub(crate) fn ingest(pipeline: &Pipeline, config: &SourcesConfig) -> Ingest {
    let verifier = |token: &str| (token == TOKEN).then(|| Sender { name: "agent".into(), agency: Some("so-y-te".to_owned()) });
    Ingest::new(pipeline.clone(), &config.limits, Arc::new(verifier))
}

/// A running collector.
pub(crate) struct Rig {
    pub(crate) dir: Arc<TempDir>,
    pub(crate) registry: Arc<SourceRegistry>,
    pub(crate) pipeline: Pipeline,
    pub(crate) sources: Sources,
    bus: EmbeddedBus,
    consumer: Consumer,
}

pub(crate) fn open_bus(dir: &Path) -> EmbeddedBus {
    let mut config = BusConfig::new(dir.join("log"));
    config.min_free_bytes = 0;
    EmbeddedBus::open(config).unwrap().0
}

impl Rig {
    pub(crate) async fn new(config: SourcesConfig) -> Rig {
        Rig::in_dir(config, Arc::new(tempfile::tempdir().unwrap())).await
    }

    pub(crate) async fn in_dir(config: SourcesConfig, dir: Arc<TempDir>) -> Rig {
        let bus = open_bus(dir.path());
        let consumer = bus.consumer("test").unwrap();
        let (registry, pipeline, sources) = start(&config, dir.path(), Arc::new(bus.clone())).await;
        Rig { dir, registry, pipeline, sources, bus, consumer }
    }

    pub(crate) fn address(&self, transport: Transport) -> SocketAddr {
        self.sources.bound().iter().find(|b| b.transport == transport).unwrap().address
    }

    /// The next `count` events in the log; fewer only if they do not come in time.
    pub(crate) fn events(&mut self, count: usize) -> Vec<Event> {
        let mut out = Vec::new();
        let until = Instant::now() + PATIENCE;
        while out.len() < count && Instant::now() < until {
            let records = self.consumer.poll(count - out.len(), 1 << 20, Duration::from_millis(100)).unwrap();
            let next = records.next_offset();
            out.extend(records.map(|(_, bytes)| codec::decode(bytes).unwrap()));
            self.consumer.commit(next).unwrap();
        }
        assert_eq!(out.len(), count, "events came: {:?}", out.iter().map(Event::message).collect::<Vec<_>>());
        out
    }

    /// Nothing more comes.
    pub(crate) fn silence(&mut self) {
        let records = self.consumer.poll(10, 1 << 20, Duration::from_millis(300)).unwrap();
        let rest: Vec<String> = records.map(|(_, b)| format!("{:?}", codec::decode(b).unwrap().original())).collect();
        assert!(rest.is_empty(), "{rest:?}");
    }

    pub(crate) fn originals(&mut self, count: usize) -> Vec<String> {
        self.events(count).iter().map(|e| String::from_utf8_lossy(&e.raw().unwrap()).into_owned()).collect()
    }

    /// The source once `ready` holds for it.
    pub(crate) async fn source(&self, id: &str, ready: impl Fn(&SourceInfo) -> bool) -> SourceInfo {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.registry.get(id);
            if let Some(info) = found.as_ref().filter(|i| ready(i)) {
                return info.clone();
            }
            assert!(Instant::now() < until, "{id}: {found:?}; all: {:?}", self.registry.snapshot());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn stop(self) -> Arc<TempDir> {
        self.sources.stop().await;
        self.pipeline.close().await;
        self.bus.close();
        self.dir
    }
}

pub(crate) async fn start(config: &SourcesConfig, dir: &Path, sink: Arc<dyn Sink>) -> (Arc<SourceRegistry>, Pipeline, Sources) {
    let registry = Arc::new(SourceRegistry::new(&config.limits));
    let limits = PipelineLimits::from(&config.limits);
    let pipeline = Pipeline::start(normalizer(), Assignments::new(config), registry.clone(), sink, limits).unwrap();
    let sources = Sources::start(config, dir, pipeline.clone(), ingest(&pipeline, config)).await.unwrap();
    (registry, pipeline, sources)
}

/// `received = kept + refused`, `kept = parsed + unparsed`, for every source and in total.
pub(crate) fn balanced(registry: &SourceRegistry) {
    let totals = registry.totals().counters;
    for c in registry.snapshot().iter().map(|s| &s.counters).chain([&totals]) {
        assert_eq!(c.received, c.kept + c.refused.values().sum::<u64>(), "{c:?}");
        assert_eq!(c.kept, c.parsed + c.unparsed, "{c:?}");
    }
}
