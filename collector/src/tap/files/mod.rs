//! Capture files: pcap (all byte orders and resolutions) and pcapng, plain or gzip, read as a stream.
//!
//! A file that ends in the middle of a packet gives every packet before it, and [`Ending::Cut`]; a block that makes no sense ends the
//! file there with [`Ending::Damaged`]. Nothing is read into memory beyond one packet.

mod ng;
mod old;

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use fansipan_model::faults;

use super::decode::link::LinkType;

/// Largest packet a file may hold; more is damage, not data.
const MAX_PACKET: usize = 1 << 24;

faults! {
    /// Why a file gave no packets at all.
    FileError:
    Io { path: String, error: String } "FSP-TAP-001": "cannot read {path}: {error}", "không đọc được {path}: {error}";
        "check that the file exists and may be read", "hãy kiểm tra tệp có tồn tại và được phép đọc không".
    Format { path: String, head: String } "FSP-TAP-002": "{path} is neither pcap nor pcapng (it begins with {head})", "{path} không phải pcap cũng không phải pcapng (bắt đầu bằng {head})";
        "convert it with `editcap -F pcapng`", "hãy chuyển đổi bằng `editcap -F pcapng`".
}

fn unreadable(path: &str) -> impl Fn(io::Error) -> FileError {
    move |error| FileError::Io { path: path.to_owned(), error: error.to_string() }
}

/// How a file ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// After a whole packet.
    Whole,
    /// In the middle of a packet or block: the rest is missing.
    Cut,
    /// With bytes that make no sense; the reason.
    Damaged(String),
}

/// One packet of a file.
#[derive(Clone, Copy, Debug)]
pub struct FilePacket<'a> {
    /// Kind of the interface.
    pub link: LinkType,
    /// When it was captured, UTC nanoseconds.
    pub at: i64,
    /// Length on the wire.
    pub wire: u32,
    /// What was captured of it.
    pub data: &'a [u8],
}

enum Kind {
    Old(old::Header),
    Ng(ng::State),
}

/// A capture file that is read.
pub struct CaptureFile {
    input: Box<dyn BufRead + Send>,
    kind: Kind,
    buffer: Vec<u8>,
    ending: Option<Ending>,
}

impl CaptureFile {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read, or is no capture.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let name = path.display().to_string();
        let file = std::fs::File::open(path).map_err(unreadable(&name))?;
        Self::new(&name, Box::new(file))
    }

    /// Reads a capture from anywhere; `name` is for messages.
    ///
    /// # Errors
    /// It cannot be read, or is no capture.
    pub fn new(name: &str, input: Box<dyn Read + Send>) -> Result<Self, FileError> {
        let failed = unreadable(name);
        let mut input: Box<dyn BufRead + Send> = Box::new(BufReader::with_capacity(1 << 18, input));
        if input.fill_buf().map_err(&failed)?.starts_with(&[0x1f, 0x8b]) {
            input = Box::new(BufReader::with_capacity(1 << 18, flate2::bufread::MultiGzDecoder::new(input)));
        }
        let mut magic = [0; 4];
        let got = fill(&mut *input, &mut magic).map_err(&failed)?;
        let not_one = || FileError::Format { path: name.to_owned(), head: hex(magic.get(..got).unwrap_or_default()) };
        let kind = if magic == ng::SECTION {
            Kind::Ng(ng::State::default())
        } else {
            let mut head = [0; 20];
            let order = old::Order::of(magic).ok_or_else(not_one)?;
            if fill(&mut *input, &mut head).map_err(&failed)? < head.len() {
                return Err(not_one());
            }
            Kind::Old(old::Header::read(order, &head))
        };
        Ok(Self { input, kind, buffer: Vec::new(), ending: None })
    }

    /// The next packet; `None` at the end, of which [`CaptureFile::ending`] tells.
    pub fn next_packet(&mut self) -> Option<FilePacket<'_>> {
        if self.ending.is_some() {
            return None;
        }
        let found = match &mut self.kind {
            Kind::Old(header) => header.next(&mut *self.input, &mut self.buffer),
            Kind::Ng(state) => state.next(&mut *self.input, &mut self.buffer),
        };
        match found {
            Ok(found) => {
                let data = self.buffer.get(found.range)?;
                Some(FilePacket { link: found.link, at: found.at, wire: found.wire.max(data.len() as u32), data })
            }
            Err(ending) => {
                self.ending = Some(ending);
                None
            }
        }
    }

    /// How the file ended, once it did.
    pub fn ending(&self) -> &Ending {
        self.ending.as_ref().unwrap_or(&Ending::Whole)
    }
}

/// A packet in the buffer.
struct Found {
    link: LinkType,
    at: i64,
    wire: u32,
    range: std::ops::Range<usize>,
}

/// Reads until the slice is full or the input ends; says how much there was.
fn fill(input: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while let Some(free) = into.get_mut(got..).filter(|f| !f.is_empty()) {
        match input.read(free) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

/// Fills `into` wholly; nothing at all is a clean end.
fn exact(input: &mut dyn Read, into: &mut [u8], may_end: bool) -> Result<(), Ending> {
    match fill(input, into) {
        Ok(n) if n == into.len() => Ok(()),
        Ok(0) if may_end => Err(Ending::Whole),
        Ok(_) => Err(Ending::Cut),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(Ending::Cut),
        Err(e) => Err(Ending::Damaged(format!("reading failed: {e}"))),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        for nibble in [b >> 4, b & 15] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    out
}
