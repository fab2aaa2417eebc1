//! A batch on its way in: the records one after another in one buffer, so that no record costs an allocation.

use crate::config::Patience;

/// Records that are appended together: all of them become durable, or none.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Idempotency key: a batch whose key is already in the retained log (or on its way into it) is not appended again.
    pub key: Option<[u8; 16]>,
    /// How long to wait when the log is full; `None` is the log's default ([`crate::Limits::patience`]).
    pub patience: Option<Patience>,
    /// Lengths, `u32` little endian each: already in the form the disk takes.
    lengths: Vec<u8>,
    data: Vec<u8>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with room for `records` records of `bytes` bytes together.
    pub fn with_capacity(records: usize, bytes: usize) -> Self {
        Self { lengths: Vec::with_capacity(records * 4), data: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// With an idempotency key.
    pub fn keyed(mut self, key: [u8; 16]) -> Self {
        self.key = Some(key);
        self
    }

    /// With a patience of its own.
    pub fn patient(mut self, patience: Patience) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Adds one record.
    pub fn push(&mut self, record: &[u8]) {
        self.push_with(|data| data.extend_from_slice(record));
    }

    /// Adds one record that `write` appends to the buffer; spares the copy of an encoder's output.
    /// Whatever stood in the buffer before belongs to earlier records: a batch that lost any of it is refused.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.data.len();
        write(&mut self.data);
        let length = u32::try_from(self.data.len().saturating_sub(start)).unwrap_or(u32::MAX);
        self.lengths.extend_from_slice(&length.to_le_bytes());
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.lengths.len() / 4
    }

    /// Whether it holds no record.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Bytes of the records together.
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    /// Forgets the records, the key and the patience; keeps the allocations.
    pub fn clear(&mut self) {
        self.lengths.clear();
        self.data.clear();
        self.key = None;
        self.patience = None;
    }

    /// Whether the lengths add up to the data. They do not after a [`push_with`](Self::push_with) that cut the buffer, or after
    /// a record beyond 4 GiB.
    pub(crate) fn adds_up(&self) -> bool {
        let lengths = self.lengths.as_chunks::<4>().0;
        lengths.iter().map(|&l| u64::from(u32::from_le_bytes(l))).sum::<u64>() == self.data.len() as u64
    }

    pub(crate) fn parts(&self) -> (&[u8], &[u8]) {
        (&self.lengths, &self.data)
    }

    pub(crate) fn memory(&self) -> usize {
        // what a waiting batch costs besides its buffers
        256 + self.lengths.capacity() + self.data.capacity()
    }
}
