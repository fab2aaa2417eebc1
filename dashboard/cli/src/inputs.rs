//! Files named on the command line, folders searched through, in an order that is the same everywhere.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A file, or a path that could not be read and why.
pub type Found = Result<PathBuf, (PathBuf, io::Error)>;

/// Rule files: those named, and every `.yml` and `.yaml` below the folders named, sorted by path.
pub fn rule_files(paths: &[PathBuf]) -> impl Iterator<Item = Found> + use<> {
    walk(paths, &["yml", "yaml"])
}

/// Evidence files: those named, and every `.evtx`, `.json`, `.ndjson`, `.jsonl`, `.log`, `.xml`, `.pcap`, `.pcapng` and `.cap` below the
/// folders named.
pub(crate) fn evidence_files(paths: &[PathBuf]) -> impl Iterator<Item = Found> + use<> {
    walk(paths, &["evtx", "json", "ndjson", "jsonl", "log", "xml", "pcap", "pcapng", "cap"])
}

fn walk(paths: &[PathBuf], endings: &'static [&'static str]) -> impl Iterator<Item = Found> + use<> {
    let mut out = Vec::new();
    for path in paths {
        if path.is_dir() {
            descend(path, endings, &mut out);
        } else {
            out.push(fs::metadata(path).map(|_| path.clone()).map_err(|e| (path.clone(), e)));
        }
    }
    out.into_iter()
}

/// Symbolic links to folders are not followed, so that a loop cannot keep us.
fn descend(dir: &Path, endings: &[&str], out: &mut Vec<Found>) {
    let mut entries: Vec<PathBuf> = match fs::read_dir(dir) {
        Ok(list) => list.flatten().map(|e| e.path()).collect(),
        Err(error) => return out.push(Err((dir.to_owned(), error))),
    };
    entries.sort();
    for path in entries {
        if path.is_dir() && !path.is_symlink() {
            descend(&path, endings, out);
        } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.iter().any(|x| x.eq_ignore_ascii_case(e))) {
            out.push(Ok(path));
        }
    }
}
