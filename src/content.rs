//! Rules from the program and from folders; a change on disk is in force within seconds, a bad rule never stops the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use fansipan_api::{RuleControl, RuleDiagnostic, RuleInfo, RuleListing};
use fansipan_model::said;
use fansipan_rules::{Rule, RuleSet, Taxonomy, ast::Body};
use fansipan_storage::{OwnRule, RuleStore};

use crate::config::RulesConfig;

/// How often folders are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// Where a look costs much they are looked at when so many times its cost has passed, but at least so often: thousands of files
/// would cost a part of a core for ever.
const PATIENCE: u32 = 100;
const AT_LEAST_EVERY: Duration = Duration::from_secs(10);
/// A rule file larger than this is refused unread.
const LARGEST_FILE: u64 = 1 << 20;

/// The rules in force and what is known of them.
pub(crate) struct Content {
    pub(crate) rules: Arc<ArcSwap<RuleSet>>,
    listing: ArcSwap<Listing>,
    config: RulesConfig,
    own: Option<OwnRules>,
    taxonomy: Taxonomy,
    /// One change at a time: the one who writes the folder and the one who watches it.
    changing: Mutex<Known>,
}

/// Rules of the centre's own: whoever gives them is the truth, the folder holds those in force as files.
pub(crate) struct OwnRules {
    pub(crate) folder: PathBuf,
    pub(crate) from: OwnFrom,
}

/// Who gives them.
pub(crate) enum OwnFrom {
    /// The state store, which keeps every version.
    Store(Arc<dyn RuleStore>),
    /// The console, over Kafka: what it said last.
    Console(Arc<ArcSwap<Vec<OwnRule>>>),
}

impl OwnRules {
    fn list(&self) -> Result<Vec<OwnRule>> {
        match &self.from {
            OwnFrom::Store(store) => Ok(store.own_rules()?),
            OwnFrom::Console(said) => Ok(said.load().to_vec()),
        }
    }
}

/// What was last read.
#[derive(Default)]
struct Known {
    stamp: Stamp,
    /// Own rules that are not in force: their texts.
    resting: Vec<(PathBuf, String)>,
    /// Rules from elsewhere that are switched off.
    off: BTreeSet<String>,
    /// Files of own rules that were written.
    written: BTreeSet<PathBuf>,
}

struct Listing {
    items: Arc<[RuleInfo]>,
    diagnostics: Arc<[RuleDiagnostic]>,
    texts: BTreeMap<String, String>,
}

/// Files with time of change and size: what tells a change.
type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

impl Content {
    /// Loads everything once. The folder of own rules is made to agree with the store, whatever a crash left there.
    pub(crate) fn load(config: RulesConfig, own: Option<OwnRules>) -> Result<Self> {
        let taxonomy = Taxonomy::builtin().with_context(|| {
            said!("FSP-RUN-030: the built-in log sources cannot be read", "FSP-RUN-030: không đọc được các nguồn log có sẵn")
        })?;
        let content = Self {
            rules: Arc::default(),
            listing: ArcSwap::from_pointee(Listing { items: Arc::default(), diagnostics: Arc::default(), texts: BTreeMap::new() }),
            config,
            own,
            taxonomy,
            changing: Mutex::default(),
        };
        let mut known = content.changing.lock().unwrap_or_else(PoisonError::into_inner);
        content.sync(&mut known).with_context(|| {
            said!(
                "FSP-RUN-031: the folder of own rules cannot be brought in line with the state store",
                "FSP-RUN-031: không làm cho thư mục luật tự viết khớp với kho trạng thái được"
            )
        })?;
        content.reload(&mut known);
        drop(known);
        Ok(content)
    }

    /// Looks for changes until told to stop.
    pub(crate) fn watch(&self, stop: &AtomicBool) {
        let mut cost = Duration::ZERO;
        while !stop.load(Ordering::Relaxed) {
            std::thread::park_timeout((cost * PATIENCE).clamp(EVERY, AT_LEAST_EVERY));
            let mut known = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let start = Instant::now();
            let stamp = self.stamp();
            cost = start.elapsed();
            if stamp != known.stamp {
                self.reload(&mut known);
                tracing::info!(rules = self.listing.load().items.len(), "rules changed on disk and are in force");
            }
        }
    }

    /// Writes own rules that are in force, and removes those that are not. Files that the store does not know stay as they are.
    fn sync(&self, known: &mut Known) -> Result<()> {
        let Some(own) = &self.own else { return Ok(()) };
        fs::create_dir_all(&own.folder).with_context(|| format!("cannot create {}", own.folder.display()))?;
        let (mut resting, mut off, mut written) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for rule in own.list()? {
            let path = own.folder.join(format!("{}.yml", rule.id));
            match (rule.text, rule.enabled) {
                (Some(text), true) => {
                    if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
                        replace(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
                    }
                    written.insert(path);
                }
                (Some(text), false) => {
                    remove(&path).with_context(|| format!("cannot remove {}", path.display()))?;
                    resting.push((path, text));
                }
                (None, true) => {}
                (None, false) => {
                    off.insert(rule.id);
                }
            }
        }
        for gone in known.written.difference(&written) {
            remove(gone).with_context(|| format!("cannot remove {}", gone.display()))?;
        }
        (known.resting, known.off, known.written) = (resting, off, written);
        Ok(())
    }

    fn reload(&self, known: &mut Known) {
        known.stamp = self.stamp();
        let (rules, listing) = self.build(known);
        self.rules.store(Arc::new(rules));
        self.listing.store(Arc::new(listing));
    }

    fn stamp(&self) -> Stamp {
        stamp(&self.paths())
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.config.paths.iter().cloned().chain(self.own.iter().map(|own| own.folder.clone())).collect()
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

/// What was read, on its way to a rule set.
#[derive(Default)]
struct Reading {
    rules: Vec<Rule>,
    /// Rules that are known and not in force.
    resting: Vec<Rule>,
    diagnostics: Vec<RuleDiagnostic>,
    texts: BTreeMap<String, String>,
}

impl Reading {
    fn take(&mut self, text: &str, file: &str, off: &BTreeSet<String>) {
        let (parsed, found) = fansipan_rules::parse(text, file);
        for rule in parsed {
            self.texts.insert(rule.meta.id.clone(), rule.text.to_string());
            if off.contains(&rule.meta.id) { self.resting.push(rule) } else { self.rules.push(rule) }
        }
        self.diagnostics.extend(found.iter().map(RuleDiagnostic::from));
    }

    fn rest(&mut self, text: &str, file: &str) {
        let (parsed, _) = fansipan_rules::parse(text, file);
        for rule in parsed {
            self.texts.entry(rule.meta.id.clone()).or_insert_with(|| rule.text.to_string());
            self.resting.push(rule);
        }
    }
}

impl Content {
    fn build(&self, known: &Known) -> (RuleSet, Listing) {
        let mut reading = Reading::default();
        if self.config.shipped {
            for (file, text) in fansipan_rules::packs::SHIPPED {
                reading.take(text, file, &known.off);
            }
        }
        let mut unread = Vec::new();
        for found in fansipan_cli::rule_files(&self.paths()) {
            let read = found.and_then(|path| match read(&path) {
                Ok(text) => Ok((path, text)),
                Err(error) => Err((path, error)),
            });
            match read {
                Ok((path, text)) => reading.take(&text, &path.display().to_string(), &known.off),
                Err((path, error)) => unread.push(cannot_read(&path, &error)),
            }
        }
        known.resting.iter().for_each(|(path, text)| reading.rest(text, &path.display().to_string()));
        reading.diagnostics.extend(unread);
        let Reading { rules, resting, mut diagnostics, texts } = reading;
        let (set, found) = RuleSet::compile(rules, &self.taxonomy);
        diagnostics.extend(found.iter().map(RuleDiagnostic::from));
        for d in diagnostics.iter().filter(|d| d.severity == "error") {
            tracing::error!(code = d.code, file = d.file, line = d.line, "rule refused: {}", d.message);
        }
        let running = set.rules().iter().map(|c| &c.rule).chain(set.correlations().iter().map(|c| &c.rule));
        let items = running.map(|rule| self.info(rule, true)).chain(resting.iter().map(|rule| self.info(rule, false))).collect();
        (set, Listing { items, diagnostics: diagnostics.into(), texts })
    }

    fn info(&self, rule: &Rule, enabled: bool) -> RuleInfo {
        let meta = &rule.meta;
        let logsource = match &rule.body {
            Body::Correlation(body) => format!("correlation/{}", body.kind.as_str()),
            _ => meta.logsource.to_string(),
        };
        RuleInfo {
            id: meta.id.clone(),
            title: meta.title.clone(),
            title_vi: meta.title_vi.clone(),
            level: meta.level,
            logsource,
            own: self.own.as_ref().is_some_and(|own| Path::new(&rule.file).starts_with(&own.folder)),
            file: rule.file.clone(),
            status: Some(meta.status.as_str().to_owned()),
            enabled,
        }
    }
}

impl RuleControl for Content {
    fn put_in_force(&self) -> Result<(), String> {
        let mut known = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.sync(&mut known).map_err(|e| format!("{e:#}"))?;
        self.reload(&mut known);
        Ok(())
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The whole text or the old one, whatever happens meanwhile.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
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
        message_vi: format!("không đọc được: {error}"),
        help: "give the service's user read permission, or take the path out of [rules] paths".into(),
        help_vi: "cấp quyền đọc cho tài khoản của dịch vụ, hoặc bỏ đường dẫn này khỏi [rules] paths".into(),
    }
}
