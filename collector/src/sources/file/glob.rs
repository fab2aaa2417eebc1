//! Paths with `*` and `?` to the files that exist. A star never crosses a slash and matches no leading dot.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Files one pattern may name.
const MAX_FILES: usize = 10_000;

/// The files that match now, sorted; a path without wildcards is returned whether or not it exists.
pub(crate) fn expand(pattern: &str) -> Vec<PathBuf> {
    if !is_pattern(pattern) {
        return vec![PathBuf::from(pattern)];
    }
    let root = if pattern.starts_with('/') { "/" } else { "" };
    let mut found = vec![PathBuf::from(root)];
    for part in pattern.split('/').filter(|p| !p.is_empty()) {
        let mut next = Vec::new();
        for base in found {
            if is_pattern(part) {
                matching(&base, part, &mut next);
            } else {
                next.push(base.join(part));
            }
        }
        next.truncate(MAX_FILES);
        found = next;
    }
    found.retain(|path| path.is_file());
    found.sort_unstable();
    found
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn matching(base: &Path, part: &str, out: &mut Vec<PathBuf>) {
    let folder = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().take(MAX_FILES) {
        let name = entry.file_name();
        if let Some(text) = name.to_str()
            && (part.starts_with('.') || !text.starts_with('.'))
            && matches(part.as_bytes(), text.as_bytes())
        {
            out.push(base.join(&name));
        }
    }
}

/// Greedy with one step back, linear in practice and quadratic at worst.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while let Some(&c) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(&b) if b == b'?' || b == c => (p, t) = (p + 1, t + 1),
            _ => match back {
                Some((after, from)) => {
                    back = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|&b| b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_files() {
        let dir = tempfile::tempdir().unwrap();
        let at = |p: &str| dir.path().join(p);
        for file in ["a/access.log", "b/access.log", "b/error.log", "b/.hidden.log", "b/access.log.1"] {
            fs::create_dir_all(at(file).parent().unwrap()).unwrap();
            fs::write(at(file), "x").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let full = format!("{}/{pattern}", dir.path().display());
            expand(&full).iter().map(|p| p.strip_prefix(dir.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(names("*/access.log"), ["a/access.log", "b/access.log"]);
        assert_eq!(names("b/*.log"), ["b/access.log", "b/error.log"]);
        assert_eq!(names("b/err?r.log"), ["b/error.log"]);
        assert_eq!(names("?/*r*.log"), ["b/error.log"]);
        assert_eq!(names("c/none.log"), ["c/none.log"]);
        assert!(names("c/*.log").is_empty());
    }
}
