//! What detection remembers between events, kept on disk: a snapshot now and then, the log since then being the changes.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_model::said;

/// Time between snapshots, at the least.
const EVERY: Duration = Duration::from_secs(60);
/// A snapshot is written when so many times its own cost has passed.
const PATIENCE: u32 = 20;

/// The file of one log's detection.
pub(crate) struct Memory {
    path: PathBuf,
    written: Instant,
    cost: Duration,
}

impl Memory {
    /// In the data folder; `log`: identity of the log whose positions the file names.
    pub(crate) fn new(data: &Path, log: &str) -> Result<Self> {
        let folder = data.join("analyzer");
        fs::create_dir_all(&folder).with_context(|| {
            let folder = folder.display();
            said!("FSP-RUN-040: cannot create {folder}", "FSP-RUN-040: không tạo được {folder}")
        })?;
        Ok(Self { path: folder.join(format!("{log}.state")), written: Instant::now(), cost: Duration::ZERO })
    }

    /// What was kept, if anything was.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>> {
        match fs::read(&self.path) {
            Ok(state) => Ok(Some(state)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).with_context(|| {
                let path = self.path.display();
                said!("FSP-RUN-041: cannot read {path}", "FSP-RUN-041: không đọc được {path}")
            }),
        }
    }

    /// Whether it is time to write.
    pub(crate) fn is_due(&self) -> bool {
        self.written.elapsed() > EVERY.max(self.cost * PATIENCE)
    }

    /// Replaces what was kept, whole or not at all.
    pub(crate) fn write(&mut self, state: impl FnOnce() -> Vec<u8>) -> Result<()> {
        let start = Instant::now();
        let state = state();
        let draft = self.path.with_extension("new");
        let result = File::create(&draft)
            .and_then(|mut file| {
                file.write_all(&state)?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&draft, &self.path));
        self.written = Instant::now();
        self.cost = start.elapsed();
        result.with_context(|| {
            let path = self.path.display();
            said!("FSP-RUN-042: cannot write {path}: make room on the disk", "FSP-RUN-042: không ghi được {path}: hãy giải phóng ổ đĩa")
        })
    }
}
