//! Sizes, retention, integrity. What expires goes a whole partition of the table (day and class) at a time.

use fansipan_model::Agency;
use hashbrown::HashMap;

use super::{Shared, binary::Reader, row::SLOT, sql};
use crate::{
    engine::day::Key,
    error::{Result, StoreError},
    events::{IndexInfo, RetentionPolicy, StoreStatus},
};

fn damaged(what: &'static str) -> StoreError {
    StoreError::Damaged { what, reason: "the answer of ClickHouse is cut short".into() }
}

/// Every partition, oldest day first, with the name the server gives it. The span is that of whole hours.
fn partitions(shared: &Shared) -> Result<Vec<(String, IndexInfo)>> {
    let Shared { link, names, .. } = shared;
    let sizes = link.rows(
        "reading sizes",
        &format!(
            "SELECT partition_id, sum(bytes_on_disk), count() FROM {} WHERE active AND database = {} AND table = {} GROUP BY partition_id",
            names.system_once("parts"),
            names.database_text(),
            sql::text(&names.local_name("events"))
        ),
    )?;
    let mut r = Reader::new(&sizes);
    let mut bytes: HashMap<String, (u64, u64)> = HashMap::new();
    while !r.is_done() {
        let mut one = || Some((r.text()?.to_owned(), (r.u64()?, r.u64()?)));
        let (partition, size) = one().ok_or_else(|| damaged("sizes"))?;
        bytes.insert(partition, size);
    }
    let counts = link.rows(
        "reading counts",
        &format!(
            "SELECT day, class, any(_partition_id), count(), min(slot), max(slot) FROM {} GROUP BY day, class ORDER BY day, class",
            names.table("events")
        ),
    )?;
    let mut r = Reader::new(&counts);
    let mut out = Vec::new();
    while !r.is_done() {
        let mut one = || Some((r.i32()?, r.text()?.to_owned(), r.text()?.to_owned(), r.u64()?, r.i64()?, r.i64()?));
        let (day, class, partition, events, first, last) = one().ok_or_else(|| damaged("counts"))?;
        let (size, parts) = bytes.get(&partition).copied().unwrap_or_default();
        let span = (first.saturating_mul(SLOT), last.saturating_mul(SLOT).saturating_add(SLOT - 1));
        let key = Key { day, class };
        let name = key.folder();
        out.push((partition, IndexInfo { name, day, class: key.class, events, bytes: size, span: Some(span), segments: parts as usize }));
    }
    Ok(out)
}

/// Sizes of every partition.
pub(crate) fn status(shared: &Shared) -> Result<StoreStatus> {
    let indexes: Vec<IndexInfo> = partitions(shared)?.into_iter().map(|(_, info)| info).collect();
    Ok(StoreStatus {
        events: indexes.iter().map(|i| i.events).sum(),
        bytes: indexes.iter().map(|i| i.bytes).sum(),
        indexes,
        quarantined: Vec::new(),
    })
}

/// Bytes of every column and index, largest first.
pub(crate) fn column_sizes(shared: &Shared) -> Result<Vec<(String, u64)>> {
    let Shared { link, names, .. } = shared;
    let of = format!("database = {} AND table = {}", names.database_text(), sql::text(&names.local_name("events")));
    let columns = format!("SELECT name, sum(data_compressed_bytes) AS size FROM {} WHERE {of} GROUP BY name", names.system_once("columns"));
    let indexes = format!(
        "SELECT concat('index ', name), sum(data_compressed_bytes) AS size FROM {} WHERE {of} GROUP BY name",
        names.system_once("data_skipping_indices")
    );
    let bytes = link.rows("reading sizes", &format!("SELECT * FROM ({columns} UNION ALL {indexes}) ORDER BY size DESC"))?;
    let mut r = Reader::new(&bytes);
    let mut out = Vec::new();
    while !r.is_done() {
        let mut one = || Some((r.text()?.to_owned(), r.u64()?));
        out.push(one().ok_or_else(|| damaged("sizes"))?);
    }
    Ok(out)
}

/// Deletes the events of an agency.
pub(crate) fn forget(shared: &Shared, agency: &Agency) -> Result<u64> {
    let Shared { link, names, .. } = shared;
    let theirs = format!("agency = {}", sql::text(agency.as_str()));
    let counted = link.rows("counting", &format!("SELECT count() FROM {} WHERE {theirs}", names.table("events")))?;
    let table = names.local("events");
    let delete = format!("ALTER TABLE {table}{} DELETE WHERE {theirs} SETTINGS mutations_sync = 2", names.everywhere());
    link.execute_whole("deleting an agency's events", &delete)?;
    Reader::new(&counted).u64().ok_or_else(|| damaged("count"))
}

/// Drops what the policy no longer keeps, oldest first. The newest day is never dropped for its size: it is being written.
pub(crate) fn expire(shared: &Shared, policy: &RetentionPolicy, now: i64) -> Result<Vec<IndexInfo>> {
    let all = partitions(shared)?;
    let mut left: u64 = all.iter().map(|(_, i)| i.bytes).sum();
    let newest = all.last().map(|(_, i)| i.day);
    let mut dropped = Vec::new();
    for (partition, index) in all {
        let over = policy.max_bytes.is_some_and(|most| left > most) && Some(index.day) != newest;
        if (policy.too_old(&index, now) || over) && !policy.holds.iter().any(|h| h.covers(&index)) {
            let Shared { link, names, .. } = shared;
            let table = names.local("events");
            link.execute(
                "dropping what has expired",
                &format!("ALTER TABLE {table}{} DROP PARTITION ID {}", names.everywhere(), sql::text(&partition)),
            )?;
            left = left.saturating_sub(index.bytes);
            dropped.push(index);
        }
    }
    Ok(dropped)
}

/// Has the server read every part against its checksums.
pub(crate) fn verify(shared: &Shared) -> Result<Vec<String>> {
    let table = shared.names.local("events");
    let bytes = shared.link.rows_whole("checking parts", &format!("CHECK TABLE {table} SETTINGS check_query_single_value_result = 0"))?;
    let mut r = Reader::new(&bytes);
    let mut wrong = Vec::new();
    while !r.is_done() {
        let mut one = || Some((r.text()?.to_owned(), r.u8()?, r.text()?.to_owned()));
        let (part, passed, reason) = one().ok_or_else(|| damaged("result of the check"))?;
        if passed == 0 {
            wrong.push(format!("{part}: {reason}"));
        }
    }
    wrong.sort();
    Ok(wrong)
}
