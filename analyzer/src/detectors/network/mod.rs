//! Detectors over what the network sensor says: a file each, and one line in [`watchers`].
//!
//! Each is in two halves, as correlations are: [`Watcher::look`] sees single events and makes [`Fact`]s, each for one group whose key it
//! declares; [`Watcher::take`] is the state machine of a group. So several instances can share the work, a group meeting on one of
//! them. State is bounded (`groups`), kept with that of correlations, and a function of the facts of the group in their order; windows
//! are cut by event time, so lateness within a window changes no count. What is found says which figures stand against which
//! thresholds; thresholds and texts are data (`parameters`).

mod arp;
mod beacon;
mod certificate;
mod dhcp;
mod flood;
mod generations;
mod going;
mod groups;
mod lateral;
mod logins;
mod parameters;
mod scan;
mod sight;
mod tunnel;
mod volume;
mod zones;

use std::sync::{Arc, LazyLock};

use fansipan_model::{Event, MatchedField, RuleRef};

pub use parameters::{ParameterError, Parameters};
pub use sight::Fact;

use super::{Detector, Hit, Report, Seen, StateError};
use crate::{correlate::Losses, grouping::Signal};
use groups::{Finding, Groups, Keeping, State};
use sight::Sight;

/// Format of saved state.
const VERSION: u64 = 1;

static SHIPPED: LazyLock<Option<Arc<Parameters>>> = LazyLock::new(|| Parameters::with(&toml::Table::new()).ok().map(Arc::new));

impl Parameters {
    /// Those shipped with the program.
    pub fn shipped() -> Option<Arc<Parameters>> {
        SHIPPED.clone()
    }
}

/// One detector.
trait Watcher: Send + 'static {
    /// Its stable name.
    const NAME: &'static str;
    /// What it may find; the names are those of the parameters' texts.
    const FINDINGS: &'static [&'static str];
    /// What it remembers of a group.
    type State: State;

    /// What an event means, for which group. No state.
    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>);

    /// Takes a fact of the group in.
    fn take(&self, state: &mut Self::State, fact: &Fact, out: &mut Vec<Finding>, losses: &mut Losses);

    /// Nanoseconds of silence after which nothing of a group matters.
    fn life(&self) -> i64;

    /// Values remembered in a group.
    fn weight(&self, state: &Self::State) -> usize;
}

trait Looking: Send {
    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>);
}

struct Looker<W>(W);

impl<W: Watcher> Looking for Looker<W> {
    fn look(&self, sight: &Sight<'_>, out: &mut Vec<Fact>) {
        self.0.look(sight, out);
    }
}

type Both = (Box<dyn Looking>, Box<dyn Keeping>);

fn both<W: Watcher>(make: impl Fn() -> W, parameters: &Parameters) -> Both {
    (Box::new(Looker(make())), Box::new(Groups::new(make(), parameters)))
}

/// The registry: every network detector there is.
fn watchers(all: &Arc<Parameters>) -> Vec<Both> {
    let p = || Arc::clone(all);
    vec![
        both(|| scan::Scan(p()), all),
        both(|| logins::Logins(p()), all),
        both(|| flood::Flood(p()), all),
        both(|| beacon::Beacon(p()), all),
        both(|| tunnel::Tunnel(p()), all),
        both(|| volume::Volume(p()), all),
        both(|| certificate::Certificate(p()), all),
        both(|| dhcp::Dhcp(p()), all),
        both(|| arp::Arp(p()), all),
        both(|| lateral::Lateral(p()), all),
        both(|| zones::Zones(p()), all),
    ]
}

/// All network detectors.
pub struct Network {
    parameters: Option<Arc<Parameters>>,
    lookers: Vec<Box<dyn Looking>>,
    keepers: Vec<Box<dyn Keeping>>,
    facts: Vec<Fact>,
    unknown: u64,
}

impl Network {
    /// With nothing remembered; `None`: there are no detectors.
    pub fn new(parameters: Option<Arc<Parameters>>) -> Self {
        let (lookers, keepers) = parameters.as_ref().map(watchers).unwrap_or_default().into_iter().unzip();
        Self { parameters, lookers, keepers, facts: Vec::new(), unknown: 0 }
    }

    /// Appends what an event means; no state.
    pub fn look(&self, event: &Event, out: &mut Vec<Fact>) {
        let Some(sight) = self.parameters.as_ref().and_then(|p| Sight::of(event, p)) else { return };
        self.lookers.iter().for_each(|l| l.look(&sight, out));
    }

    /// Takes a fact in.
    pub fn take(&mut self, fact: &Fact) {
        match self.keepers.iter_mut().find(|k| k.name() == fact.detector) {
            Some(keeper) => keeper.take(fact),
            None => self.unknown += 1,
        }
    }

    /// Looks at an event and takes what it means.
    pub fn see(&mut self, event: &Event) {
        let mut facts = std::mem::take(&mut self.facts);
        self.look(event, &mut facts);
        facts.drain(..).for_each(|fact| self.take(&fact));
        self.facts = facts;
    }

    /// Appends the alerts that are new or have grown.
    pub fn tell(&mut self, out: &mut Vec<Signal>) {
        self.keepers.iter_mut().for_each(|k| k.settle(out));
    }

    /// Facts of detectors that this program does not have.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Its state as bytes, none where nothing is remembered: CRC-32C (`u32`, little-endian) of what follows, then JSON with version and the hash of the parameters.
    pub fn state(&self) -> Vec<u8> {
        let Some(parameters) = &self.parameters else { return Vec::new() };
        if self.held().iter().all(|(_, groups, losses)| *groups == 0 && *losses == Losses::default()) {
            return Vec::new();
        }
        let all: serde_json::Map<String, serde_json::Value> = self.keepers.iter().map(|k| (k.name().to_owned(), k.save())).collect();
        let text = serde_json::json!({"v": VERSION, "parameters": parameters.hash, "detectors": all}).to_string();
        [&crc32c::crc32c(text.as_bytes()).to_le_bytes(), text.as_bytes()].concat()
    }

    /// Continues from [`Network::state`]; what was remembered under other parameters begins anew.
    ///
    /// # Errors
    /// [`StateError`]: nothing is remembered then.
    pub fn put_back(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        *self = Self::new(self.parameters.take());
        let Some(parameters) = &self.parameters else { return Ok(()) };
        if bytes.is_empty() {
            return Ok(());
        }
        let (crc, text) = bytes.split_first_chunk::<4>().ok_or(StateError::Damaged)?;
        if u32::from_le_bytes(*crc) != crc32c::crc32c(text) {
            return Err(StateError::Damaged);
        }
        let mut state: serde_json::Value = serde_json::from_slice(text).map_err(|_| StateError::Damaged)?;
        let version = state.get("v").and_then(serde_json::Value::as_u64).ok_or(StateError::Damaged)?;
        if version > VERSION {
            return Err(StateError::Version(u8::try_from(version).unwrap_or(u8::MAX)));
        }
        if state.get("parameters").and_then(serde_json::Value::as_str) != Some(parameters.hash.as_str()) {
            return Ok(());
        }
        for keeper in &mut self.keepers {
            if let Some(own) = state.get_mut("detectors").and_then(|d| d.get_mut(keeper.name()))
                && keeper.load(own.take()).is_none()
            {
                *self = Self::new(self.parameters.take());
                return Err(StateError::Damaged);
            }
        }
        Ok(())
    }

    /// What each detector holds and lost.
    pub fn held(&self) -> Vec<(&'static str, usize, Losses)> {
        self.keepers.iter().map(|k| (k.name(), k.held().0, k.held().1)).collect()
    }
}

impl Detector for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn observe(&mut self, seen: &Seen<'_>, _out: &mut Vec<Hit>) {
        self.see(seen.event);
    }

    fn settle(&mut self, out: &mut Vec<Signal>) {
        self.tell(out);
    }

    fn rule(&self, _hit: Hit) -> Option<&RuleRef> {
        None
    }

    fn matched(&self, _hit: Hit, _event: &Event) -> Vec<MatchedField> {
        Vec::new()
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend(self.state());
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.put_back(bytes)
    }

    fn report(&self) -> Report {
        let mut report = Report::default();
        for (name, groups, losses) in self.held() {
            report.groups += groups;
            report.losses += losses;
            if losses != Losses::default() {
                report.by_rule.push((name.to_owned(), losses));
            }
        }
        report
    }
}
