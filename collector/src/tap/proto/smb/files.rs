//! Files that are open over SMB: their names, calls over those that are pipes, and hashes of what passes in order.

use hashbrown::HashMap;

use crate::tap::{
    flow::Side,
    proto::{Cx, dce_rpc::Rpc, hashes::FileHash},
};

const MAX_FILES: usize = 1024;

/// Which way data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    Read,
    Write,
}

/// What has passed of a file in one direction, as long as it passes in order.
struct Passing {
    hash: FileHash,
    next: u64,
}

/// An open file.
pub(super) struct File {
    pub(super) name: String,
    tree: u32,
    at: i64,
    /// Its size when it was opened.
    size: u64,
    limit: u64,
    read: Option<Passing>,
    written: Option<Passing>,
    rpc: Option<Box<Rpc>>,
}

impl File {
    pub(super) fn new(name: String, tree: u32, at: i64, size: u64, limit: u64, pipe: bool) -> Self {
        let rpc = pipe.then(|| Box::new(Rpc::over(&name)));
        Self { name, tree, at, size, limit, read: None, written: None, rpc }
    }

    /// Name, share, when it was opened, and what passed.
    pub(super) fn finish(self) -> (String, u32, i64, Vec<(&'static str, FileHash)>) {
        let Self { name, tree, at, size, read, written, rpc, .. } = self;
        let mut parts = Vec::new();
        if rpc.is_none() {
            for (action, passing) in [("read", read), ("write", written)] {
                if let Some(Passing { mut hash, next }) = passing {
                    hash.whole &= action == "write" || next >= size;
                    parts.push((action, hash));
                }
            }
        }
        (name, tree, at, parts)
    }
}

/// All that are open.
#[derive(Default)]
pub(super) struct Files(HashMap<u128, File>);

impl Files {
    pub(super) fn open(&mut self, id: u128, file: File) {
        if self.0.len() < MAX_FILES {
            self.0.insert(id, file);
        }
    }

    pub(super) fn close(&mut self, id: u128) -> Option<File> {
        self.0.remove(&id)
    }

    pub(super) fn get(&self, id: u128) -> Option<&File> {
        self.0.get(&id)
    }

    /// All, in the order in which they were opened.
    pub(super) fn all(&mut self) -> Vec<File> {
        let mut all: Vec<(u128, File)> = self.0.drain().collect();
        all.sort_by_key(|(id, file)| (file.at, *id));
        all.into_iter().map(|(_, file)| file).collect()
    }

    /// Data is to pass at this place of the file.
    pub(super) fn begin(&mut self, id: u128, transfer: Transfer, offset: u64) {
        let Some(file) = self.0.get_mut(&id) else { return };
        let limit = file.limit;
        let slot = match transfer {
            Transfer::Read => &mut file.read,
            Transfer::Write => &mut file.written,
        };
        let passing = slot.get_or_insert_with(|| Passing { hash: FileHash::new(limit), next: 0 });
        passing.hash.whole &= passing.next == offset;
        passing.next = offset;
    }

    pub(super) fn data(&mut self, id: u128, transfer: Transfer, bytes: &[u8]) {
        if let Some(passing) = self.slot(id, transfer) {
            passing.hash.update(bytes);
            passing.next = passing.next.saturating_add(bytes.len() as u64);
        }
    }

    /// Data was not captured.
    pub(super) fn hole(&mut self, id: u128, transfer: Transfer) {
        if let Some(passing) = self.slot(id, transfer) {
            passing.hash.whole = false;
        }
    }

    fn slot(&mut self, id: u128, transfer: Transfer) -> Option<&mut Passing> {
        let file = self.0.get_mut(&id)?;
        match transfer {
            Transfer::Read => file.read.as_mut(),
            Transfer::Write => file.written.as_mut(),
        }
    }

    /// Bytes of a pipe.
    pub(super) fn call(&mut self, cx: &mut Cx<'_>, id: u128, side: Side, bytes: &[u8]) -> bool {
        let Some(rpc) = self.0.get_mut(&id).and_then(|f| f.rpc.as_mut()) else { return false };
        rpc.fragment(cx, side, bytes);
        true
    }
}
