//! The engine for vendor formats: data files in (`formats/README.md` describes them), compiled matchers out.
//!
//! Nothing here knows a vendor. Loading does all the work that can be done once: names become field ids, templates become
//! literal-anchored matchers found by their first byte, conditions become hash tables.

use thiserror::Error;

/// A format in the table of a [`crate::Normalizer`]; meaningful for that table only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FormatId(pub(crate) u16);

/// What people see of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatInfo {
    /// `fansipan.parser`, and what an operator pins.
    pub name: Box<str>,
    /// `event.dataset` of most of its events.
    pub dataset: Box<str>,
    /// `Fortinet FortiGate`; the name where no product is given.
    pub product: Box<str>,
}

/// Why a format file is refused.
#[derive(Debug, Error)]
pub enum FormatError {
    /// The directory or a file in it cannot be read.
    #[error("FSP-C101 cannot read formats in {path}: {source}; check that the path exists and that this user may read it")]
    Read {
        /// What was being read.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Not TOML, or a key nobody knows.
    #[error("FSP-C102 format {file} is not understood: {reason}")]
    Syntax {
        /// The file.
        file: String,
        /// The TOML parser's words, with line and column.
        reason: String,
    },
    /// Well-formed, but it cannot mean anything.
    #[error("FSP-C103 format {file}: {reason}")]
    Meaning {
        /// The file.
        file: String,
        /// What is wrong and what would be right.
        reason: String,
    },
}
