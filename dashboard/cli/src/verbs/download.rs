//! Files that the command line writes: whole or not there, and hashed on the way.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use fansipan_evidence::Hashing;
use serde::{Serialize, de::DeserializeOwned};
use tempfile::NamedTempFile;

use crate::{Fault, client::Client, output};

/// Writes to a draft, and hashes.
pub(super) fn hashing(draft: &NamedTempFile) -> Hashing<BufWriter<&File>> {
    Hashing::new(BufWriter::with_capacity(1 << 18, draft.as_file()))
}

/// The hash of everything, which is in the file by then.
pub(super) fn ended(out: Hashing<BufWriter<&File>>) -> io::Result<String> {
    let (mut out, sha256) = out.end();
    out.flush().map(|()| sha256)
}

/// A file beside the one that is wanted, so that this one is whole or not there; readable by oneself only.
pub(super) fn draft(path: &Path) -> Result<NamedTempFile> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    NamedTempFile::new_in(folder).with_context(|| Fault::CannotWrite { path: path.display().to_string() })
}

pub(super) fn keep(draft: NamedTempFile, path: &Path) -> Result<()> {
    let failed = || Fault::CannotWrite { path: path.display().to_string() };
    draft.as_file().sync_all().with_context(failed)?;
    draft.persist(path).with_context(failed)?;
    Ok(())
}

/// Fetches a file of the appliance; what the header `told` says of it, its hash included (`sha256`), which is that of what arrived.
pub(super) async fn fetch<F: DeserializeOwned + Default>(
    api: &Client,
    from: &str,
    parameters: &[(&str, String)],
    told: &str,
    to: &Path,
    sha256: impl Fn(&F) -> &String,
) -> Result<F> {
    let draft = draft(to)?;
    let mut out = hashing(&draft);
    let headers = api.download(from, parameters, |piece| out.write_all(piece)).await?;
    let hash = ended(out)?;
    let figures: F = headers.get(told).and_then(|v| serde_json::from_slice(v.as_bytes()).ok()).unwrap_or_default();
    let told = sha256(&figures);
    ensure!(*told == hash, Fault::Damaged { hash, told: told.clone() });
    keep(draft, to)?;
    Ok(figures)
}

/// Prints what is known of a file, and where it is.
pub(super) fn as_json(figures: &impl Serialize, path: &Path) -> Result<()> {
    let mut told = serde_json::to_value(figures)?;
    if let Some(told) = told.as_object_mut() {
        told.insert("file".to_owned(), path.display().to_string().into());
    }
    Ok(output::json(&told)?)
}
