//! How far every file was read: a journal of lines, so that noting a step costs one short write.
//!
//! Before a batch is appended its end is noted ([`Journal::intend`]); once it is durable, that ([`Journal::durable`]). After a
//! crash the batches that were on their way are cut in the same places again and so carry the same idempotency keys: they are
//! stored once. The journal survives the end of the process at any moment; a loss of power may cost the last second of it,
//! and then records are stored twice, never lost.
//!
//! ```text
//! DIR/files.journal    one JSON object per line, see `Line`; damaged lines are skipped, the file is rewritten on start
//! ```

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::sources::error::SourceError;

/// Size at which the journal is rewritten.
const REWRITE: u64 = 4 << 20;
/// Longest time a durable step may be in memory of the kernel only.
const SYNC: Duration = Duration::from_secs(1);
/// Files that are over, remembered for their inode.
const KEPT_OVER: usize = 1024;

/// First bytes of a file, to know it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    /// Bytes it covers.
    pub(crate) length: usize,
    /// Their hash.
    pub(crate) hash: String,
}

/// One life of a file: from creation or truncation to rotation or truncation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Path it was found under.
    pub(crate) path: String,
    /// Random, so that no two lives share idempotency keys.
    pub(crate) life: String,
    /// Inode number.
    pub(crate) inode: u64,
    /// First bytes.
    pub(crate) fingerprint: Fingerprint,
    /// Everything before is durable.
    pub(crate) offset: u64,
    /// Ends of batches that were on their way, rising.
    #[serde(default)]
    pub(crate) pending: Vec<u64>,
    /// Nothing more will be read from it.
    #[serde(default)]
    pub(crate) over: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// A life begins, or is known better.
    Life(Position),
    /// A batch up to this offset is on its way.
    Intend { life: String, end: u64 },
    /// A batch up to this offset is durable.
    Durable { life: String, end: u64 },
    /// The life is over.
    Over { life: String },
}

/// The journal, and what it says.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    size: u64,
    /// By life.
    positions: BTreeMap<String, Position>,
    dirty: bool,
    /// Whether the last write may have left half a line.
    torn: bool,
    synced: Instant,
}

impl Journal {
    /// Opens the journal in `dir`, which is created.
    pub(crate) fn open(dir: &Path) -> Result<Self, SourceError> {
        let path = dir.join("files.journal");
        let failed = |action: &'static str| {
            let path = path.clone();
            move |source| SourceError::Checkpoint { action, path, source }
        };
        fs::create_dir_all(dir).map_err(failed("create the folder of"))?;
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(failed("read")(e)),
        };
        let mut positions = BTreeMap::new();
        let mut damaged = 0;
        for line in text.split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(line) => apply(&mut positions, line),
                Err(_) => damaged += 1,
            }
        }
        if damaged > 0 {
            tracing::warn!(damaged, path = %path.display(), "lines of the file journal were cut by a crash; some records may be stored twice");
        }
        forget(&mut positions);
        let (file, size) = rewrite(&path, &positions).map_err(failed("write"))?;
        Ok(Self { path, file, size, positions, dirty: false, torn: false, synced: Instant::now() })
    }

    /// Every life that is not over.
    pub(crate) fn open_lives(&self) -> Vec<Position> {
        self.positions.values().filter(|p| !p.over).cloned().collect()
    }

    /// Whether a file with this inode and beginning was read before, open or over.
    pub(crate) fn knows(&self, inode: u64) -> bool {
        self.positions.values().any(|p| p.inode == inode)
    }

    /// Lives that are over of files with this inode.
    pub(crate) fn finished(&self, inode: u64) -> impl Iterator<Item = &Position> {
        self.positions.values().filter(move |p| p.over && p.inode == inode)
    }

    /// Whether anything of this path was ever read.
    pub(crate) fn knows_path(&self, path: &str) -> bool {
        self.positions.values().any(|p| p.path == path)
    }

    /// A life begins, or its fingerprint covers more now.
    pub(crate) fn life(&mut self, position: &Position) -> Result<(), SourceError> {
        self.write(Line::Life(position.clone()))
    }

    /// Notes that a batch up to `end` is about to be appended. In the kernel's hands when this returns.
    pub(crate) fn intend(&mut self, life: &str, end: u64) -> Result<(), SourceError> {
        self.write(Line::Intend { life: life.to_owned(), end })
    }

    /// Notes that the batch up to `end` is durable.
    pub(crate) fn durable(&mut self, life: &str, end: u64) -> Result<(), SourceError> {
        self.write(Line::Durable { life: life.to_owned(), end })
    }

    /// Notes that nothing more will be read of a life.
    pub(crate) fn over(&mut self, life: &str) -> Result<(), SourceError> {
        self.write(Line::Over { life: life.to_owned() })
    }

    /// Brings the journal to the disk, if that was not done within the last second or `now` asks for it.
    pub(crate) fn sync(&mut self, now: bool) -> Result<(), SourceError> {
        if !self.dirty || !now && self.synced.elapsed() < SYNC {
            return Ok(());
        }
        let path = self.path.clone();
        let failed = |source| SourceError::Checkpoint { action: "write", path, source };
        if self.size > REWRITE {
            forget(&mut self.positions);
            (self.file, self.size) = rewrite(&self.path, &self.positions).map_err(failed)?;
        } else {
            self.file.sync_data().map_err(failed)?;
        }
        (self.dirty, self.synced) = (false, Instant::now());
        Ok(())
    }

    fn write(&mut self, line: Line) -> Result<(), SourceError> {
        let mut text = if std::mem::take(&mut self.torn) { vec![b'\n'] } else { Vec::new() };
        let failed = |source| SourceError::Checkpoint { action: "write", path: self.path.clone(), source };
        serde_json::to_writer(&mut text, &line).map_err(|e| failed(e.into()))?;
        text.push(b'\n');
        if let Err(source) = self.file.write_all(&text) {
            self.torn = true;
            return Err(failed(source));
        }
        self.size += text.len() as u64;
        self.dirty = true;
        apply(&mut self.positions, line);
        Ok(())
    }
}

fn apply(positions: &mut BTreeMap<String, Position>, line: Line) {
    match line {
        Line::Life(position) => {
            positions.insert(position.life.clone(), position);
        }
        Line::Intend { life, end } => {
            if let Some(p) = positions.get_mut(&life)
                && p.pending.last().copied().unwrap_or(p.offset) < end
            {
                p.pending.push(end);
            }
        }
        Line::Durable { life, end } => {
            if let Some(p) = positions.get_mut(&life) {
                p.offset = p.offset.max(end);
                p.pending.retain(|&e| e > end);
            }
        }
        Line::Over { life } => {
            if let Some(p) = positions.get_mut(&life) {
                p.over = true;
                p.pending.clear();
            }
        }
    }
}

/// Keeps of every path the open lives and the latest that are over.
fn forget(positions: &mut BTreeMap<String, Position>) {
    let over: Vec<String> = positions.values().filter(|p| p.over).map(|p| p.life.clone()).collect();
    // lives begin with the time they began, so the order of names is the order of time
    for life in over.iter().take(over.len().saturating_sub(KEPT_OVER)) {
        positions.remove(life);
    }
}

fn rewrite(path: &Path, positions: &BTreeMap<String, Position>) -> io::Result<(File, u64)> {
    let new = path.with_extension("new");
    let mut text = Vec::new();
    for position in positions.values() {
        serde_json::to_writer(&mut text, &Line::Life(position.clone()))?;
        text.push(b'\n');
    }
    let mut file = File::create(&new)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    let file = OpenOptions::new().append(true).open(path)?;
    Ok((file, text.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(life: &str) -> Position {
        let fingerprint = Fingerprint { length: 3, hash: "x".to_owned() };
        Position { path: "/a".to_owned(), life: life.to_owned(), inode: 7, fingerprint, offset: 0, pending: Vec::new(), over: false }
    }

    #[test]
    fn what_was_noted_is_known_after_a_crash_at_any_byte() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        journal.life(&position("1")).unwrap();
        for end in [10, 20, 30] {
            journal.intend("1", end).unwrap();
        }
        journal.durable("1", 10).unwrap();
        drop(journal);
        let path = dir.path().join("files.journal");
        let text = fs::read(&path).unwrap();
        let expected = [Position { offset: 10, pending: vec![20, 30], ..position("1") }];
        assert_eq!(Journal::open(dir.path()).unwrap().open_lives(), expected);
        for cut in 0..text.len() {
            fs::write(&path, &text[..cut]).unwrap();
            let lives = Journal::open(dir.path()).unwrap().open_lives();
            assert!(lives.iter().all(|p| p.offset <= 10 && p.pending.iter().all(|e| [10, 20, 30].contains(e))), "{lives:?}");
        }
        fs::write(&path, [&text[..], &[0; 512]].concat()).unwrap();
        let mut journal = Journal::open(dir.path()).unwrap();
        assert_eq!(journal.open_lives(), expected);
        journal.over("1").unwrap();
        journal.sync(true).unwrap();
        drop(journal);
        let journal = Journal::open(dir.path()).unwrap();
        assert!(journal.open_lives().is_empty());
        assert!(journal.knows(7) && journal.knows_path("/a") && !journal.knows(8));
    }
}
