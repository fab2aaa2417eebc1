//! The indexer role: events topic → ClickHouse, each event once. ClickHouse itself says how far a partition is stored, so a
//! process that dies anywhere is made good by whoever gets the partition next.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use fansipan_bus::{
    Delivery, Source as _,
    kafka::{Owner, Reader, Settings, Topics},
};
use fansipan_model::{Event, said};
use fansipan_storage::{
    EventWriter as _, RetentionPolicy, StoreError,
    clickhouse::{ClickHouseStore, ClickHouseWriter},
};

use super::{
    node::{self, Health, Node},
    wire,
};
use crate::{config::Config, upkeep};

/// Group on the events topic.
pub(super) const GROUP: &str = "indexer";
const RECORDS: usize = 8192;
/// Events become searchable at the latest this long after they were read. ClickHouse likes few and large inserts.
const VISIBLE_WITHIN: Duration = Duration::from_secs(1);

pub(super) async fn serve(config: Config, _data: &Path) -> Result<()> {
    let Some(store) = config.clickhouse.open().await? else {
        bail!(said!(
            "FSP-CFG-011: no store is configured that several processes can share: set [clickhouse] url here and at the console, or leave \
             the indexer out; the console then indexes by itself",
            "FSP-CFG-011: chưa cấu hình kho nào mà nhiều tiến trình dùng chung được: hãy đặt [clickhouse] url ở đây và ở bảng điều khiển, hoặc \
             bỏ indexer; khi đó bảng điều khiển tự lập chỉ mục"
        ))
    };
    let mut node = Node::start("indexer", config.role.listen).await?;
    let storing =
        Storing { settings: config.kafka.clone(), store: store.clone(), health: Arc::clone(&node.health), stop: Arc::clone(&node.stop) };
    node.keep_doing("storing", move || storing.session())?;
    let (stop, policy) = (Arc::clone(&node.stop), config.storage.retention());
    node.roles.spawn("retention", &Arc::clone(&node.stop), move || {
        expire(&store, &policy, &stop);
        Ok(())
    })?;
    node::announce("indexer", config.role.listen)?;
    node.wait().await?;
    node.end().await
}

fn expire(store: &ClickHouseStore, policy: &RetentionPolicy, stop: &AtomicBool) {
    let mut done: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        if done.is_none_or(|at| at.elapsed() >= upkeep::EXPIRE_EVERY) {
            upkeep::expire(store, policy);
            done = Some(Instant::now());
        }
        std::thread::park_timeout(Duration::from_secs(1));
    }
}

/// Events topic → ClickHouse.
struct Storing {
    settings: Settings,
    store: ClickHouseStore,
    health: Arc<Health>,
    stop: Arc<AtomicBool>,
}

/// A writer for each partition that this instance has.
struct Writers {
    store: ClickHouseStore,
    /// Cluster and topic: what positions in ClickHouse are of.
    of: String,
    held: Mutex<BTreeMap<i32, ClickHouseWriter>>,
}

impl Writers {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<i32, ClickHouseWriter>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, record: &Delivery<'_>, event: &Event) -> Result<(), StoreError> {
        match self.locked().get_mut(&record.partition) {
            Some(writer) => writer.add(record.offset, event),
            None => Ok(()),
        }
    }
}

impl Owner for Writers {
    fn assigned(&self, partition: i32, _committed: Option<u64>) -> Result<Option<u64>, String> {
        let writer = self.store.writer(&self.of, partition).map_err(|e| e.to_string())?;
        let next = writer.resume_from();
        tracing::info!(partition, from = next, "storing");
        self.locked().insert(partition, writer);
        Ok(Some(next).filter(|n| *n > 0))
    }

    /// What was added and not committed is read again by the next owner.
    fn revoked(&self, partition: i32) {
        self.locked().remove(&partition);
    }
}

impl Storing {
    fn session(&self) -> Result<()> {
        let topics = Topics::new(&self.settings)?;
        let topic = topics.names().events.clone();
        let of = format!("{}/{topic}", topics.cluster()?);
        let writers = Arc::new(Writers { store: self.store.clone(), of, held: Mutex::default() });
        let mut reader = Reader::join(&self.settings, GROUP, &topic, Arc::clone(&writers) as Arc<dyn Owner>)?;
        let mut next: BTreeMap<i32, u64> = BTreeMap::new();
        let mut committed = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            let mut failed = None;
            let mut dead = 0u64;
            reader.poll(RECORDS, Duration::from_millis(200), &mut |d| {
                if failed.is_some() {
                    return;
                }
                match wire::event(d.value) {
                    Ok(event) => failed = writers.add(&d, &event).err(),
                    Err(_) => dead += 1, // the analyzer sends it to the dead letters
                }
                next.insert(d.partition, d.offset + 1);
            })?;
            if let Some(error) = failed {
                return Err(error.into());
            }
            self.health.add("fansipan_dead_letters_total", dead as f64);
            self.health.set_ready(!reader.partitions().is_empty());
            if committed.elapsed() >= VISIBLE_WITHIN {
                self.commit(&writers, &mut reader, &mut next)?;
                committed = Instant::now();
            }
        }
        self.commit(&writers, &mut reader, &mut next)?;
        reader.leave();
        Ok(())
    }

    /// Makes everything read durable and searchable; then the group's positions say so, for those who watch the lag.
    fn commit(&self, writers: &Writers, reader: &mut Reader, next: &mut BTreeMap<i32, u64>) -> Result<()> {
        let mut stored = 0;
        let mut done = Vec::new();
        for (partition, writer) in writers.locked().iter_mut() {
            let Some(next) = next.get(partition).copied() else { continue };
            stored += writer.pending();
            writer.commit()?;
            done.push((*partition, next));
        }
        next.clear();
        self.health.add("fansipan_events_total", stored as f64);
        for (partition, next) in done {
            reader.commit(partition, next)?;
        }
        Ok(())
    }
}
