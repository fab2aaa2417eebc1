//! What every route passes through: who is it, may they, how often, is it their own page that asks, and the audit trail.
//!
//! A handler behind the guard finds a [`Caller`] whose permission has been checked, and a [`Trail`] for what it does.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, StatusCode, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use fansipan_model::{Agency, Scope, said};
use fansipan_storage::AuditRecord;

use crate::{
    access::{Access, Audit, Permission, Role},
    handlers::second_factor::required,
    identity::{Caller, Credential, Subject, Via, credential},
    problem::{Kind, Problem},
    server::Peer,
    state::{Api, now},
};

/// What the guard must know of a route.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) api: Api,
    pub(crate) access: Access,
    pub(crate) audit: Audit,
}

/// Set by the console on calls that it makes by itself, such as refreshing a page.
const BACKGROUND: &str = "x-fansipan-background";
/// Required on calls that change something and are authorised by a cookie: pages of other sites cannot set it.
const OWN_PAGE: &str = "x-fansipan";

/// Lets a request in or refuses it, and records both.
pub(crate) async fn guard(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::Network(([0, 0, 0, 0], 0).into()));
    let trail = Trail::new(gate.audit, peer);
    request.extensions_mut().insert(trail.clone());
    request.extensions_mut().insert(peer);
    let response = match admit(&gate, request.method().clone(), request.headers().clone(), peer).await {
        Ok(Some(caller)) => {
            trail.by(&caller);
            let allowed = permitted(&gate, &caller);
            request.extensions_mut().insert(caller);
            match allowed {
                Ok(()) => next.run(request).await,
                Err(problem) => {
                    trail.note("", serde_json::json!({ "refused": problem.code() }));
                    problem.into_response()
                }
            }
        }
        Ok(None) => next.run(request).await,
        // Strangers' calls are not recorded one by one: that would let them fill the trail.
        Err(problem) => return problem.into_response(),
    };
    match trail.close(&gate.api, response.status()).await {
        Ok(()) => response,
        Err(problem) => problem.into_response(),
    }
}

/// Who is calling; `None`: somebody unknown on an open route.
async fn admit(gate: &Gate, method: Method, headers: HeaderMap, peer: Peer) -> Result<Option<Caller>, Problem> {
    let stranger = || match peer {
        Peer::Network(address) => gate.api.identity.strangers.check(Subject::Address(address.ip())),
        Peer::Local { .. } => Ok(()),
    };
    let slow_down =
        |wait| Problem::new(Kind::RateLimited, said!("too many calls; slow down", "gọi quá nhiều; hãy gọi chậm lại")).retry_after(wait);
    if gate.access == Access::Open {
        stranger().map_err(slow_down)?;
        return Ok(None);
    }
    let Some(caller) = identify(gate, &headers, peer).await? else {
        stranger().map_err(slow_down)?;
        return Err(Problem::new(
            Kind::NotAuthenticated,
            said!("log in, or give a valid token", "hãy đăng nhập, hoặc dùng khóa API còn hiệu lực"),
        ));
    };
    // Whoever the kernel vouches for could stop the service as well; their exports page as fast as they can read.
    if !matches!(caller.via, Via::Local) {
        gate.api.identity.callers.check(Subject::Identity(&caller.name)).map_err(slow_down)?;
    }
    let own_page = headers.get(OWN_PAGE).is_some_and(|v| v.as_bytes() == b"1");
    if matches!(caller.via, Via::Session { .. }) && !method.is_safe() && !own_page {
        return Err(Problem::new(
            Kind::CrossSite,
            said!(
                "calls that change something need the header X-Fansipan: 1 beside the session cookie",
                "lệnh làm thay đổi dữ liệu phải có header X-Fansipan: 1 kèm cookie phiên"
            ),
        ));
    }
    Ok(Some(caller))
}

fn permitted(gate: &Gate, caller: &Caller) -> Result<(), Problem> {
    if matches!(caller.via, Via::Wall { .. }) && gate.access != Access::Needs(Permission::ReadWall) {
        return Err(Problem::new(
            Kind::Forbidden,
            said!(
                "a screen of the wall sees what the wall shows, and nothing else",
                "màn hình treo tường chỉ xem được những gì màn hình treo tường hiển thị"
            ),
        ));
    }
    let Access::Needs(permission) = gate.access else { return Ok(()) };
    if caller.user().is_some_and(|u| u.must_change_password) {
        return Err(Problem::new(
            Kind::PasswordChangeRequired,
            said!("change the password with POST /api/v1/session/password first", "hãy đổi mật khẩu trước (POST /api/v1/session/password)"),
        ));
    }
    if caller.user().is_some_and(|u| !u.second_factor && required(&gate.api, u)) {
        return Err(Problem::new(
            Kind::EnrolmentRequired,
            said!(
                "set up a second factor with POST /api/v1/session/second-factor first",
                "hãy bật xác thực hai lớp trước (POST /api/v1/session/second-factor)"
            ),
        ));
    }
    if !permission.held_by(&caller.roles) {
        let word = permission.as_str();
        let detail = said!(
            "this needs the permission {word}, which none of your roles has",
            "việc này cần quyền {word}, mà không vai trò nào của bạn có"
        );
        return Err(Problem::new(Kind::Forbidden, detail));
    }
    Ok(())
}

async fn identify(gate: &Gate, headers: &HeaderMap, peer: Peer) -> Result<Option<Caller>, Problem> {
    let api = &gate.api;
    match credential(headers, gate.access == Access::Needs(Permission::ReadWall)) {
        Some(Credential::Wall(hash)) => {
            let people = api.deps.people.clone();
            let device = api.small.store(move || people.use_wall(&hash, now())).await?;
            Ok(device.map(|device| Caller {
                name: format!("wall:{}", device.name),
                roles: vec![Role::Wall],
                scope: device.scope,
                via: Via::Wall { hash },
            }))
        }
        Some(Credential::Bearer(hash)) => {
            let state = api.deps.state.clone();
            let token = api.small.store(move || state.use_token(&hash, now())).await?;
            Ok(token.map(|token| Caller {
                name: format!("token:{}", token.name),
                roles: roles(&token.roles),
                scope: token.scope,
                via: Via::Token { hash },
            }))
        }
        Some(Credential::Cookie(hash)) => {
            let state = api.deps.state.clone();
            let Some((session, user)) = api.small.store(move || state.use_session(&hash, now())).await? else {
                api.identity.activity.end(hash);
                return Ok(None);
            };
            if !api.identity.activity.call(hash, &user.name, headers.contains_key(BACKGROUND), Instant::now()) {
                api.identity.activity.end(hash);
                let state = api.deps.state.clone();
                api.small.store(move || state.close_session(&hash)).await?;
                return Ok(None);
            }
            Ok(Some(Caller {
                name: user.name.clone(),
                roles: roles(&user.roles),
                scope: user.scope.clone(),
                via: Via::Session { hash, expires: session.expires, user: Box::new(user) },
            }))
        }
        None => Ok(Caller::local(peer)),
    }
}

/// Role words as roles; a word this version does not know gives nothing.
fn roles(words: &[String]) -> Vec<Role> {
    words.iter().filter_map(|w| Role::parse(w)).collect()
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(|| {
            Problem::new(Kind::NotAuthenticated, said!("log in, or give a valid token", "hãy đăng nhập, hoặc dùng khóa API còn hiệu lực"))
        })
    }
}

/// The entry that a call leaves in the audit trail.
#[derive(Clone)]
pub(crate) struct Trail {
    audit: Audit,
    entry: Arc<Mutex<Entry>>,
}

struct Entry {
    record: AuditRecord,
    /// The store wrote it together with the change.
    written: bool,
    /// The call needs no entry after all.
    dropped: bool,
}

impl Trail {
    fn new(audit: Audit, peer: Peer) -> Self {
        let verb = match audit {
            Audit::Verb(verb) => verb.to_owned(),
            Audit::Nothing(_) => String::new(),
        };
        let record = AuditRecord { verb, peer: Some(peer.address()), details: "{}".to_owned(), ..AuditRecord::default() };
        Self { audit, entry: Arc::new(Mutex::new(Entry { record, written: false, dropped: false })) }
    }

    fn entry(&self) -> std::sync::MutexGuard<'_, Entry> {
        self.entry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn by(&self, caller: &Caller) {
        let mut entry = self.entry();
        entry.record.who.clone_from(&caller.name);
        if let Scope::Agencies(list) = &caller.scope
            && let [only] = list.as_slice()
        {
            entry.record.agency = Some(only.clone());
        }
    }

    /// Says who it was, where the call itself finds out.
    pub(crate) fn who(&self, name: &str) {
        name.clone_into(&mut self.entry().record.who);
    }

    /// Says on what, and details that a reader of the trail wants; never secrets.
    pub(crate) fn note(&self, object: &str, details: serde_json::Value) {
        let mut entry = self.entry();
        if !object.is_empty() {
            entry.record.object = object.chars().take(256).collect();
        }
        entry.record.details = details.to_string();
    }

    /// Whose data it was.
    pub(crate) fn of(&self, agency: &str) {
        self.entry().record.agency = Some(Agency::new(agency));
    }

    /// The entry as a record that the store writes in the transaction of the change itself. Call [`Trail::written`] once it has.
    pub(crate) fn record(&self) -> AuditRecord {
        AuditRecord { at: now(), allowed: true, ..self.entry().record.clone() }
    }

    /// The store has written the record.
    pub(crate) fn written(&self) {
        self.entry().written = true;
    }

    /// Leaves no entry, where a stranger could cause any number of them.
    pub(crate) fn leave_none(&self) {
        self.entry().dropped = true;
    }

    /// Writes the entry unless the store has; without an entry there is no answer.
    async fn close(&self, api: &Api, status: StatusCode) -> Result<(), Problem> {
        let record = {
            let entry = self.entry();
            // Without anybody to name there is nothing to record: a malformed login, say, which strangers could send for ever.
            let unnamed = entry.record.who.is_empty();
            if matches!(self.audit, Audit::Nothing(_)) || entry.written || entry.dropped || unnamed {
                return Ok(());
            }
            AuditRecord { at: now(), allowed: status.is_success(), ..entry.record.clone() }
        };
        let state = api.deps.state.clone();
        match api.small.store(move || state.audit(&record)).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Problem::new(
                Kind::AuditUnavailable,
                said!(
                    "the call could not be recorded, so its answer is withheld; check the disk that holds the data folder",
                    "không ghi được lệnh vào nhật ký kiểm toán nên không trả kết quả; hãy kiểm tra ổ đĩa chứa thư mục dữ liệu"
                ),
            )),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Trail {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing =
            || Problem::new(Kind::Internal, said!("this route has no audit declaration", "đường dẫn này chưa khai báo kiểm toán"));
        parts.extensions.get::<Trail>().cloned().ok_or_else(missing)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get::<Peer>().copied().unwrap_or(Peer::Network(([0, 0, 0, 0], 0).into())))
    }
}
