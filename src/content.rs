//! Rules from the program and from folders; a change on disk is in force within seconds, a bad rule never stops the others.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use fansipan_api::{RuleDiagnostic, RuleInfo, RuleListing};
use fansipan_rules::{Rule, RuleSet, Taxonomy};

use crate::config::RulesConfig;

/// How often folders are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// A rule file larger than this is refused unread.
const LARGEST_FILE: u64 = 1 << 20;

/// The rules in force and what is known of them.
pub(crate) struct Content {
    pub(crate) rules: Arc<ArcSwap<RuleSet>>,
    listing: ArcSwap<Listing>,
    config: RulesConfig,
    taxonomy: Taxonomy,
}

struct Listing {
    items: Arc<[RuleInfo]>,
    diagnostics: Arc<[RuleDiagnostic]>,
    texts: BTreeMap<String, String>,
}

/// Files with time of change and size: what tells a change.
type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

impl Content {
    /// Loads everything once.
    pub(crate) fn load(config: RulesConfig) -> Result<Self> {
        let taxonomy = Taxonomy::builtin().context("FSP-RUN-030: the built-in log sources cannot be read")?;
        let (rules, listing) = build(&config, &taxonomy);
        Ok(Self { rules: Arc::new(ArcSwap::from_pointee(rules)), listing: ArcSwap::from_pointee(listing), config, taxonomy })
    }

    /// Looks for changes until told to stop.
    pub(crate) fn watch(&self, stop: &AtomicBool) {
        let mut known = stamp(&self.config.paths);
        while !stop.load(Ordering::Relaxed) {
            std::thread::park_timeout(EVERY);
            let now = stamp(&self.config.paths);
            if now != known {
                known = now;
                let (rules, listing) = build(&self.config, &self.taxonomy);
                tracing::info!(rules = listing.items.len(), "rules changed on disk and are in force");
                self.rules.store(Arc::new(rules));
                self.listing.store(Arc::new(listing));
            }
        }
    }

    /// For the API.
    pub(crate) fn listing(&self) -> RuleListing {
        let listing = self.listing.load();
        RuleListing { items: Arc::clone(&listing.items), diagnostics: Arc::clone(&listing.diagnostics) }
    }

    /// A rule's text.
    pub(crate) fn text(&self, id: &str) -> Option<String> {
        self.listing.load().texts.get(id).cloned()
    }
}

fn stamp(paths: &[PathBuf]) -> Stamp {
    fansipan_cli::rule_files(paths)
        .map(|found| match found {
            Ok(path) => {
                let meta = fs::metadata(&path).ok();
                let size = meta.as_ref().map_or(0, fs::Metadata::len);
                (path, meta.and_then(|m| m.modified().ok()), size)
            }
            Err((path, _)) => (path, None, 0),
        })
        .collect()
}

fn build(config: &RulesConfig, taxonomy: &Taxonomy) -> (RuleSet, Listing) {
    let mut rules: Vec<Rule> = Vec::new();
    let mut diagnostics: Vec<RuleDiagnostic> = Vec::new();
    let mut texts = BTreeMap::new();
    let mut take = |text: &str, file: &str| {
        let (parsed, found) = fansipan_rules::parse(text, file);
        for rule in &parsed {
            texts.insert(rule.meta.id.clone(), rule.text.to_string());
        }
        rules.extend(parsed);
        diagnostics.extend(found.iter().map(RuleDiagnostic::from));
    };
    if config.shipped {
        for (file, text) in fansipan_rules::packs::SHIPPED {
            take(text, file);
        }
    }
    let mut unread = Vec::new();
    for found in fansipan_cli::rule_files(&config.paths) {
        let read = found.and_then(|path| match read(&path) {
            Ok(text) => Ok((path, text)),
            Err(error) => Err((path, error)),
        });
        match read {
            Ok((path, text)) => take(&text, &path.display().to_string()),
            Err((path, error)) => unread.push(cannot_read(&path, &error)),
        }
    }
    diagnostics.extend(unread);
    let (set, found) = RuleSet::compile(rules, taxonomy);
    diagnostics.extend(found.iter().map(RuleDiagnostic::from));
    for d in diagnostics.iter().filter(|d| d.severity == "error") {
        tracing::error!(code = d.code, file = d.file, line = d.line, "rule refused: {}", d.message);
    }
    let correlations = set.correlations().iter().map(|c| {
        let kind = c.correlation().map_or("", |body| body.kind.as_str());
        info(&c.rule, format!("correlation/{kind}"))
    });
    let items = set.rules().iter().map(|c| info(&c.rule, c.rule.meta.logsource.to_string())).chain(correlations).collect();
    (set, Listing { items, diagnostics: diagnostics.into(), texts })
}

fn read(path: &Path) -> std::io::Result<String> {
    let size = fs::metadata(path)?.len();
    if size > LARGEST_FILE {
        return Err(std::io::Error::other(format!("{size} bytes is more than a rule file may have ({LARGEST_FILE})")));
    }
    fs::read_to_string(path)
}

fn cannot_read(path: &Path, error: &std::io::Error) -> RuleDiagnostic {
    RuleDiagnostic {
        code: "FSP-RUL-900".into(),
        severity: "error".into(),
        file: path.display().to_string(),
        line: None,
        column: None,
        message: format!("cannot be read: {error}"),
        help: Some("give the service's user read permission, or take the path out of [rules] paths".into()),
    }
}

fn info(rule: &Rule, logsource: String) -> RuleInfo {
    let meta = &rule.meta;
    RuleInfo {
        id: meta.id.clone(),
        title: meta.title.clone(),
        title_vi: meta.title_vi.clone(),
        level: meta.level,
        logsource,
        file: rule.file.clone(),
        status: Some(meta.status.as_str().to_owned()),
        enabled: true,
    }
}
