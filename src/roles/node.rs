//! What every role has: its threads, its end, and answers to those who watch it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use axum::{Router, http::StatusCode, routing::get};
use fansipan_model::said;

use crate::process::{Roles, SHUTDOWN, wait_for_end};

/// Figures and readiness of one role.
#[derive(Debug)]
pub(crate) struct Health {
    role: &'static str,
    started: Instant,
    ready: AtomicBool,
    figures: Mutex<BTreeMap<String, f64>>,
    alarm: Mutex<Option<String>>,
}

impl Health {
    fn new(role: &'static str) -> Self {
        Self { role, started: Instant::now(), ready: AtomicBool::new(false), figures: Mutex::default(), alarm: Mutex::default() }
    }

    /// Whether it does its work now.
    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// Sets a figure: a name of Prometheus, labels included.
    pub(crate) fn set(&self, name: impl Into<String>, value: f64) {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), value);
    }

    /// Adds to a figure.
    pub(crate) fn add(&self, name: &str, value: f64) {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_default() += value;
    }

    /// Says what is wrong, or that nothing is any more.
    pub(crate) fn set_alarm(&self, alarm: Option<String>) {
        *self.alarm.lock().unwrap_or_else(PoisonError::into_inner) = alarm;
    }

    fn text(&self) -> String {
        let mut out = String::new();
        let role = self.role;
        let ready = u8::from(self.ready.load(Ordering::Relaxed));
        // writing to a string cannot fail
        let _ = writeln!(out, "fansipan_up{{role=\"{role}\",version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        let _ = writeln!(out, "fansipan_ready{{role=\"{role}\"}} {ready}");
        let _ = writeln!(out, "fansipan_uptime_seconds {}", self.started.elapsed().as_secs());
        let alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let _ = writeln!(out, "fansipan_alarm{{role=\"{role}\"}} {}", u8::from(alarm));
        for (name, value) in self.figures.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(out, "{name} {value}");
        }
        out
    }

    fn readiness(&self) -> (StatusCode, String) {
        let alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if self.ready.load(Ordering::Relaxed) {
            (StatusCode::OK, alarm.map_or_else(|| "ready\n".to_owned(), |a| format!("ready\n{a}\n")))
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, alarm.map_or_else(|| "not ready\n".to_owned(), |a| format!("not ready\n{a}\n")))
        }
    }
}

/// A process with one role.
pub(crate) struct Node {
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) roles: Roles,
    pub(crate) health: Arc<Health>,
}

impl Node {
    /// Begins to answer those who watch.
    pub(crate) async fn start(role: &'static str, listen: SocketAddr) -> Result<Self> {
        let health = Arc::new(Health::new(role));
        let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| {
            said!(
                "FSP-RUN-060: cannot listen on {listen} for health checks: another role holds it? Give each a [role] listen of its own",
                "FSP-RUN-060: không nghe được ở {listen} để trả lời kiểm tra tình trạng: vai trò khác đang giữ địa chỉ này? Hãy đặt [role] listen riêng cho mỗi vai trò"
            )
        })?;
        let (metrics, ready) = (Arc::clone(&health), Arc::clone(&health));
        let app = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(move || async move { ready.readiness() }))
            .route("/metrics", get(move || async move { metrics.text() }));
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "FSP-RUN-061: health checks are answered no more");
            }
        });
        Ok(Self { stop: Arc::new(AtomicBool::new(false)), roles: Roles::default(), health })
    }

    /// Runs `session` on a thread again and again until told to stop: whatever fails begins anew from what is durable.
    pub(crate) fn keep_doing(&mut self, name: &'static str, mut session: impl FnMut() -> Result<()> + Send + 'static) -> Result<()> {
        let (stop, health) = (Arc::clone(&self.stop), Arc::clone(&self.health));
        self.roles.spawn(name, &Arc::clone(&self.stop), move || {
            let mut wait = Duration::from_millis(100);
            loop {
                let begun = Instant::now();
                match session() {
                    Ok(()) => return Ok(()),
                    Err(error) if stop.load(Ordering::Relaxed) => {
                        tracing::warn!("{name}: {error:#}; it is done again after the next start");
                        return Ok(());
                    }
                    Err(error) => {
                        tracing::error!("{name}: {error:#}; it begins again where its effects end");
                        health.add(&format!("fansipan_restarts_total{{part=\"{name}\"}}"), 1.0);
                    }
                }
                if begun.elapsed() > Duration::from_secs(60) {
                    wait = Duration::from_millis(100);
                }
                std::thread::park_timeout(wait);
                wait = (wait * 2).min(Duration::from_secs(3));
            }
        })
    }

    /// Until a signal or the end of a part.
    pub(crate) async fn wait(&self) -> Result<()> {
        wait_for_end(&self.stop).await?;
        self.health.set_ready(false);
        tracing::info!("stopping: what is in hand is finished");
        Ok(())
    }

    /// Ends the threads in order.
    pub(crate) async fn end(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        tokio::task::spawn_blocking(move || self.roles.join(SHUTDOWN))
            .await
            .with_context(|| said!("FSP-RUN-007: a role did not end", "FSP-RUN-007: có vai trò không kết thúc"))?
    }
}

/// Tells whoever started it.
pub(crate) fn announce(role: &str, listen: SocketAddr) -> Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "Fansipan {} {role}\n  health     http://{listen}/readyz\nready", env!("CARGO_PKG_VERSION"))?;
    out.flush()?;
    Ok(())
}
