//! What every process of this program does: its data folder, its threads, its end.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_bus::{BusConfig, EmbeddedBus};
use fansipan_model::said;

/// How long the roles may take to finish what they have in hand.
pub(crate) const SHUTDOWN: Duration = Duration::from_secs(20);

/// Makes the data folder, readable by the service's user alone.
pub(crate) fn prepare(data: &Path) -> Result<()> {
    let failed = || {
        let data = data.display();
        said!(
            "FSP-RUN-002: cannot use {data} for data: give its owner to the service's user, or choose another with --data",
            "FSP-RUN-002: không dùng được {data} để chứa dữ liệu: hãy giao thư mục này cho tài khoản của dịch vụ, hoặc chọn thư mục khác bằng --data"
        )
    };
    fs::DirBuilder::new().recursive(true).mode(0o750).create(data).with_context(failed)?;
    let probe = data.join(".probe");
    fs::write(&probe, b"").with_context(failed)?;
    fs::set_permissions(&probe, fs::Permissions::from_mode(0o600)).with_context(failed)?;
    fs::remove_file(&probe).with_context(failed)
}

/// What the tasks of a process run on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .with_context(|| said!("FSP-RUN-001: cannot start the runtime", "FSP-RUN-001: không khởi động được môi trường chạy"))
}

/// Opens a log on this machine and says how it was found; the log and its name.
pub(crate) fn open_log(config: BusConfig) -> Result<(EmbeddedBus, String)> {
    let dir = config.dir.clone();
    let (bus, recovery) = EmbeddedBus::open(config)
        .with_context(|| said!("FSP-RUN-008: cannot open the log", "FSP-RUN-008: không mở được nhật ký bền vững"))?;
    if recovery.torn_bytes > 0 {
        tracing::info!(
            bytes = recovery.torn_bytes,
            "an unfinished write at the end of the log was cut off; nothing of it was acknowledged"
        );
    }
    if !recovery.is_clean() {
        tracing::error!(lost = ?recovery.lost, damaged = ?recovery.damaged, "FSP-RUN-009: the log is damaged; what is readable goes on");
    }
    let name = identity(&dir)?;
    Ok((bus, name))
}

/// The name of this log, made with it. Positions kept elsewhere carry it: a log that begins anew has another, so that old
/// positions are not taken for its own.
fn identity(log: &Path) -> Result<String> {
    let path = log.join("identity");
    let failed = || {
        let path = path.display();
        said!("FSP-RUN-017: cannot read or write {path}", "FSP-RUN-017: không đọc hoặc không ghi được {path}")
    };
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
pub(crate) struct Roles {
    threads: Vec<(&'static str, JoinHandle<Result<()>>)>,
}

impl Roles {
    /// A role that fails stops the process in order: a supervisor starts it again, and nothing acknowledged is lost.
    pub(crate) fn spawn(
        &mut self,
        name: &'static str,
        stop: &Arc<AtomicBool>,
        work: impl FnOnce() -> Result<()> + Send + 'static,
    ) -> Result<()> {
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

    pub(crate) fn join(self, patience: Duration) -> Result<()> {
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
pub(crate) async fn wait_for_end(stop: &AtomicBool) -> Result<()> {
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
