//! The write side: one writer for each partition of a topic, exactly once.
//!
//! A commit sends the events in blocks, then notes the position behind them in `positions`. A program that died in between
//! (or in the middle of a block, of which some partitions of the table may be stored already) is made good at the next start:
//! requests of the dead writer that the server still works on are ended, then the positions stored beyond the noted one are
//! read, and events at these are not sent again. An insert whose outcome is not known (no answer in time, connection lost)
//! is treated the same way before it is tried again. Besides, every block carries a name that the server remembers.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use fansipan_model::Event;

use super::{Shared, binary::Reader, row::Encoder, sql};
use crate::{
    error::{Result, StoreError},
    events::EventWriter,
};

/// Positions beyond the noted one that may be stored already: blocks of one commit.
const MOST_BEYOND: usize = 100_000_000;

/// Rows that are ready to be sent.
#[derive(Default)]
struct Block {
    rows: Vec<u8>,
    /// Position of each row and where it ends.
    ends: Vec<(u64, usize)>,
}

/// Writes the events of one partition. See the module.
pub struct ClickHouseWriter {
    shared: Arc<Shared>,
    topic: String,
    part: i32,
    encoder: Encoder,
    block: Block,
    /// Positions behind the noted one that are stored.
    stored: HashSet<u64>,
    /// What `positions` says.
    noted: u64,
    /// Behind the last position given to [`EventWriter::add`].
    next: u64,
    /// Events added since the last commit.
    pending: u64,
    /// Whether an insert may have been done or not.
    uncertain: bool,
    inserts: u64,
}

impl ClickHouseWriter {
    pub(crate) fn open(shared: Arc<Shared>, topic: &str, part: i32) -> Result<ClickHouseWriter> {
        let mut this = ClickHouseWriter {
            shared,
            topic: topic.to_owned(),
            part,
            encoder: Encoder::default(),
            block: Block::default(),
            stored: HashSet::new(),
            noted: 0,
            next: 0,
            pending: 0,
            uncertain: false,
            inserts: 0,
        };
        this.end_inserts()?;
        let positions = this.shared.names.table("positions");
        let bytes = this.shared.link.rows(
            "reading the stored position",
            &format!("SELECT max(next) FROM {positions} WHERE {} SETTINGS select_sequential_consistency = 1", this.mine()),
        )?;
        this.noted = Reader::new(&bytes).u64().unwrap_or(0);
        this.next = this.noted;
        this.stored = this.beyond(this.noted)?;
        Ok(this)
    }

    /// Selects the rows of this partition of the topic.
    fn mine(&self) -> String {
        format!("topic = {} AND part = {}", sql::text(&self.topic), self.part)
    }

    /// The begin of the names of all inserts of this partition, of this program and earlier ones.
    fn query_prefix(&self) -> String {
        format!("fansipan-insert {} {} ", self.topic, self.part)
    }

    /// Ends inserts that the server still works on, and waits until they are gone.
    fn end_inserts(&self) -> Result<()> {
        let (names, link) = (&self.shared.names, &self.shared.link);
        let running = format!("startsWith(query_id, {})", sql::text(&self.query_prefix()));
        let count = format!("SELECT count() FROM {} WHERE {running}", names.system("processes"));
        const WHAT: &str = "ending inserts of an earlier writer";
        let left = |bytes: Bytes| Reader::new(&bytes).u64().unwrap_or(0);
        if left(link.rows(WHAT, &count)?) == 0 {
            return Ok(());
        }
        link.execute(WHAT, &format!("KILL QUERY{} WHERE {running} SYNC", names.everywhere()))?;
        match left(link.rows(WHAT, &count)?) {
            0 => Ok(()),
            n => Err(StoreError::Remote { url: self.shared.config.url.clone(), what: WHAT, reason: format!("{n} are still running") }),
        }
    }

    /// Positions from one on that are stored.
    fn beyond(&self, from: u64) -> Result<HashSet<u64>> {
        let events = self.shared.names.table("events");
        let query = format!(
            "SELECT pos FROM {events} WHERE {} AND pos >= {from} LIMIT {MOST_BEYOND} SETTINGS select_sequential_consistency = 1",
            self.mine()
        );
        let mut found = HashSet::new();
        let mut rest: Vec<u8> = Vec::new();
        let mut stream = self.shared.link.stream("reading stored positions", &query)?;
        while let Some(piece) = stream.next()? {
            rest.extend_from_slice(&piece);
            let whole = rest.len() / 8 * 8;
            found.extend(rest.get(..whole).unwrap_or_default().chunks_exact(8).filter_map(|c| c.try_into().ok()).map(u64::from_le_bytes));
            rest.drain(..whole);
        }
        Ok(found)
    }

    /// Sends what is held. On an error it is still held.
    fn flush(&mut self) -> Result<()> {
        if self.uncertain {
            self.settle()?;
        }
        let (Some(&(first, _)), Some(&(last, _))) = (self.block.ends.first(), self.block.ends.last()) else { return Ok(()) };
        let rows = Bytes::copy_from_slice(&self.block.rows);
        let into = format!("{} ({})", self.shared.names.table("events"), self.shared.insert_columns);
        let token = format!("{} {} {first}-{last}", self.topic, self.part);
        self.inserts += 1;
        let query_id = format!("{}{} {}", self.query_prefix(), uuid::Uuid::new_v4(), self.inserts);
        self.uncertain = true;
        self.shared.link.insert(&into, rows, &token, &query_id)?;
        self.uncertain = false;
        self.block.rows.clear();
        self.block.ends.clear();
        Ok(())
    }

    /// After an insert of unknown outcome: drops from the block what is stored.
    fn settle(&mut self) -> Result<()> {
        self.end_inserts()?;
        let Some(&(first, _)) = self.block.ends.first() else { return Ok(()) };
        let stored = self.beyond(first)?;
        if !stored.is_empty() {
            let mut left = Block::default();
            let mut start = 0;
            for (pos, end) in std::mem::take(&mut self.block.ends) {
                if !stored.contains(&pos) {
                    left.rows.extend_from_slice(self.block.rows.get(start..end).unwrap_or_default());
                    left.ends.push((pos, left.rows.len()));
                }
                start = end;
            }
            self.block = left;
        }
        self.uncertain = false;
        Ok(())
    }
}

impl EventWriter for ClickHouseWriter {
    fn add(&mut self, offset: u64, event: &Event) -> Result<()> {
        if offset < self.next {
            return Ok(());
        }
        // before the event is taken: where this fails, the same call may be made again
        if self.block.ends.len() >= self.shared.config.block_rows || self.block.rows.len() >= self.shared.config.block_bytes {
            self.flush()?;
        }
        self.next = offset.saturating_add(1);
        self.pending += 1;
        if !self.stored.remove(&offset) {
            self.encoder.encode((&self.topic, self.part, offset), event, &mut self.block.rows);
            self.block.ends.push((offset, self.block.rows.len()));
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<()> {
        self.flush()?;
        if self.next > self.noted {
            let positions = self.shared.names.table("positions");
            let values = format!("({}, {}, {})", sql::text(&self.topic), self.part, self.next);
            let note = format!("INSERT INTO {positions} (topic, part, next) SETTINGS async_insert = 0 VALUES {values}");
            self.shared.link.execute("noting the stored position", &note)?;
            self.noted = self.next;
        }
        self.pending = 0;
        Ok(())
    }

    fn resume_from(&self) -> u64 {
        self.noted
    }

    fn pending(&self) -> u64 {
        self.pending
    }
}
