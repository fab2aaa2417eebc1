//! Which collectors keep packets, over restarts of the console: one that is away must be missed by its name.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use fansipan_model::{Scope, SourceInfo};
use serde::{Deserialize, Serialize};

use crate::kept;

/// One that was not heard of for so long is no longer expected to answer, seconds: no ring keeps packets for longer by default.
const FORGOTTEN: i64 = 30 * 86_400;
/// When a collector was heard of is written down this often, seconds.
const NOTED: i64 = 3600;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Keeper {
    /// Whose packets it keeps.
    agencies: BTreeSet<String>,
    /// When it was heard of, UTC seconds.
    heard: i64,
}

/// The collectors with packet rings.
pub(crate) struct Known {
    file: PathBuf,
    all: Mutex<BTreeMap<String, Keeper>>,
}

impl Known {
    /// What was known when the console ran last.
    pub(crate) fn open(data: &Path) -> Self {
        let file = data.join("rings.json");
        let all = kept::read(&file, |error| {
            tracing::warn!(%error, "FSP-RUN-064: {} is damaged; collectors with packet rings are learned anew", file.display());
        });
        Self { file, all: Mutex::new(all) }
    }

    /// A collector told of its sources at `now` (UTC seconds); `whole`: and has no others.
    pub(crate) fn told<'a>(&self, collector: &str, sources: impl Iterator<Item = &'a SourceInfo>, whole: bool, now: i64) {
        let keeps = |s: &&SourceInfo| s.packets.as_ref().is_some_and(|p| p.ring.is_some());
        let agencies: BTreeSet<String> = sources.filter(keeps).map(|s| s.agency.clone()).collect();
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.clone();
        if whole && agencies.is_empty() {
            all.remove(collector);
        } else if !agencies.is_empty() || all.contains_key(collector) {
            let keeper = all.entry(collector.to_owned()).or_default();
            if whole {
                keeper.agencies.clear();
            }
            keeper.agencies.extend(agencies);
            keeper.heard = if now - keeper.heard >= NOTED { now } else { keeper.heard };
        }
        all.retain(|_, keeper| now - keeper.heard < FORGOTTEN);
        if *all != before {
            self.write(&all);
        }
    }

    /// Those that may have packets that `scope` may see.
    pub(crate) fn of(&self, scope: &Scope) -> Vec<String> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|(_, k)| k.agencies.iter().any(|a| scope.allows(a))).map(|(name, _)| name.clone()).collect()
    }

    fn write(&self, all: &BTreeMap<String, Keeper>) {
        if let Err(error) = kept::write(&self.file, all) {
            tracing::warn!(%error, "FSP-RUN-065: cannot write {}; after a restart collectors that are away are not missed", self.file.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FORGOTTEN, Known};
    use fansipan_model::{Agency, PacketCounters, RingCounters, Scope, SourceInfo};

    fn tap(agency: &str, ring: bool) -> SourceInfo {
        let text = format!(
            r#"{{"id":"tap:eth1","agency":"{agency}","transport":"tap","peer":null,"tls_identity":null,"host":null,"format":null,"product":null,
               "confidence":0,"pinned":false,"first_seen":1,"last_seen":1,"skew":null,
               "counters":{{"received":0,"kept":0,"parsed":0,"unparsed":0,"bytes":0,"refused":{{}}}}}}"#
        );
        let mut source: SourceInfo = serde_json::from_str(&text).unwrap();
        source.packets = Some(PacketCounters { ring: ring.then(RingCounters::default), ..PacketCounters::default() });
        source
    }

    #[test]
    fn collectors_with_rings_are_known_over_a_restart_until_they_have_none_or_are_long_gone() {
        let dir = tempfile::tempdir().unwrap();
        let known = Known::open(dir.path());
        let (health, tax, none) = (tap("health", true), tap("tax", true), tap("health", false));
        let tell =
            |known: &Known, name: &str, list: &[&SourceInfo], whole: bool, now: i64| known.told(name, list.iter().copied(), whole, now);
        tell(&known, "a", &[&health, &none], true, 10_000);
        tell(&known, "b", &[&tax], true, 10_000);
        tell(&known, "c", &[&none], true, 10_000);
        // sources that did not change are not told of each time
        tell(&known, "a", &[&none], false, 10_001);
        let of = |known: &Known, agency: &str| known.of(&Scope::Agencies(vec![Agency::new(agency)]));
        let again = Known::open(dir.path());
        assert_eq!(
            (again.of(&Scope::All), of(&again, "health"), of(&again, "tax")),
            (vec!["a".into(), "b".into()], vec!["a".into()], vec!["b".into()])
        );
        tell(&again, "a", &[&none], true, 20_000);
        assert_eq!(Known::open(dir.path()).of(&Scope::All), ["b"]);
        tell(&again, "c", &[], true, 10_001 + FORGOTTEN);
        assert!(again.of(&Scope::All).is_empty());
        std::fs::write(dir.path().join("rings.json"), "{").unwrap();
        assert!(Known::open(dir.path()).of(&Scope::All).is_empty());
    }
}
