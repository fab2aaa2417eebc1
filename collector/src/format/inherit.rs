//! `extends`: a format that begins as another one.

use std::collections::BTreeMap;

use super::file::FormatFile;

/// The file with everything its ancestors say and it does not.
pub(super) fn resolve(file: &FormatFile, all: &BTreeMap<String, FormatFile>) -> Result<FormatFile, String> {
    let mut file = file.clone();
    let mut next = file.extends.clone();
    for _ in 0..4 {
        let Some(name) = next.take() else { break };
        let parent = all.get(&name).ok_or_else(|| format!("extends `{name}`, which does not exist"))?;
        inherit(&mut file, parent);
        next = parent.extends.clone();
    }
    if next.is_some() {
        return Err("extends more than four levels deep, or itself".to_owned());
    }
    Ok(file)
}

/// Adds what the parent says and the child does not.
fn inherit(child: &mut FormatFile, parent: &FormatFile) {
    for (key, target) in &parent.rename {
        child.rename.entry(key.clone()).or_insert_with(|| target.clone());
    }
    for (name, map) in &parent.values {
        child.values.entry(name.clone()).or_insert_with(|| map.clone());
    }
    for (mine, theirs) in [(&mut child.set, &parent.set), (&mut child.default, &parent.default)] {
        for (name, values) in theirs {
            mine.entry(name.clone()).or_insert_with(|| values.clone());
        }
    }
    child.time.extend(parent.time.iter().cloned());
    child.keep.extend(parent.keep.iter().cloned());
    child.when = parent.when.iter().cloned().chain(std::mem::take(&mut child.when)).collect();
    child.templates.extend(parent.templates.iter().cloned());
    child.kv = child.kv.take().or_else(|| parent.kv.clone());
    child.csv = child.csv.take().or_else(|| parent.csv.clone());
    child.head = child.head.take().or_else(|| parent.head.clone());
    child.dispatch = child.dispatch.take().or_else(|| parent.dispatch.clone());
    child.prose = child.prose.or(parent.prose);
}
