//! What stands in the files of a bundle that its check reads. Format version 1.

use fansipan_bus::merkle::Path;
use serde::{Deserialize, Serialize};

/// Names every file but itself and the fingerprint.
pub const MANIFEST: &str = "manifest.json";
/// SHA-256 of the manifest; the last file.
pub const FINGERPRINT: &str = "fingerprint.txt";
/// Events, one flat ECS object a line.
pub const EVENTS: &str = "events.jsonl";
/// [`Proof`]s, one a line.
pub const PROOFS: &str = "proofs.jsonl";
/// [`Handed`] files, one a line.
pub const EVIDENCE: &str = "evidence.jsonl";
/// Folder of the seals: `seals/FIRST_OFFSET.seal`.
pub const SEALS: &str = "seals/";

/// Who made a bundle, of what and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// Id of the incident.
    pub incident: String,
    /// Whose incident it is.
    pub agency: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// By whom.
    pub by: String,
    /// The program and its version.
    pub program: String,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub size: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// An event without a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unproven {
    /// Its id.
    pub event: String,
    /// Why there is none.
    pub why: String,
}

/// `manifest.json`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `fansipan-evidence`
    pub format: String,
    /// 1
    pub version: u32,
    /// Who, of what, when.
    pub made: Made,
    /// Every other file, in the order of the archive; not the fingerprint.
    pub files: Vec<FileEntry>,
    /// Events in it.
    pub events: u64,
    /// Of those without a proof.
    pub unproven: Vec<Unproven>,
    /// What a limit left out, for people; empty: nothing.
    pub left_out: Vec<String>,
}

/// A line of `proofs.jsonl`: the record of the log that an event is, and how it leads to the root of its segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Id of the event.
    pub event: String,
    /// First offset of the segment; its seal is in `seals/`.
    pub segment: u64,
    /// The record's bytes, hexadecimal.
    pub record: String,
    /// How it leads to the root.
    pub path: Path,
}

/// A line of `evidence.jsonl`: a file that somebody handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// Where it stands in the bundle; null: it is not in it, see `why`.
    pub file: Option<String>,
    /// SHA-256 of what was handed in.
    pub sha256: String,
    /// Why it is not in the bundle.
    #[serde(default)]
    pub why: Option<String>,
    /// Its name, who handed it in, comment, every hand it went through.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}
