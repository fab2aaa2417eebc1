//! The event stores beside each other: rows in, bytes kept, and six investigations, with a plain `LIKE` and ripgrep for comparison.

use std::{
    fs,
    io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use fansipan_collector::{Normalizer, Received, SourceState, Transport};
use fansipan_model::{Event, Scope};
use fansipan_storage::{
    EventStore, EventWriter, TimeRange, Total,
    clickhouse::{ClickHouseConfig, ClickHouseStore},
    engine::{EngineConfig, TantivyStore},
    query::{self, Answer, RunRequest},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use super::clickhouse::ClickHouse;
use crate::{
    filling,
    generate::{Generator, Kind, Rng},
    machine,
    progress::Progress,
    results::percentile,
};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Events to store.
    pub events: u64,
    /// How often each investigation is asked, each time about another event: a server that remembers what it was asked
    /// before has nothing from that, as with an analyst.
    pub runs: usize,
    /// Of everything generated.
    pub seed: u64,
    /// Leave Tantivy out.
    pub only_clickhouse: bool,
    /// A folder that keeps what was stored for other runs; what an earlier one kept there is asked if it is the same.
    pub keep: Option<PathBuf>,
}

/// What was stored, and what that took.
#[derive(Serialize, Deserialize)]
struct Filled {
    seed: u64,
    events: u64,
    /// Without Tantivy.
    #[serde(default)]
    only_clickhouse: bool,
    /// Of all lines.
    bytes: u64,
    /// Bytes in ClickHouse before everything is merged.
    clickhouse_bytes: u64,
    /// Seconds that ClickHouse took, and of CPU its engine took; unknown where another run began to fill.
    clickhouse_s: Option<f64>,
    clickhouse_engine_cpu_s: Option<f64>,
    /// Seconds that Tantivy took.
    tantivy_s: Option<f64>,
}

/// The lines as they came.
const LINES: &str = "lines.log";
/// Events between commits.
const COMMIT: u64 = 100_000;
/// 2026-11-23T00:00:00Z, seconds.
const MIDNIGHT: i64 = 1_795_392_000;

/// An investigation: the query, and the text that finds about the same lines without an index.
struct Investigation {
    name: &'static str,
    query: String,
    text: String,
}

/// Six things that an analyst asks about an event.
fn investigations(sample: &Event) -> Vec<Investigation> {
    let field = |name: &str| sample.get_by_name(name).and_then(|v| v.text().map(|t| t.into_owned())).unwrap_or_default();
    let (source, destination, port) = (field("source.ip"), field("destination.ip"), field("source.port"));
    let network = source.rsplit_once('.').map_or(source.clone(), |(n, _)| format!("{n}."));
    let one = |name, query: String, text: String| Investigation { name, query, text };
    vec![
        one("an address anywhere", source.clone(), source.clone()),
        one("two addresses together", format!("source.ip:{source} and destination.ip:{destination}"), destination.clone()),
        one("a port of a source", format!("source.ip:{source} and source.port:{port}"), port),
        one("a word", "denied or deny".into(), "deny".into()),
        one("a network's talkers", format!("source.ip:{network}0/24 | stats count(), sum(source.bytes) by destination.ip"), network),
        one("volume by device and hour", "* | timechart span=1h count() by observer.name".into(), "devname".into()),
    ]
}

/// Where an event stands among those of its lane.
struct Place {
    count: u16,
    lane: u64,
}

fn event(normalizer: &Normalizer, state: &mut SourceState, place: &Place, line: &str, at: i64) -> Event {
    let peer = Some(([192, 0, 2, 1], 514).into());
    let received = Received { raw: line.as_bytes(), peer, transport: Transport::Tcp, tls_identity: None, at, path: None };
    let mut event = normalizer.normalize(state, &received);
    // twelve bits that count within the millisecond, then bits of the lane, as the collector's
    let mut rest = [0; 10];
    rest.iter_mut().zip(place.count.to_be_bytes().into_iter().chain(place.lane.to_be_bytes())).for_each(|(to, from)| *to = from);
    event.set_id(Builder::from_unix_timestamp_millis((at / 1_000_000) as u64, &rest).into_uuid());
    event
}

/// Time spent in one part, seconds of the clock.
#[derive(Default)]
struct Spent {
    clickhouse: f64,
    tantivy: f64,
}

fn timed<T>(spent: &mut f64, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let out = work()?;
    *spent += start.elapsed().as_secs_f64();
    Ok(out)
}

/// Stores the lines everywhere, from where an interrupted run has left each store; bytes of all, seconds in each store.
fn fill(plan: &Plan, raw: &Path, clickhouse: &mut dyn EventWriter, mut tantivy: Option<&mut dyn EventWriter>) -> Result<(u64, Spent)> {
    let normalizer = Normalizer::load_builtin()?;
    let (mut state, lane, mut spent) = (SourceState::default(), Rng::new(plan.seed ^ 7).next_u64(), Spent::default());
    let per_second = (plan.events / 86_000).max(1);
    let mut generator = Generator::new(plan.seed, MIDNIGHT, per_second);
    let mut out = BufWriter::new(fs::File::create(raw)?);
    let (mut line, mut bytes) = (String::new(), 0);
    let mut block = Vec::with_capacity(COMMIT as usize);
    let (first, second) = (clickhouse.resume_from(), tantivy.as_ref().map_or(u64::MAX, |t| t.resume_from()));
    let mut progress = Progress::begin("events into the stores", plan.events);
    for n in 0..plan.events {
        line.clear();
        generator.line_of(Kind::Firewall, &mut line);
        bytes += line.len() as u64;
        writeln!(out, "{line}")?;
        if n < first.min(second) {
            continue;
        }
        let at = (MIDNIGHT + (n / per_second) as i64) * 1_000_000_000 + (n % per_second * 1_000_000_000 / per_second) as i64;
        // several fall into a millisecond where more than a thousand come in a second
        let place = Place { count: (n % per_second % (per_second / 1000 + 1)) as u16, lane };
        let event = event(&normalizer, &mut state, &place, &line, at);
        block.push((n, event));
        if block.len() as u64 == COMMIT || n + 1 == plan.events {
            timed(&mut spent.clickhouse, || {
                block.iter().filter(|(n, _)| *n >= first).try_for_each(|(n, e)| clickhouse.add(*n, e))?;
                Ok(clickhouse.commit()?)
            })?;
            if let Some(tantivy) = tantivy.as_mut() {
                timed(&mut spent.tantivy, || {
                    block.iter().filter(|(n, _)| *n >= second).try_for_each(|(n, e)| tantivy.add(*n, e))?;
                    Ok(tantivy.commit()?)
                })?;
            }
            block.clear();
            progress.at(n + 1);
        }
    }
    progress.end();
    out.flush()?;
    Ok((bytes, spent))
}

/// As many events as there are runs, evenly apart in what is stored.
fn samples(plan: &Plan, raw: &Path) -> Result<Vec<Event>> {
    /// Lines after which it is known of what form they are.
    const KNOWN: u64 = 100;
    let normalizer = Normalizer::load_builtin()?;
    let (mut state, mut out) = (SourceState::default(), Vec::new());
    let apart = (plan.events / plan.runs.max(1) as u64).max(1);
    for (n, line) in (0..).zip(BufReader::new(fs::File::open(raw)?).lines()) {
        let (line, wanted) = (line?, n % apart == apart / 2);
        if wanted || n < KNOWN {
            let event = event(&normalizer, &mut state, &Place { count: 0, lane: 0 }, &line, MIDNIGHT * 1_000_000_000);
            out.extend(wanted.then_some(event));
        }
    }
    Ok(out)
}

/// Milliseconds of all questions, and what each found.
fn asked<'a>(questions: impl Iterator<Item = &'a Investigation>, ask: impl Fn(&Investigation) -> Result<u64>) -> Result<Value> {
    let (mut times, mut found) = (Vec::new(), Vec::new());
    for question in questions {
        let start = Instant::now();
        found.push(ask(question)?);
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(json!({"p50_ms": percentile(&times, 0.5), "p95_ms": percentile(&times, 0.95), "runs": times.len(), "found": found}))
}

fn by_store(store: &dyn EventStore, text: &str) -> Result<u64> {
    let query = query::parse(text).map_err(|e| anyhow::anyhow!("{text}: {e}"))?;
    let request = RunRequest { range: TimeRange::ALL, limit: 100, after: None, total: Total::Bounded };
    Ok(match query::run(store, &Scope::All, &query, &request)? {
        Answer::Events(page) => page.total,
        Answer::Table(table) => table.rows.len() as u64,
    })
}

/// What somebody without our schema would ask: one request over HTTP, without a client's help.
fn by_like(url: &str, database: &str, text: &str) -> Result<u64> {
    let host = url.strip_prefix("http://").context("the plain LIKE needs http://")?.trim_end_matches('/');
    let sql = format!("SELECT count() FROM {database}.events WHERE message LIKE '%{}%'", text.replace('\'', "\\'"));
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{sql}", sql.len())?;
    let mut answer = String::new();
    // the engine's bridge keeps the connection: read what it promises
    let mut buffer = [0; 4096];
    while !answer.contains("\r\n\r\n") || answer.ends_with("\r\n\r\n") {
        let n = stream.read(&mut buffer)?;
        ensure!(n > 0, "no answer: {answer}");
        answer.push_str(&String::from_utf8_lossy(buffer.get(..n).unwrap_or_default()));
    }
    let body = answer.rsplit("\r\n\r\n").next().unwrap_or_default();
    body.trim().parse().with_context(|| answer.clone())
}

fn by_ripgrep(raw: &Path, text: &str) -> Result<u64> {
    let out = Command::new("rg").args(["--count", "--fixed-strings", "--no-config", "-e", text]).arg(raw).output()?;
    Ok(String::from_utf8_lossy(&out.stdout).trim().parse().unwrap_or(0))
}

/// Fills the stores, or takes what an earlier run kept.
fn filled(plan: &Plan, folder: &Path, server: &ClickHouse, clickhouse: &ClickHouseStore, tantivy: &TantivyStore) -> Result<Filled> {
    let same = |f: &Filled| (f.seed, f.events) == (plan.seed, plan.events) && (plan.only_clickhouse || !f.only_clickhouse);
    if let Some(filled) = filling::noted(folder, same)? {
        return Ok(filled);
    }
    let mut tantivy_writer = if plan.only_clickhouse { None } else { Some(tantivy.writer()?) };
    let mut clickhouse_writer = clickhouse.writer("fansipan.events.v1", 0)?;
    let before = server.pid().map(machine::cpu_seconds);
    let second = tantivy_writer.as_mut().map(|w| w as &mut dyn EventWriter);
    let whole = clickhouse_writer.resume_from() == 0;
    let (bytes, spent) = fill(plan, &folder.join(LINES), &mut clickhouse_writer, second)?;
    let filled = Filled {
        seed: plan.seed,
        events: plan.events,
        only_clickhouse: plan.only_clickhouse,
        bytes,
        clickhouse_bytes: clickhouse.status()?.bytes,
        clickhouse_s: whole.then_some(spent.clickhouse),
        clickhouse_engine_cpu_s: server.pid().filter(|_| whole).map(machine::cpu_seconds).zip(before).map(|(after, before)| after - before),
        tantivy_s: (whole && !plan.only_clickhouse).then_some(spent.tantivy),
    };
    filling::note(folder, &filled)?;
    Ok(filled)
}

/// All of it.
pub fn measure(plan: &Plan) -> Result<Value> {
    let passing = tempfile::tempdir()?;
    let folder = plan.keep.as_deref().unwrap_or(passing.path());
    fs::create_dir_all(folder)?;
    let server = ClickHouse::start_in(&folder.join("clickhouse")).context("no ClickHouse to measure")?;
    let database = if plan.keep.is_some() { "fansipan_scale".to_owned() } else { format!("fansipan_scale_{}", Uuid::now_v7().simple()) };
    let clickhouse = ClickHouseStore::open(ClickHouseConfig { database: database.clone(), ..ClickHouseConfig::new(server.url()) })?;
    let tantivy = TantivyStore::open(EngineConfig::new(folder.join("events")))?;
    let filled = filled(plan, folder, &server, &clickhouse, &tantivy)?;
    let raw = folder.join(LINES);
    let samples = samples(plan, &raw)?;
    let merging = Progress::begin("merging, events", plan.events);
    clickhouse.optimize()?;
    merging.end();
    let after_merge = clickhouse.status()?.bytes;
    let events = plan.events as f64;
    let ripgrep = Command::new("rg").arg("--version").output().is_ok_and(|o| o.status.success());
    let all: Vec<Vec<_>> = samples.iter().map(investigations).collect();
    let mut table = Vec::new();
    let asked_first = all.first().context("no events")?;
    let mut progress = Progress::begin("investigations", asked_first.len() as u64);
    for (place, first) in asked_first.iter().enumerate() {
        let each = || all.iter().filter_map(|of_sample| of_sample.get(place));
        let mut row = json!({"name": first.name, "query": first.query, "text": first.text});
        row["clickhouse"] = asked(each(), |i| by_store(&clickhouse, &i.query))?;
        if !plan.only_clickhouse {
            row["tantivy"] = asked(each(), |i| by_store(&tantivy, &i.query))?;
        }
        row["select_like"] = asked(each(), |i| by_like(server.url(), &database, &i.text))?;
        if ripgrep {
            row["ripgrep"] = asked(each().take(5), |i| by_ripgrep(&raw, &i.text))?;
        }
        table.push(row);
        progress.at(table.len() as u64);
    }
    progress.end();
    let columns = clickhouse.column_sizes()?;
    if plan.keep.is_none() {
        clickhouse.remove()?;
    }
    Ok(json!({
        "events": plan.events, "bytes_per_line": filled.bytes as f64 / events,
        "clickhouse_rows_per_s": filled.clickhouse_s.map(|s| events / s), "clickhouse_engine_cpu_s": filled.clickhouse_engine_cpu_s,
        "clickhouse_bytes_per_event": after_merge as f64 / events,
        "clickhouse_bytes_per_event_before_merge": filled.clickhouse_bytes as f64 / events,
        "clickhouse_columns": columns.into_iter().map(|(name, size)| json!({"name": name, "bytes_per_event": size as f64 / events})).collect::<Vec<_>>(),
        "tantivy_rows_per_s": filled.tantivy_s.map(|s| events / s),
        "tantivy_bytes_per_event": (!plan.only_clickhouse).then(|| tantivy.status().map(|s| s.bytes as f64 / events)).transpose()?,
        "ripgrep": ripgrep, "investigations": table,
    }))
}
