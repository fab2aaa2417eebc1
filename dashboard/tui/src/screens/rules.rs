//! Rules: which there are, whether they are alive, blind or noisy, one's text and history; switching them on and off.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Cells, Kind, Screen, Screens, Shelf, allowed, arrange, choose, hand_id, topic, type_in};
use crate::{
    data::Level,
    doc::{Doc, Tone},
    message::{Ask, Command, Failure},
    state::State,
    text,
    update::read,
    words::{Language, fill, words},
};

words! {
    title: "Luật", "Rules";
    view_all: "tất cả", "all";
    view_alive: "sống", "alive";
    view_quiet: "im lặng", "quiet";
    view_blind: "mù", "blind";
    view_noisy: "ồn", "noisy";
    view_off: "đã tắt", "switched off";
    view_own: "của riêng đơn vị", "of our own";
    empty: "Không có luật nào khớp.", "No rule fits.";
    hint_switch: "Bật/tắt", "On/off";
    alive: "sống", "alive";
    quiet: "im lặng", "quiet";
    part: "mù một phần", "partly blind";
    blind: "mù", "blind";
    noisy: "ồn", "noisy";
    off: "tắt", "off";
    no_source: "mù: chưa có nguồn log nào gửi loại này", "blind: nothing of its log source arrives";
    no_fields: "mù: thiếu trường {}", "blind: fields that never arrive: {}";
    sees: "sống: log nó cần đang đến", "alive: what it needs arrives";
    seen: "sống: đã khớp trong 7 ngày qua", "alive: matched within the last 7 days";
    is_quiet: "im lặng: log nó cần đang đến nhưng 7 ngày qua không khớp lần nào", "quiet: what it needs arrives, and nothing matched in the last 7 days";
    through: "mù: các luật mà nó dựa vào không thấy gì", "blind: rules that it stands on see nothing";
    partly: "mù một phần: nó chạy mà thiếu những gì các luật này lẽ ra cho biết", "partly blind: it runs without what these rules would tell";
    member_source: "không có log {}", "nothing of {} arrives";
    member_fields: "thiếu trường {}", "fields that never arrive: {}";
    asking: "đang xét log của 7 ngày qua…", "looking at what arrived in the last 7 days…";
    not_asked: "không rõ: không xét được log đến", "not known: what arrives could not be looked at";
    not_running: "không rõ: máy phát hiện chưa nạp luật này", "not known: detection has not loaded this rule";
    is_noisy: "ồn: gần như mọi cảnh báo của nó là nhầm hoặc vô hại", "noisy: nearly all its alerts were judged to be nothing";
    is_off: "Đã tắt: không phát hiện gì", "Switched off: detects nothing";
    own: "của riêng đơn vị: sửa bằng web hoặc fansipan rules save", "of our own: edit it in the web or with fansipan rules save";
    logsource: "Nguồn log", "Log source";
    file: "Tệp", "File";
    maturity: "Độ chín", "Status";
    id: "Mã", "Id";
    matches: "Số lần khớp", "Matches";
    last_match: "Khớp gần nhất", "Last match";
    never: "chưa lần nào", "never";
    verdicts: "Kết luận", "Verdicts";
    verdict_counts: "{} thật · {} nhầm · {} vô hại", "{} true · {} false · {} benign";
    techniques: "ATT&CK", "ATT&CK";
    history: "Lịch sử", "History";
    version: "v{} · {} · {}", "v{} · {} · {}";
    switched_on: "bật", "on";
    switched_off: "tắt", "off";
    text: "Nội dung Sigma", "Its Sigma text";
    switch_on: "Bật luật “{}” · lý do", "Switch “{}” on · why";
    switch_off: "Tắt luật “{}” · lý do", "Switch “{}” off · why";
    done_on: "Đã bật: {}", "Switched on: {}";
    done_off: "Đã tắt: {}", "Switched off: {}";
    refused: "{} luật hỏng: fansipan rules list", "{} refused: fansipan rules list";
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Verdicts {
    true_positive: u64,
    false_positive: u64,
    benign: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Rule {
    id: String,
    title: String,
    title_vi: Option<String>,
    level: Level,
    logsource: String,
    file: String,
    status: Option<String>,
    enabled: bool,
    own: bool,
    matches: Option<u64>,
    last_match: Option<Timestamp>,
    verdicts: Option<Verdicts>,
    noisy: bool,
    /// Only with details.
    text: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Sight {
    id: String,
    standing: Standing,
    state: String,
    missing: Vec<String>,
    techniques: Vec<String>,
    quiet: Option<bool>,
    blind: Vec<Blind>,
}

/// A rule that a correlation stands on and that cannot fire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Blind {
    title: String,
    title_vi: Option<String>,
    logsource: String,
    state: String,
    missing: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Version {
    id: String,
    version: u64,
    enabled: bool,
    who: String,
    at: Timestamp,
    why: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listing {
    items: Vec<Rule>,
    diagnostics: Vec<Diagnostic>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Diagnostic {
    severity: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Coverage {
    rules: Vec<Sight>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct History {
    versions: Vec<Version>,
}

/// What the screen knows.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) shelf: Shelf,
    items: Vec<Rule>,
    /// Beside each rule, once it is known.
    sights: Vec<Option<Sight>>,
    /// `None`: not answered yet; an error: it could not be.
    covered: Option<Result<Vec<Sight>, ()>>,
    refused: usize,
    detail: Option<Rule>,
    /// The rule that the history is of.
    history: Option<(String, Vec<Version>)>,
}

const VIEWS: usize = 7;

impl Known {
    fn sight(&self, row: usize) -> Option<&Sight> {
        self.sights.get(row).and_then(Option::as_ref)
    }

    /// Puts what rules can see beside them.
    fn pair(&mut self) {
        let by_id: std::collections::HashMap<&str, &Sight> = self.covered.iter().flatten().flatten().map(|s| (s.id.as_str(), s)).collect();
        self.sights = self.items.iter().map(|r| by_id.get(r.id.as_str()).map(|s| (*s).clone())).collect();
    }
}

/// The screen.
pub(super) struct Rules;

impl Screen for Rules {
    fn keys(&self) -> &'static str {
        "g u"
    }

    fn name(&self, language: Language) -> &'static str {
        Words::of(language).title
    }

    fn load(&self, _: &mut State, out: &mut Vec<Command>) {
        out.push(Ask::get(topic(Kind::Rules, "list"), "/rules", Vec::new()));
        out.push(Ask::get(topic(Kind::Rules, "coverage"), "/rules/coverage", Vec::new()));
    }

    fn live(&self) -> bool {
        false
    }

    fn answer(&self, state: &mut State, about: &str, result: Result<Value, Failure>, out: &mut Vec<Command>) {
        let held = hand_id(state, Kind::Rules);
        match about {
            "list" => {
                let Some(Listing { mut items, diagnostics }) = read(state, result) else { return };
                items.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.title.cmp(&b.title)));
                let known = &mut state.screens.rules;
                known.refused = diagnostics.iter().filter(|d| d.severity == "error").count();
                (known.items, known.shelf.known) = (items, true);
                known.pair();
            }
            "coverage" => {
                // the list stands without it, and says that it is not known
                let covered = result.map_err(drop).and_then(|v| serde_json::from_value(v).map_err(drop));
                state.screens.rules.covered = Some(covered.map(|Coverage { rules }| rules));
                state.screens.rules.pair();
            }
            "detail" => return state.screens.rules.detail = read(state, result).or(state.screens.rules.detail.take()),
            "switched" => {
                if let Some(version) = read::<Version>(state, result) {
                    switched(state, &version);
                    if let Some(row) = state.screens.rules.shelf.hand() {
                        self.ask(state, row, out);
                    }
                }
                // another selection may hold it now
            }
            id => {
                let versions: History = result.ok().and_then(|v| serde_json::from_value(v).ok()).unwrap_or_default();
                return state.screens.rules.history = Some((id.to_owned(), versions.versions));
            }
        }
        arrange(state, Kind::Rules, held.as_deref());
        super::rested(state, out, false);
    }

    fn key(&self, state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
        match key {
            "s" => {
                choose(state, Kind::Rules, |shelf| shelf.view = (shelf.view + 1) % VIEWS);
                super::rested(state, out, true);
            }
            "a" => begin_switch(state),
            _ => return false,
        }
        true
    }

    fn typed(&self, state: &mut State, what: &str, text: &str, out: &mut Vec<Command>) {
        let Some((enabled, id)) = what.split_once(' ') else { return };
        // a switch without a reason is none
        if text.is_empty() {
            return;
        }
        let known = &state.screens.rules;
        let seen = known.history.as_ref().filter(|(of, _)| of == id).and_then(|(_, versions)| versions.first()).map_or(0, |v| v.version);
        let body = json!({ "enabled": enabled == "on", "why": text, "version": seen });
        out.push(Ask::post(topic(Kind::Rules, "switched"), format!("/rules/{id}/switch"), body));
    }

    fn hints(&self, state: &State) -> Vec<(&'static str, &'static str)> {
        let w = Words::of(state.language);
        let all = state.words();
        vec![("Enter", all.key_open), ("s", all.hint_which), ("/", all.hint_filter), ("a", w.hint_switch)]
    }

    fn shelf<'s>(&self, screens: &'s Screens) -> Option<&'s Shelf> {
        Some(&screens.rules.shelf)
    }

    fn shelf_mut<'s>(&self, screens: &'s mut Screens) -> Option<&'s mut Shelf> {
        Some(&mut screens.rules.shelf)
    }

    fn ids<'s>(&self, screens: &'s Screens) -> Vec<&'s str> {
        screens.rules.items.iter().map(|r| r.id.as_str()).collect()
    }

    fn passes(&self, screens: &Screens, row: usize, words: &str) -> bool {
        let known = &screens.rules;
        let r = &known.items[row];
        let is = |standings: &[Standing]| known.sight(row).is_some_and(|s| standings.contains(&s.standing));
        let view = match known.shelf.view {
            1 => r.enabled && is(&[Standing::Alive]),
            2 => r.enabled && is(&[Standing::Quiet]),
            3 => r.enabled && is(&[Standing::Blind, Standing::PartlyBlind]),
            4 => r.enabled && r.noisy,
            5 => !r.enabled,
            6 => r.own,
            _ => true,
        };
        let texts = [r.title.as_str(), r.title_vi.as_deref().unwrap_or_default(), &r.id, &r.file, &r.logsource];
        view && words.split_whitespace().all(|word| texts.iter().any(|t| t.to_lowercase().contains(word)))
    }

    fn ask(&self, state: &mut State, row: usize, out: &mut Vec<Command>) {
        if let Some(rule) = state.screens.rules.items.get(row) {
            out.push(Ask::get(topic(Kind::Rules, "detail"), format!("/rules/{}", rule.id), Vec::new()));
            out.push(Ask::get(topic(Kind::Rules, &rule.id), format!("/rules/{}/history", rule.id), Vec::new()));
        }
    }

    fn view(&self, state: &State) -> String {
        let w = Words::of(state.language);
        let known = &state.screens.rules;
        let view = [w.view_all, w.view_alive, w.view_quiet, w.view_blind, w.view_noisy, w.view_off, w.view_own][known.shelf.view % VIEWS];
        if known.refused == 0 { view.to_owned() } else { format!("{view} · {}", fill(w.refused, &[&known.refused.to_string()])) }
    }

    fn empty(&self, language: Language) -> &'static str {
        Words::of(language).empty
    }

    fn cells(&self, state: &State, row: usize, columns: usize) -> Cells {
        let w = Words::of(state.language);
        let known = &state.screens.rules;
        let r = &known.items[row];
        let (tone, stands) = match known.sight(row).map(|s| s.standing) {
            _ if !r.enabled => (Tone::Dim, w.off),
            _ if r.noisy => (Tone::Strong, w.noisy),
            Some(Standing::Alive) => (Tone::Good, w.alive),
            Some(Standing::Quiet) => (Tone::Dim, w.quiet),
            Some(Standing::PartlyBlind) => (Tone::Bad, w.part),
            Some(Standing::Blind) => (Tone::Bad, w.blind),
            Some(Standing::Unknown) => (Tone::Dim, "?"),
            None if known.covered.is_none() => (Tone::Dim, "…"),
            None => (Tone::Dim, "?"),
        };
        let full = columns >= 100;
        let (level, level_width) = if full { (state.words().level(r.level), 12) } else { (state.words().level_short(r.level), 6) };
        let matches = text::fit_right(&r.matches.map(text::compact).unwrap_or_default(), 7);
        let source_width = if full { 24 } else { 0 };
        let rest = columns.saturating_sub(level_width + 1 + STANDING_WIDTH + 7 + source_width);
        let mut cells = vec![
            (Tone::Level(r.level), text::fit(level, level_width)),
            (tone, format!(" {}", text::fit(stands, STANDING_WIDTH))),
            (Tone::Plain, text::fit(state.language.pick(&r.title, r.title_vi.as_deref()), rest)),
        ];
        if source_width > 0 {
            cells.push((Tone::Dim, format!(" {}", text::fit(&r.logsource, source_width - 1))));
        }
        cells.push((Tone::Dim, matches));
        cells
    }

    fn lines(&self, doc: &mut Doc<'_>) {
        let known = &doc.state.screens.rules;
        let Some(row) = known.shelf.hand() else { return };
        let Some(rule) = known.items.get(row) else { return };
        draw(doc, rule, known.sight(row));
        let Some(detail) = known.detail.as_ref().filter(|d| d.id == rule.id) else { return };
        doc.head(Words::of(doc.state.language).text);
        doc.verbatim(&detail.text);
    }
}

/// How a rule stands by what arrives: the appliance's word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    /// What it needs arrives.
    Alive,
    /// What it needs arrives, and it does not match.
    Quiet,
    /// It fires without what the blind rules below it would tell.
    PartlyBlind,
    /// It cannot fire.
    Blind,
    /// A word that this console does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Room for the longest word for a standing.
const STANDING_WIDTH: usize = 12;

/// Whether it can fire, and why not.
fn standing(doc: &mut Doc<'_>, r: &Rule, sight: Option<&Sight>) {
    let state = doc.state;
    let w = Words::of(state.language);
    let Some(s) = sight.filter(|_| r.enabled) else {
        return match &state.screens.rules.covered {
            _ if !r.enabled => doc.text(Tone::Bad, w.is_off),
            None => doc.text(Tone::Dim, w.asking),
            Some(Err(())) => doc.text(Tone::Bad, w.not_asked),
            Some(Ok(_)) => doc.text(Tone::Bad, w.not_running),
        };
    };
    match (s.standing, s.quiet) {
        (Standing::Alive, Some(false)) => doc.text(Tone::Good, w.seen),
        (Standing::Alive, _) => doc.text(Tone::Good, w.sees),
        (Standing::Quiet, _) => doc.text(Tone::Plain, w.is_quiet),
        (Standing::PartlyBlind, _) => doc.text(Tone::Bad, w.partly),
        (Standing::Blind, _) if !s.blind.is_empty() => doc.text(Tone::Bad, w.through),
        (Standing::Blind, _) if s.state == "no_source" => doc.text(Tone::Bad, w.no_source),
        (Standing::Blind, _) => doc.text(Tone::Bad, &fill(w.no_fields, &[&s.missing.join(", ")])),
        (Standing::Unknown, _) => doc.text(Tone::Dim, w.not_asked),
    }
    for member in &s.blind {
        let why = match member.state.as_str() {
            "no_source" => fill(w.member_source, &[&member.logsource]),
            _ => fill(w.member_fields, &[&member.missing.join(", ")]),
        };
        let title = state.language.pick(&member.title, member.title_vi.as_deref());
        doc.text(Tone::Bad, &format!("  · {title}: {why}"));
    }
}

fn draw(doc: &mut Doc<'_>, r: &Rule, sight: Option<&Sight>) {
    let state = doc.state;
    let known = &state.screens.rules;
    let w = Words::of(state.language);
    let mark = format!(" {} ", state.words().level(r.level));
    let title = state.language.pick(&r.title, r.title_vi.as_deref());
    let room = doc.columns().saturating_sub(text::width(&mark) + 1);
    for (i, line) in text::wrap(title, room).into_iter().enumerate() {
        let mark = if i == 0 { mark.clone() } else { String::new() };
        doc.push(vec![(Tone::Level(r.level), mark), (Tone::Strong, format!(" {line}"))], None);
    }
    standing(doc, r, sight);
    if r.noisy {
        doc.text(Tone::Bad, w.is_noisy);
    }
    if r.own {
        doc.text(Tone::Good, w.own);
    }
    doc.pair(w.logsource, Tone::Plain, &r.logsource, None);
    doc.pair(w.matches, Tone::Plain, &r.matches.map_or_else(|| "–".to_owned(), |n| text::number(n, state.language)), None);
    let last = r.last_match.map_or_else(|| w.never.to_owned(), |at| text::ago(at, state.now, state.words()));
    doc.pair(w.last_match, Tone::Plain, &last, None);
    if let Some(v) = &r.verdicts {
        let counts = [v.true_positive, v.false_positive, v.benign].map(|n| text::number(n, state.language));
        doc.pair(w.verdicts, Tone::Plain, &fill(w.verdict_counts, &[&counts[0], &counts[1], &counts[2]]), None);
    }
    if let Some(techniques) = sight.map(|s| s.techniques.join(", ")).filter(|t| !t.is_empty()) {
        doc.pair(w.techniques, Tone::Plain, &techniques, None);
    }
    doc.pair(w.maturity, Tone::Plain, r.status.as_deref().unwrap_or("–"), None);
    doc.pair(w.file, Tone::Dim, &r.file, None);
    doc.pair(w.id, Tone::Dim, &r.id, None);
    let versions = known.history.as_ref().filter(|(of, versions)| *of == r.id && !versions.is_empty());
    if let Some((_, versions)) = versions {
        doc.head(w.history);
        for v in versions {
            let at = text::instant(v.at, state.now, &state.zone);
            let stands = if v.enabled { w.switched_on } else { w.switched_off };
            doc.pair(&at, Tone::Plain, &format!("{} · {}", fill(w.version, &[&v.version.to_string(), stands, &v.who]), v.why), None);
        }
    }
}

fn begin_switch(state: &mut State) {
    let words = Words::of(state.language);
    let known = &state.screens.rules;
    let Some(rule) = known.shelf.hand().and_then(|row| known.items.get(row)) else { return };
    let title = state.language.pick(&rule.title, rule.title_vi.as_deref()).to_owned();
    let (what, words) =
        if rule.enabled { (format!("off {}", rule.id), words.switch_off) } else { (format!("on {}", rule.id), words.switch_on) };
    if allowed(state, "rules.manage") {
        type_in(state, Kind::Rules, &what, fill(words, &[&title]), "");
    }
}

fn switched(state: &mut State, version: &Version) {
    let words = Words::of(state.language);
    let Some(rule) = state.screens.rules.items.iter_mut().find(|r| r.id == version.id) else { return };
    rule.enabled = version.enabled;
    let title = state.language.pick(&rule.title, rule.title_vi.as_deref()).to_owned();
    state.say(fill(if version.enabled { words.done_on } else { words.done_off }, &[&title]), false);
}
