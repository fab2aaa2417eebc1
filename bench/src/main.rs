//! `cargo run -p fansipan-bench --release -- NAME`: one measurement, printed and recorded under `bench/results/`.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::{Parser, Subcommand};
use fansipan_bench::{console, filling::Filling, generate::Generator, ingest, parts, quiet, results, scale, tap, terminal};

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
    /// Seed of everything generated
    #[arg(long, global = true, default_value_t = 20_261_123)]
    seed: u64,
}

#[derive(Subcommand)]
enum What {
    /// Every measurement, one after the other, each recorded
    All {
        /// Small sizes: minutes instead of hours, to see that everything runs
        #[arg(long)]
        short: bool,
    },
    /// Sustained events per second from TCP to searchable, beside rsyslog; then event-to-alert latency at half that rate
    Ingest {
        /// Lines to send
        #[arg(long, default_value_t = 2_000_000)]
        lines: usize,
    },
    /// Where an event's processor time goes on its way in, part by part
    Parts {
        /// Lines of the mix
        #[arg(long, default_value_t = 500_000)]
        lines: usize,
        /// Events between two commits of the index
        #[arg(long, default_value_t = 20_000)]
        commit_every: usize,
    },
    /// Prints generated lines, to look at or to send elsewhere
    Lines {
        /// How many
        #[arg(long, default_value_t = 1000)]
        lines: usize,
    },
    /// Correlations with a million groups alive, and beside rsigma's correlation engine
    #[cfg(feature = "peers")]
    Correlate {
        /// A twentieth of the events and groups, to see that it runs
        #[arg(long)]
        short: bool,
    },
    /// Disk bytes per event
    Disk {
        /// Lines to store
        #[arg(long, default_value_t = 1_000_000)]
        lines: usize,
    },
    /// Beyond one machine: an analyzer and an indexer over a real Kafka, then the event stores: rows in, bytes kept, six
    /// investigations, beside a plain LIKE and ripgrep
    Scale {
        /// Events to store
        #[arg(long, default_value_t = 20_000_000)]
        events: u64,
        /// Events that the roles read from Kafka; 0 leaves them out
        #[arg(long, default_value_t = 1_000_000)]
        kafka_events: u64,
        /// How often each investigation is asked
        #[arg(long, default_value_t = 20)]
        runs: usize,
        /// Leave Tantivy out
        #[arg(long)]
        only_clickhouse: bool,
        /// A folder that keeps what was stored, for other runs
        #[arg(long)]
        keep: Option<PathBuf>,
    },
    /// False alerts: the shipped rules over days of ordinary work
    Quiet {
        /// First day of the two weeks, 0 being Monday
        #[arg(long, default_value_t = 0)]
        first: u32,
        /// How many days
        #[arg(long, default_value_t = 14)]
        days: u32,
        /// Part of the traffic
        #[arg(long, default_value_t = 1.0)]
        share: f64,
    },
    /// The network sensor: mixed traffic from memory on one core beside tshark, a million flows alive; or live on a wire
    Tap {
        /// Size of the generated capture, MiB
        #[arg(long, default_value_t = 2048)]
        mib: usize,
        /// Size of its beginning that tshark reads, MiB; 0 leaves tshark out
        #[arg(long, default_value_t = 128)]
        tshark_mib: usize,
        /// Flows alive at once
        #[arg(long, default_value_t = 1_000_000)]
        flows: u32,
        /// Instead: a wire in a network namespace, tcpreplay at rising rates, `fansipan run` listening
        #[arg(long)]
        live: bool,
        /// Seconds of each rate
        #[arg(long, default_value_t = 10)]
        seconds: u32,
        /// Highest rate, Mbit/s
        #[arg(long, default_value_t = u32::MAX)]
        most: u32,
    },
    /// Every page's calls over a full store, the next alert, closing 100,000, an entity's page, event to queue
    Console {
        /// Events stored
        #[arg(long, default_value_t = 10_000_000)]
        events: u64,
        /// Alerts stored
        #[arg(long, default_value_t = 1_000_000)]
        alerts: u64,
        /// Incidents stored, of ten alerts each
        #[arg(long, default_value_t = 10_000)]
        incidents: u64,
        /// Calls of each kind
        #[arg(long, default_value_t = 40)]
        rounds: usize,
        /// A folder that keeps what was filled in, for other runs
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
    },
    /// The terminal over a full store: key to paint, event to screen, first row of a search, exports and their memory
    Tui {
        /// Events stored
        #[arg(long, default_value_t = 10_000_000)]
        events: u64,
        /// Alerts stored
        #[arg(long, default_value_t = 1_000_000)]
        alerts: u64,
        /// Incidents stored, of ten alerts each
        #[arg(long, default_value_t = 10_000)]
        incidents: u64,
        /// A folder that keeps what was filled in, for other runs
        #[arg(long, value_name = "DIR")]
        keep: Option<PathBuf>,
        /// Keys pressed; searches and alerts are a fortieth of that
        #[arg(long, default_value_t = 4_000)]
        keys: usize,
    },
    /// Every SigmaHQ rule over real and generated events, beside other engines, one thread
    #[cfg(feature = "peers")]
    Detect {
        /// Timed runs of each engine; the median counts
        #[arg(long, default_value_t = 5)]
        runs: usize,
        /// Only sets of events whose names contain this; nothing is recorded then
        #[arg(long)]
        only: Option<String>,
    },
    /// Loads one engine and prints how long that took and what it holds (started by `detect`)
    #[cfg(feature = "peers")]
    #[command(hide = true)]
    DetectLoad {
        /// Which
        engine: String,
    },
}

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let args = Args::parse();
    rustls::crypto::ring::default_provider().install_default().map_err(|_| anyhow::anyhow!("a TLS provider was set before"))?;
    let data = std::env::var_os("FANSIPAN_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    let rules = ["rules", "rules-emerging-threats", "rules-threat-hunting"].map(|f| data.join("sigma").join(f));
    let rules: Vec<PathBuf> = rules.into_iter().filter(|p| p.is_dir()).collect();
    match args.what {
        What::All { short } => measure_all(args.seed, &data, rules, short),
        What::Ingest { lines } => measure_ingest(args.seed, rules, lines),
        What::Parts { lines, commit_every } => {
            results::record("parts", parts::measure(&ingest::Plan { lines, seed: args.seed, rules }, commit_every)?)
        }
        #[cfg(feature = "peers")]
        What::Correlate { short } => results::record("correlate", fansipan_bench::correlate::measure(args.seed, size(short))?),
        What::Disk { lines } => measure_disk(args.seed, rules, lines),
        What::Scale { events, kafka_events, runs, only_clickhouse, keep } => {
            if kafka_events > 0 {
                let plan = scale::roles::Plan { events: kafka_events, seed: args.seed, rules };
                results::record("scale-roles", scale::roles::measure(&plan)?)?;
            }
            if events == 0 {
                return Ok(());
            }
            let plan = scale::store::Plan { events, runs, seed: args.seed, only_clickhouse, keep };
            results::record("scale-store", scale::store::measure(&plan)?)
        }
        What::Lines { lines } => print_lines(args.seed, lines),
        What::Quiet { first, days, share } => {
            results::record("quiet", quiet::measure(&quiet::Plan { seed: args.seed, first, days, share })?)
        }
        What::Tap { mib, live: true, seconds, most, .. } => {
            results::record("tap-live", tap::measure_live(args.seed, mib.min(512), seconds, most)?)
        }
        What::Tap { mib, tshark_mib, flows, .. } => {
            results::record("tap", tap::measure(&tap::Plan { seed: args.seed, mib, tshark_mib, flows })?)
        }
        What::Console { events, alerts, incidents, rounds, keep } => {
            results::record("console", console::measure(&Filling { seed: args.seed, events, alerts, incidents, keep }, rounds)?)
        }
        What::Tui { events, alerts, incidents, keys, keep } => {
            results::record("tui", terminal::measure(&Filling { seed: args.seed, events, alerts, incidents, keep }, keys)?)
        }
        #[cfg(feature = "peers")]
        What::Detect { runs, only: Some(only) } => fansipan_bench::detect::profile(&data, args.seed, runs, &only),
        #[cfg(feature = "peers")]
        What::Detect { runs, only: None } => results::record("detect", fansipan_bench::detect::measure(&data, args.seed, runs)?),
        #[cfg(feature = "peers")]
        What::DetectLoad { engine } => fansipan_bench::detect::load(&data, &engine),
    }
}

fn measure_all(seed: u64, data: &Path, rules: Vec<PathBuf>, short: bool) -> Result<()> {
    measure_ingest(seed, rules.clone(), if short { 50_000 } else { 2_000_000 })?;
    measure_disk(seed, rules, if short { 50_000 } else { 1_000_000 })?;
    let (days, share) = if short { (1, 0.01) } else { (14, 0.05) };
    results::record("quiet", quiet::measure(&quiet::Plan { seed, first: 0, days, share })?)?;
    #[cfg(feature = "peers")]
    {
        results::record("correlate", fansipan_bench::correlate::measure(seed, size(short))?)?;
        results::record("detect", fansipan_bench::detect::measure(data, seed, if short { 1 } else { 5 })?)?;
    }
    #[cfg(not(feature = "peers"))]
    say_absent(data);
    Ok(())
}

/// What a build without the peers leaves out.
#[cfg(not(feature = "peers"))]
fn say_absent(data: &Path) {
    #[expect(clippy::print_stderr, reason = "a person waits for figures that do not come")]
    {
        eprintln!("correlate and detect (over {}) need `--features peers`; `make bench` builds with them", data.display());
    }
}

/// Divisor of what `correlate` measures.
#[cfg(feature = "peers")]
fn size(short: bool) -> u32 {
    if short { 20 } else { 1 }
}

fn measure_ingest(seed: u64, rules: Vec<PathBuf>, lines: usize) -> Result<()> {
    let plan = ingest::Plan { lines, seed, rules };
    let throughput = ingest::throughput(&plan)?;
    let rate = throughput.get("events_per_s").and_then(serde_json::Value::as_f64).unwrap_or(0.0);
    let latency = ingest::event_to_alert(&plan, (rate / 2.0) as u64, 30)?;
    results::record("ingest", serde_json::json!({"throughput": throughput, "event_to_alert": latency}))
}

fn measure_disk(seed: u64, rules: Vec<PathBuf>, lines: usize) -> Result<()> {
    let result = ingest::disk(&ingest::Plan { lines, seed, rules }, lines)?;
    results::record("disk", result)
}

fn print_lines(seed: u64, lines: usize) -> Result<()> {
    let mut generator = Generator::new(seed, jiff::Timestamp::now().as_second(), 10_000);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut line = String::new();
    for _ in 0..lines {
        line.clear();
        generator.line(&mut line);
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}
