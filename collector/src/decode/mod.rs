//! A file per syntax: text into (key, value) pairs, without knowing any vendor. What keys mean is data (`formats/`).
//!
//! A decoder never fails a record for good: what it cannot read it reports, and the normalizer tries the next candidate or
//! keeps the record whole. Decoders own no memory between records.

pub mod audit;
pub mod cef;
pub mod csv;
pub mod evtx;
pub mod json;
pub mod kv;
pub mod leef;
pub mod syslog;
pub mod windows;
pub mod zeek;

use fansipan_model::Value;
use thiserror::Error;

/// Takes pairs as a decoder finds them. Text that is a slice of the record costs no copy downstream; text that had to be
/// unescaped lives only for the call. Keys are dotted where the syntax nests.
pub type Each<'e> = dyn FnMut(&str, Value<'_>) + 'e;

/// Why a body is not of a syntax.
#[derive(Debug, Error)]
#[error("{syntax}: {reason}")]
pub struct DecodeError {
    /// The syntax, as formats name it.
    pub syntax: &'static str,
    /// What is wrong with the text, for the person reading `fansipan.error`.
    pub reason: String,
}

impl DecodeError {
    /// An error of one syntax.
    pub fn new(syntax: &'static str, reason: impl Into<String>) -> Self {
        Self { syntax, reason: reason.into() }
    }
}

/// A self-describing syntax (JSON, CEF, LEEF, Windows XML…): `syntax = "<name>"` in a format file.
pub trait Decoder: Send + Sync {
    /// The word in format files.
    fn name(&self) -> &'static str;
    /// Whether `body` (the record after any syslog header, trimmed) begins like this syntax. Cheap: a look at the first bytes.
    fn sniff(&self, body: &str) -> bool;
    /// Calls `each` for every pair, in order. On an error the pairs already given are discarded by the caller.
    fn decode(&self, body: &str, each: &mut Each<'_>) -> Result<(), DecodeError>;
    /// Whether `message` should be the body (a person would read it), as for CEF, or is left to the format, as for JSON.
    fn prose(&self) -> bool {
        true
    }
}

/// Every self-describing syntax. Text templates, key=value and CSV are not here: their formats configure them.
pub static DECODERS: &[&dyn Decoder] = &[&audit::Audit, &json::Json, &cef::Cef, &leef::Leef, &windows::Windows, &zeek::Zeek];

/// The decoder of this name.
pub fn by_name(name: &str) -> Option<&'static dyn Decoder> {
    DECODERS.iter().copied().find(|d| d.name() == name)
}
