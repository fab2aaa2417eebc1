//! The positions of consumers on disk. Needs no free space once a consumer exists, so that a full disk cannot keep consumers
//! from moving on (which is what makes room again).
//!
//! `consumers/<name>.pos`, numbers little endian: two slots, at bytes 0 and 4096, written in turn; the sound one with the
//! higher sequence counts. A write that a crash cuts short damages the older one only.
//!
//! ```text
//!   0  [4]  "FSPC"
//!   4  u16  format version = 1
//!   6  u16  zero
//!   8  u64  sequence, grows by one with each write
//!  16  u64  offset of the record to read next
//!  24  u32  CRC32C of bytes 0..24
//! ```

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use crate::{
    error::BusError,
    format::{bytes_at, u32_at, u64_at},
    host::{Host, HostFile, read_full, write_full},
};

const MAGIC: [u8; 4] = *b"FSPC";
const VERSION: u16 = 1;
const SLOT: usize = 28;
const SECOND: u64 = 4096;
const EXTENSION: &str = ".pos";

/// One consumer's file.
struct Position {
    /// `None` after a failed sync: the next store opens the file again.
    file: Option<Box<dyn HostFile>>,
    sequence: u64,
    offset: u64,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Positions {
    dir: PathBuf,
    files: BTreeMap<String, Position>,
}

/// Whether a consumer may be called so: the name becomes a file name.
pub(crate) fn is_name(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut bytes = name.bytes();
    name.len() <= 64 && bytes.next().is_some_and(word) && bytes.all(|b| word(b) || matches!(b, b'.' | b'_' | b'-'))
}

fn encode(sequence: u64, offset: u64) -> [u8; SLOT] {
    let mut out = [0; SLOT];
    out[..4].copy_from_slice(&MAGIC);
    out[4..6].copy_from_slice(&VERSION.to_le_bytes());
    out[8..16].copy_from_slice(&sequence.to_le_bytes());
    out[16..24].copy_from_slice(&offset.to_le_bytes());
    let crc = crc32c::crc32c(&out[..24]);
    out[24..].copy_from_slice(&crc.to_le_bytes());
    out
}

/// Sequence and offset of a sound slot; the version of one from a newer program.
fn decode(slot: &[u8]) -> Option<Result<(u64, u64), u16>> {
    if slot.len() < SLOT || !slot.starts_with(&MAGIC) || u32_at(slot, 24) != crc32c::crc32c(slot.get(..24)?) {
        return None;
    }
    let version = u16::from_le_bytes(bytes_at(slot, 4));
    Some(if version == VERSION { Ok((u64_at(slot, 8), u64_at(slot, 16))) } else { Err(version) })
}

impl Positions {
    /// Reads the positions under `dir`. Also names the files that hold none: their consumers start at the oldest record.
    pub(crate) fn open(host: &dyn Host, dir: PathBuf) -> Result<(Positions, Vec<PathBuf>), BusError> {
        host.make_dir(&dir).map_err(BusError::io("create", &dir))?;
        let mut unreadable = Vec::new();
        let mut files = BTreeMap::new();
        for entry in host.list(&dir).map_err(BusError::io("list", &dir))? {
            let Some(name) = entry.strip_suffix(EXTENSION).filter(|n| is_name(n)) else { continue };
            let path = dir.join(&entry);
            let (sequence, offset) = match read(host, &path)? {
                Some(found) => found,
                None => {
                    unreadable.push(path);
                    (0, 0)
                }
            };
            files.insert(name.to_owned(), Position { file: None, sequence, offset });
        }
        Ok((Positions { dir, files }, unreadable))
    }

    /// Names and durable positions.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.files.iter().map(|(n, p)| (n.as_str(), p.offset))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}{EXTENSION}"))
    }

    /// Makes a consumer known, durably.
    pub(crate) fn register(&mut self, host: &dyn Host, name: &str, offset: u64) -> Result<(), BusError> {
        let path = self.path(name);
        let file = host.create(&path).map_err(BusError::io("create", &path))?;
        let begin = || -> io::Result<()> {
            // Both slots take their blocks now: later writes need none.
            write_full(&*file, &encode(1, offset), 0)?;
            write_full(&*file, &encode(0, offset), SECOND)?;
            file.sync()?;
            host.sync_dir(&self.dir)
        };
        if let Err(error) = begin() {
            let _ = host.remove(&path);
            return Err(BusError::io("write", &path)(error));
        }
        self.files.insert(name.to_owned(), Position { file: Some(file), sequence: 1, offset });
        Ok(())
    }

    /// Makes a position durable.
    pub(crate) fn store(&mut self, host: &dyn Host, name: &str, offset: u64) -> Result<(), BusError> {
        let path = self.path(name);
        let Some(position) = self.files.get_mut(name) else { return Ok(()) };
        if position.offset == offset {
            return Ok(());
        }
        let file = match position.file.take() {
            Some(file) => file,
            None => host.open_writable(&path).map_err(BusError::io("open", &path))?,
        };
        let sequence = position.sequence + 1;
        let at = if sequence.is_multiple_of(2) { SECOND } else { 0 };
        // On an error the handle is not used again: what it would say about a later sync cannot be trusted.
        write_full(&*file, &encode(sequence, offset), at).and_then(|()| file.sync()).map_err(BusError::io("write", &path))?;
        *position = Position { file: Some(file), sequence, offset };
        Ok(())
    }

    /// Forgets a consumer, durably.
    pub(crate) fn remove(&mut self, host: &dyn Host, name: &str) -> Result<(), BusError> {
        let path = self.path(name);
        if self.files.contains_key(name) {
            host.remove(&path).and_then(|()| host.sync_dir(&self.dir)).map_err(BusError::io("delete", &path))?;
            self.files.remove(name);
        }
        Ok(())
    }
}

fn read(host: &dyn Host, path: &Path) -> Result<Option<(u64, u64)>, BusError> {
    let file = host.open(path).map_err(BusError::io("open", path))?;
    let mut best = None;
    for at in [0, SECOND] {
        let mut slot = [0; SLOT];
        let n = read_full(&*file, &mut slot, at).map_err(BusError::io("read", path))?;
        match decode(slot.get(..n).unwrap_or_default()) {
            Some(Ok(found)) => best = best.max(Some(found)),
            Some(Err(version)) => return Err(BusError::Version { path: path.to_owned(), version, newest: VERSION }),
            None => {}
        }
    }
    Ok(best)
}
