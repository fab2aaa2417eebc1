//! The console indexes by itself, everything or, beside ClickHouse, recent days: it copies the events topic into a log of its own
//! and the ordinary indexer reads that. Each batch in the log ends with the positions in Kafka it came to, so that a copy is made exactly once.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_bus::{
    Batch, Consumer, Delivery, EmbeddedBus, Patience, Source as _,
    kafka::{Owner, Reader, Settings, Topics},
};
use fansipan_model::codec;
use serde::{Deserialize, Serialize};

use super::{node::Health, wire};

/// Group on the events topic.
pub(super) const GROUP: &str = "console.events";
/// The log's consumer that holds what is needed to find the positions again.
const CONSUMER: &str = "mirror";
const RECORDS: usize = 8192;
/// Bytes of a batch of the log, and one record more.
const BYTES: usize = 8 << 20;
/// The positions are noted beside the log this often at least.
const NOTED: Duration = Duration::from_secs(10);
/// First byte of a record with positions; events begin with their format version.
const MARK: u8 = 0xfe;

/// Whether a record of the log says how far Kafka was copied, and is no event.
pub(crate) fn is_positions(record: &[u8]) -> bool {
    record.first() == Some(&MARK)
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Positions {
    /// Which Kafka cluster and topic; of another one nothing is known.
    of: String,
    /// Of the log: everything before this is in `next`.
    log: u64,
    /// By partition, what comes next.
    next: BTreeMap<i32, u64>,
}

/// Copies.
pub(super) struct Mirror {
    pub(super) settings: Settings,
    pub(super) bus: EmbeddedBus,
    pub(super) file: PathBuf,
    pub(super) health: Arc<Health>,
    pub(super) stop: Arc<AtomicBool>,
}

struct Known(Mutex<Positions>);

impl Owner for Known {
    fn assigned(&self, partition: i32, _committed: Option<u64>) -> Result<Option<u64>, String> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).next.get(&partition).copied())
    }
}

impl Mirror {
    /// Where the positions are noted.
    pub(super) fn file(data: &Path) -> PathBuf {
        data.join("mirror.json")
    }

    /// Copies until told to stop, or until something fails.
    pub(super) fn session(&self) -> Result<()> {
        let topics = Topics::new(&self.settings)?;
        let topic = topics.names().events.clone();
        let of = format!("{}/{topic}", topics.cluster()?);
        let known = Arc::new(Known(Mutex::new(self.recover(&of)?)));
        let mut notes = Notes { held: self.bus.consumer(CONSUMER)?, at: Instant::now(), bytes: 0 };
        let mut reader = Reader::join(&self.settings, GROUP, &topic, Arc::clone(&known) as Arc<dyn Owner>)?;
        while !self.stop.load(Ordering::Relaxed) {
            let mut copies = Copies::new(self, &known);
            reader.poll(RECORDS, Duration::from_millis(200), &mut |d| copies.take(&d))?;
            for (partition, next) in copies.write(&mut notes)? {
                reader.commit(partition, next)?;
            }
            if notes.at.elapsed() >= NOTED {
                self.note(&known, &mut notes)?;
            }
        }
        reader.leave();
        Ok(())
    }

    /// The positions of the last batch that is in the log.
    fn recover(&self, of: &str) -> Result<Positions> {
        let mut known: Positions = match fs::read(&self.file) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_default(),
            Err(_) => Positions::default(),
        };
        let mut consumer = self.bus.consumer(CONSUMER)?;
        let mut at = known.log.max(self.bus.status().oldest).min(self.bus.head());
        consumer.seek(at)?;
        while at < self.bus.head() {
            let records = consumer.poll(RECORDS, 8 << 20, Duration::ZERO)?;
            if records.is_empty() {
                break;
            }
            for (offset, record) in records {
                at = offset + 1;
                if let Some(text) = record.strip_prefix(&[MARK]) {
                    known = serde_json::from_slice(text).context("FSP-RUN-067: positions in the log are damaged")?;
                }
            }
        }
        if known.of != of {
            known = Positions { of: of.to_owned(), ..Positions::default() };
        }
        known.log = at;
        Ok(known)
    }

    /// Writes the positions beside the log, which may then forget what came before.
    fn note(&self, known: &Known, notes: &mut Notes) -> Result<()> {
        let positions = known.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let draft = self.file.with_extension("new");
        let write = || -> std::io::Result<()> {
            fs::write(&draft, serde_json::to_vec(&positions)?)?;
            fs::File::open(&draft)?.sync_all()?;
            fs::rename(&draft, &self.file)
        };
        write().with_context(|| format!("FSP-RUN-068: cannot write {}", self.file.display()))?;
        notes.held.commit(positions.log.min(self.bus.head()))?;
        (notes.at, notes.bytes) = (Instant::now(), 0);
        Ok(())
    }
}

/// When the positions were noted last. Until they are noted again the log keeps everything since.
struct Notes {
    held: Consumer,
    at: Instant,
    /// Copied since.
    bytes: u64,
}

/// What was read at a time, as batches that the log takes; each ends with the positions it came to.
struct Copies<'a> {
    mirror: &'a Mirror,
    known: &'a Known,
    /// What a batch may hold.
    most: usize,
    batches: Vec<(Batch, BTreeMap<i32, u64>)>,
    dead: u64,
}

impl<'a> Copies<'a> {
    fn new(mirror: &'a Mirror, known: &'a Known) -> Self {
        let most = usize::try_from(mirror.bus.largest_batch() / 2).unwrap_or(BYTES).min(BYTES);
        Self { mirror, known, most, batches: Vec::new(), dead: 0 }
    }

    fn take(&mut self, record: &Delivery<'_>) {
        if self.batches.last().is_none_or(|(batch, _)| batch.bytes() >= self.most) {
            let batch = self.mirror.bus.batch().patient(Patience::Forever);
            self.batches.push((batch, BTreeMap::new()));
        }
        let Some((batch, next)) = self.batches.last_mut() else { return };
        next.insert(record.partition, record.offset + 1);
        match wire::event(record.value) {
            Ok(event) => batch.push_with(|out| codec::encode(&event, out)),
            Err(_) => self.dead += 1, // the analyzer sends it to the dead letters
        }
    }

    /// Appends; what comes next of each partition, once that is durable.
    fn write(self, notes: &mut Notes) -> Result<BTreeMap<i32, u64>> {
        self.mirror.health.add("fansipan_dead_letters_total", self.dead as f64);
        let mut done = BTreeMap::new();
        for (mut batch, next) in self.batches {
            let positions = {
                let mut all = self.known.0.lock().unwrap_or_else(PoisonError::into_inner);
                all.next.extend(next.iter().map(|(p, n)| (*p, *n)));
                all.clone()
            };
            let text = serde_json::to_vec(&positions)?;
            batch.push_with(|out| {
                out.push(MARK);
                out.extend_from_slice(&text);
            });
            let (many, bytes) = (batch.len() as u64, batch.bytes() as u64);
            let end = self.mirror.bus.append(batch)?.wait()?.first_offset() + many;
            self.known.0.lock().unwrap_or_else(PoisonError::into_inner).log = end;
            done.extend(next);
            notes.bytes += bytes;
            // a log that is nearly full of what is only held for this would wait for ever
            if notes.bytes >= self.mirror.bus.largest_batch() {
                self.mirror.note(self.known, notes)?;
            }
        }
        Ok(done)
    }
}
