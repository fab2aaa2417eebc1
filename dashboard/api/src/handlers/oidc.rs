//! Logging in elsewhere: the way to the OIDC provider and back, and the user that a person of another system becomes here.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use fansipan_model::{Word, said};
use fansipan_storage::{AuditRecord, NewUser, StoreError, User, UserChange};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::{
    session::{begin, put_cookie},
    users::{check_name, is_last_administrator, loses_administration},
};
use crate::{
    access::Role,
    dto::agencies,
    extract::Params,
    guard::Trail,
    identity::{ExternalPerson, FLOW_COOKIE, GroupRule, Oidc, Subject, cookie, granted},
    problem::{Kind, Problem},
    server::Peer,
    state::{Api, now},
};

/// Seconds the cookie of a login under way is kept by the browser.
const FLOW_SECONDS: u64 = 600;
/// What a person from elsewhere has as password here: no hash, so that none fits.
const NO_PASSWORD: &str = "!";

/// What the provider sends back.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackParams {
    /// To be exchanged for tokens.
    code: Option<String>,
    /// What the login began with.
    state: Option<String>,
    /// Why the provider refused.
    error: Option<String>,
}

fn provider(api: &Api) -> Result<&Oidc, Problem> {
    api.identity.oidc.as_ref().ok_or_else(|| {
        Problem::new(
            Kind::NotFound,
            said!("no OIDC provider is configured: [console.oidc]", "chưa cấu hình dịch vụ đăng nhập OIDC: [console.oidc]"),
        )
    })
}

/// The cookie is sent along when the provider sends the browser back (Lax), and read by no page.
fn flow_cookie(value: &str, seconds: u64) -> String {
    format!("{FLOW_COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}")
}

/// `GET /session/oidc`
pub(crate) async fn start(State(api): State<Api>) -> Result<Response, Problem> {
    let (url, flow) = provider(&api)?.begin(&api.identity.seal, now()).await?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    put_cookie(&mut response, &flow_cookie(&flow, FLOW_SECONDS));
    let url = HeaderValue::from_str(&url)
        .map_err(|e| Problem::internal(Word::new("writing the provider's address", "việc ghi địa chỉ của dịch vụ đăng nhập"), &e))?;
    response.headers_mut().insert(header::LOCATION, url);
    Ok(response)
}

/// `GET /session/oidc/callback`
pub(crate) async fn callback(
    State(api): State<Api>,
    peer: Peer,
    trail: Trail,
    headers: HeaderMap,
    Params(params): Params<CallbackParams>,
) -> Response {
    match finish(&api, peer, &trail, &headers, params).await {
        Ok(session) => {
            let mut response = page("/", "Đang mở bảng điều khiển… · Opening the console…", true);
            for cookie in [session, flow_cookie("", 0)] {
                if let Ok(value) = HeaderValue::from_str(&cookie) {
                    response.headers_mut().append(header::SET_COOKIE, value);
                }
            }
            response
        }
        Err(problem) if wants_page(&headers) => {
            let (code, why) = (problem.code(), problem.detail());
            let text = format!("Đăng nhập không thành công ({code}): {why:#} · The login failed: {why}");
            let mut response = page("/", &escaped(&text), false);
            *response.status_mut() = problem.status();
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// Whether it is a person's browser that asks.
fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|accepted| accepted.contains("text/html"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

async fn finish(api: &Api, peer: Peer, trail: &Trail, headers: &HeaderMap, params: CallbackParams) -> Result<String, Problem> {
    let oidc = provider(api)?;
    if let Peer::Network(address) = peer {
        let slow_down = |wait| {
            Problem::new(
                Kind::TooManyAttempts,
                said!("too many logins; try again shortly", "quá nhiều lần đăng nhập; hãy thử lại sau ít phút"),
            )
            .retry_after(wait)
        };
        api.identity.logins.check(Subject::Address(address.ip())).map_err(slow_down)?;
    }
    if params.error.is_some() {
        return Err(Problem::new(
            Kind::LoginFailed,
            said!(
                "the provider did not log you in; begin again at the login page",
                "dịch vụ đăng nhập chưa cho bạn vào; hãy bắt đầu lại ở trang đăng nhập"
            ),
        ));
    }
    let (Some(code), Some(state)) = (params.code, params.state) else {
        return Err(Problem::bad_request(said!(
            "code and state are missing; begin at the login page",
            "thiếu code và state; hãy bắt đầu ở trang đăng nhập"
        )));
    };
    let Some(flow) = cookie(headers, FLOW_COOKIE) else {
        return Err(Problem::new(
            Kind::LoginFailed,
            said!(
                "this login was not begun in this browser; begin again at the login page",
                "lần đăng nhập này không bắt đầu từ trình duyệt này; hãy bắt đầu lại ở trang đăng nhập"
            ),
        ));
    };
    let person = oidc.finish(&api.identity.seal, flow, code, &state, now()).await?;
    let user = admit(api, trail, person, &oidc.config().groups).await?;
    trail.note(&user.name, json!({ "provider": user.provider }));
    begin(api, peer, trail, headers, &user).await
}

/// A page of ours that leads to `path`, at once with `go_on`. The browser came from the provider's site, so that a redirect
/// would not carry the session's strict cookie; a page of our own does. Refreshing needs no script.
fn page(path: &str, text: &str, go_on: bool) -> Response {
    let refresh = if go_on { format!("<meta http-equiv=\"refresh\" content=\"0; url={path}\">") } else { String::new() };
    let html = format!(
        "<!doctype html><html lang=\"vi\"><head><meta charset=\"utf-8\">{refresh}<title>Fansipan</title></head>\
         <body><p><a href=\"{path}\">{text}</a></p></body></html>"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        // without `sandbox`, in which browsers do not refresh
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ];
    (headers, html).into_response()
}

/// The user that a person of another system is here: made at the first login, brought in step with their groups at each.
pub(super) async fn admit(api: &Api, trail: &Trail, person: ExternalPerson, rules: &[GroupRule]) -> Result<User, Problem> {
    let Some((roles, scope)) = granted(rules, &person.groups) else {
        trail.who(&person.name);
        trail.note(&person.name, json!({ "failed": "no group", "provider": person.provider }));
        return Err(Problem::new(
            Kind::LoginFailed,
            said!(
                "none of your groups may use this console; ask its administrator for one",
                "không nhóm nào của bạn được dùng bảng điều khiển này; hãy xin quản trị viên cấp"
            ),
        ));
    };
    let roles: Vec<String> = roles.into_iter().map(Role::as_str).map(str::to_owned).collect();
    let (people, state) = (api.deps.people.clone(), api.deps.state.clone());
    let (known_as, subject) = (person.provider.clone(), person.subject.clone());
    let known = api.small.store(move || match people.external_user(&known_as, &subject)? {
        Some(name) => state.user(&name),
        None => Ok(None),
    });
    let display_name: String = person.display_name.chars().filter(|c| !c.is_control()).take(128).collect();
    let Some(user) = known.await? else {
        check_name(&person.name)?;
        let user = NewUser { display_name, password_hash: NO_PASSWORD.to_owned(), scope, ..blank(person.name.clone(), roles) };
        return make(api, person, user).await;
    };
    if user.disabled {
        trail.who(&user.name);
        trail.note(&user.name, json!({ "failed": "disabled" }));
        return Err(Problem::new(
            Kind::LoginFailed,
            said!(
                "this user is disabled here; ask the console's administrator",
                "tài khoản này đang bị chặn tại đây; hãy hỏi quản trị viên"
            ),
        ));
    }
    let mut change = UserChange {
        display_name: (user.display_name != display_name).then_some(display_name),
        roles: (user.roles != roles).then_some(roles),
        scope: (user.scope != scope).then_some(scope),
        ..UserChange::default()
    };
    if loses_administration(change.roles.as_deref(), change.scope.as_ref()) && is_last_administrator(api, &user).await? {
        keep_rights(api, &user, &person, &change).await?;
        (change.roles, change.scope) = (None, None);
    }
    if change.display_name.is_none() && change.roles.is_none() && change.scope.is_none() {
        return Ok(user);
    }
    let record = record("users.update", &user.name, &person.provider);
    let (state, name) = (api.deps.state.clone(), user.name.clone());
    let ends_sessions = change.roles.is_some() || change.scope.is_some();
    let user = api.small.store(move || state.change_user(&name, &change, Some(&record))).await?;
    if ends_sessions {
        api.identity.activity.end_user(&user.name, None);
    }
    Ok(user)
}

/// Groups elsewhere would take from the last administrator what nobody here could give back: the rights stay, and it is said.
async fn keep_rights(api: &Api, user: &User, person: &ExternalPerson, refused: &UserChange) -> Result<(), Problem> {
    tracing::warn!(
        code = "FSP-ID-001",
        user = user.name,
        provider = person.provider,
        "the groups of the last administrator give fewer rights; they keep theirs: make another administrator, or correct the groups"
    );
    let mut record = record("users.update", &user.name, &person.provider);
    record.allowed = false;
    record.details = json!({
        "provider": person.provider, "refused": "last administrator", "kept": user.roles,
        "roles": refused.roles, "agencies": refused.scope.as_ref().map(agencies),
    })
    .to_string();
    let state = api.deps.state.clone();
    api.small.store(move || state.audit(&record)).await?;
    Ok(())
}

fn blank(name: String, roles: Vec<String>) -> NewUser {
    NewUser {
        display_name: String::new(),
        password_hash: String::new(),
        name,
        roles,
        scope: fansipan_model::Scope::Agencies(Vec::new()),
        language: "vi".to_owned(),
        must_change_password: false,
    }
}

async fn make(api: &Api, person: ExternalPerson, user: NewUser) -> Result<User, Problem> {
    let mut record = record("users.create", &user.name, &person.provider);
    record.details = json!({ "provider": person.provider, "roles": user.roles, "agencies": agencies(&user.scope) }).to_string();
    let people = api.deps.people.clone();
    let made = api.small.run(move || people.add_external_user(&person.provider, &person.subject, &user, now(), &record)).await?;
    made.map_err(|e| match e {
        StoreError::Exists { .. } => Problem::new(
            Kind::Conflict,
            said!(
                "a user of this name exists here already; an administrator must remove or rename one of the two",
                "tại đây đã có tài khoản cùng tên; quản trị viên phải xóa hoặc đổi tên một trong hai"
            ),
        ),
        other => other.into(),
    })
}

fn record(verb: &str, object: &str, provider: &str) -> AuditRecord {
    AuditRecord {
        at: now(),
        who: "system".to_owned(),
        verb: verb.to_owned(),
        object: object.to_owned(),
        details: json!({ "provider": provider }).to_string(),
        allowed: true,
        ..AuditRecord::default()
    }
}
