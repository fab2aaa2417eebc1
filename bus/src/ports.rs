//! What the roles need of a bus, whichever it is: somewhere to append, and records by partition with positions that are kept.
//! The embedded log is one partition; Kafka has several. `tests/conformance` holds both to the same meaning.

use std::{pin::Pin, time::Duration};

use crate::{Batch, BusError, Consumer, EmbeddedBus, Receipt};

/// The outcome of an append, later.
pub type Pending = Pin<Box<dyn Future<Output = Result<Receipt, BusError>> + Send>>;

/// Where batches become durable.
pub trait Sink: Send + Sync + 'static {
    /// Takes a batch whole or not at all, in the order of the calls. May block while it cannot take more; the future
    /// resolves when the batch is durable, earlier batches included.
    ///
    /// # Errors
    /// As [`EmbeddedBus::append`].
    fn append(&self, batch: Batch) -> Result<Pending, BusError>;

    /// An empty batch, perhaps with the memory of an earlier one.
    fn batch(&self) -> Batch {
        Batch::new()
    }
}

impl Sink for EmbeddedBus {
    fn append(&self, batch: Batch) -> Result<Pending, BusError> {
        let ticket = EmbeddedBus::append(self, batch)?;
        Ok(Box::pin(ticket))
    }

    fn batch(&self) -> Batch {
        EmbeddedBus::batch(self)
    }
}

/// One record as a reader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// Which partition; 0 for the embedded log.
    pub partition: i32,
    /// Its place there. Places grow, and may leave some out.
    pub offset: u64,
    /// The record.
    pub value: &'a [u8],
}

/// Records in the order of their partition, from where they were committed last. What was not committed comes again after a
/// restart, here or at another reader of the group.
pub trait Source: Send {
    /// Hands over what is there: at most `max_records`. Waits up to `timeout` for the first; how many there were.
    ///
    /// # Errors
    /// What the bus says; reading goes on with the next call where that is possible.
    fn poll(&mut self, max_records: usize, timeout: Duration, each: &mut dyn FnMut(Delivery<'_>)) -> Result<usize, BusError>;

    /// Everything of `partition` before `next` is done, durably. Of a partition that went to another reader nothing is kept.
    ///
    /// # Errors
    /// What the bus says; the position is as before then.
    fn commit(&mut self, partition: i32, next: u64) -> Result<(), BusError>;
}

/// Bytes the embedded log hands over at a time.
const BYTES: usize = 8 << 20;

impl Source for Consumer {
    fn poll(&mut self, max_records: usize, timeout: Duration, each: &mut dyn FnMut(Delivery<'_>)) -> Result<usize, BusError> {
        let records = Consumer::poll(self, max_records, BYTES, timeout)?;
        let many = records.len();
        records.for_each(|(offset, value)| each(Delivery { partition: 0, offset, value }));
        Ok(many)
    }

    fn commit(&mut self, _partition: i32, next: u64) -> Result<(), BusError> {
        Consumer::commit(self, next)
    }
}
