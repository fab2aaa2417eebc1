//! Small files of JSON that are made anew from what is heard when they are lost: read at the start, replaced whole.

use std::{fs, io, path::Path};

use serde::{Serialize, de::DeserializeOwned};

/// What was kept; nothing where there is no file. A file that does not read is `damaged` and counts as none.
pub(crate) fn read<T: Default + DeserializeOwned>(file: &Path, damaged: impl FnOnce(&serde_json::Error)) -> T {
    let Ok(text) = fs::read(file) else { return T::default() };
    serde_json::from_slice(&text).unwrap_or_else(|error| {
        damaged(&error);
        T::default()
    })
}

/// Keeps something: whole, or what was kept before.
///
/// # Errors
/// The folder cannot be written to.
pub(crate) fn write<T: Serialize + ?Sized>(file: &Path, what: &T) -> io::Result<()> {
    let draft = file.with_extension("new");
    fs::write(&draft, serde_json::to_vec(what)?)?;
    fs::rename(&draft, file)
}
