//! How fast one TCP connection is received: `cargo run --release -p fansipan-collector --example receive [LINES]`.
//!
//! The sender is a process of its own on the same machine. `frame` only cuts the stream into records; `null` normalizes and
//! encodes them and forgets the bytes; `log` is the whole way to the durable log. CPU is this process alone.

use std::{
    error::Error,
    fs,
    io::Write as _,
    net::{SocketAddr, TcpStream},
    process::{Child, Command},
    sync::Arc,
    time::{Duration, Instant},
};

use fansipan_bus::{Batch, BusConfig, BusError, EmbeddedBus, Receipt};
use fansipan_collector::{
    Normalizer,
    ledger::SourceRegistry,
    pipeline::{Assignments, Pending, Pipeline, PipelineLimits, Sink},
    sources::{
        Ingest, Sources, SourcesConfig,
        config::TcpConfig,
        framing::{Framer, Framing},
    },
};
use tokio::io::AsyncReadExt as _;

/// Bytes of a line, its end included.
const LINE: usize = 300;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Forgets everything.
struct Null;

impl Sink for Null {
    fn append(&self, _: Batch) -> std::result::Result<Pending, BusError> {
        Ok(Box::pin(async { Ok(Receipt::Durable { first_offset: 0 }) }))
    }
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    if let [_, verb, to, lines] = &args[..]
        && verb == "send"
    {
        return send(to.parse()?, lines.parse()?);
    }
    let lines: u64 = args.get(1).map_or(Ok(2_000_000), |n| n.parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut out = std::io::stdout();
    let mut report = |what: &str, begun: Instant, cpu: Duration| {
        let (wall, cpu) = (begun.elapsed().as_secs_f64(), cpu.as_secs_f64());
        let per = |seconds: f64| (lines as f64 / seconds) as u64;
        writeln!(out, "{what:6} {:>9} lines/s, {:>9} lines per second of CPU", per(wall), per(cpu))
    };
    runtime.block_on(async {
        let (begun, cpu) = framing_alone(lines).await?;
        report("frame", begun, cpu)?;
        let (begun, cpu) = whole(lines, Arc::new(Null)).await?;
        report("null", begun, cpu)?;
        let dir = std::env::temp_dir().join(format!("fansipan-receive-{}", std::process::id()));
        let (bus, _) = EmbeddedBus::open(BusConfig { max_age: Duration::ZERO, ..BusConfig::new(&dir) })?;
        let (begun, cpu) = whole(lines, Arc::new(bus.clone())).await?;
        report("log", begun, cpu)?;
        bus.close();
        fs::remove_dir_all(dir)?;
        Ok(())
    })
}

/// sshd lines padded to the length.
fn send(to: SocketAddr, lines: u64) -> Result<()> {
    let mut block = Vec::new();
    for i in 0..1000u32 {
        let mut line = format!(
            "<38>Nov 23 10:00:{:02} web-01 sshd[{}]: Failed password for invalid user u{i} from 10.{}.{}.9 port {} ssh2 ",
            i % 60,
            1000 + i,
            i % 250,
            i % 99,
            1024 + i
        );
        while line.len() < LINE - 1 {
            line.push('.');
        }
        line.push('\n');
        block.extend_from_slice(line.as_bytes());
    }
    let mut stream = TcpStream::connect(to)?;
    let mut left = usize::try_from(lines)? * LINE;
    while left > 0 {
        let part = block.get(..block.len().min(left)).unwrap_or(&block);
        stream.write_all(part)?;
        left -= part.len();
    }
    Ok(())
}

fn sender(to: SocketAddr, lines: u64) -> Result<Child> {
    Ok(Command::new(std::env::current_exe()?).args(["send", &to.to_string(), &lines.to_string()]).spawn()?)
}

async fn framing_alone(lines: u64) -> Result<(Instant, Duration)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let mut child = sender(listener.local_addr()?, lines)?;
    let (mut stream, _) = listener.accept().await?;
    let (begun, cpu) = (Instant::now(), cpu()?);
    let work = async move {
        let mut framer = Framer::new(Framing::Auto, 64 << 10);
        let (mut records, mut bytes) = (0u64, 0);
        loop {
            let count = stream.read(framer.space()).await?;
            if count == 0 {
                return std::io::Result::Ok((records, bytes));
            }
            framer.filled(count);
            while let Some(frame) = framer.next_frame() {
                records += 1;
                bytes += frame.record.len();
            }
        }
    };
    let (records, bytes) = tokio::spawn(work).await??;
    let used = self::cpu()? - cpu;
    child.wait()?;
    assert_eq!((records, bytes as u64), (lines, lines * (LINE as u64 - 1)));
    Ok((begun, used))
}

async fn whole(lines: u64, sink: Arc<dyn Sink>) -> Result<(Instant, Duration)> {
    let config = SourcesConfig {
        udp: Vec::new(),
        tls: Vec::new(),
        tcp: vec![TcpConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..TcpConfig::default() }],
        ..SourcesConfig::default()
    };
    let registry = Arc::new(SourceRegistry::new(&config.limits));
    let normalizer = Arc::new(Normalizer::load_builtin()?);
    let pipeline = Pipeline::start(normalizer, Assignments::new(&config), registry.clone(), sink, PipelineLimits::from(&config.limits))?;
    let ingest = Ingest::new(pipeline.clone(), &config.limits, Arc::new(|_| None));
    let sources = Sources::start(&config, &std::env::temp_dir(), pipeline.clone(), ingest).await?;
    let to = sources.bound().first().ok_or("no port")?.address;
    let (begun, cpu) = (Instant::now(), cpu()?);
    let mut child = sender(to, lines)?;
    while registry.totals().counters.kept < lines {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let result = (begun, self::cpu()? - cpu);
    child.wait()?;
    sources.stop().await;
    pipeline.close().await;
    assert_eq!(registry.totals().counters.refused.len(), 0);
    Ok(result)
}

/// CPU time of this process, from `/proc/self/stat` (fields 14 and 15, ticks of 10 ms).
fn cpu() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let rest = stat.rsplit_once(") ").ok_or("no stat")?.1;
    let ticks = rest.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<std::result::Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}
