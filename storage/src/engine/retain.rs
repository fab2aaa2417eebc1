//! Sizes, retention, integrity.

use std::{
    path::Path,
    sync::{Arc, PoisonError},
};

use super::{
    Shared,
    day::{DAY, DayIndex},
};
use crate::{
    error::{Result, StoreError},
    events::{Hold, IndexInfo, RetentionPolicy, StoreStatus},
};

/// Sizes of every index.
pub(crate) fn status(shared: &Shared) -> StoreStatus {
    let days: Vec<Arc<DayIndex>> = shared.days().values().cloned().collect();
    let indexes: Vec<IndexInfo> = days.iter().map(|d| d.info()).collect();
    StoreStatus {
        events: indexes.iter().map(|i| i.events).sum(),
        bytes: indexes.iter().map(|i| i.bytes).sum(),
        indexes,
        quarantined: shared.quarantined.lock().unwrap_or_else(PoisonError::into_inner).clone(),
    }
}

impl Hold {
    /// Whether it covers an index.
    pub(crate) fn covers(&self, index: &IndexInfo) -> bool {
        let start = i64::from(index.day) * DAY;
        let (first, last) = index.span.unwrap_or((start, start));
        let touches = |a: i64, b: i64| a <= self.to && b >= self.from;
        self.class.as_ref().is_none_or(|c| *c == index.class) && (touches(start, start + DAY - 1) || touches(first, last))
    }
}

impl RetentionPolicy {
    pub(crate) fn too_old(&self, index: &IndexInfo, now: i64) -> bool {
        let listed = self.max_age.iter().find(|(class, _)| *class == index.class).map(|(_, age)| *age);
        let Some(age) = listed.or(self.default_age) else { return false };
        let end = (i64::from(index.day) + 1) * DAY;
        i128::from(now) - i128::from(end) > age.as_nanos() as i128
    }
}

/// Drops what the policy no longer keeps, oldest first. The newest day is never dropped for its size: it is being written.
pub(crate) fn expire(shared: &Shared, policy: &RetentionPolicy, now: i64) -> Result<Vec<IndexInfo>> {
    let _still = shared.writing.lock().unwrap_or_else(PoisonError::into_inner);
    let mut dropped = Vec::new();
    let mut left = status(shared);
    let newest = left.indexes.last().map(|i| i.day);
    for index in left.indexes.clone() {
        let over = policy.max_bytes.is_some_and(|most| left.bytes > most) && Some(index.day) != newest;
        if (policy.too_old(&index, now) || over) && !policy.holds.iter().any(|h| h.covers(&index)) {
            drop_index(shared, &index)?;
            left.bytes -= index.bytes.min(left.bytes);
            dropped.push(index);
        }
    }
    Ok(dropped)
}

/// Takes an index out of the set, then removes its folder. Readers that still use it keep their open files.
fn drop_index(shared: &Shared, index: &IndexInfo) -> Result<()> {
    let key = shared.days().keys().find(|k| k.folder() == index.name).cloned();
    let Some(day) = key.and_then(|k| shared.days_mut().remove(&k)) else { return Ok(()) };
    // renamed first: a crash in the middle of the removal must not leave half an index behind
    let gone = shared.root.join(format!("{}.dropped", day.name));
    std::fs::rename(&day.path, &gone).map_err(StoreError::io("cannot drop", &day.path))?;
    std::fs::remove_dir_all(&gone).map_err(StoreError::io("cannot remove", &gone))
}

/// Removes folders that an interrupted removal left.
pub(crate) fn clean(root: &Path) -> Result<()> {
    for entry in std::fs::read_dir(root).map_err(StoreError::io("cannot list", root))?.flatten() {
        if entry.path().extension().is_some_and(|e| e == "dropped") {
            std::fs::remove_dir_all(entry.path()).map_err(StoreError::io("cannot remove", entry.path()))?;
        }
    }
    Ok(())
}

/// Reads every file of every index against its checksum.
pub(crate) fn verify(shared: &Shared) -> Result<Vec<String>> {
    let days: Vec<Arc<DayIndex>> = shared.days().values().cloned().collect();
    let mut wrong = Vec::new();
    for day in days {
        match day.index.validate_checksum() {
            Ok(files) => wrong.extend(files.iter().map(|f| format!("{}/{}: checksum does not fit", day.name, f.display()))),
            Err(e) => wrong.push(format!("{}: {e}", day.name)),
        }
    }
    wrong.sort();
    Ok(wrong)
}
