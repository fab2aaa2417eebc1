//! The roles of a distributed deployment over a real Kafka: events per second and core of an analyzer with every rule, rows per
//! second and core of an indexer into a real ClickHouse engine.
//!
//! Events stand in the topic before a role starts, so what is measured is the role and not who feeds it. On a machine with two
//! cores or more the role runs on the first alone, broker and engine on the others.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use fansipan_bus::kafka::{Names, Settings, Topics, Writer};
use fansipan_collector::{Normalizer, Received, SourceState, Transport};
use fansipan_model::{fields, json as flat};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{clickhouse::ClickHouse, kafka::Broker};
use crate::{
    appliance,
    generate::{Generator, Rng},
    machine,
    progress::Progress,
};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Events in the topic.
    pub events: u64,
    /// Of everything generated.
    pub seed: u64,
    /// Rule folders beside the shipped rules.
    pub rules: Vec<PathBuf>,
}

/// Events of one transaction.
const BATCH: u64 = 10_000;
/// Partitions of the topics.
const PARTITIONS: i32 = 4;
/// A role may be slow, but not stand still for so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A role of the release binary; killed when dropped.
struct Role {
    child: Child,
    health: u16,
    dir: tempfile::TempDir,
}

impl Role {
    fn start(verb: &str, settings: &Settings, more: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("fansipan-bench-role-").tempdir()?;
        let health = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = format!(
            "[role]\nlisten = \"127.0.0.1:{health}\"\n[kafka]\nbrokers = [{:?}]\nname = \"bench\"\nprefix = {:?}\npartitions = {}\n\
             replication = 1\n{more}",
            settings.brokers.first().map_or("", String::as_str),
            settings.prefix,
            settings.partitions
        );
        let file = dir.path().join("fansipan.toml");
        fs::write(&file, config)?;
        let mut command = match std::thread::available_parallelism().map_or(1, usize::from) {
            1 => Command::new(appliance::binary()?),
            _ => {
                let mut pinned = Command::new("taskset");
                pinned.args(["-c", "0"]).arg(appliance::binary()?);
                pinned
            }
        };
        let child = appliance::started(command.arg(verb), dir.path(), &file, |_| ())?;
        Ok(Self { child, health, dir })
    }

    /// A figure of `/metrics`; nothing before it is there.
    fn figure(&self, name: &str) -> Result<f64> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.health))?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let value = answer.lines().filter_map(|l| l.strip_prefix(name)?.trim().parse::<f64>().ok()).next();
        Ok(value.unwrap_or(0.0))
    }

    /// Waits until it has done so many events; from the first to the last, seconds of the clock and of its CPU.
    fn works(&self, verb: &'static str, events: u64) -> Result<(f64, f64)> {
        let (mut begun, mut moved) = (None, (0.0, Instant::now()));
        let mut progress = Progress::begin(verb, events);
        loop {
            let done = self.figure("fansipan_events_total")?;
            progress.at(done as u64);
            if done > moved.0 {
                moved = (done, Instant::now());
            }
            let cpu = machine::cpu_seconds(self.child.id());
            if done > 0.0 && begun.is_none() {
                begun = Some((Instant::now(), done, cpu));
            }
            if let Some((at, before, spent)) = begun.filter(|_| done >= events as f64) {
                // what came before the first look is not counted on either side
                let share = (done - before) / done;
                ensure!(share > 0.2, "too few events to measure: {events}");
                progress.end();
                return Ok((at.elapsed().as_secs_f64() / share, (cpu - spent) / share));
            }
            if moved.1.elapsed() > PATIENCE {
                bail!("stands at {done} of {events} events:\n{}", fs::read_to_string(self.dir.path().join("stderr"))?);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Normalized lines of the mix into the events topic; bytes of the lines.
fn fill(plan: &Plan, settings: &Settings) -> Result<u64> {
    let normalizer = Normalizer::load_builtin()?;
    let names = Names::new(settings);
    let writer = Writer::open(settings, "bench")?;
    let now = jiff::Timestamp::now();
    let mut generator = Generator::new(plan.seed, now.as_second(), 10_000);
    let mut states: Vec<SourceState> = (0..64).map(|_| SourceState::default()).collect();
    let (mut rng, mut line, mut value, mut bytes) = (Rng::new(plan.seed ^ 3), String::new(), Vec::new(), 0);
    let mut left = plan.events;
    let mut progress = Progress::begin("events into the topic", plan.events);
    while left > 0 {
        progress.at(plan.events - left);
        writer.begin()?;
        for _ in 0..left.min(BATCH) {
            line.clear();
            generator.line(&mut line);
            bytes += line.len() as u64;
            let place = rng.below(states.len() as u64) as usize;
            let Some(state) = states.get_mut(place) else { continue };
            let peer = Some(([192, 0, 2, place as u8 + 1], 514).into());
            let at = i64::try_from(now.as_nanosecond()).unwrap_or(0);
            let received = Received { raw: line.as_bytes(), peer, transport: Transport::Tcp, tls_identity: None, at, path: None };
            let mut event = normalizer.normalize(state, &received);
            event.set_id(Uuid::now_v7());
            event.push(fields::FANSIPAN_SOURCE, fansipan_model::Value::Str(&format!("tcp:192.0.2.{}", place + 1)));
            value.clear();
            flat::write(&event, &mut value);
            writer.send(&names.events, None, &[place as u8], Some(&value))?;
        }
        writer.commit()?;
        left -= left.min(BATCH);
    }
    progress.end();
    Ok(bytes)
}

/// Broker and engine leave the first core to the role.
fn make_room(pid: u32) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores > 1 {
        let _ =
            Command::new("taskset").args(["-a", "-c", "-p", &format!("1-{}", cores - 1), &pid.to_string()]).stdout(Stdio::null()).status();
    }
}

/// All of it.
pub fn measure(plan: &Plan) -> Result<Value> {
    let broker = Broker::own()?;
    broker.pid().into_iter().for_each(make_room);
    let settings = Settings {
        brokers: vec![broker.address.clone()],
        partitions: PARTITIONS,
        replication: 1,
        name: "bench".into(),
        ..Settings::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(Topics::new(&settings)?.create())?;
    let begun = Instant::now();
    let bytes = fill(plan, &settings)?;
    let filled = begun.elapsed().as_secs_f64();
    let events = plan.events as f64;

    let paths: Vec<String> = plan.rules.iter().map(|p| format!("{:?}", p.display().to_string())).collect();
    let analyzer = Role::start("analyzer", &settings, &format!("[rules]\npaths = [{}]\n", paths.join(", ")))?;
    let (wall, cpu) = analyzer.works("analyzer", plan.events)?;
    let notes = analyzer.figure("fansipan_notes_total")?;
    let analyzed = json!({
        "events_per_s": events / wall, "events_per_s_and_core": events / cpu, "cpu_us_per_event": cpu * 1e6 / events, "notes": notes,
    });
    drop(analyzer);

    let indexed = match ClickHouse::start() {
        Some(server) => {
            server.pid().into_iter().for_each(make_room);
            let database = format!("fansipan_bench_{}", std::process::id());
            let indexer = Role::start("indexer", &settings, &format!("[clickhouse]\nurl = {:?}\ndatabase = {database:?}\n", server.url()))?;
            let before = server.pid().map(machine::cpu_seconds);
            let (wall, cpu) = indexer.works("indexer", plan.events)?;
            let engine = server.pid().map(machine::cpu_seconds).zip(before).map(|(after, before)| (after - before) * 1e6 / events);
            drop(indexer);
            let gone = fansipan_storage::clickhouse::ClickHouseConfig {
                database,
                ..fansipan_storage::clickhouse::ClickHouseConfig::new(server.url())
            };
            fansipan_storage::clickhouse::ClickHouseStore::open(gone)?.remove()?;
            json!({
                "rows_per_s": events / wall, "rows_per_s_and_core": events / cpu, "cpu_us_per_row": cpu * 1e6 / events,
                "engine_cpu_us_per_row": engine,
            })
        }
        None => Value::Null,
    };
    Ok(json!({
        "what": "events stand in the topic; a role on the first core, broker and engine on the others; start-up not counted",
        "mix": "40 % Windows JSON, 40 % firewall, 20 % Linux, 1 % matching", "seed": plan.seed, "events": plan.events,
        "bytes_per_line": bytes as f64 / events, "partitions": PARTITIONS, "filling_s": filled, "rules": paths.len(),
        "analyzer": analyzed, "indexer": indexed,
    }))
}
