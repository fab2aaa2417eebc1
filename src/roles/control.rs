//! The control topic: collectors say which sources they have and how their spools are, the console says what operators decided.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::SyncSender,
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use fansipan_bus::kafka::{Names, Reader, Settings, Spool, Writer, reader::Committed};
use fansipan_collector::ledger::SourceRegistry;
use fansipan_model::SourceInfo;
use fansipan_storage::StateStore;

use super::{
    node::{Health, Node},
    rings::{Asked, Known},
    wire::{Message, Say},
};
use crate::{kept, live::now};

/// Changes are told this often, everything this often.
const CHANGES: Duration = Duration::from_secs(1);
const WHOLE: Duration = Duration::from_secs(30);
/// A collector that is not heard of for so long is missed; it tells something every second.
const SILENT: Duration = Duration::from_secs(10);
/// Until a console that was started after a crash has its place in the group again, and with it hears of everybody.
const SETTLED: Duration = Duration::from_secs(120);

/// The sources of a collector, over restarts.
#[derive(Clone)]
pub(super) struct SourcesFile(PathBuf);

impl SourcesFile {
    pub(super) fn new(data: &Path) -> Self {
        Self(data.join("sources.json"))
    }

    /// What was known; counters may be some seconds old after a crash.
    pub(super) fn read(&self) -> Vec<SourceInfo> {
        kept::read(&self.0, |error| tracing::warn!(%error, "FSP-RUN-064: {} is damaged; sources are learned anew", self.0.display()))
    }

    fn write(&self, sources: &[SourceInfo]) {
        if let Err(error) = kept::write(&self.0, sources) {
            tracing::warn!(%error, "FSP-RUN-065: cannot write {}; counters of sources begin at older figures after a restart", self.0.display());
        }
    }
}

/// The collector's side.
pub(super) struct Collectors {
    pub(super) settings: Settings,
    pub(super) registry: Arc<SourceRegistry>,
    pub(super) spool: Arc<Spool>,
    pub(super) file: SourcesFile,
    /// To whoever answers questions about packets.
    pub(super) packets: SyncSender<Asked>,
    pub(super) health: Arc<Health>,
    pub(super) stop: Arc<AtomicBool>,
}

impl Collectors {
    /// Starts telling and listening.
    pub(super) fn start(self, node: &mut Node) -> Result<()> {
        let (settings, registry, stop) = (self.settings.clone(), Arc::clone(&self.registry), Arc::clone(&self.stop));
        let packets = self.packets.clone();
        node.keep_doing("orders", move || {
            let group = format!("control.{}", settings.own_name());
            listen(&settings, &group, &stop, &mut |message| match message.say {
                Say::Pin { source, format } => {
                    registry.pin_format(&source, format.as_deref());
                }
                Say::Packets(ask) => {
                    if packets.try_send(Asked { ask, heard: Instant::now() }).is_err() {
                        tracing::warn!("too many questions about packets wait already; this one is not answered");
                    }
                }
                Say::Sources { .. } | Say::Spool { .. } => {}
            })
        })?;
        node.keep_doing("report", move || self.tell())
    }

    fn figures(&self) {
        let status = self.spool.status();
        self.health.set("fansipan_spool_records", status.waiting as f64);
        self.health.set("fansipan_spool_bytes", status.bytes as f64);
        self.health.set("fansipan_spool_delivered_total", status.delivered as f64);
        self.health.set("fansipan_kafka_away", f64::from(u8::from(status.away)));
        self.health.set_alarm(status.alarm);
        for source in self.registry.snapshot() {
            let Some(packets) = &source.packets else { continue };
            let id = source.id.replace(['\\', '"'], "_");
            for (name, value) in [
                ("packets_total", packets.seen as f64),
                ("kernel_drops_total", packets.kernel_drops as f64),
                ("interface_drops_total", packets.interface_drops as f64),
                ("own_drops_total", packets.own_drops as f64),
                ("coverage", packets.coverage()),
                ("flows", packets.flows as f64),
                ("up", f64::from(u8::from(packets.up))),
            ] {
                self.health.set(format!("fansipan_tap_{name}{{source=\"{id}\"}}"), value);
            }
            let Some(ring) = &packets.ring else { continue };
            for (name, value) in [
                ("packets_total", ring.packets as f64),
                ("cut_total", ring.cut as f64),
                ("dropped_total", ring.dropped as f64),
                ("unwritten_total", ring.unwritten as f64),
                ("bytes", ring.bytes as f64),
                ("trouble", f64::from(u8::from(ring.trouble.is_some()))),
            ] {
                self.health.set(format!("fansipan_ring_{name}{{source=\"{id}\"}}"), value);
            }
        }
    }

    fn tell(&self) -> Result<()> {
        let name = self.settings.own_name();
        let topic = Names::new(&self.settings).control;
        let mut writer: Option<Writer> = None;
        let mut whole = Instant::now().checked_sub(WHOLE);
        loop {
            let stopping = self.stop.load(Ordering::Relaxed);
            self.figures();
            let all = stopping || whole.is_none_or(|at| at.elapsed() >= WHOLE);
            let list: Vec<SourceInfo> = if all { self.registry.snapshot() } else { self.registry.changed() };
            if all || !list.is_empty() {
                self.file.write(&self.registry.snapshot());
            }
            let status = self.spool.status();
            let (waiting, bytes, delivered) = (status.waiting, status.bytes, status.delivered);
            let spool = Say::Spool { waiting, bytes, delivered, alarm: status.alarm, ended: stopping };
            let sent = send(&self.settings, &topic, &name, &mut writer, vec![Say::Sources { whole: all, list }, spool]);
            match sent {
                Ok(()) if all => whole = Some(Instant::now()),
                Ok(()) => {}
                Err(error) => {
                    tracing::debug!("the control topic cannot be told: {error:#}");
                    (writer, whole) = (None, None);
                }
            }
            if stopping {
                return Ok(());
            }
            std::thread::park_timeout(CHANGES);
        }
    }
}

fn send(settings: &Settings, topic: &str, name: &str, writer: &mut Option<Writer>, say: Vec<Say>) -> Result<()> {
    let open = match writer.take() {
        Some(open) => open,
        None => Writer::open(settings, "control")?,
    };
    open.begin()?;
    for say in say {
        open.send(topic, None, name.as_bytes(), Some(&Message::new(name, say).write()?))?;
    }
    open.commit()?;
    *writer = Some(open);
    Ok(())
}

/// Hands over every message until told to stop. Messages of the last day come again after a long absence; each says what is,
/// not what changes, so that does no harm.
fn listen(settings: &Settings, group: &str, stop: &AtomicBool, each: &mut dyn FnMut(Message)) -> Result<()> {
    let topic = Names::new(settings).control;
    let mut reader = Reader::join(settings, group, &topic, Arc::new(Committed))?;
    while !stop.load(Ordering::Relaxed) {
        let mut next: BTreeMap<i32, u64> = BTreeMap::new();
        fansipan_bus::Source::poll(&mut reader, 1000, Duration::from_millis(200), &mut |d| {
            next.insert(d.partition, d.offset + 1);
            match Message::read(d.value) {
                Ok(message) => each(message),
                Err(error) => tracing::warn!("{error:#}; it is left out"),
            }
        })?;
        for (partition, next) in next {
            fansipan_bus::Source::commit(&mut reader, partition, next)?;
        }
    }
    reader.leave();
    Ok(())
}

/// How a collector's spool was when it was last heard of.
#[derive(Clone, Debug)]
pub(super) struct SpoolReport {
    pub(super) waiting: u64,
    pub(super) alarm: Option<String>,
    pub(super) heard: Instant,
}

impl SpoolReport {
    /// What is wrong with it.
    pub(super) fn trouble(&self) -> Option<String> {
        let silence = self.heard.elapsed();
        if silence < SILENT {
            return self.alarm.clone();
        }
        Some(format!(
            "has not been heard of for {} s: it was killed, or its way to Kafka is cut and its spool keeps what comes; {} records waited then",
            silence.as_secs(),
            self.waiting
        ))
    }
}

/// The console's side.
pub(super) struct Roster {
    settings: Settings,
    started: Instant,
    spools: Mutex<BTreeMap<String, SpoolReport>>,
    orders: Mutex<Vec<Say>>,
    /// Which of them keep packets.
    pub(super) rings: Known,
}

impl Roster {
    pub(super) fn new(settings: &Settings, data: &Path) -> Self {
        let (spools, orders) = (Mutex::default(), Mutex::default());
        Self { settings: settings.clone(), started: Instant::now(), spools, orders, rings: Known::open(data) }
    }

    /// Whether a collector may run, as far as can be told: after a start it takes a while until all are heard of.
    pub(super) fn may_run(&self, collector: &str) -> bool {
        self.spools().get(collector).map_or(self.started.elapsed() < SETTLED, |spool| spool.heard.elapsed() < SILENT)
    }

    /// How the spools are, by collector.
    pub(super) fn spools(&self) -> BTreeMap<String, SpoolReport> {
        self.spools.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is wrong with the first of them that has something.
    pub(super) fn trouble(&self) -> Option<String> {
        self.spools().iter().find_map(|(name, spool)| Some(format!("{name}: {}", spool.trouble()?)))
    }

    /// Has all collectors fix the format of a source, or free it.
    pub(super) fn pin(&self, source: &str, format: Option<&str>) {
        self.order(Say::Pin { source: source.to_owned(), format: format.map(str::to_owned) });
    }

    /// Tells all collectors.
    pub(super) fn order(&self, say: Say) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).push(say);
    }

    /// Starts listening to collectors and sending orders.
    pub(super) fn start(self: &Arc<Self>, node: &mut Node, state: Arc<dyn StateStore>) -> Result<()> {
        let (roster, stop) = (Arc::clone(self), Arc::clone(&node.stop));
        let mut known: HashMap<String, BTreeMap<String, SourceInfo>> = HashMap::new();
        node.keep_doing("sources", move || {
            listen(&roster.settings, "console.control", &stop, &mut |message| match message.say {
                Say::Sources { whole, list } => {
                    let from = message.from;
                    let own = known.entry(from.clone()).or_default();
                    if whole {
                        own.clear();
                    }
                    let changed: Vec<String> = list.iter().map(|s| s.id.clone()).collect();
                    own.extend(list.into_iter().map(|s| (s.id.clone(), s)));
                    roster.rings.told(&from, own.values(), whole, (now() / 1_000_000_000) as i64);
                    let merged: Vec<SourceInfo> = changed.iter().filter_map(|id| merged(&known, id)).collect();
                    if let Err(error) = state.put_sources(&merged) {
                        tracing::error!(%error, "FSP-RUN-050: cannot keep the state of sources; it is tried again");
                    }
                }
                Say::Spool { waiting, alarm, ended, .. } => {
                    let mut spools = roster.spools.lock().unwrap_or_else(PoisonError::into_inner);
                    // one that ended with records in its spool is missed: they are nowhere else
                    if ended && waiting == 0 {
                        spools.remove(&message.from);
                    } else {
                        spools.insert(message.from, SpoolReport { waiting, alarm, heard: Instant::now() });
                    }
                }
                Say::Pin { .. } | Say::Packets(_) => {}
            })
        })?;
        let (roster, stop) = (Arc::clone(self), Arc::clone(&node.stop));
        let topic = Names::new(&self.settings).control;
        node.keep_doing("orders", move || {
            let mut writer = None;
            while !stop.load(Ordering::Relaxed) {
                std::thread::park_timeout(Duration::from_millis(200));
                let waiting = || roster.orders.lock().unwrap_or_else(PoisonError::into_inner);
                let orders = waiting().clone();
                if !orders.is_empty() {
                    let many = orders.len();
                    send(&roster.settings, &topic, &roster.settings.own_name(), &mut writer, orders)?;
                    // what could not be sent stays for the next time
                    waiting().drain(..many);
                }
            }
            Ok(())
        })
    }
}

/// A source that several collectors hear is one source: its counters are added up.
fn merged(known: &HashMap<String, BTreeMap<String, SourceInfo>>, id: &str) -> Option<SourceInfo> {
    let mut all = known.values().filter_map(|own| own.get(id));
    let mut sum = all.next()?.clone();
    for other in all {
        let (a, b) = (&mut sum.counters, &other.counters);
        a.received += b.received;
        a.kept += b.kept;
        a.parsed += b.parsed;
        a.unparsed += b.unparsed;
        a.bytes += b.bytes;
        for (reason, n) in &b.refused {
            *a.refused.entry(reason.clone()).or_default() += n;
        }
        sum.first_seen = sum.first_seen.min(other.first_seen);
        if other.last_seen > sum.last_seen {
            (sum.last_seen, sum.format, sum.confidence) = (other.last_seen, other.format.clone(), other.confidence);
        }
    }
    Some(sum)
}
