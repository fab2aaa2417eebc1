//! The way in: what is appended is on this machine's disk first (the embedded log is the spool) and goes to Kafka from there, in
//! order, in transactions that carry the position of the spool. So a record is in Kafka exactly once, whenever this process or
//! a broker dies.
//!
//! Senders are acknowledged when Kafka has their records. While no broker answers they are acknowledged when the spool has
//! them; when the spool is full they wait.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata},
};
use tokio::sync::watch;

use super::{context::Plain, error::KafkaError, settings::Settings, topics::Names, writer::Writer};
use crate::{Batch, BusError, Consumer, EmbeddedBus, Pending, Sink, Ticket, sync::locked};

/// Records and bytes of one transaction.
const RECORDS: usize = 8192;
const BYTES: usize = 8 << 20;
/// The spool's consumer.
const CONSUMER: &str = "kafka";
/// How long the brokers may take to tell the position.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the end of the process waits for Kafka to take what is in the spool. The rest goes after the next start.
const DRAIN: Duration = Duration::from_secs(10);

/// What a record becomes on Kafka.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// Records of one key stay in order.
    pub key: Vec<u8>,
    /// The record as others read it.
    pub value: Vec<u8>,
}

/// Makes what Kafka carries out of a record of the spool; the reason where that cannot be done.
pub type Encode = Box<dyn FnMut(&[u8], &mut Entry) -> Result<(), String> + Send>;

/// How far Kafka has come.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Everything of the spool before this is in Kafka.
    delivered: u64,
    /// Nobody waits for Kafka: no broker answers.
    away: bool,
    /// Since when Kafka has not taken what it was given.
    trying: Option<Instant>,
    closed: bool,
}

/// For people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpoolStatus {
    /// Records that wait for Kafka.
    pub waiting: u64,
    /// Bytes of the spool on disk.
    pub bytes: u64,
    /// Records that Kafka took since the start.
    pub delivered: u64,
    /// Whether the brokers are away.
    pub away: bool,
    /// What is wrong, if something is.
    pub alarm: Option<String>,
}

/// The spool and what empties it.
pub struct Spool {
    bus: EmbeddedBus,
    progress: watch::Receiver<Progress>,
    shared: Arc<Shared>,
    patience: Duration,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    progress: watch::Sender<Progress>,
    stop: AtomicBool,
    delivered: std::sync::atomic::AtomicU64,
}

impl Spool {
    /// Begins to empty `bus` (whose log is called `identity`) into the events topic.
    ///
    /// # Errors
    /// [`KafkaError`] for settings that cannot work, [`BusError`] when the spool is in use. Brokers that are away are no error.
    pub fn start(bus: EmbeddedBus, identity: &str, settings: &Settings, encode: Encode) -> Result<Self, BusError> {
        settings.check()?;
        let consumer = bus.consumer(CONSUMER)?;
        let (sender, progress) = watch::channel(Progress { delivered: consumer.position(), ..Progress::default() });
        let shared = Arc::new(Shared { progress: sender, stop: AtomicBool::new(false), delivered: Default::default() });
        let forward = Forward {
            bus: bus.clone(),
            consumer,
            settings: settings.clone(),
            names: Names::new(settings),
            identity: identity.to_owned(),
            encode,
            shared: Arc::clone(&shared),
            patience: Duration::from_secs(settings.spool_after_seconds),
        };
        let thread = std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || forward.run())
            .map_err(|e| BusError::Config { setting: "spool", why: format!("its thread cannot be started: {e}") })?;
        let patience = Duration::from_secs(settings.spool_after_seconds);
        Ok(Self { bus, progress, shared, patience, thread: Mutex::new(Some(thread)) })
    }

    /// How it is.
    pub fn status(&self) -> SpoolStatus {
        let bus = self.bus.status();
        let progress = *self.progress.borrow();
        let waiting = bus.head.saturating_sub(progress.delivered);
        let away = progress.away || progress.trying.is_some_and(|since| since.elapsed() > self.patience);
        let alarm = bus.alarm().map(|a| a.message.clone()).or_else(|| {
            away.then(|| {
                format!(
                    "FSP-KFK-020: Kafka does not answer; {waiting} records wait in the spool ({} of {} bytes)",
                    bus.bytes, bus.max_bytes
                )
            })
        });
        let delivered = self.shared.delivered.load(Ordering::Relaxed);
        SpoolStatus { waiting, bytes: bus.bytes, delivered, away, alarm }
    }

    /// Lets Kafka take what is left, for some seconds, then closes the spool.
    pub fn close(&self) {
        let until = Instant::now() + DRAIN;
        while !self.progress.borrow().away && self.progress.borrow().delivered < self.bus.head() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.progress.send_modify(|p| p.closed = true);
        if let Some(thread) = locked(&self.thread).take()
            && thread.join().is_err()
        {
            tracing::error!("FSP-KFK-021: the thread that empties the spool ended with a panic; the rest goes after the next start");
        }
        self.bus.close();
    }
}

impl Sink for Spool {
    fn append(&self, batch: Batch) -> Result<Pending, BusError> {
        let many = batch.len() as u64;
        let ticket = self.bus.append(batch)?;
        Ok(Box::pin(delivered(ticket, many, self.progress.clone(), self.patience)))
    }

    fn batch(&self) -> Batch {
        self.bus.batch()
    }
}

async fn delivered(
    ticket: Ticket,
    many: u64,
    mut progress: watch::Receiver<Progress>,
    patience: Duration,
) -> Result<crate::Receipt, BusError> {
    let receipt = ticket.await?;
    let end = receipt.first_offset() + many;
    // beyond the patience the spool's disk is what makes it durable
    let landed = tokio::time::timeout(patience, progress.wait_for(|p| p.delivered >= end || p.away || p.closed)).await;
    drop(landed);
    Ok(receipt)
}

/// The thread that empties the spool.
struct Forward {
    bus: EmbeddedBus,
    consumer: Consumer,
    settings: Settings,
    names: Names,
    identity: String,
    encode: Encode,
    shared: Arc<Shared>,
    patience: Duration,
}

impl Forward {
    fn run(mut self) {
        let mut wait = Duration::from_millis(100);
        let mut since: Option<Instant> = None;
        while !self.stopping() {
            let before = self.shared.progress.borrow().delivered;
            let Err(error) = self.session() else { continue };
            if self.shared.progress.borrow().delivered > before {
                (wait, since) = (Duration::from_millis(100), None);
            }
            let since = *since.get_or_insert_with(Instant::now);
            tracing::warn!(%error, "the spool cannot be emptied into Kafka; records stay in it and it is tried again");
            if since.elapsed() + PATIENCE >= self.patience && !self.shared.progress.borrow().away {
                tracing::error!("FSP-KFK-020: Kafka does not answer; senders are acknowledged from the spool until it does");
                self.shared.progress.send_modify(|p| p.away = true);
            }
            let until = Instant::now() + wait;
            while Instant::now() < until && !self.stopping() {
                std::thread::sleep(Duration::from_millis(20));
            }
            wait = (wait * 2).min(Duration::from_secs(2));
        }
    }

    fn stopping(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Empties until something fails: whether the last transaction took effect is then asked of Kafka anew.
    fn session(&mut self) -> Result<(), BusError> {
        let writer = Writer::open(&self.settings, "collector")?;
        let position = Position::new(&self.settings, &self.names, &self.identity)?;
        let oldest = self.bus.status().oldest;
        // not where it reads: what was read and not delivered is delivered now
        let local = self.consumer.committed();
        let mut next = position.read()?.unwrap_or(local).max(oldest).min(self.bus.head());
        self.consumer.seek(next)?;
        self.landed(next, 0)?;
        while !self.stopping() {
            let records = self.consumer.poll(RECORDS, BYTES, Duration::from_millis(100))?;
            if records.is_empty() {
                continue;
            }
            self.shared.progress.send_modify(|p| p.trying = p.trying.or_else(|| Some(Instant::now())));
            writer.begin()?;
            let mut entry = Entry::default();
            let mut many = 0;
            for (offset, record) in records {
                (next, many) = (offset + 1, many + 1);
                entry.key.clear();
                entry.value.clear();
                match (self.encode)(record, &mut entry) {
                    Ok(()) => writer.send(&self.names.events, None, &entry.key, Some(&entry.value))?,
                    Err(reason) => {
                        tracing::error!(offset, reason, "FSP-KFK-022: a record of the spool is no event; it goes to the dead letters");
                        writer.send_with(&self.names.dead, None, self.identity.as_bytes(), Some(record), Some(&reason))?;
                    }
                }
            }
            writer.position_list(&position.list(next)?, &position.group)?;
            writer.commit()?;
            self.landed(next, many)?;
        }
        Ok(())
    }

    /// Everything before `next` is in Kafka.
    fn landed(&mut self, next: u64, many: u64) -> Result<(), BusError> {
        self.consumer.commit(next)?;
        self.shared.delivered.fetch_add(many, Ordering::Relaxed);
        if self.shared.progress.borrow().away {
            tracing::info!("Kafka answers again; the spool is being emptied");
        }
        self.shared.progress.send_modify(|p| (p.delivered, p.away, p.trying) = (next, false, None));
        Ok(())
    }
}

/// The spool's position as Kafka keeps it: that of a group nobody joins, with the name of the spool's log beside it.
struct Position {
    client: BaseConsumer<Plain>,
    group: ConsumerGroupMetadata,
    topic: String,
    identity: String,
}

impl Position {
    fn new(settings: &Settings, names: &Names, identity: &str) -> Result<Self, KafkaError> {
        let mut config = settings.client()?;
        config.set("group.id", names.group(&format!("spool.{identity}"))).set("enable.auto.commit", "false");
        // a transaction that is still being ended counts: wait for it
        config.set("isolation.level", "read_committed");
        let client: BaseConsumer<Plain> = config.create_with_context(Plain).map_err(KafkaError::client("make a client"))?;
        let missing = KafkaError::Setting { setting: "name", problem: "gives no group".to_owned() };
        let group = client.group_metadata().ok_or(missing)?;
        Ok(Self { client, group, topic: names.events.clone(), identity: identity.to_owned() })
    }

    fn list(&self, next: u64) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition(&self.topic, 0);
        element.set_offset(Offset::Offset(next as i64)).map_err(KafkaError::client("note a position"))?;
        element.set_metadata(&self.identity);
        Ok(list)
    }

    fn read(&self) -> Result<Option<u64>, KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition(&self.topic, 0);
        let found = self.client.committed_offsets(list, PATIENCE).map_err(KafkaError::client("ask for the position of the spool"))?;
        let Some(element) = found.find_partition(&self.topic, 0) else { return Ok(None) };
        element.error().map_err(KafkaError::client("ask for the position of the spool"))?;
        Ok(match element.offset() {
            Offset::Offset(n) => u64::try_from(n).ok(),
            _ => None,
        })
    }
}
