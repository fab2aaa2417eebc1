//! Folding the write-ahead log into the database, beside whoever writes: SQLite by itself does it within the commit that makes
//! the log long, and whoever committed waits for both files to be on disk.

use std::{
    cell::Cell,
    ffi::c_int,
    path::Path,
    sync::mpsc::{self, SyncSender},
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, hooks::Wal};

use crate::error::{Result, StoreError};

/// Pages in the log from which it is folded: SQLite's own number.
const LONG: c_int = 1_000;
/// Pages in the log from which whoever writes folds it, for the thread cannot follow: 128 MiB.
const TOO_LONG: c_int = 32_768;

thread_local! {
    /// Pages in the log after the latest commit that this thread made.
    static PAGES: Cell<c_int> = const { Cell::new(0) };
}

fn committed(_: &Wal, pages: c_int) -> rusqlite::Result<()> {
    PAGES.set(pages);
    Ok(())
}

/// The thread that folds; ends when this is dropped.
pub(super) struct Folding {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Folding {
    /// Takes folding over from `writer`, with a connection of its own.
    pub(super) fn begin(path: &Path, writer: &Connection, connection: Connection) -> Result<Folding> {
        writer.wal_hook(Some(committed));
        let (wake, woken) = mpsc::sync_channel(1);
        let work = move || woken.iter().for_each(|()| fold(&connection));
        let thread = thread::Builder::new().name("fold".into()).spawn(work).map_err(StoreError::io("cannot start a thread for", path))?;
        Ok(Folding { wake: Some(wake), thread: Some(thread) })
    }

    /// After a commit of `writer` by this thread.
    pub(super) fn after_commit(&self, writer: &Connection) {
        let pages = PAGES.replace(0);
        if pages >= TOO_LONG {
            fold(writer);
        } else if pages >= LONG
            && let Some(wake) = &self.wake
        {
            // it is awake already, or will be once more
            let _ = wake.try_send(());
        }
    }
}

/// Folds what no reader still needs from the log. Readers may hold a part of it for a moment: the next time folds that.
pub(super) fn fold(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log of the state database is not folded into it and grows; it is tried again");
    }
}

impl Drop for Folding {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
