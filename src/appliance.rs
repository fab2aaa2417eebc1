//! `fansipan run`: opens the stores, starts every role in one process, and takes them down in order.

use std::{
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::{Context as _, Result};
use fansipan_api::{ApiDeps, Feed};
use fansipan_bus::EmbeddedBus;
use fansipan_cli::{Cli, RunArgs};
use fansipan_collector::sources::Sources;
use fansipan_model::{Scope, Word, said};
use fansipan_storage::{
    CaseStore, EventStore, HandoverStore, IdentityStore, ResponseStore, RuleStore, StateStore, engine::TantivyStore, sqlite::SqliteState,
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    content::{Content, OwnFrom, OwnRules},
    detection::Detection,
    indexing::Indexing,
    intake::Intake,
    live,
    memory::Memory,
    packets,
    process::{Roles, SHUTDOWN, open_log, prepare, runtime, wait_for_end},
    proofs, response, senders, upkeep,
};

pub(crate) fn run(cli: &Cli, args: &RunArgs) -> Result<()> {
    let config = crate::config::load(cli.config.as_deref())?;
    let data = cli.data.as_path();
    prepare(data)?;
    runtime()?.block_on(serve(cli, config, data, args))
}

async fn serve(cli: &Cli, config: Config, data: &Path, args: &RunArgs) -> Result<()> {
    let started = Instant::now();
    let stores = Stores::open(&config, data)?;
    let own = OwnRules { folder: data.join("rules"), from: OwnFrom::Store(Arc::clone(&stores.rules)) };
    let content = Arc::new(Content::load(config.rules.clone(), Some(own))?);
    let api_config = config.console.api(data)?;
    let feed = Feed::new();
    let stop = Arc::new(AtomicBool::new(false));
    let (analyzed, indexed) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());

    let remembered = Arc::default();

    let mut roles = Roles::default();
    let detection = Detection {
        bus: stores.bus.clone(),
        log: stores.log.clone(),
        state: Arc::clone(&stores.state),
        rules: Arc::clone(&content.rules),
        feed: feed.clone(),
        grouping: config.rules.grouping(),
        correlation: config.correlation()?,
        memory: Memory::new(data, &stores.log)?,
        seen_until: Arc::clone(&analyzed),
        report: Arc::clone(&remembered),
        stop: Arc::clone(&stop),
    };
    roles.spawn("analyzer", &stop, move || detection.run())?;
    let writer = stores
        .store
        .writer()
        .with_context(|| said!("FSP-RUN-003: cannot write to the event store", "FSP-RUN-003: không ghi được vào kho sự kiện"))?;
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

    let known = stores.state.sources(&Scope::All).with_context(|| {
        said!("FSP-RUN-005: cannot read the sources known so far", "FSP-RUN-005: không đọc được danh sách nguồn đã biết")
    })?;
    let intake = Intake::start(&config.sources, known, Arc::new(stores.bus.clone()))?;

    let rule_control = Arc::clone(&content) as _;
    let live = Arc::new(live::Live {
        bus: stores.bus.clone(),
        content,
        started,
        data: data.to_owned(),
        analyzed_until: analyzed,
        indexed_until: indexed,
        rate: Default::default(),
        detection: remembered,
    });
    let shutdown = CancellationToken::new();
    let ingest = intake.ingest(&config.sources, senders::verifier(Arc::clone(&stores.state)));
    let desk = response::desk(&config.response, Arc::clone(&stores.actions), Arc::clone(&stores.store) as _, Arc::clone(&stores.state))?;
    let responder = (Arc::clone(&desk), Arc::clone(&stop));
    roles.spawn("responder", &stop, move || response::run(&responder.0, &responder.1))?;
    let proofs = Arc::new(proofs::Log::new(stores.bus.clone(), data));
    let keeper = proofs::Keeper {
        state: Arc::clone(&stores.state),
        cases: Arc::clone(&stores.cases),
        events: Arc::clone(&stores.store) as Arc<dyn EventStore>,
        desk: Arc::clone(&desk),
        log: Arc::clone(&proofs),
        stop: Arc::clone(&stop),
    };
    roles.spawn("proofs", &stop, move || keeper.run())?;
    let deps = ApiDeps {
        response: desk,
        ledger: Some(proofs),
        packets: Arc::new(packets::Rings::new(&config.sources, data, config.console.packets()?)),
        events: Arc::clone(&stores.store) as Arc<dyn EventStore>,
        state: Arc::clone(&stores.state),
        people: Arc::clone(&stores.people),
        cases: Arc::clone(&stores.cases),
        rules: Arc::clone(&stores.rules),
        rule_control: Some(rule_control),
        handovers: Arc::clone(&stores.handovers),
        live,
        sources: Arc::new(live::Control { registry: Arc::clone(&intake.registry), normalizer: Arc::clone(&intake.normalizer) }),
        feed,
        ingest: Some(ingest.router()),
    };
    let https = api_config.listen;
    let api = fansipan_api::serve(api_config, deps, shutdown.clone()).await?;
    // after the console, whose certificate syslog over TLS uses unless it has its own
    let sources = Sources::start(&config.sources, data, intake.pipeline.clone(), ingest).await?;
    if args.stdin {
        sources.read_stdin();
    }
    let upkeep = upkeep::Upkeep {
        registry: Arc::clone(&intake.registry),
        state: Arc::clone(&stores.state),
        store: Arc::clone(&stores.store),
        retention: config.storage.retention(),
        stop: Arc::clone(&stop),
    };
    roles.spawn("upkeep", &stop, move || upkeep.run())?;
    announce(cli, &config, https, data, api.first_password.as_ref())?;

    wait_for_end(&stop).await?;
    tracing::info!("stopping: no new records, what is in hand is finished");
    sources.stop().await;
    intake.pipeline.close().await;
    shutdown.cancel();
    stop.store(true, Ordering::Relaxed);
    let failed = tokio::task::spawn_blocking(move || roles.join(SHUTDOWN))
        .await
        .with_context(|| said!("FSP-RUN-007: a role did not end", "FSP-RUN-007: có vai trò không kết thúc"))?;
    api.ended().await;
    stores.bus.close();
    failed
}

/// What outlives every role.
struct Stores {
    bus: EmbeddedBus,
    log: String,
    state: Arc<dyn StateStore>,
    people: Arc<dyn IdentityStore>,
    cases: Arc<dyn CaseStore>,
    rules: Arc<dyn RuleStore>,
    handovers: Arc<dyn HandoverStore>,
    store: Arc<TantivyStore>,
    actions: Arc<dyn ResponseStore>,
}

impl Stores {
    fn open(config: &Config, data: &Path) -> Result<Self> {
        let (bus, log) = open_log(config.log.bus(data.join("log")))?;
        let state = Arc::new(SqliteState::open(data.join("state.db"))?);
        let store = TantivyStore::open(config.storage.engine(data.join("events"), log.clone()))?;
        Ok(Self {
            bus,
            log,
            people: Arc::clone(&state) as Arc<dyn IdentityStore>,
            cases: Arc::clone(&state) as Arc<dyn CaseStore>,
            rules: Arc::clone(&state) as _,
            handovers: Arc::clone(&state) as _,
            actions: Arc::clone(&state) as _,
            state,
            store: Arc::new(store),
        })
    }
}

/// Tells the person who started it where everything is. The only words on standard output.
pub(crate) fn announce(
    cli: &Cli,
    config: &Config,
    https: std::net::SocketAddr,
    data: &Path,
    first: Option<&fansipan_api::OneTimePassword>,
) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let sources = &config.sources;
    let all = |addresses: &mut dyn Iterator<Item = std::net::SocketAddr>| addresses.map(|a| a.to_string()).collect::<Vec<_>>().join(", ");
    writeln!(out, "Fansipan {}", env!("CARGO_PKG_VERSION"))?;
    for (name, what) in [
        (Word::new("console", "bảng điều khiển"), format!("https://{https}/")),
        (Word::new("syslog udp", "syslog udp"), all(&mut sources.udp.iter().map(|l| l.listen))),
        (Word::new("syslog tcp", "syslog tcp"), all(&mut sources.tcp.iter().map(|l| l.listen))),
        (Word::new("syslog tls", "syslog tls"), all(&mut sources.tls.iter().map(|l| l.listen))),
        (Word::new("http", "http"), format!("https://{https}/ingest/v1/events")),
        (Word::new("data", "dữ liệu"), data.display().to_string()),
    ] {
        if !what.is_empty() {
            writeln!(out, "  {:<16}{what}", cli.say(&name))?;
        }
    }
    if let Some(password) = first {
        let password = password.reveal();
        let said = said!(
            "First login, to be changed at once\n  user:           admin\n  password:       {password}",
            "Đăng nhập lần đầu, phải đổi mật khẩu ngay\n  tài khoản:      admin\n  mật khẩu:       {password}"
        );
        writeln!(out, "{}", cli.say(&said))?;
    }
    writeln!(out, "ready")?;
    out.flush()?;
    Ok(())
}
