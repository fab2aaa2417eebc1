//! What people set at the console, on its way to the analyzers: exceptions and rules of the centre's own, over the compacted
//! settings topic. The console's state is the truth: what differs from it in the topic is written or removed. Analyzers read the
//! whole topic before they look at the first event, and follow it from then on.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use arc_swap::ArcSwap;
use fansipan_analyzer::Exceptions;
use fansipan_api::RuleControl;
use fansipan_bus::kafka::{Names, Settings, Writer, table, table::Table};
use fansipan_model::Scope;
use fansipan_rules::RuleSet;
use fansipan_storage::{OwnRule, RuleStore, StateStore};

use super::{node::Health, wire::Setting};
use crate::{content::Content, exceptions};

/// How often the console looks whether people changed something; well below the time after which a new exception counts.
const LOOK: Duration = Duration::from_millis(500);
/// Everything is compared this often, whether something is known to have changed or not.
const WHOLE: Duration = Duration::from_secs(60);

/// The console's side.
pub(super) struct Publisher {
    pub(super) settings: Settings,
    pub(super) state: Arc<dyn StateStore>,
    pub(super) rules: Arc<dyn RuleStore>,
    /// Own rules changed.
    pub(super) changed: Arc<AtomicBool>,
    pub(super) health: Arc<Health>,
    pub(super) stop: Arc<AtomicBool>,
}

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

impl Publisher {
    /// Publishes until told to stop, or until something fails.
    pub(super) fn session(&self) -> Result<()> {
        let topic = Names::new(&self.settings).settings;
        let writer = Writer::open(&self.settings, "settings")?;
        let mut known = table::read(&self.settings, &topic, 0, b"")?;
        let mut told: Option<(u64, Instant)> = None;
        while !self.stop.load(Ordering::Relaxed) {
            let revision = self.state.exceptions_revision()?;
            let due = told.is_none_or(|(r, at)| r != revision || at.elapsed() >= WHOLE);
            if self.changed.swap(false, Ordering::AcqRel) || due {
                let wanted = self.wanted()?;
                self.publish(&writer, &topic, &known, &wanted)?;
                (known, told) = (wanted, Some((revision, Instant::now())));
            }
            std::thread::park_timeout(LOOK);
        }
        Ok(())
    }

    fn wanted(&self) -> Result<Rows> {
        // all exceptions there ever were: an analyzer that is behind needs those of its time
        let exceptions = self.state.exceptions(&Scope::All, None)?.into_iter().map(Setting::Exception);
        let rules = self.rules.own_rules()?.into_iter().map(Setting::Rule);
        exceptions.chain(rules).map(Setting::write).collect()
    }

    /// What differs, in one transaction: analyzers see all of a change or nothing of it.
    fn publish(&self, writer: &Writer, topic: &str, known: &Rows, wanted: &Rows) -> Result<()> {
        let changed: Vec<_> = wanted.iter().filter(|(key, value)| known.get(*key) != Some(value)).collect();
        let gone: Vec<_> = known.keys().filter(|key| !wanted.contains_key(*key)).collect();
        if changed.is_empty() && gone.is_empty() {
            return Ok(());
        }
        writer.begin()?;
        for (key, value) in &changed {
            writer.send(topic, Some(0), key, Some(value))?;
        }
        for key in &gone {
            writer.send(topic, Some(0), key, None)?;
        }
        writer.commit()?;
        self.health.add("fansipan_settings_published_total", (changed.len() + gone.len()) as f64);
        Ok(())
    }
}

/// Own rules that were saved: in force at the console, for its lists and hunts, and on their way to the analyzers.
pub(super) struct Control {
    pub(super) content: Arc<Content>,
    pub(super) changed: Arc<AtomicBool>,
}

impl RuleControl for Control {
    fn put_in_force(&self) -> Result<(), String> {
        self.content.put_in_force()?;
        self.changed.store(true, Ordering::Release);
        Ok(())
    }
}

/// What an analyzer judges by.
#[derive(Clone)]
pub(super) struct InForce {
    pub(super) rules: Arc<ArcSwap<RuleSet>>,
    pub(super) exceptions: Arc<ArcSwap<Exceptions>>,
    known: Arc<AtomicBool>,
}

impl InForce {
    pub(super) fn new(rules: Arc<ArcSwap<RuleSet>>) -> Self {
        Self { rules, exceptions: Arc::default(), known: Arc::default() }
    }

    /// Waits until it is known what people set: an event judged before that could raise what somebody decided not to be told of.
    pub(super) fn wait(&self, stop: &AtomicBool) {
        while !self.known.load(Ordering::Acquire) && !stop.load(Ordering::Relaxed) {
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

/// The analyzer's side.
pub(super) struct Follower {
    pub(super) settings: Settings,
    pub(super) content: Arc<Content>,
    /// Where [`Content`] finds the own rules.
    pub(super) own: Arc<ArcSwap<Vec<OwnRule>>>,
    pub(super) in_force: InForce,
    pub(super) health: Arc<Health>,
    pub(super) stop: Arc<AtomicBool>,
}

impl Follower {
    /// Follows until told to stop, or until something fails; what is known stays in force.
    pub(super) fn session(&self) -> Result<()> {
        let topic = Names::new(&self.settings).settings;
        let mut table = Table::open(&self.settings, &topic, 0, b"")?;
        self.apply(table.rows())?;
        self.in_force.known.store(true, Ordering::Release);
        while !self.stop.load(Ordering::Relaxed) {
            if table.follow(LOOK)? {
                self.apply(table.rows())?;
            }
        }
        Ok(())
    }

    fn apply(&self, rows: &Rows) -> Result<()> {
        let (mut held, mut own) = (Vec::new(), Vec::new());
        for value in rows.values() {
            match Setting::read(value) {
                Ok(Setting::Exception(e)) => held.extend(exceptions::held(e)),
                Ok(Setting::Rule(rule)) => own.push(rule),
                Err(error) => tracing::error!("{error:#}; it is not heeded"),
            }
        }
        self.health.set("fansipan_exceptions", held.len() as f64);
        self.health.set("fansipan_own_rules", own.len() as f64);
        self.in_force.exceptions.store(Arc::new(Exceptions::new(held)));
        if **self.own.load() != own {
            self.own.store(Arc::new(own));
            self.content.put_in_force().map_err(|reason| {
                self.own.store(Arc::default());
                anyhow::anyhow!("FSP-RUN-070: own rules cannot be put in force: {reason}; make room on the disk of the data folder")
            })?;
        }
        self.health.add("fansipan_settings_reloads_total", 1.0);
        tracing::info!(settings = rows.len(), "what people set at the console is in force");
        Ok(())
    }
}
