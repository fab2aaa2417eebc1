//! Live streams (server-sent events): alerts as they are raised and changed, notices of other changes, and a tick of the main numbers.
//!
//! A stream never keeps its session alive, ends with it, shows one scope only, and costs a bounded buffer: a reader that
//! is too slow is told how many alerts it missed.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use fansipan_model::{Alert, Predicate, Scope, said, time};
use fansipan_response::Change;
use fansipan_storage::{StoreError, TimeRange};
use hashbrown::HashMap;
use serde_json::json;
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    mpsc,
};
use tokio_stream::wrappers::ReceiverStream;

use super::sources::active;
use crate::{
    access::Permission,
    dto::{AlertDto, Tick, ToldAlert},
    identity::{Caller, Via, Watch},
    ports::{ApiDeps, News, Notice},
    problem::{Kind, Problem},
    shared::{Shared, scope_key},
    state::{Api, now},
};

/// How often the numbers are told.
const TICK: Duration = Duration::from_secs(2);
/// Events under way to one reader.
const BUFFER: usize = 64;
/// Streams at once, in all and of one caller.
const STREAMS: (u64, u32) = (512, 16);
/// How often a token's stream asks whether the token is still good, in ticks.
const TOKEN_CHECK: u64 = 15;

/// The open streams.
pub(crate) struct Streams {
    all: Arc<AtomicU64>,
    by_caller: Arc<Mutex<HashMap<String, u32>>>,
    ticks: Shared<Option<Vec<String>>, Tick>,
}

impl Default for Streams {
    fn default() -> Self {
        let ticks = Shared::new(TICK / 2, 4, Duration::from_secs(10));
        Self { all: Arc::default(), by_caller: Arc::default(), ticks }
    }
}

/// One stream's place; gives it back when dropped.
struct Place {
    caller: String,
    all: Arc<AtomicU64>,
    by_caller: Arc<Mutex<HashMap<String, u32>>>,
}

impl Streams {
    fn place(&self, caller: &str) -> Option<Place> {
        let mut table = self.by_caller.lock().unwrap_or_else(PoisonError::into_inner);
        let count = table.get(caller).copied().unwrap_or(0);
        if count >= STREAMS.1 || self.all.load(Ordering::Relaxed) >= STREAMS.0 {
            return None;
        }
        table.insert(caller.to_owned(), count + 1);
        self.all.fetch_add(1, Ordering::Relaxed);
        Some(Place { caller: caller.to_owned(), all: self.all.clone(), by_caller: self.by_caller.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        let mut table = self.by_caller.lock().unwrap_or_else(PoisonError::into_inner);
        match table.get_mut(&self.caller) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                table.remove(&self.caller);
            }
        }
    }
}

/// `GET /stream`
pub(crate) async fn open(State(api): State<Api>, caller: Caller) -> Result<Response, Problem> {
    let Some(place) = api.streams.place(&caller.name) else {
        return Err(Problem::new(
            Kind::TooManyStreams,
            said!("close another live view first", "hãy đóng bớt một màn hình trực tiếp khác trước"),
        )
        .retry_after(10));
    };
    let ended = match caller.session() {
        Some(session) => api.identity.activity.watch(session).unwrap_or_default(),
        None => Watch::new(),
    };
    let (sender, receiver) = mpsc::channel::<Result<Event, Infallible>>(BUFFER);
    // Subscribed before the answer begins: nothing raised from now on is missed.
    let news = api.deps.feed.subscribe();
    let changes = api.deps.response.changes();
    tokio::spawn(async move {
        let reader = Reader { api, caller, sender };
        reader.run(news, changes, ended).await;
        drop(place);
    });
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15)).text("");
    let mut response = Sse::new(ReceiverStream::new(receiver)).keep_alive(keep_alive).into_response();
    response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

struct Reader {
    api: Api,
    caller: Caller,
    sender: mpsc::Sender<Result<Event, Infallible>>,
}

/// The reader is gone.
struct Gone;

impl Reader {
    async fn run(&self, mut news: Receiver<News>, mut changes: Receiver<Change>, ended: Watch) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut number = 0u64;
        loop {
            let sent = tokio::select! {
                biased;
                () = self.api.stop.cancelled() => break,
                () = ended.cancelled() => {
                    let _ = self.say("end", &json!({ "reason": "session" })).await;
                    break;
                }
                () = self.sender.closed() => break,
                told = news.recv() => match told {
                    Ok(News::Alert(alert, priority)) => self.alert(&alert, priority).await,
                    Ok(News::Notice(notice)) => self.notice(&notice).await,
                    Err(RecvError::Lagged(missed)) => self.say("gap", &json!({ "missed": missed })).await,
                    Err(RecvError::Closed) => break,
                },
                change = changes.recv() => match change {
                    Ok(change) => self.response(&change).await,
                    // whoever lags reads the lists anew
                    Err(RecvError::Lagged(_)) => self.say("response", &json!({})).await,
                    Err(RecvError::Closed) => break,
                },
                _ = ticks.tick() => {
                    number += 1;
                    if !self.still_good(number).await {
                        let _ = self.say("end", &json!({ "reason": "session" })).await;
                        break;
                    }
                    self.tick().await
                }
            };
            if sent.is_err() {
                break;
            }
        }
    }

    /// Whether the session or token behind the stream is still good. Never counts as use of a session.
    async fn still_good(&self, tick: u64) -> bool {
        match &self.caller.via {
            Via::Local => true,
            Via::Session { hash, expires, .. } => now() < *expires && !self.api.identity.activity.expired(*hash, Instant::now()),
            Via::Token { hash } if tick.is_multiple_of(TOKEN_CHECK) => {
                let (state, hash) = (self.api.deps.state.clone(), *hash);
                matches!(self.api.small.store(move || state.use_token(&hash, now())).await, Ok(Some(_)))
            }
            Via::Wall { hash } if tick.is_multiple_of(TOKEN_CHECK) => {
                let (people, hash) = (self.api.deps.people.clone(), *hash);
                matches!(self.api.small.store(move || people.use_wall(&hash, now())).await, Ok(Some(_)))
            }
            Via::Token { .. } | Via::Wall { .. } => true,
        }
    }

    async fn alert(&self, alert: &Alert, priority: Option<u32>) -> Result<(), Gone> {
        if !self.caller.scope.allows(&alert.agency) {
            return Ok(());
        }
        let whole = AlertDto::from(alert);
        // a screen of the wall is told what the wall shows
        let told = if Permission::ReadAlerts.held_by(&self.caller.roles) { whole } else { whole.outline() };
        self.say("alert", &ToldAlert { alert: told, priority }).await
    }

    async fn notice(&self, notice: &Notice) -> Result<(), Gone> {
        if notice.agency.as_ref().is_some_and(|agency| !self.caller.scope.allows(agency)) {
            return Ok(());
        }
        if Permission::ReadIncidents.held_by(&self.caller.roles) {
            return self.say(notice.name, &notice.data).await;
        }
        self.say(notice.name, &json!({ "id": notice.data.get("id"), "what": notice.data.get("what") })).await
    }

    /// An action or a run of a playbook moved.
    async fn response(&self, change: &Change) -> Result<(), Gone> {
        if !self.caller.scope.allows(&change.agency) || !Permission::ReadResponse.held_by(&self.caller.roles) {
            return Ok(());
        }
        let kind = if change.run { "run" } else { "action" };
        let data = json!({ "kind": kind, "id": change.id.to_string(), "state": change.state, "incident": change.incident });
        self.say("response", &data).await
    }

    async fn tick(&self) -> Result<(), Gone> {
        let scope = self.caller.scope.clone();
        let compute = async {
            let deps = self.api.deps.clone();
            self.api.searches.store(move || tick(&deps, &scope)).await
        };
        match self.api.streams.ticks.get(scope_key(&self.caller.scope), compute).await {
            Ok(tick) => self.say("tick", &*tick).await,
            // The stores are busy; the next tick may do better, and the page shows the age of what it has.
            Err(_) => Ok(()),
        }
    }

    async fn say(&self, name: &str, data: &impl serde::Serialize) -> Result<(), Gone> {
        let Ok(event) = Event::default().event(name).json_data(data) else { return Ok(()) };
        self.sender.send(Ok(event)).await.map_err(|_| Gone)
    }
}

fn tick(deps: &ApiDeps, scope: &Scope) -> Result<Tick, StoreError> {
    let snapshot = deps.live.snapshot();
    let sources = deps.state.sources(scope)?;
    let now = now();
    // The pipeline's own counters tell of every agency together.
    let (events_total, per_second) = match scope {
        Scope::All => (snapshot.events_total, snapshot.per_second),
        Scope::Agencies(_) => {
            let minute = TimeRange { from: now.saturating_sub(60 * time::SECOND), to: now };
            let rate = deps.events.count(scope, &Predicate::True, minute)? as f64 / 60.0;
            (sources.iter().map(|s| s.counters.kept).sum(), rate)
        }
    };
    Ok(Tick {
        at: time::to_rfc3339(now),
        events_total,
        per_second,
        open_alerts: deps.state.alert_counts(scope)?.open,
        lag: snapshot.lag,
        sources_active: sources.iter().filter(|s| active(s, now)).count() as u64,
    })
}
