//! Bodies: by length, in chunks, or until the end; compressed ones are opened for their hash, bounded.

use std::io::Write;

use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};

use crate::tap::proto::{Step, hashes::FileHash};

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    None,
    Length(u64),
    Chunked,
    UntilClose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// So many bytes are left, of the body or of a chunk.
    Data(u64),
    Size,
    /// The line end after a chunk.
    ChunkEnd,
    Trailer,
    Done,
}

/// How far the body is, and what to do.
pub(super) enum Progress {
    Go(Step),
    /// Its framing makes no sense.
    Broken(&'static str),
}

enum Opened {
    Plain(Sink),
    Gzip(Box<GzDecoder<Sink>>),
    Zlib(Box<ZlibDecoder<Sink>>),
    Deflate(Box<DeflateDecoder<Sink>>),
}

/// Where the opened content goes; refuses what exceeds the bound.
struct Sink {
    hash: FileHash,
    limit: u64,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.hash.size() > self.limit {
            return Err(std::io::Error::other("larger than the bound"));
        }
        self.hash.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A body while it passes.
pub(super) struct Body {
    framing: Framing,
    place: Place,
    /// Bytes of content as transferred, without chunk heads.
    pub(super) bytes: u64,
    opened: Option<Opened>,
    whole: bool,
    limit: u64,
}

impl Body {
    pub(super) fn new(framing: Framing, encoding: &str, limit: u64) -> Self {
        let sink = || Sink { hash: FileHash::new(limit), limit };
        let opened = match encoding {
            "gzip" | "x-gzip" => Opened::Gzip(Box::new(GzDecoder::new(sink()))),
            // both are sent under this name; the first byte tells
            "deflate" => Opened::Zlib(Box::new(ZlibDecoder::new(sink()))),
            _ => Opened::Plain(sink()),
        };
        let place = match framing {
            Framing::None | Framing::Length(0) => Place::Done,
            Framing::Length(n) => Place::Data(n),
            Framing::Chunked => Place::Size,
            Framing::UntilClose => Place::Data(u64::MAX),
        };
        Self { framing, place, bytes: 0, opened: Some(opened), whole: true, limit }
    }

    pub(super) fn is_done(&self) -> bool {
        self.place == Place::Done
    }

    /// Whether the end of the stream is the end of the body.
    pub(super) fn ends_with_stream(&self) -> bool {
        self.framing == Framing::UntilClose
    }

    pub(super) fn step(&mut self, bytes: &[u8]) -> Progress {
        match self.place {
            Place::Done => Progress::Go(Step::More(bytes.len() + 1)),
            Place::Data(left) => {
                let n = left.min(bytes.len() as u64) as usize;
                self.content(bytes.get(..n).unwrap_or_default());
                let left = if left == u64::MAX { left } else { left - n as u64 };
                self.place = match (left, self.framing) {
                    (0, Framing::Chunked) => Place::ChunkEnd,
                    (0, _) => Place::Done,
                    (left, _) => Place::Data(left),
                };
                Progress::Go(Step::Take(n))
            }
            Place::Size => self.line(bytes, |body, line| {
                let size = line.split(|b| matches!(b, b';' | b' ' | b'\t')).next().unwrap_or_default();
                let size = std::str::from_utf8(size).ok().filter(|s| !s.starts_with('+')).and_then(|s| u64::from_str_radix(s, 16).ok());
                body.place = match size {
                    Some(0) => Place::Trailer,
                    Some(n) => Place::Data(n),
                    None => return Err("chunk_size"),
                };
                Ok(())
            }),
            Place::ChunkEnd => self.line(bytes, |body, line| {
                body.place = Place::Size;
                if line.is_empty() { Ok(()) } else { Err("chunk_end") }
            }),
            Place::Trailer => self.line(bytes, |body, line| {
                if line.is_empty() {
                    body.place = Place::Done;
                }
                Ok(())
            }),
        }
    }

    fn line(&mut self, bytes: &[u8], then: impl FnOnce(&mut Self, &[u8]) -> Result<(), &'static str>) -> Progress {
        let window = bytes.get(..bytes.len().min(4096)).unwrap_or(bytes);
        let Some(end) = memchr::memchr(b'\n', window) else {
            return if window.len() < 4096 { Progress::Go(Step::More(bytes.len() + 1)) } else { Progress::Broken("chunk_size") };
        };
        let line = window.get(..end).unwrap_or_default().trim_ascii();
        match then(self, line) {
            Ok(()) => Progress::Go(Step::Take(end + 1)),
            Err(problem) => Progress::Broken(problem),
        }
    }

    fn content(&mut self, bytes: &[u8]) {
        if self.bytes == 0 && matches!(self.opened, Some(Opened::Zlib(_))) && bytes.first().is_some_and(|b| b & 0x0f != 8) {
            self.opened = Some(Opened::Deflate(Box::new(DeflateDecoder::new(Sink { hash: FileHash::new(self.limit), limit: self.limit }))));
        }
        self.bytes += bytes.len() as u64;
        let failed = match &mut self.opened {
            Some(Opened::Plain(sink)) => {
                sink.hash.update(bytes);
                false
            }
            Some(Opened::Gzip(d)) => d.write_all(bytes).is_err(),
            Some(Opened::Zlib(d)) => d.write_all(bytes).is_err(),
            Some(Opened::Deflate(d)) => d.write_all(bytes).is_err(),
            None => false,
        };
        if failed {
            // what could be opened so far still tells the kind; there is no hash of the rest
            self.whole = false;
        }
    }

    /// Bytes were not captured; whether the place after them is known.
    pub(super) fn missing(&mut self, bytes: u64) -> bool {
        self.whole = false;
        match self.place {
            Place::Data(left) if left >= bytes => {
                let left = if left == u64::MAX { left } else { left - bytes };
                self.bytes += bytes;
                self.place = match (left, self.framing) {
                    (0, Framing::Chunked) => Place::ChunkEnd,
                    (0, _) => Place::Done,
                    (left, _) => Place::Data(left),
                };
                true
            }
            _ => false,
        }
    }

    /// What was in it. `complete`: it ended where it should.
    pub(super) fn finish(mut self, complete: bool) -> FileHash {
        let opened = self.opened.take();
        let finished = |r: std::io::Result<Sink>, whole: &mut bool| {
            r.unwrap_or_else(|_| {
                *whole = false;
                Sink { hash: FileHash::new(0), limit: 0 }
            })
        };
        let mut whole = self.whole && complete;
        let sink = match opened {
            Some(Opened::Plain(sink)) => sink,
            Some(Opened::Gzip(d)) => finished(d.finish(), &mut whole),
            Some(Opened::Zlib(d)) => finished(d.finish(), &mut whole),
            Some(Opened::Deflate(d)) => finished(d.finish(), &mut whole),
            None => Sink { hash: FileHash::new(0), limit: 0 },
        };
        let mut hash = sink.hash;
        hash.whole = whole;
        hash
    }
}
