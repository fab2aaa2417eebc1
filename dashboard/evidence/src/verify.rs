//! Checks a bundle: every byte, every hash, every proof. Takes nothing for granted: what is read may come from anybody.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
};

use fansipan_bus::read_seal;
use fansipan_model::{codec, json};
use sha2::{Digest as _, Sha256};

use crate::{
    hashing::sha256,
    manifest::{EVENTS, EVIDENCE, FINGERPRINT, FileEntry, Handed, MANIFEST, Manifest, PROOFS, Proof, SEALS},
    tar::Reader,
};

/// Bytes of the files that are held in memory for the check, together.
const HELD: u64 = 1 << 30;
/// Files of one bundle.
const FILES: usize = 100_000;
/// Findings told; a bundle that is all wrong is told about in few words.
const FINDINGS: usize = 100;

/// What a check found.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// SHA-256 of the manifest: is it the one in the audit trail, nothing was made anew.
    pub fingerprint: String,
    /// The manifest, if it can be read.
    pub manifest: Option<Manifest>,
    /// Events whose place in the log is proven.
    pub proven: u64,
    /// Files that people handed in and that are as they were.
    pub handed: u64,
    /// What is wrong; empty: nothing.
    pub findings: Vec<String>,
}

impl Checked {
    fn wrong(&mut self, what: String) {
        if self.findings.len() < FINDINGS {
            self.findings.push(what);
        }
    }
}

/// Checks a bundle from its first byte to its last.
///
/// # Errors
/// Reading fails. What is wrong with the bundle itself is in [`Checked::findings`].
pub fn verify(input: impl Read) -> io::Result<Checked> {
    let mut checked = Checked::default();
    let mut files: Vec<FileEntry> = Vec::new();
    let mut held: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    if let Err(error) = read(input, &mut files, &mut held) {
        if error.kind() != io::ErrorKind::InvalidData {
            return Err(error);
        }
        checked.wrong(format!("the file is damaged: {error}"));
    }
    manifest(&mut checked, &files, &held);
    events(&mut checked, &held);
    evidence(&mut checked, &files, &held);
    Ok(checked)
}

/// Files whose content the check needs.
fn is_held(name: &str) -> bool {
    [MANIFEST, FINGERPRINT, EVENTS, PROOFS, EVIDENCE].contains(&name) || name.starts_with(SEALS)
}

/// Hashes every file, keeps those that are needed.
fn read(input: impl Read, files: &mut Vec<FileEntry>, held: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut tar = Reader::new(input);
    let mut names = BTreeSet::new();
    let mut memory = 0u64;
    while let Some(head) = tar.head()? {
        if !names.insert(head.name.clone()) || files.len() == FILES {
            return Err(invalid(format!("{} stands twice, or there are more than {FILES} files", head.name)));
        }
        let keep = is_held(&head.name);
        memory += if keep { head.size } else { 0 };
        if memory > HELD {
            return Err(invalid(format!("{} and the files like it have more than {HELD} bytes", head.name)));
        }
        let (mut hash, mut content) = (Sha256::new(), Vec::new());
        tar.content(&head, |piece| {
            hash.update(piece);
            if keep {
                content.extend_from_slice(piece);
            }
        })?;
        if keep {
            held.insert(head.name.clone(), content);
        }
        files.push(FileEntry { name: head.name, size: head.size, sha256: hex::encode(hash.finalize()) });
    }
    Ok(())
}

/// The manifest names what is there, and nothing else is there.
fn manifest(checked: &mut Checked, files: &[FileEntry], held: &BTreeMap<String, Vec<u8>>) {
    let Some(text) = held.get(MANIFEST) else { return checked.wrong(format!("there is no {MANIFEST}")) };
    checked.fingerprint = sha256(text);
    if held.get(FINGERPRINT).is_none_or(|told| *told != format!("{}\n", checked.fingerprint).into_bytes()) {
        checked.wrong(format!("{FINGERPRINT} is not the SHA-256 of {MANIFEST}"));
    }
    let manifest: Manifest = match serde_json::from_slice(text) {
        Ok(manifest) => manifest,
        Err(error) => return checked.wrong(format!("{MANIFEST} cannot be read: {error}")),
    };
    if manifest.format != "fansipan-evidence" || manifest.version != 1 {
        checked.wrong(format!("{MANIFEST} is of another format or a newer version: check it with a newer program"));
    }
    let mut known: BTreeMap<&str, &FileEntry> = manifest.files.iter().map(|f| (f.name.as_str(), f)).collect();
    for file in files.iter().filter(|f| ![MANIFEST, FINGERPRINT].contains(&f.name.as_str())) {
        match known.remove(file.name.as_str()) {
            None => checked.wrong(format!("{} is not in the manifest", file.name)),
            Some(told) if told.sha256 != file.sha256 || told.size != file.size => {
                checked.wrong(format!("{} is not as it was: SHA-256 {} instead of {}", file.name, file.sha256, told.sha256));
            }
            Some(_) => {}
        }
    }
    for name in known.keys() {
        checked.wrong(format!("{name} is missing"));
    }
    let last: Vec<&str> = files.iter().rev().take(2).map(|f| f.name.as_str()).collect();
    if last != [FINGERPRINT, MANIFEST] {
        checked.wrong("the manifest and the fingerprint are not the last files".to_owned());
    }
    checked.manifest = Some(manifest);
}

/// Lines that are not empty, numbered from 1 as if there were no others.
fn numbered(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    (1..).zip(text.split(|b| *b == b'\n').filter(|l| !l.is_empty()))
}

fn lines<T: serde::de::DeserializeOwned>(checked: &mut Checked, name: &str, text: &[u8]) -> Vec<T> {
    let mut out = Vec::new();
    for (number, line) in numbered(text) {
        match serde_json::from_slice(line) {
            Ok(read) => out.push(read),
            Err(error) => checked.wrong(format!("{name}, line {number}: {error}")),
        }
    }
    out
}

/// Every event is the record of the log that its proof leads from, or is said to have none.
fn events(checked: &mut Checked, held: &BTreeMap<String, Vec<u8>>) {
    let Some(text) = held.get(EVENTS) else { return };
    let mut events: BTreeMap<String, &[u8]> = BTreeMap::new();
    let mut count = 0u64;
    for (number, line) in numbered(text) {
        count += 1;
        let read: Option<serde_json::Value> = serde_json::from_slice(line).ok();
        match read.as_ref().and_then(|e| e.get("event.id")).and_then(serde_json::Value::as_str) {
            Some(id) => {
                if events.insert(id.to_owned(), line).is_some() {
                    checked.wrong(format!("{EVENTS}, line {number}: event {id} stands twice"));
                }
            }
            None => checked.wrong(format!("{EVENTS}, line {number}: no event")),
        }
    }
    let mut roots: BTreeMap<u64, String> = BTreeMap::new();
    for (name, seal) in held.iter().filter(|(name, _)| name.starts_with(SEALS)) {
        match read_seal(seal) {
            Ok(seal) if *name == format!("{SEALS}{:020}.seal", seal.first_offset) => drop(roots.insert(seal.first_offset, seal.root)),
            Ok(_) => checked.wrong(format!("{name} is the seal of another segment")),
            Err(error) => checked.wrong(format!("{name}: {error}")),
        }
    }
    let proofs: Vec<Proof> = held.get(PROOFS).map(|text| lines(checked, PROOFS, text)).unwrap_or_default();
    for proof in proofs {
        let Some(line) = events.remove(&proof.event) else {
            checked.wrong(format!("event {}: a proof, but no such event", proof.event));
            continue;
        };
        match proves(&proof, line, &roots) {
            Ok(()) => checked.proven += 1,
            Err(what) => checked.wrong(format!("event {}: {what}", proof.event)),
        }
    }
    let Some(manifest) = checked.manifest.clone() else { return };
    for unproven in &manifest.unproven {
        events.remove(&unproven.event);
    }
    for id in events.keys() {
        checked.wrong(format!("event {id}: there is no proof, and the manifest says there is one"));
    }
    if manifest.events != count {
        checked.wrong(format!("{count} events, the manifest says {}", manifest.events));
    }
}

fn proves(proof: &Proof, line: &[u8], roots: &BTreeMap<u64, String>) -> Result<(), &'static str> {
    let record = hex::decode(&proof.record).map_err(|_| "its record cannot be read")?;
    let root = roots.get(&proof.segment).ok_or("the seal of its segment is not there")?;
    if proof.path.root(&record).as_ref() != Some(root) {
        return Err("its record does not lead to the root of its segment");
    }
    let event = codec::decode(&record).map_err(|_| "its record is no event")?;
    if event.id().to_string() != proof.event || json::to_string(&event).as_bytes() != line {
        return Err("it is not what the log recorded");
    }
    Ok(())
}

/// Files handed in are those whose hash was taken then.
fn evidence(checked: &mut Checked, files: &[FileEntry], held: &BTreeMap<String, Vec<u8>>) {
    let handed: Vec<Handed> = held.get(EVIDENCE).map(|text| lines(checked, EVIDENCE, text)).unwrap_or_default();
    for one in handed {
        let Some(name) = &one.file else { continue };
        match files.iter().find(|f| f.name == *name) {
            Some(file) if file.sha256 == one.sha256 => checked.handed += 1,
            Some(file) => checked.wrong(format!("{name}: SHA-256 {}, {} was handed in", file.sha256, one.sha256)),
            None => checked.wrong(format!("{name} is missing")),
        }
    }
}
