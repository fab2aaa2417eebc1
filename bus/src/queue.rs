//! The bounded queue between producers and the one thread that writes. Holds producers back when it is full, answers
//! repeated batches from their keys, never touches a file.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    future::Future,
    pin::Pin,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use crate::{
    batch::Batch,
    config::Patience,
    error::BusError,
    format,
    keys::{Key, Keys},
    sync::{locked, wait},
    ticket::{Slot, Ticket},
};

/// Bytes after which a group commit takes no more batches.
pub(crate) const GROUP_BYTES: u64 = 4 << 20;
/// Spent batches kept for reuse, and the largest allocation kept in one.
const SPARE: (usize, usize) = (16, 1 << 20);

/// A batch that waits for the disk.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) batch: Batch,
    pub(crate) crc: u32,
    /// Bytes on disk.
    pub(crate) size: u64,
    slot: Arc<Slot>,
    since: Instant,
    deadline: Option<Instant>,
}

#[derive(Debug)]
enum Item {
    Batch(Queued),
    Roll(Arc<Slot>),
}

/// What the committer is to do next.
#[derive(Debug)]
pub(crate) enum Work {
    /// Write the batches taken.
    Group,
    /// The next batch does not fit the room that is left.
    NoRoom,
    /// Close the segment, then say so.
    Roll(Arc<Slot>),
    /// Nothing is left and nothing will come.
    Ended,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    /// Bytes of memory in `items` and in the committer's hands.
    bytes: usize,
    /// Bytes on disk that `items` will take.
    waiting: u64,
    keys: Keys,
    in_flight: HashMap<Key, Arc<Slot>>,
    wakers: BTreeMap<u64, (Waker, Option<Instant>)>,
    next_waker: u64,
    spare: Vec<Batch>,
    /// Why nothing is written at present.
    stalled: Option<String>,
    closed: bool,
    duplicates: u64,
    refused: u64,
}

/// Figures for the status.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QueueFigures {
    pub(crate) bytes: usize,
    pub(crate) keys: usize,
    pub(crate) duplicates: u64,
    pub(crate) refused: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    work: Condvar,
    space: Condvar,
    capacity: usize,
    largest: u64,
    patience: Patience,
}

impl Queue {
    /// `largest`: bytes on disk of the largest batch accepted.
    pub(crate) fn new(capacity: usize, largest: u64, patience: Patience, keys: Keys) -> Self {
        let state = Mutex::new(State { keys, ..State::default() });
        Self { state, work: Condvar::new(), space: Condvar::new(), capacity, largest, patience }
    }

    fn queued(&self, batch: Batch) -> Result<Queued, BusError> {
        let size = format::batch_size(&batch);
        if size > self.largest {
            return Err(BusError::TooLarge { bytes: size, limit: self.largest });
        }
        if !batch.adds_up() {
            return Err(BusError::Malformed);
        }
        let since = Instant::now();
        let deadline = match batch.patience.unwrap_or(self.patience) {
            Patience::Forever => None,
            Patience::AtMost(limit) => since.checked_add(limit),
        };
        Ok(Queued { crc: format::body_crc(&batch), size, slot: Arc::default(), since, deadline, batch })
    }

    /// Queues a batch, waiting for room as long as its patience allows.
    pub(crate) fn push(&self, batch: Batch) -> Result<Ticket, BusError> {
        let mut pending = Some(self.queued(batch)?);
        let mut state = locked(&self.state);
        loop {
            match self.offer(&mut state, &mut pending) {
                Some(outcome) => return outcome,
                None => {
                    let left = pending.as_ref().and_then(|q| q.deadline).map(|d| d.saturating_duration_since(Instant::now()));
                    state = wait(&self.space, state, left);
                }
            }
        }
    }

    /// Queues a batch without blocking the thread.
    pub(crate) async fn push_async(&self, batch: Batch) -> Result<Ticket, BusError> {
        let pending = Some(self.queued(batch)?);
        Push { queue: self, pending, waker: None }.await
    }

    /// Takes the batch out of `pending` if there is an answer; `None` means wait.
    fn offer(&self, state: &mut MutexGuard<'_, State>, pending: &mut Option<Queued>) -> Option<Result<Ticket, BusError>> {
        if state.closed {
            return Some(Err(BusError::Closed));
        }
        let queued = pending.take()?;
        if let Some(key) = queued.batch.key {
            if let Some(first) = state.keys.get(&key) {
                state.duplicates += 1;
                return Some(Ok(Ticket::resolved(first, true)));
            }
            if let Some(slot) = state.in_flight.get(&key).cloned() {
                state.duplicates += 1;
                return Some(Ok(Ticket::new(slot, true)));
            }
        }
        let memory = queued.batch.memory();
        if state.bytes > 0 && state.bytes + memory > self.capacity {
            let now = Instant::now();
            if queued.deadline.is_some_and(|d| d <= now) {
                let reason = state.stalled.clone().unwrap_or_else(|| "the disk is slower than the senders".to_owned());
                state.refused += 1;
                return Some(Err(BusError::Full { reason, waited: now - queued.since }));
            }
            *pending = Some(queued);
            return None;
        }
        if let Some(key) = queued.batch.key {
            state.in_flight.insert(key, queued.slot.clone());
        }
        let ticket = Ticket::new(queued.slot.clone(), false);
        state.bytes += memory;
        state.waiting += queued.size;
        state.items.push_back(Item::Batch(queued));
        self.work.notify_one();
        Some(Ok(ticket))
    }

    /// Asks for the segment to be closed after everything queued so far.
    pub(crate) fn push_roll(&self) -> Result<Arc<Slot>, BusError> {
        let mut state = locked(&self.state);
        if state.closed {
            return Err(BusError::Closed);
        }
        let slot = Arc::<Slot>::default();
        state.items.push_back(Item::Roll(slot.clone()));
        self.work.notify_one();
        Ok(slot)
    }

    /// Accepts nothing more; what is queued is still written.
    pub(crate) fn close(&self) {
        let mut state = locked(&self.state);
        state.closed = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.work.notify_all();
        self.space.notify_all();
        wakers.into_values().for_each(|(w, _)| w.wake());
    }

    /// Closes and refuses everything that is queued: for when there is nobody to write it.
    pub(crate) fn abandon(&self) {
        self.close();
        let mut state = locked(&self.state);
        let items = std::mem::take(&mut state.items);
        let in_flight = std::mem::take(&mut state.in_flight);
        drop(state);
        for item in items {
            match item {
                Item::Batch(queued) => queued.slot.resolve(Err(BusError::Closed)),
                Item::Roll(slot) => slot.resolve(Err(BusError::Closed)),
            }
        }
        in_flight.into_values().for_each(|slot| slot.resolve(Err(BusError::Closed)));
    }

    /// Waits for something to do, then for company: up to `until`, while fewer than `company` batches are there and they
    /// are not yet worth a write of their own. Then takes batches that fit `room` into `group`.
    pub(crate) fn take(&self, company: usize, until: Instant, room: u64, group: &mut Vec<Queued>) -> Work {
        let mut state = locked(&self.state);
        while state.items.is_empty() && !state.closed {
            state = wait(&self.work, state, None);
        }
        let worth = GROUP_BYTES.min(self.capacity as u64 / 2);
        while state.items.len() < company && state.waiting < worth && !state.closed && !matches!(state.items.back(), Some(Item::Roll(_))) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = wait(&self.work, state, Some(left));
        }
        let mut taken = 0;
        loop {
            match state.items.pop_front() {
                Some(Item::Batch(queued)) if taken + queued.size <= if taken == 0 { room } else { room.min(GROUP_BYTES) } => {
                    taken += queued.size;
                    state.waiting -= queued.size;
                    group.push(queued);
                }
                Some(Item::Roll(slot)) if taken == 0 => return Work::Roll(slot),
                None if taken == 0 => return Work::Ended,
                None => return Work::Group,
                Some(item) => {
                    state.items.push_front(item);
                    return if taken == 0 { Work::NoRoom } else { Work::Group };
                }
            }
        }
    }

    /// The batches of `group` are durable, the first at `offset` and the others after it.
    pub(crate) fn complete(&self, group: &mut Vec<Queued>, mut offset: u64) {
        let mut answers = Vec::with_capacity(group.len());
        let mut state = locked(&self.state);
        state.stalled = None;
        for queued in group.drain(..) {
            let mut batch = queued.batch;
            if let Some(key) = batch.key {
                state.in_flight.remove(&key);
                state.keys.insert(key, offset);
            }
            state.bytes = state.bytes.saturating_sub(batch.memory());
            answers.push((queued.slot, offset));
            offset += batch.len() as u64;
            if state.spare.len() < SPARE.0 && batch.memory() <= SPARE.1 {
                batch.clear();
                state.spare.push(batch);
            }
        }
        self.make_room(state);
        for (slot, first) in answers {
            slot.resolve(Ok(first));
        }
    }

    fn make_room(&self, mut state: MutexGuard<'_, State>) {
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.space.notify_all();
        wakers.into_values().for_each(|(w, _)| w.wake());
    }

    /// Nothing can be written because of `reason`: refuses what has waited long enough, in `group` and behind it, then lets
    /// `pause` go by (less if something happens). Returns whether the queue was closed meanwhile.
    pub(crate) fn stall(&self, group: &mut Vec<Queued>, reason: &str, pause: Duration) -> bool {
        let mut state = locked(&self.state);
        if state.stalled.as_deref() != Some(reason) {
            state.stalled = Some(reason.to_owned());
        }
        if !state.closed {
            state = wait(&self.work, state, Some(pause));
        }
        let (closed, now) = (state.closed, Instant::now());
        let overdue = |q: &Queued| closed || q.deadline.is_some_and(|d| d <= now);
        let mut refused: Vec<Queued> = group.extract_if(.., |q| overdue(q)).collect();
        let mut kept = VecDeque::with_capacity(state.items.len());
        for item in std::mem::take(&mut state.items) {
            match item {
                Item::Batch(queued) if overdue(&queued) => {
                    state.waiting -= queued.size;
                    refused.push(queued);
                }
                item => kept.push_back(item),
            }
        }
        state.items = kept;
        if refused.is_empty() {
            return closed;
        }
        for queued in &refused {
            if let Some(key) = queued.batch.key {
                state.in_flight.remove(&key);
            }
            state.bytes = state.bytes.saturating_sub(queued.batch.memory());
            state.refused += 1;
        }
        self.make_room(state);
        for queued in refused {
            let full = BusError::Full { reason: reason.to_owned(), waited: now - queued.since };
            queued.slot.resolve(Err(if closed { BusError::Closed } else { full }));
        }
        closed
    }

    /// Wakes the committer (space may be back) and those whose patience has ended.
    pub(crate) fn tick(&self) {
        let now = Instant::now();
        let mut state = locked(&self.state);
        let mut due = Vec::new();
        state.wakers.retain(|_, (waker, deadline)| {
            let keep = deadline.is_none_or(|d| d > now);
            if !keep {
                due.push(waker.clone());
            }
            keep
        });
        drop(state);
        due.into_iter().for_each(Waker::wake);
    }

    /// Tells a stalled committer to look again.
    pub(crate) fn nudge(&self) {
        self.work.notify_all();
    }

    /// Forgets keys of batches that are no longer in the log.
    pub(crate) fn expire_keys(&self, oldest: u64) {
        locked(&self.state).keys.expire(oldest);
    }

    /// A spent batch, empty, with its allocations; or a new one.
    pub(crate) fn spare(&self) -> Batch {
        locked(&self.state).spare.pop().unwrap_or_default()
    }

    pub(crate) fn figures(&self) -> QueueFigures {
        let state = locked(&self.state);
        QueueFigures { bytes: state.bytes, keys: state.keys.len(), duplicates: state.duplicates, refused: state.refused }
    }
}

/// An append that waits for room in the queue.
struct Push<'a> {
    queue: &'a Queue,
    pending: Option<Queued>,
    waker: Option<u64>,
}

impl Future for Push<'_> {
    type Output = Result<Ticket, BusError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut state = locked(&this.queue.state);
        if let Some(id) = this.waker.take() {
            state.wakers.remove(&id);
        }
        match this.queue.offer(&mut state, &mut this.pending) {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                let id = state.next_waker;
                state.next_waker += 1;
                let deadline = this.pending.as_ref().and_then(|q| q.deadline);
                state.wakers.insert(id, (cx.waker().clone(), deadline));
                this.waker = Some(id);
                Poll::Pending
            }
        }
    }
}

impl Drop for Push<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.waker {
            locked(&self.queue.state).wakers.remove(&id);
        }
    }
}
