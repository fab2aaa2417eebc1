//! A reader of the log with a position of its own. Reads only what is durable, wakes at the commit, and steps over damage
//! with a loud report. Never acknowledges by itself: what was not committed is read again after a restart.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    error::BusError,
    format::BatchHead,
    host::HostFile,
    log::{Located, Log, Shared, Spot},
    records::{Place, Records, Span},
    scan::{Bounds, Window, batch_at, body, resynchronize},
    status::{AlarmKind, Lost},
    sync::{locked, wait},
};

/// Least and most bytes read from a file at a time.
const READ: (usize, usize) = (64 << 10, 4 << 20);

/// The segment being read.
struct Cursor {
    base: u64,
    file: Box<dyn HostFile>,
    /// File position of the next batch to look at.
    position: u64,
    /// The first offset that batch should have.
    expected: u64,
}

/// A named reader; one handle per name at a time. Its committed position survives restarts.
pub struct Consumer {
    shared: Arc<Shared>,
    name: String,
    /// Offset of the next record to hand out.
    position: u64,
    cursor: Option<Cursor>,
    window: Window,
    /// File position from which the spans count.
    window_start: u64,
    spans: Vec<Span>,
    place: Place,
}

impl Consumer {
    /// Continues where `name` committed last.
    pub(crate) fn new(shared: Arc<Shared>, name: &str, position: u64) -> Self {
        Self {
            shared,
            name: name.to_owned(),
            position,
            cursor: None,
            window: Window::default(),
            window_start: 0,
            spans: Vec::new(),
            place: Place::default(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next records: at most `max_records`, and at most `max_bytes` unless the first alone is larger. Waits up to `timeout`
    /// for some to become durable; empty if none did. The position moves behind them.
    ///
    /// # Errors
    /// [`BusError::Expired`] when retention has deleted what comes next (only possible after seeking before the committed
    /// position); [`BusError::Closed`] when the log is closed and everything in it was handed out; [`BusError::Io`].
    pub fn poll(&mut self, max_records: usize, max_bytes: usize, timeout: Duration) -> Result<Records<'_>, BusError> {
        let deadline = Instant::now().checked_add(timeout);
        while self.place.span >= self.spans.len() {
            let Some(located) = self.next(deadline)? else { break };
            match located {
                Located::Here(spot) => self.read(&spot, max_bytes)?,
                Located::Jump(to) => self.position = to,
                Located::End => {}
            }
        }
        let bytes = self.window.held(self.window_start);
        let records = Records::new(bytes, &self.spans, self.place, self.position, max_records, max_bytes);
        (self.place, self.position) = records.end();
        Ok(records)
    }

    /// Where the next record is, once there is one.
    fn next(&self, deadline: Option<Instant>) -> Result<Option<Located>, BusError> {
        let mut log = locked(&self.shared.log);
        loop {
            let oldest = log.oldest();
            if self.position < oldest {
                return Err(BusError::Expired { wanted: self.position, oldest });
            }
            match log.locate(self.position) {
                Located::End => {}
                found => return Ok(Some(found)),
            }
            if log.closed {
                return Err(BusError::Closed);
            }
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            if left.is_some_and(|l| l.is_zero()) {
                return Ok(None);
            }
            log = wait(&self.shared.arrived, log, left);
        }
    }

    /// Reads some whole batches, the first of which holds the position; or moves the position over damage.
    fn read(&mut self, spot: &Spot, max_bytes: usize) -> Result<(), BusError> {
        self.spans.clear();
        self.place = Place::default();
        self.window.chunk = max_bytes.clamp(READ.0, READ.1);
        let path = self.shared.path(spot.base);
        let mut cursor = match self.cursor.take().filter(|c| c.base == spot.base && c.expected == self.position) {
            Some(cursor) => cursor,
            None => {
                let file = self.shared.host.open(&path).map_err(BusError::io("open", &path))?;
                self.window.clear();
                let (expected, position) = spot.start;
                Cursor { base: spot.base, file, position, expected }
            }
        };
        let bounds = Bounds { salt: spot.salt, base: spot.base, below: spot.next, end: spot.length };
        let first = self.first(&mut cursor, &bounds).map_err(BusError::io("read", &path))?;
        let Some(first) = first else { return Ok(()) };
        self.window_start = cursor.position;
        let held = self.window.held(cursor.position);
        let mut at = 0;
        loop {
            let rest = held.get(at..).unwrap_or_default();
            let head = BatchHead::decode(rest, spot.salt).filter(|h| h.base == cursor.expected && h.end() <= spot.next);
            // Damage here ends this reading; the next one starts with it.
            let Some(head) = head.filter(|h| body(rest, h).is_some_and(|b| h.vouches_for(b))) else { break };
            self.spans.push(Span { base: head.base, count: head.count, at });
            cursor.expected = head.end();
            at += head.total();
        }
        cursor.position += at as u64;
        self.place = Place::of(&self.spans, held, self.position.max(first.base));
        self.cursor = Some(cursor);
        Ok(())
    }

    /// Moves the cursor to the batch that holds the position. `None`: nothing of this segment can be read from here on, and
    /// the position is at its end.
    fn first(&mut self, cursor: &mut Cursor, bounds: &Bounds) -> io::Result<Option<BatchHead>> {
        loop {
            let expected = cursor.expected;
            let head = match batch_at(&mut self.window, &*cursor.file, cursor.position, bounds)?.filter(|h| h.base == expected) {
                Some(head) => head,
                None => match resynchronize(&mut self.window, &*cursor.file, cursor.position, bounds, expected)? {
                    Some((position, head)) => {
                        self.miss(expected, head.base, bounds.base);
                        (cursor.position, cursor.expected) = (position, head.base);
                        head
                    }
                    None => {
                        self.miss(expected, bounds.below, bounds.base);
                        return Ok(None);
                    }
                },
            };
            if head.end() > self.position {
                return Ok(Some(head));
            }
            cursor.position += head.total() as u64;
            cursor.expected = head.end();
        }
    }

    /// Reports offsets that cannot be read and moves behind them.
    fn miss(&mut self, from: u64, to: u64, segment: u64) {
        if from < to {
            let found_at = self.shared.host.now();
            locked(&self.shared.log).note_lost(Lost { from, to, segment, certain: true, found_at });
        }
        self.position = self.position.max(to);
    }

    /// Notes durably (within a tenth of a second, or when the log is closed) that everything before `next_offset` is done.
    /// Cheap: call it as often as there is something done. Committing an earlier offset than before rewinds.
    ///
    /// # Errors
    /// [`BusError::Ahead`] beyond the end of the log, [`BusError::Expired`] before its beginning, [`BusError::Closed`].
    pub fn commit(&mut self, next_offset: u64) -> Result<(), BusError> {
        commit(&self.shared, &self.name, next_offset)
    }

    /// The same for whoever does, in another thread, something about what was read here. To be gone when the consumer is.
    pub fn commits(&self) -> Commits {
        Commits { shared: Arc::clone(&self.shared), name: self.name.clone() }
    }

    /// Continues at `offset`, without committing anything.
    ///
    /// # Errors
    /// [`BusError::Expired`] before the oldest record kept, [`BusError::Ahead`] beyond the end of the log.
    pub fn seek(&mut self, offset: u64) -> Result<(), BusError> {
        check_range(&locked(&self.shared.log), offset)?;
        self.position = offset;
        self.cursor = None;
        self.spans.clear();
        self.place = Place::default();
        Ok(())
    }

    /// Offset of the next record that [`poll`](Self::poll) will hand out.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Offset committed last.
    pub fn committed(&self) -> u64 {
        locked(&self.shared.log).consumers.get(&self.name).map_or(0, |c| c.committed)
    }

    /// Records between the position and the end of the log.
    pub fn lag(&self) -> u64 {
        locked(&self.shared.log).head.saturating_sub(self.position)
    }
}

/// Says how far a consumer's records are done. See [`Consumer::commits`].
pub struct Commits {
    shared: Arc<Shared>,
    name: String,
}

impl Commits {
    /// As [`Consumer::commit`].
    ///
    /// # Errors
    /// As there.
    pub fn commit(&self, next_offset: u64) -> Result<(), BusError> {
        commit(&self.shared, &self.name, next_offset)
    }
}

fn commit(shared: &Shared, name: &str, next_offset: u64) -> Result<(), BusError> {
    let mut log = locked(&shared.log);
    if log.closed {
        return Err(BusError::Closed);
    }
    check_range(&log, next_offset)?;
    if let Some(consumer) = log.consumers.get_mut(name) {
        consumer.committed = next_offset;
    }
    // Somebody may be waiting for this consumer to move on.
    if log.alarms.contains_key(&AlarmKind::LogFull) {
        log.chores = true;
        drop(log);
        shared.chores.notify_all();
    }
    Ok(())
}

fn check_range(log: &Log, offset: u64) -> Result<(), BusError> {
    let oldest = log.oldest();
    if offset < oldest {
        return Err(BusError::Expired { wanted: offset, oldest });
    }
    if offset > log.head {
        return Err(BusError::Ahead { wanted: offset, head: log.head });
    }
    Ok(())
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if let Some(consumer) = locked(&self.shared.log).consumers.get_mut(&self.name) {
            consumer.open = false;
        }
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("name", &self.name).field("position", &self.position).finish_non_exhaustive()
    }
}
