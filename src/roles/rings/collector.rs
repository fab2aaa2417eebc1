//! The collector's side: answers questions about packets out of its rings, one after the other.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_api::PacketsError;
use fansipan_bus::kafka::{Names, Settings, Writer};
use fansipan_evidence::Hashing;
use fansipan_model::PacketsFound;

use super::wire::{Ask, PIECE, Part, What, Why};
use crate::{live::now, packets::Rings, roles::node::Health};

/// Pieces of one transaction: what a line of 0.5 Mbit/s carries before the brokers would end it.
const PIECES: u32 = 2;
/// How far the clocks of console and collector may differ, seconds.
const SKEW: i64 = 120;

/// A question, and when it was heard.
pub(crate) struct Asked {
    pub(crate) ask: Box<Ask>,
    pub(crate) heard: Instant,
}

/// What is needed to answer.
pub(crate) struct Answering {
    pub(crate) settings: Settings,
    pub(crate) rings: Rings,
    pub(crate) asked: Receiver<Asked>,
    pub(crate) health: Arc<Health>,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Answering {
    /// Answers until told to stop.
    pub(crate) fn session(&self) -> Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            let asked = match self.asked.recv_timeout(Duration::from_millis(200)) {
                Ok(asked) => asked,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            // whoever asked has given up
            if asked.heard.elapsed().as_secs() > asked.ask.seconds {
                continue;
            }
            if let Err(error) = self.answer(&asked.ask) {
                self.health.add("fansipan_packet_answers_failed_total", 1.0);
                tracing::error!("FSP-RUN-075: packets could not be given to the console, which must ask again: {error:#}");
            }
        }
        Ok(())
    }

    fn answer(&self, ask: &Ask) -> Result<()> {
        let writer = Writer::open(&self.settings, "packets")?;
        let mut out = Sending::new(&writer, &self.settings, ask, &self.stop);
        let age = (now() as i64 - ask.at) / 1_000_000_000;
        if !(-SKEW..=SKEW.saturating_add(ask.seconds as i64)).contains(&age) {
            tracing::warn!("a question about packets is {age} s old by this clock: if it was asked now, set the clocks");
            return out.end(What::Refused(Why::Clock));
        }
        out.say(What::Begun)?;
        let mut out = Hashing::new(out);
        let found = self.rings.find(&ask.scope, &ask.flows, ask.bytes, &mut out);
        let (mut out, sha256) = out.end();
        if let Some(error) = out.failed.take() {
            // an open transaction would hold up the answers of others until the brokers end it
            return match writer.abort() {
                Ok(()) => Err(error),
                Err(also) => Err(error.context(also)),
            };
        }
        match found {
            Ok(found) => {
                let PacketsFound { packets, bytes, .. } = found;
                tracing::info!(ask = %ask.id, flows = ask.flows.len(), packets, bytes, sha256, "packets were asked for by the console");
                self.health.add("fansipan_packet_answers_total", 1.0);
                out.end_with(found, sha256)
            }
            Err(PacketsError::Off) => out.end(What::Refused(Why::NoRing)),
            Err(error) => {
                tracing::error!("FSP-RUN-076: the packet rings cannot be read: {error}");
                out.end(What::Refused(Why::Unreadable))
            }
        }
    }
}

/// Cuts a file into pieces and sends them, a few in each transaction.
struct Sending<'a> {
    writer: &'a Writer,
    stop: &'a AtomicBool,
    topic: String,
    key: Vec<u8>,
    name: String,
    piece: Vec<u8>,
    /// Pieces sent, and how many of them in the open transaction.
    sent: u32,
    open: u32,
    /// Why nothing more can be sent.
    failed: Option<anyhow::Error>,
}

impl<'a> Sending<'a> {
    fn new(writer: &'a Writer, settings: &Settings, ask: &Ask, stop: &'a AtomicBool) -> Self {
        let (topic, name) = (Names::new(settings).packets, settings.own_name());
        Self { writer, stop, topic, key: ask.key(), name, piece: Vec::new(), sent: 0, open: 0, failed: None }
    }

    fn put(&self, what: What, bytes: &[u8]) -> Result<()> {
        let record = Part { from: self.name.clone(), what, bytes }.write()?;
        Ok(self.writer.send(&self.topic, Some(0), &self.key, Some(&record))?)
    }

    /// One record by itself.
    fn say(&mut self, what: What) -> Result<()> {
        self.writer.begin()?;
        self.put(what, &[])?;
        Ok(self.writer.commit()?)
    }

    fn send_piece(&mut self) -> Result<()> {
        anyhow::ensure!(!self.stop.load(Ordering::Relaxed), "the collector stops");
        if self.open == 0 {
            self.writer.begin()?;
        }
        self.put(What::Piece(self.sent), &self.piece)?;
        (self.sent, self.open) = (self.sent + 1, self.open + 1);
        self.piece.clear();
        if self.open == PIECES {
            self.open = 0;
            self.writer.commit()?;
        }
        Ok(())
    }

    /// The last record, with whatever is in hand.
    fn end(mut self, what: What) -> Result<()> {
        if self.open == 0 {
            self.writer.begin()?;
        }
        self.open = 0;
        self.put(what, &[])?;
        Ok(self.writer.commit()?)
    }

    fn end_with(mut self, found: PacketsFound, sha256: String) -> Result<()> {
        if found.packets == 0 {
            // a file without packets is of no use
            return self.end(What::End { found, pieces: 0, sha256: String::new() });
        }
        if !self.piece.is_empty() {
            self.send_piece()?;
        }
        let pieces = self.sent;
        self.end(What::End { found, pieces, sha256 }).context("the end of an answer")
    }
}

impl Write for Sending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE - self.piece.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.piece.extend_from_slice(taken);
        if self.piece.len() == PIECE
            && let Err(error) = self.send_piece()
        {
            let told = io::Error::other(format!("{error:#}"));
            self.failed = Some(error);
            return Err(told);
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
