//! Sigma rules of folders, for measurements that need many.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use fansipan_rules::{RuleSet, Taxonomy};

/// Files below a folder, sorted; none where there is no folder.
pub(crate) fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

/// The text of every rule file below the folders, by file name.
pub(crate) fn texts(folders: &[PathBuf]) -> Result<Vec<(String, String)>> {
    let (mut paths, mut out) = (Vec::new(), Vec::new());
    folders.iter().for_each(|folder| files(folder, &mut paths));
    for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "yml")) {
        out.push((path.display().to_string(), fs::read_to_string(path).with_context(|| path.display().to_string())?));
    }
    Ok(out)
}

/// The rules of these texts that can be used.
pub(crate) fn compile(texts: &[(String, String)], taxonomy: &Taxonomy) -> RuleSet {
    let parsed = texts.iter().flat_map(|(file, text)| fansipan_rules::parse(text, file).0).collect();
    RuleSet::compile(parsed, taxonomy).0
}
