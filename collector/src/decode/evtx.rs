//! `.evtx` files: every record as an event, in the order Windows wrote them. Damage is reported where it is and stepped over;
//! the records around it are given. A file cut in the middle of a chunk is read up to the cut.
//!
//! `event.original` is the record as JSON, since its binary form means nothing without the chunk around it.

use std::{
    fs::File,
    io::{self, Cursor, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use ::evtx::{EvtxParser, ParserSettings};
use fansipan_model::{Event, EventBuilder, Value, fields};
use thiserror::Error;

use super::windows::{self, Key};

/// Why a file or a part of it gives no events.
#[derive(Debug, Error)]
pub enum EvtxError {
    /// The file cannot be opened.
    #[error("{}: cannot be opened: {source}", path.display())]
    Open {
        /// As given.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Not an event log at all.
    #[error("not a Windows event log: {0}")]
    NotEvtx(String),
    /// A chunk or record is damaged; the next ones follow.
    #[error("a damaged part was left out: {0}")]
    Damaged(String),
}

/// A Windows event log, open for reading.
pub struct Evtx<R: Read + Seek> {
    parser: EvtxParser<Padded<R>>,
}

/// Opens a file.
pub fn open(path: &Path) -> Result<Evtx<File>, EvtxError> {
    let file = File::open(path).map_err(|source| EvtxError::Open { path: path.to_owned(), source })?;
    Evtx::new(file)
}

/// Takes the bytes of a file.
pub fn from_bytes(bytes: Vec<u8>) -> Result<Evtx<Cursor<Vec<u8>>>, EvtxError> {
    Evtx::new(Cursor::new(bytes))
}

impl<R: Read + Seek> Evtx<R> {
    /// Takes any seekable reader.
    pub fn new(reader: R) -> Result<Self, EvtxError> {
        let reader = Padded::new(reader).map_err(|e| EvtxError::NotEvtx(e.to_string()))?;
        let parser = EvtxParser::from_read_seek(reader).map_err(|e| EvtxError::NotEvtx(chain(&e)))?;
        Ok(Self { parser: parser.with_configuration(ParserSettings::default().indent(false)) })
    }

    /// The records: `EventRecordID` and event. An `Err` is one damaged part, after which reading goes on.
    /// Exported logs number their records anew; what counts is the number inside the event.
    pub fn records(&mut self) -> impl Iterator<Item = Result<(u64, Event), EvtxError>> + '_ {
        self.parser.records_json_bytes().map(|record| {
            let record = record.map_err(|e| EvtxError::Damaged(chain(&e)))?;
            let place = record.event_record_id;
            let text = std::str::from_utf8(&record.data).map_err(|e| EvtxError::Damaged(format!("record {place}: {e}")))?;
            let event = event(text).map_err(|e| EvtxError::Damaged(format!("record {place}: {e}")))?;
            let id = event.str(fields::WINLOG_RECORD_ID).and_then(|id| id.parse().ok()).unwrap_or(place);
            Ok((id, event))
        })
    }
}

/// The event of one record's JSON.
fn event(text: &str) -> Result<Event, super::DecodeError> {
    let mut builder = EventBuilder::new(text);
    windows::read(text, &mut |key, value| match key {
        Key::Id(id) => builder.push(id, value),
        Key::Name(name) => builder.push_named(name, value),
    })?;
    for (field, value) in [(fields::EVENT_KIND, "event"), (fields::EVENT_MODULE, "windows"), (fields::FANSIPAN_PARSER, "evtx")] {
        builder.push(field, Value::Str(value));
    }
    Ok(builder.finish())
}

/// An error with its causes, as one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        out.push_str(": ");
        out.push_str(&error.to_string());
        cause = error.source();
    }
    out
}

/// Length of the header before the first chunk.
const HEADER: u64 = 4096;
/// Length of a chunk.
const CHUNK: u64 = 65536;

/// A reader that fills up an incomplete last chunk with zeros, so that the records before the cut can be read.
struct Padded<R> {
    inner: R,
    len: u64,
    padded: u64,
    at: u64,
}

impl<R: Seek> Padded<R> {
    fn new(mut inner: R) -> io::Result<Self> {
        let len = inner.seek(SeekFrom::End(0))?;
        inner.seek(SeekFrom::Start(0))?;
        let padded = if len > HEADER { HEADER + (len - HEADER).div_ceil(CHUNK) * CHUNK } else { len };
        Ok(Self { inner, len, padded, at: 0 })
    }
}

impl<R: Read> Read for Padded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = if self.at < self.len {
            self.inner.read(buffer)?
        } else {
            let n = usize::try_from(self.padded.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buffer.len());
            buffer.get_mut(..n).unwrap_or_default().fill(0);
            n
        };
        self.at += n as u64;
        Ok(n)
    }
}

impl<R: Seek> Seek for Padded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.padded.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        let at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.inner.seek(SeekFrom::Start(at.min(self.len)))?;
        self.at = at;
        Ok(at)
    }
}
