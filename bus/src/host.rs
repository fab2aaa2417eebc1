//! What the log needs of the machine: files, free space, the wall clock. Everything that touches a disk goes through here,
//! so that tests can put a disk in its place which fills up, writes half, fails to sync or loses power.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::error::BusError;

/// One open file, read and written at explicit positions.
pub(crate) trait HostFile: Send + Sync {
    /// Reads some bytes; 0 at the end of the file.
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize>;
    /// Writes some bytes.
    fn write_at(&self, buf: &[u8], position: u64) -> io::Result<usize>;
    /// Makes the content durable (and as much metadata as reading it back needs).
    fn sync(&self) -> io::Result<()>;
    /// Cuts the file.
    fn truncate(&self, length: u64) -> io::Result<()>;
    /// Length in bytes.
    fn length(&self) -> io::Result<u64>;
}

/// The machine.
pub(crate) trait Host: Send + Sync {
    /// Makes a folder and its parents, for this user alone, durably.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;
    /// Creates a file for reading and writing, for this user alone; fails if it exists.
    fn create(&self, path: &Path) -> io::Result<Box<dyn HostFile>>;
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<Box<dyn HostFile>>;
    /// Opens a file for reading and writing.
    fn open_writable(&self, path: &Path) -> io::Result<Box<dyn HostFile>>;
    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Renames over whatever `to` was.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes creations, deletions and renames in `dir` durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Names in `dir`, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Bytes an unprivileged process may still write to the file system of `dir`.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;
    /// UTC nanoseconds since 1970.
    fn now(&self) -> i64;
    /// Takes the folder for this handle alone, until the guard is dropped.
    fn lock(&self, dir: &Path) -> Result<Box<dyn Send + Sync>, BusError>;
}

/// Reads until `buf` is full or the file ends; says how much was read.
pub(crate) fn read_full(file: &dyn HostFile, buf: &mut [u8], position: u64) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buf.get_mut(done..).filter(|r| !r.is_empty()) {
        match file.read_at(rest, position + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

/// Writes all of `buf`; after an error any part of it may be in the file.
pub(crate) fn write_full(file: &dyn HostFile, buf: &[u8], position: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buf.get(done..).filter(|r| !r.is_empty()) {
        match file.write_at(rest, position + done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Reads a whole file of at most `limit` bytes.
pub(crate) fn read_file(host: &dyn Host, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = host.open(path)?;
    let length = file.length()?;
    if length > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{length} bytes are more than such a file can have ({limit})")));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let read = read_full(&*file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Whether the error says that there is no room, rather than that something is broken.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The machine this program runs on.
pub(crate) struct Machine;

impl HostFile for File {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buf, position)
    }

    fn write_at(&self, buf: &[u8], position: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(self, buf, position)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|m| m.len())
    }
}

impl Host for Machine {
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        let parent = dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.make_dir(parent)?;
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
            _ => self.sync_dir(parent),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn HostFile>> {
        Ok(Box::new(OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn HostFile>> {
        Ok(Box::new(File::open(path)?))
    }

    fn open_writable(&self, path: &Path) -> io::Result<Box<dyn HostFile>> {
        Ok(Box::new(OpenOptions::new().read(true).write(true).open(path)?))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        // A name that is not UTF-8 is none of ours.
        fs::read_dir(dir)?.filter_map(|entry| entry.map(|e| e.file_name().into_string().ok()).transpose()).collect()
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let fs = rustix::fs::statvfs(dir)?;
        Ok(fs.f_bavail.saturating_mul(fs.f_frsize))
    }

    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }

    fn lock(&self, dir: &Path) -> Result<Box<dyn Send + Sync>, BusError> {
        let path = dir.join("LOCK");
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(BusError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                let mut text = String::new();
                let read = file.take(32).read_to_string(&mut text);
                let pid = text.trim();
                let known = read.is_ok() && !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit());
                let holder = if known { format!("process {pid}") } else { "another process".to_owned() };
                return Err(BusError::Locked { dir: dir.to_owned(), holder });
            }
            Err(fs::TryLockError::Error(e)) => return Err(BusError::io("lock", &path)(e)),
        }
        // The number is a courtesy to whoever comes second; the lock itself is the kernel's and dies with the process.
        let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "the lock is held, but its file does not name this process");
        }
        Ok(Box::new(file))
    }
}
