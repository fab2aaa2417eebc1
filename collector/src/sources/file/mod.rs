//! Files that are followed: rotation by renaming and by truncation, restart without loss or repetition.
//!
//! One thread reads all files in turn. A record is acknowledged (in the journal) only after it is durable; a file that was
//! rotated, even while this program was not running, is read to its end under its old inode before it is let go.

mod checkpoint;
mod follow;
mod glob;
mod join;

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use checkpoint::{Journal, Position};
use follow::{Follower, Turn};

use super::{
    config::{FileConfig, StartAt},
    error::SourceError,
    stream::Context,
};
use crate::pipeline::Assignment;

/// Pause when no file has anything new.
const PAUSE: Duration = Duration::from_millis(100);
/// Pause after the journal could not be written.
const RETRY: Duration = Duration::from_secs(1);
/// How often names are looked up again.
const LOOK: Duration = Duration::from_millis(500);

/// Starts the thread that follows all configured files; `dir` keeps how far they were read.
pub(crate) fn start(configs: &[FileConfig], dir: &Path, context: &Context) -> Result<JoinHandle<()>, SourceError> {
    let journal = Journal::open(dir)?;
    let mut tail = Tail {
        configs: configs.to_vec(),
        journal,
        followers: Vec::new(),
        complaints: BTreeMap::new(),
        started: false,
        context: context.clone(),
    };
    thread::Builder::new()
        .name("files".to_owned())
        .spawn(move || tail.run())
        .map_err(|source| SourceError::Thread { what: "files", source })
}

struct Tail {
    configs: Vec<FileConfig>,
    journal: Journal,
    followers: Vec<Follower>,
    /// What was said about a path, so that it is said once.
    complaints: BTreeMap<PathBuf, io::ErrorKind>,
    started: bool,
    context: Context,
}

impl Tail {
    fn run(&mut self) {
        let mut looked: Option<Instant> = None;
        let mut failing = false;
        while !self.context.stop.is_cancelled() {
            match self.step(&mut looked) {
                Ok(true) => failing = false,
                Ok(false) => thread::sleep(PAUSE),
                Err(error) => {
                    // without a journal nothing may be appended: begin again from what it last knew
                    if !failing {
                        tracing::error!(%error, "files are not read until the journal can be written again");
                    }
                    failing = true;
                    self.followers.clear();
                    self.started = false;
                    looked = None;
                    thread::sleep(RETRY);
                }
            }
        }
        let ended = self.followers.iter_mut().try_for_each(|f| f.settle(&mut self.journal, true));
        if let Err(error) = ended.and_then(|()| self.journal.sync(true)) {
            tracing::error!(%error, "what was read last of files may be read again after the restart");
        }
    }

    /// One round over all files; whether any had something new.
    fn step(&mut self, looked: &mut Option<Instant>) -> Result<bool, SourceError> {
        if looked.is_none_or(|at| at.elapsed() >= LOOK) {
            self.look()?;
            *looked = Some(Instant::now());
        }
        let busy = self.turns()?;
        self.journal.sync(false)?;
        Ok(busy)
    }

    /// Gives every file its turn; whether any had something new.
    fn turns(&mut self) -> Result<bool, SourceError> {
        let mut busy = false;
        let mut at = 0;
        while let Some(follower) = self.followers.get_mut(at) {
            match follower.turn(&mut self.journal, &self.context)? {
                Turn::Read => {
                    busy = true;
                    follower.grew();
                }
                Turn::Quiet if follower.has_left() => {
                    if follower.finish(&mut self.journal)? {
                        self.followers.swap_remove(at);
                        continue;
                    }
                }
                Turn::Quiet => {}
                Turn::Truncated => {
                    busy = true;
                    if follower.finish(&mut self.journal)? {
                        let old = self.followers.swap_remove(at);
                        self.renew(&old.position)?;
                        continue;
                    }
                }
            }
            at += 1;
        }
        Ok(busy)
    }

    /// Finds files that are new, changed places, or were waiting since the last run.
    fn look(&mut self) -> Result<(), SourceError> {
        for index in 0..self.configs.len() {
            let Some(config) = self.configs.get(index).cloned() else { continue };
            for path in glob::expand(&config.path) {
                self.look_at(&path, &config)?;
            }
        }
        if !self.started {
            self.started = true;
            self.find_rotated()?;
        }
        Ok(())
    }

    fn look_at(&mut self, path: &Path, config: &FileConfig) -> Result<(), SourceError> {
        let (file, meta) = match open(path) {
            Ok(found) => found,
            Err(error) => {
                // between renaming and creating there is no file for a moment
                if error.kind() != io::ErrorKind::NotFound || !self.started {
                    self.complain(path, &error);
                }
                return Ok(());
            }
        };
        self.complaints.remove(path);
        let elsewhere = |f: &Follower| f.position.inode == meta.ino() && Path::new(&f.position.path) != path;
        if self.followers.iter().any(|f| f.is_at(path, meta.ino()) || elsewhere(f)) {
            return Ok(());
        }
        let Some(name) = path.to_str() else {
            self.complain(path, &io::Error::from(io::ErrorKind::InvalidFilename));
            return Ok(());
        };
        for old in self.followers.iter_mut().filter(|f| Path::new(&f.position.path) == path) {
            old.leave();
        }
        let same = |p: &Position| Follower::is_same(p, &file, &meta);
        let known = if self.started { None } else { self.journal.open_lives().into_iter().find(same) };
        let renamed = known.as_ref().is_some_and(|p| p.path != name);
        let position = match known {
            Some(position) => position,
            // a rotated file whose new name matches the pattern too
            None if self.journal.finished(meta.ino()).any(|p| p.path != name && p.fingerprint.length > 0 && same(p)) => return Ok(()),
            None => {
                let skip = config.start == StartAt::End && !self.started && !self.journal.knows_path(name);
                let Some(position) = self.begin(name, &file, &meta, if skip { meta.len() } else { 0 })? else { return Ok(()) };
                position
            }
        };
        let mut follower = Follower::new(file, position, assignment(config), &self.context);
        if renamed {
            follower.leave();
        }
        self.followers.push(follower);
        Ok(())
    }

    fn begin(&mut self, name: &str, file: &File, meta: &Metadata, offset: u64) -> Result<Option<Position>, SourceError> {
        match Follower::begin(name, file, meta, offset) {
            Ok(position) => {
                self.journal.life(&position)?;
                Ok(Some(position))
            }
            Err(error) => {
                self.complain(Path::new(name), &error);
                Ok(None)
            }
        }
    }

    /// A file was emptied, or written anew in place: its next life.
    fn renew(&mut self, old: &Position) -> Result<(), SourceError> {
        let path = PathBuf::from(&old.path);
        let Some(config) = self.config_of(&path) else { return Ok(()) };
        let Ok((file, meta)) = open(&path) else { return Ok(()) };
        if let Some(position) = self.begin(&old.path, &file, &meta, 0)? {
            self.followers.push(Follower::new(file, position, assignment(&config), &self.context));
        }
        Ok(())
    }

    fn config_of(&self, path: &Path) -> Option<FileConfig> {
        self.configs.iter().find(|c| Path::new(&c.path) == path || glob::expand(&c.path).iter().any(|p| p == path)).cloned()
    }

    /// Files that were being read when the program ended and were rotated since: found by inode beside their old name, with
    /// everything that was rotated after them.
    fn find_rotated(&mut self) -> Result<(), SourceError> {
        for position in self.journal.open_lives() {
            if self.followers.iter().any(|f| f.position.life == position.life) {
                continue;
            }
            let path = PathBuf::from(&position.path);
            let mut siblings = siblings(&path);
            siblings.sort_by_key(|(_, meta)| (meta.mtime(), meta.mtime_nsec()));
            let found =
                siblings.iter().position(|(sibling, meta)| File::open(sibling).is_ok_and(|file| Follower::is_same(&position, &file, meta)));
            let Some(found) = found else {
                tracing::warn!(
                    path = position.path,
                    offset = position.offset,
                    "FSP-SRC-112: a followed file was removed or compressed while the collector was stopped; what it held beyond this offset was not read"
                );
                self.journal.over(&position.life)?;
                continue;
            };
            let config = self.config_of(&path);
            let assignment = config.as_ref().map(assignment).unwrap_or_default();
            for (index, (sibling, meta)) in siblings.iter().enumerate().skip(found) {
                let Ok(file) = File::open(sibling) else { continue };
                let position = if index == found {
                    position.clone()
                } else if self.journal.knows(meta.ino()) {
                    continue;
                } else {
                    // created and rotated away again while nobody looked
                    match self.begin(&position.path, &file, meta, 0)? {
                        Some(position) => position,
                        None => continue,
                    }
                };
                let mut follower = Follower::new(file, position, assignment.clone(), &self.context);
                follower.leave();
                self.followers.push(follower);
            }
        }
        Ok(())
    }

    fn complain(&mut self, path: &Path, error: &io::Error) {
        if self.complaints.insert(path.to_owned(), error.kind()) != Some(error.kind()) {
            let help = match error.kind() {
                io::ErrorKind::NotFound => "it will be read as soon as it exists",
                io::ErrorKind::PermissionDenied => "add the service's user to the group that may read it (`usermod -aG adm fansipan`)",
                io::ErrorKind::InvalidFilename => "its name is not UTF-8: rename it",
                _ => "it is tried again",
            };
            tracing::warn!(path = %path.display(), %error, help, "FSP-SRC-113: a configured file cannot be read");
        }
    }
}

fn assignment(config: &FileConfig) -> Assignment {
    Assignment { format: config.format.clone(), agency: config.agency.clone(), class: config.class.clone() }
}

fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let file = File::open(path)?;
    let meta = file.metadata()?;
    if meta.is_file() { Ok((file, meta)) } else { Err(io::Error::from(io::ErrorKind::InvalidInput)) }
}

/// Files beside `path` whose names begin with its name, compressed ones left out.
fn siblings(path: &Path) -> Vec<(PathBuf, Metadata)> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str())) else { return Vec::new() };
    let Ok(entries) = fs::read_dir(if dir.as_os_str().is_empty() { Path::new(".") } else { dir }) else { return Vec::new() };
    let compressed = |n: &str| [".gz", ".xz", ".bz2", ".zst", ".lz4"].iter().any(|end| n.ends_with(end));
    let rotated = |n: &str| n.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', '-', '_'])) && !compressed(n);
    entries
        .flatten()
        .filter(|e| e.file_name().to_str().is_some_and(rotated))
        .filter_map(|e| Some((e.path(), e.metadata().ok()?)))
        .filter(|(_, meta)| meta.is_file())
        .collect()
}
