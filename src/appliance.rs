//! `fansipan run`: opens the stores, starts every role in one process, and takes them down in order.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_api::{ApiDeps, Feed};
use fansipan_bus::EmbeddedBus;
use fansipan_cli::{Cli, RunArgs};
use fansipan_collector::{
    Normalizer,
    ledger::SourceRegistry,
    pipeline::{Assignments, Pipeline, PipelineLimits},
    sources::{Sources, http::Ingest},
};
use fansipan_model::Scope;
use fansipan_storage::{EventStore, StateStore, engine::TantivyStore, sqlite::SqliteState};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, content::Content, detection::Detection, indexing::Indexing, live, memory::Memory, response, senders, upkeep};

/// How long the roles may take to finish what they have in hand.
const SHUTDOWN: Duration = Duration::from_secs(20);

pub(crate) fn run(cli: &Cli, args: &RunArgs) -> Result<()> {
    let config = crate::config::load(cli.config.as_deref())?;
    let data = cli.data.as_path();
    prepare(data)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("FSP-RUN-001: cannot start the runtime")?;
    runtime.block_on(serve(config, data, args))
}

/// Makes the data folder, readable by the service's user alone.
fn prepare(data: &Path) -> Result<()> {
    let failed = || {
        format!("FSP-RUN-002: cannot use {} for data: give its owner to the service's user, or choose another with --data", data.display())
    };
    fs::DirBuilder::new().recursive(true).mode(0o750).create(data).with_context(failed)?;
    let probe = data.join(".probe");
    fs::write(&probe, b"").with_context(failed)?;
    fs::set_permissions(&probe, fs::Permissions::from_mode(0o600)).with_context(failed)?;
    fs::remove_file(&probe).with_context(failed)
}

async fn serve(config: Config, data: &Path, args: &RunArgs) -> Result<()> {
    let started = Instant::now();
    let stores = Stores::open(&config, data)?;
    let content = Arc::new(Content::load(config.rules.clone())?);
    let api_config = config.console.api(data)?;
    let feed = Feed::new();
    let stop = Arc::new(AtomicBool::new(false));
    let (analyzed, indexed) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());

    let mut roles = Roles::default();
    let detection = Detection {
        bus: stores.bus.clone(),
        log: stores.log.clone(),
        state: Arc::clone(&stores.state),
        rules: Arc::clone(&content.rules),
        feed: feed.clone(),
        grouping: fansipan_analyzer::GroupingConfig {
            window: i64::from(config.rules.group_minutes) * 60 * fansipan_model::time::SECOND,
            ..Default::default()
        },
        correlation: fansipan_analyzer::Settings {
            lateness: i64::from(config.rules.late_minutes) * 60 * fansipan_model::time::SECOND,
            groups: config.rules.correlation_groups.max(1) as usize,
            ..Default::default()
        },
        memory: Memory::new(data, &stores.log)?,
        seen_until: Arc::clone(&analyzed),
        stop: Arc::clone(&stop),
    };
    roles.spawn("analyzer", &stop, move || detection.run())?;
    let writer = stores.store.writer().context("FSP-RUN-003: cannot write to the event store")?;
    let indexing =
        Indexing { bus: stores.bus.clone(), writer: Box::new(writer), seen_until: Arc::clone(&indexed), stop: Arc::clone(&stop) };
    roles.spawn("indexer", &stop, move || indexing.run())?;
    {
        let (content, stop) = (Arc::clone(&content), Arc::clone(&stop));
        roles.spawn("rules", &Arc::clone(&stop), move || {
            content.watch(&stop);
            Ok(())
        })?;
    }

    let normalizer = Arc::new(
        Normalizer::load_builtin().context("FSP-RUN-004: the built-in formats cannot be read")?.with_settings(config.sources.settings()?),
    );
    let registry = Arc::new(SourceRegistry::new(&config.sources.limits));
    registry.restore(stores.state.sources(&Scope::All).context("FSP-RUN-005: cannot read the sources known so far")?);
    let pipeline = Pipeline::start(
        Arc::clone(&normalizer),
        Assignments::new(&config.sources),
        Arc::clone(&registry),
        Arc::new(stores.bus.clone()),
        PipelineLimits::from(&config.sources.limits),
    )
    .context("FSP-RUN-006: cannot start the pipeline")?;

    let live = Arc::new(live::Live {
        bus: stores.bus.clone(),
        content,
        started,
        data: data.to_owned(),
        analyzed_until: analyzed,
        indexed_until: indexed,
        rate: Default::default(),
    });
    let shutdown = CancellationToken::new();
    let ingest = Ingest::new(pipeline.clone(), &config.sources.limits, senders::verifier(Arc::clone(&stores.state)));
    let desk = response::desk(&config.response, &stores)?;
    let responder = (Arc::clone(&desk), Arc::clone(&stop));
    roles.spawn("responder", &stop, move || response::run(&responder.0, &responder.1))?;
    let deps = ApiDeps {
        response: desk,
        events: Arc::clone(&stores.store) as Arc<dyn EventStore>,
        state: Arc::clone(&stores.state),
        live,
        sources: Arc::new(live::Control { registry: Arc::clone(&registry), normalizer }),
        feed,
        ingest: Some(ingest.router()),
    };
    let https = api_config.listen;
    let api = fansipan_api::serve(api_config, deps, shutdown.clone()).await?;
    // after the console, whose certificate syslog over TLS uses unless it has its own
    let sources = Sources::start(&config.sources, data, pipeline.clone(), ingest).await?;
    if args.stdin {
        sources.read_stdin();
    }
    let upkeep = upkeep::Upkeep {
        registry,
        state: Arc::clone(&stores.state),
        store: Arc::clone(&stores.store),
        retention: config.storage.retention(),
        stop: Arc::clone(&stop),
    };
    roles.spawn("upkeep", &stop, move || upkeep.run())?;
    announce(&config, https, data, api.first_password.as_ref())?;

    wait_for_end(&stop).await?;
    tracing::info!("stopping: no new records, what is in hand is finished");
    sources.stop().await;
    pipeline.close().await;
    shutdown.cancel();
    stop.store(true, Ordering::Relaxed);
    let failed = tokio::task::spawn_blocking(move || roles.join(SHUTDOWN)).await.context("FSP-RUN-007: a role did not end")?;
    api.ended().await;
    stores.bus.close();
    failed
}

/// What outlives every role.
pub(crate) struct Stores {
    bus: EmbeddedBus,
    log: String,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) store: Arc<TantivyStore>,
    pub(crate) actions: Arc<dyn fansipan_storage::ResponseStore>,
}

impl Stores {
    fn open(config: &Config, data: &Path) -> Result<Self> {
        let (bus, recovery) = EmbeddedBus::open(config.log.bus(data.join("log"))).context("FSP-RUN-008: cannot open the log")?;
        if recovery.torn_bytes > 0 {
            tracing::info!(
                bytes = recovery.torn_bytes,
                "an unfinished write at the end of the log was cut off; nothing of it was acknowledged"
            );
        }
        if !recovery.is_clean() {
            tracing::error!(lost = ?recovery.lost, damaged = ?recovery.damaged, "FSP-RUN-009: the log is damaged; what is readable goes on");
        }
        let log = identity(&data.join("log"))?;
        let state = Arc::new(SqliteState::open(data.join("state.db"))?);
        let store = TantivyStore::open(config.storage.engine(data.join("events"), log.clone()))?;
        Ok(Self { bus, log, actions: Arc::clone(&state) as _, state, store: Arc::new(store) })
    }
}

/// The name of this log, made with it. Positions kept elsewhere carry it: a log that begins anew has another, so that old
/// positions are not taken for its own.
fn identity(log: &Path) -> Result<String> {
    let path = log.join("identity");
    let failed = || format!("FSP-RUN-017: cannot read or write {}", path.display());
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let made = uuid::Uuid::new_v4().to_string();
            let draft = log.join("identity.new");
            fs::write(&draft, &made).with_context(failed)?;
            fs::File::open(&draft).and_then(|f| f.sync_all()).with_context(failed)?;
            fs::rename(&draft, &path).with_context(failed)?;
            fs::File::open(log).and_then(|f| f.sync_all()).with_context(failed)?;
            Ok(made)
        }
        Err(e) => Err(e).with_context(failed),
    }
}

/// Threads that do one thing until told to stop.
#[derive(Default)]
struct Roles {
    threads: Vec<(&'static str, JoinHandle<Result<()>>)>,
}

impl Roles {
    /// A role that fails stops the process in order: a supervisor starts it again, and nothing acknowledged is lost.
    fn spawn(&mut self, name: &'static str, stop: &Arc<AtomicBool>, work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
        let stop = Arc::clone(stop);
        let body = move || {
            let end = StopOnEnd(stop);
            let result = work();
            if let Err(error) = &result {
                tracing::error!("{name} ended: {error:#}");
            }
            drop(end);
            result
        };
        let thread =
            thread::Builder::new().name(name.to_owned()).spawn(body).with_context(|| format!("cannot start the thread of {name}"))?;
        self.threads.push((name, thread));
        Ok(())
    }

    fn join(self, patience: Duration) -> Result<()> {
        let until = Instant::now() + patience;
        let mut first = Ok(());
        for (name, thread) in self.threads {
            thread.thread().unpark();
            while !thread.is_finished() && Instant::now() < until {
                thread::sleep(Duration::from_millis(10));
            }
            if !thread.is_finished() {
                tracing::error!("{name} did not end within {patience:?}; its work is done again after the next start");
                continue;
            }
            let result = thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("{name} panicked")));
            if first.is_ok() {
                first = result;
            }
        }
        first
    }
}

/// However a role ends, the process is told, so that it never runs on half blind.
struct StopOnEnd(Arc<AtomicBool>);

impl Drop for StopOnEnd {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Until SIGINT, SIGTERM, or a role's end.
async fn wait_for_end(stop: &AtomicBool) -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let watch = async {
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        () = watch => {}
    }
    Ok(())
}

/// Tells the person who started it where everything is. The only words on standard output.
fn announce(config: &Config, https: std::net::SocketAddr, data: &Path, first: Option<&fansipan_api::OneTimePassword>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let list = |name: &str, addresses: Vec<String>| {
        if addresses.is_empty() { String::new() } else { format!("  {name:<11}{}\n", addresses.join(", ")) }
    };
    let sources = &config.sources;
    write!(
        out,
        "Fansipan {}\n  console    https://{https}/\n{}{}{}  http       https://{https}/ingest/v1/events\n  data       {}\n",
        env!("CARGO_PKG_VERSION"),
        list("syslog udp", sources.udp.iter().map(|l| l.listen.to_string()).collect()),
        list("syslog tcp", sources.tcp.iter().map(|l| l.listen.to_string()).collect()),
        list("syslog tls", sources.tls.iter().map(|l| l.listen.to_string()).collect()),
        data.display()
    )?;
    if let Some(password) = first {
        write!(out, "First login, to be changed at once\n  user:      admin\n  password:  {}\n", password.reveal())?;
    }
    writeln!(out, "ready")?;
    out.flush()?;
    Ok(())
}
