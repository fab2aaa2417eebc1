//! One queue, one thread that appends, one task that learns what became durable. Counts each record exactly once.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use fansipan_bus::{Batch, BusError, Patience, Receipt};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{Pending, Sink, now};
use crate::ledger::{Delta, Reason, SourceEntry, SourceRegistry};

/// Batches whose durability is awaited at most.
const IN_FLIGHT: usize = 256;

/// How long the log may take for the last batches when the collector stops.
const CLOSE: Duration = Duration::from_secs(10);

/// A batch with what it adds to the ledger.
pub struct Parcel {
    pub(crate) batch: Batch,
    pub(crate) accounts: Vec<(Arc<SourceEntry>, Delta)>,
    pub(crate) done: Option<oneshot::Sender<Result<Receipt, BusError>>>,
}

impl Parcel {
    /// Gives the batch an idempotency key.
    pub fn keyed(&mut self, key: [u8; 16]) {
        self.batch.key = Some(key);
    }

    /// How long the log may make it wait.
    pub fn patient(&mut self, patience: Patience) {
        self.batch.patience = Some(patience);
    }

    /// Records in it.
    pub fn records(&self) -> usize {
        self.batch.len()
    }

    /// A future of the outcome.
    pub fn outcome(&mut self) -> oneshot::Receiver<Result<Receipt, BusError>> {
        let (send, receive) = oneshot::channel();
        self.done = Some(send);
        receive
    }
}

/// Why an offered batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// The queue stayed full for the time given.
    #[error("FSP-SRC-301: the log cannot take more at the moment: send it again later")]
    Full,
    /// The product is shutting down.
    #[error("FSP-SRC-302: the collector is stopping: send it again after the restart")]
    Closed,
}

struct Landing {
    pending: Pending,
    accounts: Vec<(Arc<SourceEntry>, Delta)>,
    done: Option<oneshot::Sender<Result<Receipt, BusError>>>,
}

/// The bounded way to the log.
pub struct Appender {
    queue: Mutex<Option<mpsc::Sender<Parcel>>>,
    counting: Mutex<Option<JoinHandle<()>>>,
    sink: Arc<dyn Sink>,
    registry: Arc<SourceRegistry>,
}

impl Appender {
    pub(super) fn start(sink: Arc<dyn Sink>, registry: Arc<SourceRegistry>, capacity: usize) -> std::io::Result<Self> {
        let (queue, parcels) = mpsc::channel(capacity.max(1));
        let (landings, landed) = mpsc::channel(IN_FLIGHT);
        let (r1, r2, s1) = (registry.clone(), registry.clone(), sink.clone());
        thread::Builder::new().name("append".to_owned()).spawn(move || append_all(parcels, &landings, s1.as_ref(), &r1))?;
        let counting = tokio::spawn(count_all(landed, r2));
        Ok(Self { queue: Mutex::new(Some(queue)), counting: Mutex::new(Some(counting)), sink, registry })
    }

    /// An empty batch.
    pub(crate) fn batch(&self) -> Batch {
        self.sink.batch()
    }

    /// Sends, waiting while the queue is full: back-pressure on whoever can be slowed down.
    pub async fn send(&self, parcel: Parcel) -> Result<(), OfferError> {
        let Some(queue) = self.queue() else { return self.lost(parcel) };
        match queue.send(parcel).await {
            Ok(()) => Ok(()),
            Err(e) => self.lost(e.0),
        }
    }

    /// As [`Appender::send`], on a thread that is no task.
    pub fn send_blocking(&self, parcel: Parcel) -> Result<(), OfferError> {
        let Some(queue) = self.queue() else { return self.lost(parcel) };
        match queue.blocking_send(parcel) {
            Ok(()) => Ok(()),
            Err(e) => self.lost(e.0),
        }
    }

    /// Sends if there is room within `patience`; otherwise nothing of the parcel was taken or counted.
    pub async fn offer(&self, parcel: Parcel, patience: Duration) -> Result<(), OfferError> {
        let queue = self.queue().ok_or(OfferError::Closed)?;
        let permit = tokio::time::timeout(patience, queue.reserve()).await;
        let permit = permit.map_err(|_| OfferError::Full)?.map_err(|_| OfferError::Closed)?;
        permit.send(parcel);
        Ok(())
    }

    fn queue(&self) -> Option<mpsc::Sender<Parcel>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lost(&self, parcel: Parcel) -> Result<(), OfferError> {
        refuse(&self.registry, &parcel.accounts);
        Err(OfferError::Closed)
    }

    pub(super) async fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let counting = self.counting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(task) = counting else { return };
        match tokio::time::timeout(CLOSE, task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the task that counts durable records ended abnormally"),
            Err(_) => tracing::error!("FSP-SRC-303: the log did not take the last records in time; nobody was told that they are stored"),
        }
    }
}

fn append_all(mut parcels: mpsc::Receiver<Parcel>, landings: &mpsc::Sender<Landing>, sink: &dyn Sink, registry: &SourceRegistry) {
    while let Some(Parcel { batch, accounts, done }) = parcels.blocking_recv() {
        match sink.append(batch) {
            Ok(pending) => {
                if landings.blocking_send(Landing { pending, accounts, done }).is_err() {
                    return; // the runtime is gone, and with it everyone who waits
                }
            }
            Err(error) => settle(Err(error), &accounts, done, registry),
        }
    }
}

async fn count_all(mut landed: mpsc::Receiver<Landing>, registry: Arc<SourceRegistry>) {
    while let Some(Landing { pending, accounts, done }) = landed.recv().await {
        let outcome = pending.await;
        settle(outcome, &accounts, done, &registry);
    }
}

fn settle(
    outcome: Result<Receipt, BusError>,
    accounts: &[(Arc<SourceEntry>, Delta)],
    done: Option<oneshot::Sender<Result<Receipt, BusError>>>,
    registry: &SourceRegistry,
) {
    match &outcome {
        Ok(Receipt::Durable { .. }) => registry.kept(accounts),
        Ok(Receipt::Duplicate { .. }) => {} // counted when it came first
        Err(error) => {
            tracing::error!(%error, records = accounts.iter().map(|(_, d)| d.records).sum::<u64>(), "records were not stored");
            refuse(registry, accounts);
        }
    }
    if let Some(done) = done {
        // nobody waits any more: the request was cut
        drop(done.send(outcome));
    }
}

fn refuse(registry: &SourceRegistry, accounts: &[(Arc<SourceEntry>, Delta)]) {
    for (entry, delta) in accounts {
        registry.refused(entry, Reason::NotStored, delta.records, now());
    }
}
