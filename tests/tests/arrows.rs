//! Arrows go one way: a crate may use only what lies before it in the map of ARCHITECTURE.md.

use std::{collections::BTreeMap, fs, path::Path};

/// Crate folder → workspace crates it may link.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("bus", &[]),
    ("rules", &["fansipan-model"]),
    ("analyzer", &["fansipan-model", "fansipan-rules"]),
    ("storage", &["fansipan-model"]),
    ("response", &["fansipan-model", "fansipan-storage"]),
    ("collector", &["fansipan-model", "fansipan-bus"]),
    (
        "dashboard/api",
        &[
            "fansipan-model",
            "fansipan-storage",
            "fansipan-response",
            "fansipan-rules",
            "fansipan-analyzer",
            "fansipan-parquet",
            "fansipan-evidence",
        ],
    ),
    ("dashboard/parquet", &[]),
    ("dashboard/evidence", &["fansipan-model", "fansipan-bus"]),
    ("dashboard/cli", &["fansipan-model", "fansipan-collector", "fansipan-rules", "fansipan-analyzer", "fansipan-evidence"]),
    ("dashboard/tui", &["fansipan-cli"]),
];

/// Crates that must stay pure, and what they must not name.
const PURE: &[&str] = &["model", "rules", "analyzer"];
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::Tcp",
    "std::net::Udp",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "new_v4",
    "now_v7",
    "getrandom",
];
/// Peers that are measured against and never linked.
const NEVER_LINKED: &[&str] = &["rsigma-eval", "rsigma-parser", "sigma-rust", "tau-engine"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn dependencies(folder: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("manifest");
    let manifest: toml::Table = text.parse().expect("manifest");
    manifest.get("dependencies").and_then(|d| d.as_table()).map(|d| d.keys().cloned().collect()).unwrap_or_default()
}

#[test]
fn crates_import_along_the_arrows() {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    for (folder, may) in &allowed {
        for dependency in dependencies(folder).iter().filter(|d| d.starts_with("fansipan-")) {
            assert!(may.contains(&dependency.as_str()), "{folder} links {dependency}, against the arrows of ARCHITECTURE.md");
        }
    }
    let workspace: toml::Table = fs::read_to_string(root().join("Cargo.toml")).expect("manifest").parse().expect("manifest");
    for member in workspace["workspace"]["members"].as_array().expect("members") {
        let member = member.as_str().expect("a folder");
        assert!(
            allowed.contains_key(member) || ["bench", "tests"].contains(&member),
            "{member} has no arrows: add it here and to ARCHITECTURE.md"
        );
    }
}

#[test]
fn peers_are_never_linked() {
    for folder in ALLOWED.iter().map(|(f, _)| *f).chain(["."]) {
        for dependency in dependencies(folder) {
            assert!(!NEVER_LINKED.contains(&dependency.as_str()), "{folder} links {dependency}");
        }
    }
}

#[test]
fn pure_crates_touch_no_world() {
    for folder in PURE {
        visit(&root().join(folder).join("src"), &mut |path, text| {
            for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
                for word in IMPURE {
                    assert!(!line.contains(word), "{}:{}: `{word}` in a pure crate", path.display(), number + 1);
                }
            }
        });
    }
}

#[test]
fn every_module_says_what_it_is() {
    for folder in ALLOWED.iter().map(|(f, _)| *f).chain(["."]) {
        visit(&root().join(folder).join("src"), &mut |path, text| {
            assert!(text.starts_with("//!"), "{} does not begin with what it does", path.display());
        });
    }
}

fn visit(dir: &Path, each: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(dir).expect("sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, each);
        } else if path.extension().is_some_and(|e| e == "rs") {
            each(&path, &fs::read_to_string(&path).expect("source"));
        }
    }
}
