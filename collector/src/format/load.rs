//! The table of formats: shipped ones embedded by the build, a site's own read from a directory.

use std::{collections::BTreeMap, path::Path};

use super::{Clues, Format, FormatError, FormatId, compile, detect::Candidates, detect::Index, file::FormatFile};
use crate::{decode::cef, state::Recent};

/// Folder name and text of every shipped format, made by `build.rs`.
mod shipped {
    include!(concat!(env!("OUT_DIR"), "/formats.rs"));
}

/// Every format and the index over their clues.
#[derive(Debug)]
pub(crate) struct FormatSet {
    pub(crate) formats: Vec<Format>,
    index: Index,
}

fn parse(file: &str, text: &str) -> Result<FormatFile, FormatError> {
    toml::from_str(text).map_err(|e| FormatError::Syntax { file: file.to_owned(), reason: e.to_string() })
}

impl FormatSet {
    /// Shipped formats, and those of `extra` in place of or beside them.
    pub(crate) fn load(extra: Option<&Path>) -> Result<FormatSet, FormatError> {
        let mut files: BTreeMap<String, (String, FormatFile)> = BTreeMap::new();
        for (folder, text) in shipped::FORMATS {
            let origin = format!("formats/{folder}/format.toml");
            let file = parse(&origin, text)?;
            files.insert(file.name.clone(), (origin, file));
        }
        if let Some(dir) = extra {
            for (origin, text) in read_dir(dir)? {
                let file = parse(&origin, &text)?;
                files.insert(file.name.clone(), (origin, file));
            }
        }
        Self::compile(files)
    }

    fn compile(files: BTreeMap<String, (String, FormatFile)>) -> Result<FormatSet, FormatError> {
        let all: BTreeMap<String, FormatFile> = files.iter().map(|(name, (_, file))| (name.clone(), file.clone())).collect();
        let mut formats = Vec::new();
        let mut alternatives = Vec::new();
        for ((origin, file), number) in files.values().zip(0u16..) {
            let meaning = |reason| FormatError::Meaning { file: origin.clone(), reason };
            let (format, clues) = compile::compile(file, &all, FormatId(number)).map_err(meaning)?;
            formats.push(format);
            alternatives.extend(clues);
        }
        let count = formats.len();
        let index = Index::new(alternatives, count).map_err(|reason| FormatError::Meaning { file: "formats".to_owned(), reason })?;
        Ok(FormatSet { formats, index })
    }

    pub(crate) fn get(&self, id: FormatId) -> Option<&Format> {
        self.formats.get(usize::from(id.0))
    }

    /// Calls `try_one(format, must_match)` for every format the record may be of, best first, until one returns true.
    pub(crate) fn recognize(&self, clues: &Clues<'_>, recent: &Recent, mut try_one: impl FnMut(FormatId, &Format, bool) -> bool) -> bool {
        let clues = Clues { device: device(clues.body), ..*clues };
        type Stage = for<'i> fn(&'i Index, &Clues<'_>, &Recent) -> Candidates;
        let stages: [Stage; 4] = [Index::sure, Index::lately, Index::by_content, Index::last];
        let mut tried = Candidates::new();
        for stage in stages {
            for number in stage(&self.index, &clues, recent) {
                if tried.contains(&number) {
                    continue;
                }
                tried.push(number);
                let Some(alternative) = self.index.get(number) else { continue };
                let Some(format) = self.get(alternative.format) else { continue };
                if try_one(alternative.format, format, alternative.must_match) {
                    return true;
                }
            }
        }
        false
    }
}

fn device(body: &str) -> Option<(&str, &str)> {
    (body.starts_with("CEF:") || body.starts_with("LEEF:")).then(|| cef::device(body)).flatten()
}

/// Every `*/format.toml` of a directory, by folder name.
fn read_dir(dir: &Path) -> Result<Vec<(String, String)>, FormatError> {
    let error = |path: &Path| {
        let path = path.display().to_string();
        |source| FormatError::Read { path, source }
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(error(dir))? {
        let path = entry.map_err(error(dir))?.path().join("format.toml");
        if path.is_file() {
            let text = std::fs::read_to_string(&path).map_err(error(&path))?;
            found.push((path.display().to_string(), text));
        }
    }
    found.sort();
    Ok(found)
}
