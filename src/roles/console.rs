//! The console role: owns the state (alerts, incidents, people, audit trail), serves API and web. Alerts come over Kafka and are
//! applied exactly once: the state store keeps the position of the alerts topic in the same transaction.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_api::{ApiDeps, Feed, SourceControl};
use fansipan_bus::{
    EmbeddedBus, Sink, Source as _,
    kafka::{Owner, Reader, Settings, Spool, Topics},
};
use fansipan_cli::Cli;
use fansipan_collector::{Normalizer, sources::config::SourcesConfig};
use fansipan_model::said;
use fansipan_storage::{AlertChange, EventStore, RuleCount, StateStore, engine::TantivyStore, planner::PlannedStore, sqlite::SqliteState};
use tokio_util::sync::CancellationToken;

use super::{
    control::Roster,
    mirror::Mirror,
    node::{Health, Node},
    rings::FarRings,
    settings::{Control, Publisher},
    status::{Cluster, Watch},
    wire::{self, Told},
};
use crate::{
    alerts::{self, Alerts},
    appliance::announce,
    config::Config,
    content::{Content, OwnFrom, OwnRules},
    indexing::Indexing,
    intake::Intake,
    process::open_log,
    proofs, response, senders, upkeep,
};

/// Group on the alerts topic.
const GROUP: &str = "console";
const RECORDS: usize = 4096;
/// The latest alerts among which incidents are looked for after a start.
const RECENT: usize = 100_000;

/// Events on this machine's disk: all of them, or, beside ClickHouse, those of recent days.
struct Local {
    bus: EmbeddedBus,
    store: Arc<TantivyStore>,
}

impl Local {
    fn open(config: &Config, data: &Path) -> Result<Self> {
        let (bus, log) = open_log(config.log.bus(data.join("log")))?;
        let store = TantivyStore::open(config.storage.engine(data.join("events"), log))?;
        Ok(Self { bus, store: Arc::new(store) })
    }

    /// Copies from Kafka, and indexes what was copied.
    fn start(&self, node: &mut Node, settings: &Settings, data: &Path) -> Result<()> {
        // the log is deleted behind both readers; only one of them detects
        let mirror = Mirror {
            settings: settings.clone(),
            bus: self.bus.clone(),
            file: Mirror::file(data),
            health: Arc::clone(&node.health),
            stop: Arc::clone(&node.stop),
        };
        node.keep_doing("mirror", move || mirror.session())?;
        let writer = self
            .store
            .writer()
            .with_context(|| said!("FSP-RUN-003: cannot write to the event store", "FSP-RUN-003: không ghi được vào kho sự kiện"))?;
        let seen_until = Arc::<AtomicU64>::default();
        let indexing = Indexing { bus: self.bus.clone(), writer: Box::new(writer), seen_until, stop: Arc::clone(&node.stop) };
        node.roles.spawn("indexer", &Arc::clone(&node.stop), move || indexing.run())
    }
}

pub(super) async fn serve(cli: &Cli, mut config: Config, data: &Path) -> Result<()> {
    let started = Instant::now();
    let mut node = Node::start("console", config.role.listen).await?;
    let database = Arc::new(SqliteState::open(data.join("state.db"))?);
    let state = Arc::clone(&database) as Arc<dyn StateStore>;
    let own = OwnRules { folder: data.join("rules"), from: OwnFrom::Store(Arc::clone(&database) as _) };
    let content = Arc::new(Content::load(config.rules.clone(), Some(own))?);
    let feed = Feed::new();
    let local = Local::open(&config, data)?;
    local.start(&mut node, &config.kafka, data)?;
    let archive = config.clickhouse.open_late().await?;
    let planned = archive.map(|archive| Arc::new(PlannedStore::new(Arc::clone(&local.store) as Arc<dyn EventStore>, archive)));
    let (events, retention) = match &planned {
        Some(planned) => (Arc::clone(planned) as Arc<dyn EventStore>, config.clickhouse.recent(config.storage.retention())),
        None => (Arc::clone(&local.store) as Arc<dyn EventStore>, config.storage.retention()),
    };

    if let Some(planned) = planned.clone() {
        let stop = Arc::clone(&node.stop);
        node.keep_doing("archive", move || {
            while !stop.load(Ordering::Relaxed) {
                // it may take its time to say that it is away: nobody else waits for that
                planned.away();
                std::thread::park_timeout(Duration::from_secs(3));
            }
            Ok(())
        })?;
    }
    let applying = Applying {
        settings: config.kafka.clone(),
        state: Arc::clone(&state),
        feed: feed.clone(),
        health: Arc::clone(&node.health),
        stop: Arc::clone(&node.stop),
    };
    node.keep_doing("alerts", move || applying.session())?;
    let changed = Arc::<AtomicBool>::default();
    let rule_control = Arc::new(Control { content: Arc::clone(&content), changed: Arc::clone(&changed) });
    let publisher = Publisher {
        settings: config.kafka.clone(),
        state: Arc::clone(&state),
        rules: Arc::clone(&database) as _,
        changed,
        health: Arc::clone(&node.health),
        stop: Arc::clone(&node.stop),
    };
    node.keep_doing("settings", move || publisher.session())?;
    let roster = Arc::new(Roster::new(&config.kafka, data));
    roster.start(&mut node, Arc::clone(&state))?;
    let watch = Watch::new(&config.kafka, planned, Arc::clone(&roster), Arc::clone(&node.health), Arc::clone(&node.stop));
    let figures = watch.figures();
    node.keep_doing("lag", move || watch.run())?;
    let stop = Arc::clone(&node.stop);
    let watched = Arc::clone(&content);
    node.roles.spawn("rules", &Arc::clone(&stop), move || {
        watched.watch(&stop);
        Ok(())
    })?;

    // records sent to the console over HTTP take the same way as everything else
    config.sources =
        SourcesConfig { udp: Vec::new(), tcp: Vec::new(), tls: Vec::new(), http: Vec::new(), file: Vec::new(), ..config.sources };
    let (spool_log, spool_name) = open_log(config.log.bus(data.join("spool")))?;
    let spool = Arc::new(Spool::start(spool_log, &spool_name, &named(&config.kafka, "console"), super::collector::encode())?);
    let intake = Intake::start(&config.sources, Vec::new(), Arc::clone(&spool) as Arc<dyn Sink>)?;
    let ingest = intake.ingest(&config.sources, senders::verifier(Arc::clone(&state)));

    let desk = response::desk(&config.response, Arc::clone(&database) as _, Arc::clone(&events), Arc::clone(&state))?;
    let responder = (Arc::clone(&desk), Arc::clone(&node.stop));
    node.roles.spawn("responder", &Arc::clone(&node.stop), move || response::run(&responder.0, &responder.1))?;

    let proofs = Arc::new(proofs::Log::new(local.bus.clone(), data));
    let keeper = proofs::Keeper {
        state: Arc::clone(&state),
        cases: Arc::clone(&database) as _,
        events: Arc::clone(&events),
        desk: Arc::clone(&desk),
        log: Arc::clone(&proofs),
        stop: Arc::clone(&node.stop),
    };
    node.roles.spawn("proofs", &Arc::clone(&node.stop), move || keeper.run())?;

    let api_config = config.console.api(data)?;
    let https = api_config.listen;
    let live = Arc::new(Cluster { figures, content, started, data: data.to_owned(), roster: Arc::clone(&roster) });
    let far = FarRings {
        settings: config.kafka.clone(),
        roster: Arc::clone(&roster),
        data: data.to_owned(),
        most: config.console.packets()?,
        stop: Arc::clone(&node.stop),
    };
    let control = Arc::new(Pins { roster, normalizer: Arc::clone(&intake.normalizer) });
    let deps = ApiDeps {
        events,
        state: Arc::clone(&state),
        people: Arc::clone(&database) as _,
        cases: Arc::clone(&database) as _,
        rules: Arc::clone(&database) as _,
        rule_control: Some(rule_control),
        handovers: database,
        response: desk,
        ledger: Some(proofs),
        packets: Arc::new(far),
        live,
        sources: control,
        feed,
        ingest: Some(ingest.router()),
    };
    let shutdown = CancellationToken::new();
    let api = fansipan_api::serve(api_config, deps, shutdown.clone()).await?;
    let upkeep = upkeep::Upkeep {
        registry: Arc::clone(&intake.registry),
        state: Arc::clone(&state),
        store: Arc::clone(&local.store),
        retention,
        stop: Arc::clone(&node.stop),
    };
    node.roles.spawn("upkeep", &Arc::clone(&node.stop), move || upkeep.run())?;
    node.health.set_ready(true);
    announce(cli, &config, https, data, api.first_password.as_ref())?;

    node.wait().await?;
    intake.pipeline.close().await;
    shutdown.cancel();
    let ended = tokio::task::spawn_blocking(move || spool.close());
    node.stop.store(true, Ordering::Relaxed);
    let failed = node.end().await;
    ended.await.with_context(|| said!("FSP-RUN-007: the spool did not end", "FSP-RUN-007: bộ đệm không kết thúc"))?;
    api.ended().await;
    local.bus.close();
    failed
}

/// Settings under a name of their own, for a second part of the same kind in one process.
fn named(settings: &Settings, word: &str) -> Settings {
    Settings { name: format!("{word}.{}", settings.own_name()), ..settings.clone() }
}

/// Orders to collectors go over the control topic.
struct Pins {
    roster: Arc<Roster>,
    normalizer: Arc<Normalizer>,
}

impl SourceControl for Pins {
    fn formats(&self) -> Vec<String> {
        let mut names: Vec<String> = self.normalizer.formats().map(|(_, info)| info.name.to_string()).collect();
        names.sort();
        names
    }

    fn format_pinned(&self, source: &str, format: Option<&str>) {
        self.roster.pin(source, format);
    }
}

/// Alerts topic → state store.
struct Applying {
    settings: Settings,
    state: Arc<dyn StateStore>,
    feed: Feed,
    health: Arc<Health>,
    stop: Arc<AtomicBool>,
}

/// The state store says where each partition goes on.
struct Positions {
    state: Arc<dyn StateStore>,
    of: String,
}

impl Positions {
    fn consumer(&self, partition: i32) -> String {
        format!("{}/{partition}", self.of)
    }
}

impl Owner for Positions {
    fn assigned(&self, partition: i32, _committed: Option<u64>) -> Result<Option<u64>, String> {
        let next = self.state.consumer_offset(&self.consumer(partition)).map_err(|e| format!("how far alerts were applied: {e}"))?;
        Ok(Some(next).filter(|n| *n > 0))
    }
}

#[derive(Default)]
struct Batch {
    next: u64,
    changes: Vec<AlertChange>,
    rules: BTreeMap<String, RuleCount>,
}

impl Applying {
    fn session(&self) -> Result<()> {
        let topics = Topics::new(&self.settings)?;
        let topic = topics.names().alerts.clone();
        let of = format!("{}/{topic}", topics.cluster()?);
        let positions = Arc::new(Positions { state: Arc::clone(&self.state), of });
        let recent = alerts::recent(&*self.state, RECENT)?;
        let mut sink = Alerts::open(Arc::clone(&self.state), self.feed.clone(), Arc::clone(&self.stop), &recent)?;
        let mut reader = Reader::join(&self.settings, GROUP, &topic, Arc::clone(&positions) as Arc<dyn Owner>)?;
        while !self.stop.load(Ordering::Relaxed) {
            let mut batches: BTreeMap<i32, Batch> = BTreeMap::new();
            reader.poll(RECORDS, Duration::from_millis(100), &mut |d| {
                let batch = batches.entry(d.partition).or_default();
                batch.next = d.offset + 1;
                match wire::read_alert(d.value) {
                    Ok(Told::Change(change)) => batch.changes.push(change),
                    Ok(Told::Rules(list)) => list.into_iter().for_each(|c| add(&mut batch.rules, c)),
                    Err(error) => {
                        self.health.add("fansipan_dead_letters_total", 1.0);
                        tracing::error!(partition = d.partition, offset = d.offset, "{error:#}; it stays in the topic only");
                    }
                }
            })?;
            for (partition, batch) in batches {
                self.health.add("fansipan_alert_changes_total", batch.changes.len() as f64);
                let rules = batch.rules.into_values().collect();
                if !sink.store(&positions.consumer(partition), batch.next, batch.changes, rules) {
                    return Ok(());
                }
                reader.commit(partition, batch.next)?;
            }
        }
        reader.leave();
        Ok(())
    }
}

fn add(sum: &mut BTreeMap<String, RuleCount>, count: RuleCount) {
    let known = sum.entry(count.rule.clone()).or_insert(RuleCount { rule: count.rule, count: 0, last: i64::MIN });
    (known.count, known.last) = (known.count + count.count, known.last.max(count.last));
}
