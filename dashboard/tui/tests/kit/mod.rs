//! Plays a session: a script of keys, answers and live events in, a transcript of calls and screens out. No network, no clock.

#![allow(dead_code, reason = "each test uses its part")]

use std::{collections::VecDeque, fmt::Write as _, fs, path::PathBuf};

use fansipan_tui::{
    Ask, Command, Message, State,
    message::{At, Failure, Live, Purpose},
    update, view,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use serde_json::{Value, json};

/// The moment at which every session begins: shortly after the answers were recorded.
const BEGIN: &str = "2026-11-28T14:16:00Z";

pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

pub(crate) fn answer_file(name: &str) -> Value {
    let path = folder("answers").join(name);
    serde_json::from_str(&fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).expect("JSON")
}

/// Rows of a list that is too long to write down.
pub(crate) fn many(total: u64, query: &[(&str, String)]) -> Value {
    let get = |name: &str| query.iter().find(|(n, _)| *n == name).map(|(_, v)| v.parse::<u64>().unwrap_or(0));
    let (from, limit) = (get("after").unwrap_or(0), get("limit").unwrap_or(100));
    let to = (from + limit).min(total);
    let template = &answer_file("alerts.json")["items"][0];
    let row = |n: u64| {
        let mut row = template.clone();
        row["id"] = format!("{n:032x}").into();
        row["rule"]["title_vi"] = format!("Cảnh báo số {n}").into();
        row
    };
    json!({ "items": (from..to).map(row).collect::<Vec<_>>(), "next": (to < total).then(|| to.to_string()), "total": total, "total_exact": true })
}

/// Adds to every text what could drive a terminal.
pub(crate) fn make_hostile(value: &mut Value) {
    const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;pwned\u{7}\u{9b}31m\u{202e}\r\n\u{7f}\u{85}";
    match value {
        Value::String(text) if text.parse::<Timestamp>().is_err() && !WORDS.contains(&text.as_str()) => {
            *text = format!("{HOSTILE}{text}{HOSTILE}")
        }
        Value::Array(items) => items.iter_mut().for_each(make_hostile),
        Value::Object(map) => map.values_mut().for_each(make_hostile),
        _ => {}
    }
}

/// Words with a meaning for programs.
const WORDS: &[&str] = &[
    "critical",
    "high",
    "medium",
    "low",
    "informational",
    "new",
    "acknowledged",
    "true_positive",
    "false_positive",
    "benign",
    "vi",
    "en",
    "overview.read",
    "alerts.judge",
    "incidents.work",
    "exceptions.manage",
    "response.read",
    "response.act",
    "response.approve",
    "rules.manage",
    "proposed",
    "handed_over",
    "done",
    "waiting",
    "running",
    "block",
    "disable",
    "notify",
    "effective",
    "ineffective",
    "sees",
    "no_fields",
    "no_source",
    "analyzer",
    "indexer",
];

enum Reply {
    Value(Value),
    Many(u64),
    Refusal(Failure),
}

pub(crate) struct Player {
    pub(crate) state: State,
    terminal: Terminal<TestBackend>,
    routes: Vec<(String, Reply)>,
    waiting: VecDeque<Ask>,
    hold: bool,
    hostile: bool,
    pub(crate) out: String,
}

impl Player {
    pub(crate) fn new(size: (u16, u16)) -> Self {
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        let state = State::new(size, BEGIN.parse().expect("a time"), zone);
        let terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a terminal");
        let mut this =
            Self { state, terminal, routes: Vec::new(), waiting: VecDeque::new(), hold: false, hostile: false, out: String::new() };
        for line in fs::read_to_string(folder("answers/routes.txt")).expect("routes").lines() {
            this.line(line);
        }
        this
    }

    pub(crate) fn start(&mut self) {
        let commands = update::start(&mut self.state);
        self.carry_out(commands);
    }

    /// Carries out one line of a script.
    pub(crate) fn line(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "" | "#" => {}
            "answer" => self.route(rest),
            "refuse" => {
                let mut words = rest.splitn(4, ' ');
                let mut word = || words.next().unwrap_or_default().to_owned();
                let at = format!("{} {}", word(), word());
                let (code, detail) = (word(), word());
                // a detail in both languages, or with a place, is given as JSON
                let more: Option<Failure> = serde_json::from_str(&detail).ok();
                let failure = more.unwrap_or_else(|| Failure { detail, ..Failure::default() });
                let failure = Failure { code, ..failure };
                self.routes.push((at, Reply::Refusal(failure)));
            }
            "hostile" => self.hostile = true,
            "hold" => self.hold = true,
            "release" => {
                self.hold = false;
                self.answer_waiting();
            }
            "start" => self.start(),
            "press" => {
                for key in rest.split(' ') {
                    let _ = writeln!(self.out, "> {key}");
                    self.send(Message::Key(key.to_owned()));
                }
            }
            "type" => {
                let _ = writeln!(self.out, "> type {rest}");
                for c in rest.chars() {
                    self.send(Message::Key(if c == ' ' { "Space".into() } else { c.to_string() }));
                }
            }
            "paste" => self.send(Message::Paste(rest.replace("\\e", "\u{1b}"))),
            "wait" => self.wait(rest.parse().expect("milliseconds")),
            "live" => {
                let _ = writeln!(self.out, "! live {rest}");
                let (name, data) = rest.split_once(' ').unwrap_or((rest, "{}"));
                match name {
                    "open" => self.send(Message::Live(Live::Open)),
                    "lost" => self.send(Message::Live(Live::Lost("broken".into()))),
                    name => {
                        let data = self.value(data);
                        self.send(Message::Live(Live::Event { name: name.into(), data }));
                    }
                }
            }
            "screen" => {
                let screen = self.screen();
                let _ = writeln!(self.out, "\n=== {rest}\n{screen}");
            }
            other => panic!("unknown verb {other}"),
        }
    }

    pub(crate) fn wait(&mut self, ms: i64) {
        let now = self.state.now.checked_add(SignedDuration::from_millis(ms)).expect("a time");
        self.send(Message::Clock(now));
    }

    fn route(&mut self, rest: &str) {
        let mut words = rest.splitn(3, ' ');
        let at = format!("{} {}", words.next().expect("a method"), words.next().expect("a path"));
        let what = words.next().unwrap_or("null");
        let reply = match what.strip_prefix("@many ") {
            Some(total) => Reply::Many(total.parse().expect("a number")),
            None => Reply::Value(self.value(what)),
        };
        self.routes.push((at, reply));
    }

    /// `FILE`, `FILE#/pointer`, JSON, or one of the first two followed by JSON to lay over it.
    fn value(&self, text: &str) -> Value {
        if text.starts_with(['{', '[']) || text == "null" {
            return serde_json::from_str(text).expect("JSON");
        }
        let (file, patch) = text.split_once(' ').unwrap_or((text, "{}"));
        let (file, pointer) = file.split_once('#').unwrap_or((file, ""));
        let mut value = answer_file(file).pointer(pointer).cloned().expect("a place in the file");
        merge(&mut value, serde_json::from_str(patch).expect("JSON"));
        value
    }

    pub(crate) fn send(&mut self, message: Message) {
        let written = serde_json::to_string(&message).expect("messages can be recorded");
        let read: Message = serde_json::from_str(&written).expect("and read again");
        let commands = update::update(&mut self.state, read);
        self.carry_out(commands);
    }

    fn carry_out(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Ask(ask) => {
                    self.told(&ask);
                    self.waiting.push_back(*ask);
                }
                Command::Bell => self.out.push_str("! bell\n"),
                Command::Quit => self.out.push_str("! quit\n"),
            }
        }
        if !self.hold {
            self.answer_waiting();
        }
    }

    fn told(&mut self, ask: &Ask) {
        if let Some(file) = &ask.file {
            let _ = writeln!(self.out, "  GET {} into {file}", ask.path);
        } else if ask.body != Value::Null {
            let _ = writeln!(self.out, "  POST {} {}", ask.path, ask.body);
        } else if matches!(ask.purpose, Purpose::Alerts(_, At::After | At::Before) | Purpose::Search(..) | Purpose::Entity(_)) {
            let query: Vec<String> = ask.query.iter().map(|(n, v)| format!("{n}={v}")).collect();
            let _ = writeln!(self.out, "  GET {}?{}", ask.path, query.join("&"));
        }
    }

    fn answer_waiting(&mut self) {
        while let Some(ask) = self.waiting.pop_front() {
            let result = self.reply(&ask);
            let commands = update::update(&mut self.state, Message::Answer { purpose: ask.purpose, result });
            self.carry_out(commands);
        }
    }

    fn reply(&self, ask: &Ask) -> Result<Value, Failure> {
        let method = if ask.body == Value::Null { "GET" } else { "POST" };
        let asked = format!("{method} {}", ask.path);
        let fits = |pattern: &str| {
            let (p, a): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), asked.split('/').collect());
            p.len() == a.len() && p.iter().zip(&a).all(|(p, a)| *p == "*" || p == a)
        };
        match self.routes.iter().rev().find(|(pattern, _)| fits(pattern)) {
            Some((_, Reply::Value(value))) => {
                let mut value = value.clone();
                if self.hostile {
                    make_hostile(&mut value);
                }
                Ok(value)
            }
            Some((_, Reply::Many(total))) => Ok(many(*total, &ask.query)),
            Some((_, Reply::Refusal(failure))) => Err(failure.clone()),
            None => panic!("no answer for {asked}"),
        }
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.backend_mut().resize(columns, rows);
    }

    pub(crate) fn buffer(&mut self) -> Buffer {
        self.terminal.draw(|frame| view::view(&self.state, frame)).expect("drawing");
        self.terminal.backend().buffer().clone()
    }

    pub(crate) fn screen(&mut self) -> String {
        let buffer = self.buffer();
        let width = usize::from(buffer.area.width);
        let row = |cells: &[ratatui::buffer::Cell]| {
            let mut line = String::new();
            let mut skip = 0;
            for cell in cells {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                skip = fansipan_tui::text::width(cell.symbol()).saturating_sub(1);
                line.push_str(cell.symbol());
            }
            line.trim_end().to_owned()
        };
        buffer.content.chunks(width).map(row).collect::<Vec<_>>().join("\n")
    }
}

fn merge(value: &mut Value, patch: Value) {
    match (value, patch) {
        (Value::Object(map), Value::Object(patch)) => {
            patch.into_iter().for_each(|(key, p)| merge(map.entry(key).or_insert(Value::Null), p))
        }
        (value, patch) => *value = patch,
    }
}
