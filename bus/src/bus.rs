//! The handle: opens the log, starts its two threads, hands out consumers, closes. Holds no logic of its own.

use std::{
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
};

use crate::{
    batch::Batch,
    committer::{self, Committer},
    config::{BusConfig, Limits},
    consumer::Consumer,
    error::BusError,
    format::SEGMENT_HEADER,
    host::{Host, Machine},
    keeper,
    log::{Phase, Registered, Shared},
    positions,
    queue::Queue,
    recovery,
    seal::{self, Proof},
    status::{AlarmKind, BusStatus, Recovery},
    sync::{locked, wait},
    ticket::Ticket,
};

/// A durable log in a folder. Clones are handles of one log; it closes with the last of them (consumers and tickets do not
/// keep it open).
#[derive(Clone)]
pub struct EmbeddedBus(Arc<Handle>);

struct Handle {
    shared: Arc<Shared>,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    committer: JoinHandle<()>,
    keeper: JoinHandle<()>,
    /// Held until nothing writes any more.
    _lock: Box<dyn Send + Sync>,
}

impl EmbeddedBus {
    /// Opens the log in `config.dir`, creating it if need be, with the default [`Limits`]. What it found there is in the
    /// [`Recovery`]; a torn end is cut, damage in the middle stepped over and reported.
    ///
    /// # Errors
    /// [`BusError::Locked`] if another process has it open, [`BusError::Version`] if a newer program wrote it,
    /// [`BusError::Config`], [`BusError::Io`].
    pub fn open(config: BusConfig) -> Result<(EmbeddedBus, Recovery), BusError> {
        Self::open_with(config, Limits::default())
    }

    /// [`open`](Self::open) with bounds of one's own.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(config: BusConfig, limits: Limits) -> Result<(EmbeddedBus, Recovery), BusError> {
        Self::open_on(Arc::new(Machine), config, limits)
    }

    pub(crate) fn open_on(host: Arc<dyn Host>, config: BusConfig, limits: Limits) -> Result<(EmbeddedBus, Recovery), BusError> {
        config.check()?;
        host.make_dir(&config.dir).map_err(BusError::io("create", &config.dir))?;
        let lock = host.lock(&config.dir)?;
        let opened = recovery::open(&*host, &config, limits.max_keys)?;
        let next = opened.log.head;
        let largest = config.segment_bytes - SEGMENT_HEADER as u64;
        let shared = Arc::new(Shared {
            queue: Queue::new(limits.queue_bytes, largest, limits.patience, opened.keys),
            config,
            limits,
            host,
            log: Mutex::new(opened.log),
            positions: Mutex::new(opened.positions),
            arrived: Condvar::new(),
            chores: Condvar::new(),
        });
        let keeper = keeper::spawn(shared.clone())?;
        let committer = match committer::spawn(Committer::new(shared.clone(), opened.active, next)) {
            Ok(thread) => thread,
            Err(error) => {
                end_keeper(&shared, keeper);
                return Err(error);
            }
        };
        shared.call_keeper();
        let threads = Mutex::new(Some(Threads { committer, keeper, _lock: lock }));
        Ok((EmbeddedBus(Arc::new(Handle { shared, threads })), opened.recovery))
    }

    /// An empty batch; reuses the memory of an earlier one where possible.
    pub fn batch(&self) -> Batch {
        self.0.shared.queue.spare()
    }

    /// Appends a batch: all of its records become durable, or none, in the order of the calls. Blocks while the queue to
    /// the disk is full, as long as the batch's patience allows. The ticket tells when the batch is durable. An empty batch
    /// is durable at once.
    ///
    /// # Errors
    /// [`BusError::Full`], [`BusError::TooLarge`], [`BusError::Closed`]. The ticket may say `Full` or `Closed` later.
    pub fn append(&self, batch: Batch) -> Result<Ticket, BusError> {
        if batch.is_empty() {
            return Ok(self.nothing());
        }
        self.0.shared.queue.push(batch)
    }

    /// [`append`](Self::append) for async callers: waits for room without blocking the thread, on any runtime.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub async fn append_async(&self, batch: Batch) -> Result<Ticket, BusError> {
        if batch.is_empty() {
            return Ok(self.nothing());
        }
        self.0.shared.queue.push_async(batch).await
    }

    fn nothing(&self) -> Ticket {
        Ticket::resolved(locked(&self.0.shared.log).head, false)
    }

    /// Opens the consumer of this name; a new one starts at the oldest record and holds retention from then on.
    ///
    /// # Errors
    /// [`BusError::ConsumerName`], [`BusError::ConsumerBusy`] while another handle of it exists, [`BusError::Io`].
    pub fn consumer(&self, name: &str) -> Result<Consumer, BusError> {
        if !positions::is_name(name) {
            return Err(BusError::ConsumerName { name: name.to_owned() });
        }
        let shared = &self.0.shared;
        let position = {
            let mut log = locked(&shared.log);
            // An open entry holds the oldest record from here on, before its file exists.
            let oldest = log.oldest();
            let known = log.consumers.contains_key(name);
            let entry = log.consumers.entry(name.to_owned()).or_insert(Registered { committed: oldest, durable: oldest, open: false });
            if entry.open {
                return Err(BusError::ConsumerBusy { name: name.to_owned() });
            }
            entry.open = true;
            if known { Ok(entry.committed.max(oldest)) } else { Err(oldest) }
        };
        let position = match position {
            Ok(position) => position,
            Err(oldest) => {
                let registered = locked(&shared.positions).register(&*shared.host, name, oldest);
                if let Err(error) = registered {
                    locked(&shared.log).consumers.remove(name);
                    return Err(error);
                }
                oldest
            }
        };
        Ok(Consumer::new(shared.clone(), name, position))
    }

    /// Forgets a consumer that will not come back, so that it no longer holds retention.
    ///
    /// # Errors
    /// [`BusError::ConsumerBusy`] while a handle of it is open, [`BusError::Io`].
    pub fn forget_consumer(&self, name: &str) -> Result<(), BusError> {
        let shared = &self.0.shared;
        let mut positions = locked(&shared.positions);
        {
            let mut log = locked(&shared.log);
            if log.consumers.get(name).is_some_and(|c| c.open) {
                return Err(BusError::ConsumerBusy { name: name.to_owned() });
            }
            log.consumers.remove(name);
        }
        positions.remove(&*shared.host, name)?;
        drop(positions);
        shared.call_keeper();
        Ok(())
    }

    /// How the log is.
    pub fn status(&self) -> BusStatus {
        let shared = &self.0.shared;
        let free_bytes = shared.host.free_bytes(&shared.config.dir).ok();
        let queue = shared.queue.figures();
        let log = locked(&shared.log);
        let mut counters = log.counters;
        (counters.duplicates, counters.refused) = (queue.duplicates, queue.refused);
        BusStatus {
            oldest: log.oldest(),
            head: log.head,
            bytes: log.bytes,
            max_bytes: shared.config.max_bytes,
            free_bytes,
            queued_bytes: queue.bytes as u64,
            keys: queue.keys as u64,
            consumers: log.consumer_statuses(),
            alarms: log.alarms.values().cloned().collect(),
            lost: log.lost.iter().cloned().collect(),
            segments: log.segment_statuses(),
            counters,
        }
    }

    /// Bytes on disk of the largest batch it takes.
    pub fn largest_batch(&self) -> u64 {
        self.0.shared.config.segment_bytes - SEGMENT_HEADER as u64
    }

    /// Offset the next record will get; everything before it is durable. Cheaper than [`status`](Self::status).
    pub fn head(&self) -> u64 {
        locked(&self.0.shared.log).head
    }

    /// Seals what was appended so far, full or not, and waits for the seals.
    ///
    /// # Errors
    /// [`BusError::Unsealed`] if a seal cannot be written, [`BusError::Closed`].
    pub fn seal(&self) -> Result<(), BusError> {
        let shared = &self.0.shared;
        let end = shared.queue.push_roll()?.wait()?;
        let mut log = locked(&shared.log);
        let failures = log.upkeep_failures;
        (log.seal_now, log.chores) = (true, true);
        shared.chores.notify_all();
        while log.segments.iter().any(|s| s.next <= end && s.phase == Phase::Closed) {
            if log.closed {
                return Err(BusError::Closed);
            }
            if let Some(alarm) = log.alarms.get(&AlarmKind::UpkeepFailed).filter(|_| log.upkeep_failures > failures) {
                return Err(BusError::Unsealed { reason: alarm.message.clone() });
            }
            log = wait(&shared.chores, log, None);
        }
        Ok(())
    }

    /// Reads the sealed segment that begins at this offset again and compares it with its seal; see [`crate::verify_segment`].
    ///
    /// # Errors
    /// As [`crate::verify_segment`].
    pub fn verify(&self, first_offset: u64) -> Result<Proof, BusError> {
        let shared = &self.0.shared;
        seal::verify(&*shared.host, &shared.path(first_offset))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0.shared
    }

    /// Writes what is queued, makes the positions of consumers durable and lets the folder go. Appends are refused from now
    /// on; consumers get what is left, then [`BusError::Closed`]. While the log cannot be written, queued batches are refused.
    pub fn close(&self) {
        self.0.close();
    }
}

fn end_keeper(shared: &Shared, keeper: JoinHandle<()>) {
    locked(&shared.log).closed = true;
    shared.chores.notify_all();
    shared.arrived.notify_all();
    if keeper.join().is_err() {
        tracing::error!("the keeper of the log ended with a panic; positions of consumers may be read again after the restart");
    }
}

impl Handle {
    fn close(&self) {
        let Some(Threads { committer, keeper, _lock }) = locked(&self.threads).take() else { return };
        self.shared.queue.close();
        if committer.join().is_err() {
            tracing::error!("the writer of the log ended with a panic; what it had not acknowledged was refused");
        }
        end_keeper(&self.shared, keeper);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for EmbeddedBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("EmbeddedBus").field(&self.0.shared.config.dir).finish()
    }
}
