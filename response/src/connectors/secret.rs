//! Secrets: read from files, never printed.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// Largest secret, bytes.
const LARGEST: u64 = 64 << 10;

/// A secret; its debug form hides it.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// The first lines of a file that only its owner and group read; line ends at its end are cut off.
    pub(crate) fn read(path: &Path) -> Result<Secret, String> {
        let failed = |e: std::io::Error| format!("the secret file {} cannot be read: {e}", path.display());
        let meta = fs::metadata(path).map_err(failed)?;
        if meta.permissions().mode() & 0o007 != 0 {
            return Err(format!("the secret file {} is open to everybody: chmod 600 it", path.display()));
        }
        if meta.len() > LARGEST {
            return Err(format!("the secret file {} is larger than 64 KiB", path.display()));
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        let text = text.trim_end_matches(['\n', '\r']).to_owned();
        if text.is_empty() { Err(format!("the secret file {} is empty", path.display())) } else { Ok(Secret(text)) }
    }

    /// The secret itself; only for the wire.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}
