//! Writes a bundle, file by file; what each held goes into the manifest by itself.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
};

use fansipan_bus::Included;
use sha2::{Digest as _, Sha256};

use crate::{
    hashing::sha256,
    manifest::{EVENTS, FINGERPRINT, FileEntry, MANIFEST, Made, Manifest, PROOFS, Proof, SEALS, Unproven},
    tar::Writer,
};

/// A bundle on its way out.
#[derive(Debug)]
pub struct Bundle<W> {
    tar: Writer<W>,
    manifest: Manifest,
}

/// Hashes what is read.
struct Reading<'r> {
    input: &'r mut dyn Read,
    hash: Sha256,
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.hash.update(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}

impl<W: Write> Bundle<W> {
    /// Begins one. `seconds`: now, since 1970.
    pub fn new(out: W, made: Made, seconds: u64) -> Self {
        let manifest = Manifest {
            format: "fansipan-evidence".into(),
            version: 1,
            made,
            files: Vec::new(),
            events: 0,
            unproven: Vec::new(),
            left_out: Vec::new(),
        };
        Self { tar: Writer::new(out, seconds), manifest }
    }

    /// Adds a file of exactly `size` bytes; its SHA-256.
    ///
    /// # Errors
    /// See [`Writer::add`].
    pub fn add(&mut self, name: &str, size: u64, content: &mut dyn Read) -> io::Result<String> {
        let mut reading = Reading { input: content, hash: Sha256::new() };
        self.tar.add(name, size, &mut reading)?;
        let sha256 = hex::encode(reading.hash.finalize());
        self.manifest.files.push(FileEntry { name: name.to_owned(), size, sha256: sha256.clone() });
        Ok(sha256)
    }

    /// Adds a file.
    ///
    /// # Errors
    /// See [`Writer::add`].
    pub fn text(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.add(name, content.len() as u64, &mut &content[..]).map(drop)
    }

    /// Adds a file of one JSON object a line.
    ///
    /// # Errors
    /// See [`Writer::add`].
    pub fn lines<T: serde::Serialize>(&mut self, name: &str, lines: impl IntoIterator<Item = T>) -> io::Result<()> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        self.text(name, &text)
    }

    /// Says what a limit left out.
    pub fn left_out(&mut self, what: String) {
        self.manifest.left_out.push(what);
    }

    /// Adds the events (id and flat JSON as stored), with the proofs that were found: `wanted` of a record is the event's place in
    /// the list. What is proven stands in the bundle as the log has it. `none`: why the others have no proof.
    ///
    /// # Errors
    /// See [`Writer::add`].
    pub fn events(&mut self, events: Vec<(String, String)>, found: Included, none: &str) -> io::Result<()> {
        let mut lines = events;
        let mut proofs = BTreeMap::new();
        for one in found.records {
            let Some((id, json)) = lines.get_mut(one.wanted) else { continue };
            let Ok(event) = fansipan_model::codec::decode(&one.record) else { continue };
            *json = fansipan_model::json::to_string(&event);
            let record = hex::encode(&one.record);
            proofs.insert(one.wanted, Proof { event: id.clone(), segment: one.segment, record, path: one.path });
        }
        self.manifest.events = lines.len() as u64;
        let without = lines.iter().enumerate().filter(|(place, _)| !proofs.contains_key(place));
        let why = |(_, (id, _)): (usize, &(String, String))| Unproven { event: id.clone(), why: none.to_owned() };
        self.manifest.unproven = without.map(why).collect();
        let text: String = lines.iter().flat_map(|(_, json)| [json.as_str(), "\n"]).collect();
        self.text(EVENTS, text.as_bytes())?;
        for (first, seal) in &found.seals {
            self.text(&format!("{SEALS}{first:020}.seal"), seal)?;
        }
        self.lines(PROOFS, proofs.into_values())
    }

    /// Ends the bundle; the writer behind, and the manifest's SHA-256: the fingerprint.
    ///
    /// # Errors
    /// Writing fails.
    pub fn end(mut self) -> io::Result<(W, String)> {
        let mut text = serde_json::to_vec_pretty(&self.manifest)?;
        text.push(b'\n');
        let fingerprint = sha256(&text);
        let line = format!("{fingerprint}\n");
        self.tar.add(MANIFEST, text.len() as u64, &mut text.as_slice())?;
        self.tar.add(FINGERPRINT, line.len() as u64, &mut line.as_bytes())?;
        Ok((self.tar.end()?, fingerprint))
    }
}
