//! The terminal over a full store: from key to paint while a person walks the queue, from event to screen, from a search typed at a
//! shell to its first row, and exports with the memory they take.
//!
//! The console is the real one with its real client; only the terminal is a sink, so that the figure holds what this program does
//! and not what a terminal emulator makes of it.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::Ipv4Addr,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use fansipan_cli::client::Client;
use fansipan_tui::{Console, Message, State, view};
use jiff::{Timestamp, tz::TimeZone};
use ratatui::{Terminal, backend::CrosstermBackend, layout::Rect};
use serde_json::{Value as Json, json};

use crate::{
    appliance::{Appliance, binary},
    filling::Filling,
    load, machine,
    results::percentile,
};

/// A large terminal: the more there is to draw, the longer it takes.
const SIZE: (u16, u16) = (200, 60);
/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);
/// Walks the queue, looks at details, goes elsewhere and comes back.
const KEYS: [&str; 24] = [
    "j", "j", "j", "PageDown", "j", "Enter", "j", "j", "PageDown", "Escape", "k", "PageDown", "PageDown", "j", "t", "Escape", "*",
    "Escape", "End", "PageUp", "?", "Escape", "j", "j",
];

/// Fills a store, starts the appliance over it, measures: so many keys pressed, a fortieth of that searches and alerts.
pub fn measure(filling: &Filling, pressed: usize) -> Result<Json> {
    let mut filled = Json::Null;
    let appliance = Appliance::start_filled(&[], |data| {
        filled = filling.fill(data)?;
        Ok(())
    })?;
    let mut screen = Screen::open(&appliance)?;
    let painted = keys(&mut screen, pressed)?;
    let shown = events(&mut screen, &appliance, (pressed / 40).max(5))?;
    drop(screen);
    let rows = first_rows(&appliance.data(), (pressed / 160).max(5))?;
    let exports = ["jsonl", "csv", "parquet"].map(|format| export(&appliance, format)).into_iter().collect::<Result<Vec<_>>>()?;
    Ok(json!({
        "filled": filled, "terminal": SIZE, "key_to_paint_ms": painted, "event_to_screen_ms": shown, "search_first_row_ms": rows, "exports": exports,
    }))
}

struct Screen {
    console: Console,
    terminal: Terminal<CrosstermBackend<io::Sink>>,
}

impl Screen {
    fn open(appliance: &Appliance) -> Result<Self> {
        let state = State::new(SIZE, Timestamp::now(), TimeZone::UTC);
        let console = Console::open(Client::local(&appliance.data())?, state)?;
        let area = Rect::new(0, 0, SIZE.0, SIZE.1);
        let options = ratatui::TerminalOptions { viewport: ratatui::Viewport::Fixed(area) };
        let terminal = Terminal::with_options(CrosstermBackend::new(io::sink()), options)?;
        let mut this = Self { console, terminal };
        this.until("who is logged in", |s| s.me.is_some())?;
        this.press("g")?;
        this.press("a")?;
        this.until("the queue", |s| !s.alerts.list.rows.is_empty())?;
        Ok(this)
    }

    /// From the key to the bytes for the terminal.
    fn press(&mut self, key: &str) -> Result<Duration> {
        let begin = Instant::now();
        self.console.take(Message::Key(key.into()));
        self.draw()?;
        Ok(begin.elapsed())
    }

    fn draw(&mut self) -> Result<()> {
        self.terminal.draw(|frame| view::view(&self.console.state, frame))?;
        Ok(())
    }

    /// Takes what came and draws it, as the console's own loop does.
    fn turn(&mut self, patience: Duration) -> Result<()> {
        let came = self.console.wait(patience);
        for message in std::iter::once(Message::Clock(Timestamp::now())).chain(came) {
            self.console.take(message);
        }
        self.draw()
    }

    fn until(&mut self, what: &str, holds: impl Fn(&State) -> bool) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !holds(&self.console.state) {
            ensure!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
            self.turn(Duration::from_millis(20))?;
        }
        Ok(())
    }
}

fn keys(screen: &mut Screen, count: usize) -> Result<Json> {
    let mut millis = Vec::with_capacity(count);
    for key in KEYS.iter().cycle().take(count) {
        millis.push(screen.press(key)?.as_secs_f64() * 1e3);
        // a fast hand; what the appliance answers meanwhile is drawn between the keys
        screen.turn(Duration::from_millis(15))?;
    }
    Ok(percentiles(millis))
}

/// Marked attacks, each from an address of its own: from the record on the wire to its alert in what is drawn.
fn events(screen: &mut Screen, appliance: &Appliance, count: usize) -> Result<Json> {
    screen.press("Escape")?;
    screen.press("o")?; // newest first: a new alert belongs on the first row
    screen.until("the queue", |s| s.alerts.list.known && s.alerts.list.asking.is_none())?;
    let mut wire = load::connect(Ipv4Addr::new(127, 0, 2, 2), appliance.syslog)?;
    let mut millis = Vec::with_capacity(count);
    for n in 0..count {
        let name = format!("seen-{n}");
        let stamp = jiff::Timestamp::now().strftime("%b %e %H:%M:%S").to_string();
        let line = format!("<38>{stamp} {name} sshd[4242]: Accepted password for root from 203.0.113.9 port 50000 ssh2\n");
        let begin = Instant::now();
        wire.write_all(line.as_bytes())?;
        screen.until(&name, |s| s.alerts.list.rows.iter().any(|a| a.entities.iter().any(|e| e.value == name)))?;
        millis.push(begin.elapsed().as_secs_f64() * 1e3);
        screen.turn(Duration::from_millis(200))?;
    }
    Ok(percentiles(millis))
}

/// From starting the program to its first line, several queries.
fn first_rows(data: &Path, rounds: usize) -> Result<Json> {
    let mut out = serde_json::Map::new();
    for query in ["*", "event.outcome:failure", "source.ip:203.0.113.0/24", "failed"] {
        let mut millis = Vec::new();
        for _ in 0..rounds {
            let begin = Instant::now();
            let mut child = Command::new(binary()?)
                .args(["search", query, "--since", "30d", "--limit", "0", "--json", "--data"])
                .arg(data)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            let mut line = String::new();
            let read = BufReader::new(child.stdout.take().context("standard output")?).read_line(&mut line)?;
            if read > 0 {
                millis.push(begin.elapsed().as_secs_f64() * 1e3);
            }
            let _ = child.kill();
            child.wait()?;
        }
        out.insert(query.to_owned(), percentiles(millis));
    }
    Ok(out.into())
}

/// Every event, to a pipe: when its first bytes came, and the memory of both ends. What the appliance took beyond what it had when the
/// export began is its growth.
fn export(appliance: &Appliance, format: &str) -> Result<Json> {
    let before = machine::memory_kib(appliance.pid()).1;
    let begin = Instant::now();
    let mut child = Command::new(binary()?)
        .args(["export", "events", "--since", "3650d", "--format", format, "--data"])
        .arg(appliance.data())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut out = child.stdout.take().context("standard output")?;
    let (mut bytes, mut lines, mut first_ms, mut peak, mut serving) = (0u64, 0u64, None, 0, before);
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = out.read(&mut piece)?;
        peak = machine::memory_kib(child.id()).0.max(peak);
        serving = machine::memory_kib(appliance.pid()).1.max(serving);
        if read == 0 {
            break;
        }
        first_ms.get_or_insert_with(|| begin.elapsed().as_secs_f64() * 1e3);
        bytes += read as u64;
        lines += piece.get(..read).unwrap_or_default().iter().filter(|b| **b == b'\n').count() as u64;
    }
    ensure!(child.wait()?.success(), "the export as {format} failed");
    Ok(json!({
        "format": format, "seconds": begin.elapsed().as_secs_f64(), "first_bytes_ms": first_ms, "mib": bytes >> 20,
        "lines": (format != "parquet").then_some(lines), "memory_peak_mib": peak >> 10, "appliance_growth_mib": (serving - before) >> 10,
    }))
}

fn percentiles(mut millis: Vec<f64>) -> Json {
    millis.sort_by(f64::total_cmp);
    let at = |share| (percentile(&millis, share) * 1000.0).round() / 1000.0;
    json!({ "count": millis.len(), "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0) })
}
