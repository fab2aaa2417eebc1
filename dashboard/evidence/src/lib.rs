//! Evidence bundles: what the appliance hands out about an incident, and how anyone checks it without the appliance.
//!
//! A bundle is a tar file that any `tar` opens. Every file is named in `manifest.json` with its SHA-256; `fingerprint.txt`, the last
//! one, is the SHA-256 of the manifest, which the appliance keeps in its audit trail. Every event carries the record of the log that
//! it was read from, and the path from that record to the root in the seal of its segment. The files have one form only
//! ([`tar`]): every byte of a bundle is covered, so that a changed one is found wherever it stands.
//!
//! [`Bundle`] writes, [`verify`] checks. Nothing here opens a file or knows a clock.

mod bundle;
mod figures;
mod hashing;
mod manifest;
pub mod tar;
mod verify;

pub use bundle::Bundle;
pub use fansipan_bus::{Included, Inclusion};
pub use figures::{BundleFigures, PacketFigures};
pub use hashing::{Hashing, sha256};
pub use manifest::{EVENTS, EVIDENCE, FINGERPRINT, FileEntry, Handed, MANIFEST, Made, Manifest, PROOFS, Proof, SEALS, Unproven};
pub use verify::{Checked, verify};
