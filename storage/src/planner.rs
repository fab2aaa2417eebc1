//! One event store over two: recent days in a full-text index beside the indexer, everything in the archive.
//!
//! The recent store answers where it holds every event that could be asked for; otherwise the archive does, which holds all.
//! Either gives the same answers (both pass one conformance suite), so the choice is about speed alone, and
//! [`EventStore::explain`] says it. While the archive does not answer, the recent store answers what it surely holds.

use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use fansipan_model::{Event, Predicate, Said, Scope, Word, said};
use uuid::Uuid;

use crate::{
    error::{Result, StoreError},
    events::{
        AggregateRequest, EventStore, Explanation, IndexInfo, Progress, RetentionPolicy, SearchPage, SearchRequest, StoreStatus, TimeRange,
    },
    table::Table,
};

/// Nanoseconds of a day.
const DAY: i64 = 86_400 * fansipan_model::time::SECOND;
/// After a failure the archive is not asked again for so long: whoever searches meanwhile does not wait for a time-out.
const RESPITE: Duration = Duration::from_secs(5);

/// The two stores.
#[derive(Clone)]
pub struct PlannedStore {
    recent: Arc<dyn EventStore>,
    archive: Arc<dyn EventStore>,
    known: Arc<Mutex<Known>>,
}

/// What is known of the archive.
#[derive(Default)]
struct Known {
    /// Its indexes when it last answered.
    indexes: Option<Vec<IndexInfo>>,
    /// When it last failed, and what it said.
    away: Option<(Instant, String)>,
}

/// Which one answers, and why.
struct Choice<'s> {
    store: &'s Arc<dyn EventStore>,
    why: Said,
}

impl PlannedStore {
    /// `archive` holds every event; `recent` every event that arrived since its own oldest day.
    pub fn new(recent: Arc<dyn EventStore>, archive: Arc<dyn EventStore>) -> PlannedStore {
        PlannedStore { recent, archive, known: Arc::default() }
    }

    /// Why the archive does not answer, if it does not: asks it.
    pub fn away(&self) -> Option<String> {
        self.archive_status().err()
    }

    /// The same as of when it was last asked.
    pub fn last_away(&self) -> Option<String> {
        self.locked().away.as_ref().map(|(_, reason)| reason.clone())
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The archive's status, or why it does not answer.
    fn archive_status(&self) -> Result<StoreStatus, String> {
        if let Some((_, reason)) = self.locked().away.as_ref().filter(|(at, _)| at.elapsed() < RESPITE) {
            return Err(reason.clone());
        }
        let asked = self.archive.status();
        let mut known = self.locked();
        match asked {
            Ok(status) => {
                (known.indexes, known.away) = (Some(status.indexes.clone()), None);
                Ok(status)
            }
            Err(error) => {
                let reason = error.reason();
                known.away = Some((Instant::now(), reason.clone()));
                Err(reason)
            }
        }
    }

    fn choose(&self, range: TimeRange) -> Result<Choice<'_>> {
        let recent = self.recent.status()?;
        // the oldest day may have been cut when the store was begun in its middle
        let first = recent.indexes.iter().map(|i| i.day).min().and_then(|d| d.checked_add(1));
        match self.archive_status() {
            Ok(archive) => Ok(self.between(range, &recent, first, archive.indexes)),
            Err(reason) => self.alone(range, &recent, first, reason),
        }
    }

    fn between(&self, range: TimeRange, recent: &StoreStatus, first: Option<i32>, indexes: Vec<IndexInfo>) -> Choice<'_> {
        let archive = |why: Said| Choice { store: &self.archive, why };
        if let Some(aside) = recent.quarantined.first() {
            let path = &aside.path;
            return archive(said!(
                "an index of the recent store was set aside ({path}), the archive has its events",
                "một chỉ mục của kho gần đây đã bị để riêng ({path}), kho lưu trữ có sự kiện của nó"
            ));
        }
        let Some(first) = first else { return archive(said!("the recent store is empty", "kho gần đây trống")) };
        match reaching(&indexes, first, range) {
            None => Choice {
                store: &self.recent,
                why: said!(
                    "no event that arrived before the recent store's days is as young as the range asked for",
                    "không sự kiện nào đến trước các ngày của kho gần đây lại mới bằng khoảng thời gian được hỏi"
                ),
            },
            Some(IndexInfo { name, .. }) => archive(said!(
                "the range may have events of {name}, which only the archive holds for certain",
                "khoảng thời gian có thể có sự kiện của {name}, chỉ kho lưu trữ chắc chắn có"
            )),
        }
    }

    /// While the archive is away the recent store answers where it surely has everything: by what the archive held when it last
    /// answered, otherwise by the day that the range begins with, since an event arrives after the time it tells of.
    fn alone(&self, range: TimeRange, recent: &StoreStatus, first: Option<i32>, reason: String) -> Result<Choice<'_>> {
        let day = |d: i32| fansipan_model::time::to_rfc3339(i64::from(d).saturating_mul(DAY)).chars().take(10).collect::<String>();
        let away = |reason: String| {
            let since = first.map_or_else(|| said!("no whole day yet", "chưa trọn ngày nào"), |d| Said::same(day(d)));
            Err(StoreError::Away { reason, since })
        };
        let Some(first_day) = first.filter(|_| recent.quarantined.is_empty()) else { return away(reason) };
        let known = self.locked();
        let held = match &known.indexes {
            Some(indexes) => {
                let only_there: Vec<IndexInfo> = indexes.iter().filter(|i| !holds(recent, i)).cloned().collect();
                reaching(&only_there, first_day, range).is_none()
            }
            None => range.from >= i64::from(first_day).saturating_mul(DAY),
        };
        if !held {
            return away(reason);
        }
        let basis = match known.indexes {
            Some(_) => Word::new("by what it held when it last answered", "theo những gì nó có khi trả lời lần cuối"),
            None => Word::new("by the days of the recent store", "theo các ngày của kho gần đây"),
        };
        let why = said!(
            "ClickHouse does not answer ({reason}); {basis}, no event before the recent store's days is asked for",
            "ClickHouse không trả lời ({reason}); {basis:#}, không hỏi sự kiện nào trước các ngày của kho gần đây"
        );
        Ok(Choice { store: &self.recent, why })
    }

    /// Asks the chosen store; what is too much for the recent one is left to the archive.
    fn ask<T>(&self, range: TimeRange, ask: impl Fn(&dyn EventStore) -> Result<T>) -> Result<T> {
        let choice = self.choose(range)?;
        match ask(&**choice.store) {
            Err(StoreError::TooMuch { .. }) if Arc::ptr_eq(choice.store, &self.recent) && self.away().is_none() => ask(&*self.archive),
            answer => answer,
        }
    }
}

/// Whether the recent store has as many events of a day and class as the archive had: then it has them all, since both are given
/// the same ones once each, and younger ones too.
fn holds(recent: &StoreStatus, archived: &IndexInfo) -> bool {
    let same = |i: &&IndexInfo| i.day == archived.day && i.class == archived.class;
    recent.indexes.iter().filter(same).map(|i| i.events).sum::<u64>() >= archived.events
}

/// An index of days before `first` that has events of the range.
fn reaching(indexes: &[IndexInfo], first: i32, range: TimeRange) -> Option<&IndexInfo> {
    indexes.iter().find(|i| i.day < first && i.span.is_none_or(|(_, last)| last >= range.from))
}

impl EventStore for PlannedStore {
    fn search(&self, scope: &Scope, request: &SearchRequest) -> Result<SearchPage> {
        self.ask(request.range, |store| store.search(scope, request))
    }

    fn aggregate(&self, scope: &Scope, request: &AggregateRequest) -> Result<Table> {
        self.ask(request.range, |store| store.aggregate(scope, request))
    }

    fn aggregate_all(&self, scope: &Scope, requests: &[AggregateRequest]) -> Result<Vec<Table>> {
        let mut out = Vec::with_capacity(requests.len());
        for same in requests.chunk_by(|a, b| a.range == b.range) {
            let Some(first) = same.first() else { continue };
            out.extend(self.ask(first.range, |store| store.aggregate_all(scope, same))?);
        }
        Ok(out)
    }

    fn get(&self, scope: &Scope, id: Uuid) -> Result<Option<Event>> {
        match self.recent.get(scope, id)? {
            Some(event) => Ok(Some(event)),
            None => self.archive.get(scope, id),
        }
    }

    fn scan(
        &self,
        scope: &Scope,
        filter: &Predicate,
        range: TimeRange,
        each: &mut dyn FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<Progress> {
        // not asked twice: events may have been handed over already
        self.choose(range)?.store.scan(scope, filter, range, each)
    }

    /// The archive's: it holds everything. While it is away, that of the recent store.
    fn status(&self) -> Result<StoreStatus> {
        match self.archive_status() {
            Ok(status) => Ok(status),
            Err(_) => self.recent.status(),
        }
    }

    /// Applies the policy to the archive. How many days the recent store keeps is its node's own policy.
    fn expire(&self, policy: &RetentionPolicy, now: i64) -> Result<Vec<IndexInfo>> {
        self.archive.expire(policy, now)
    }

    fn verify(&self) -> Result<Vec<String>> {
        let mut all = self.recent.verify()?;
        all.extend(self.archive.verify()?);
        Ok(all)
    }

    fn explain(&self, scope: &Scope, filter: &Predicate, range: TimeRange) -> Result<Vec<Explanation>> {
        let choice = self.choose(range)?;
        let mut lines = choice.store.explain(scope, filter, range)?;
        for line in &mut lines {
            let (chosen, here) = (&choice.why, &line.why);
            line.why = said!("{chosen}; {here}", "{chosen:#}; {here:#}");
        }
        Ok(lines)
    }
}
