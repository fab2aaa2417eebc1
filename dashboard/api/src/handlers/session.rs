//! Logging in and out, and one's own password and language.

use std::time::{Duration, Instant};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use fansipan_model::{Scope, Word, said};
use fansipan_storage::{NewSession, StoreError, User, UserChange};
use serde_json::json;

use super::{oidc::admit, second_factor};
use crate::{
    access::{Permission, Role},
    dto::{Login, LoginOptions, OidcOption, PasswordChange, SessionInfo, SessionSettings, SessionUser, agencies},
    extract::Json,
    guard::Trail,
    identity::{Caller, Credential, Subject, check_policy, clear_cookie, credential, fill_random, hash, set_cookie},
    problem::{Kind, Problem},
    routes::PREFIX,
    server::Peer,
    state::{Api, now},
};

/// How exactly the store notes the use of a session.
const NOTED: Duration = Duration::from_secs(60);
/// Longer names belong to nobody.
const LONGEST_NAME: usize = 128;

fn login_failed() -> Problem {
    // One message for a wrong name, a wrong password and a disabled user.
    Problem::new(
        Kind::LoginFailed,
        said!(
            "the user name or the password is wrong, or the user is disabled",
            "sai tên đăng nhập hoặc mật khẩu, hoặc tài khoản đang bị chặn"
        ),
    )
}

pub(super) fn wait(seconds: u64) -> Problem {
    Problem::new(
        Kind::TooManyAttempts,
        said!("too many failed attempts; try again in {seconds} s", "sai quá nhiều lần; hãy thử lại sau {seconds} giây"),
    )
    .retry_after(seconds)
}

/// `POST /session`
pub(crate) async fn login(
    State(api): State<Api>,
    peer: Peer,
    trail: Trail,
    headers: HeaderMap,
    Json(login): Json<Login>,
) -> Result<Response, Problem> {
    let name = login.username.trim().to_owned();
    let user = check_login(&api, peer, &trail, &name, login.password, login.code.as_deref()).await?;
    trail.note(&user.name, json!({ "second_factor": user.second_factor, "provider": user.provider }));
    let cookie = begin(&api, peer, &trail, &headers, &user).await?;
    let mut response = Json(SessionInfo { user: session_user(&api, &user) }).into_response();
    put_cookie(&mut response, &cookie);
    Ok(response)
}

/// Opens a session for somebody who has shown who they are, however; its cookie.
pub(super) async fn begin(api: &Api, peer: Peer, trail: &Trail, headers: &HeaderMap, user: &User) -> Result<String, Problem> {
    // A session that the browser brought along ends: tokens are never carried over a login.
    if let Some(Credential::Cookie(old)) = credential(headers, false) {
        end_session(api, old).await?;
    }
    trail.who(&user.name);
    let agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).map(|v| v.chars().take(256).collect::<String>());
    let cookie = open_session(api, &user.name, peer, agent).await?;
    let (state, name) = (api.deps.state.clone(), user.name.clone());
    let change = UserChange { last_login: Some(now()), ..UserChange::default() };
    api.small.store(move || state.change_user(&name, &change, None)).await?;
    Ok(cookie)
}

/// `GET /session/options`
pub(crate) async fn options(State(api): State<Api>) -> Json<LoginOptions> {
    let oidc = api.config.oidc.as_ref().map(|o| OidcOption { name: o.name.clone(), start: format!("{PREFIX}/session/oidc") });
    Json(LoginOptions { password: true, directory: api.config.directory.is_some(), oidc })
}

/// The user that name and password belong to. Failures count against the name and the address.
async fn check_login(api: &Api, peer: Peer, trail: &Trail, name: &str, password: String, code: Option<&str>) -> Result<User, Problem> {
    let identity = &api.identity;
    let (by_name, now) = (name.to_lowercase(), Instant::now());
    let address = match peer {
        Peer::Network(address) => Some(Subject::Address(address.ip())),
        Peer::Local { .. } => None,
    };
    // Attempts that are not even tried leave no entry, or a stranger could fill the trail.
    let refuse = |seconds| {
        trail.leave_none();
        wait(seconds)
    };
    if let Some(address) = address {
        identity.logins.check(address).map_err(refuse)?;
        identity.addresses.attempt(address, now).map_err(refuse)?;
    }
    identity.users.attempt(Subject::Identity(&by_name), now).map_err(refuse)?;
    let (user, good) = match first_factor(api, trail, name, password).await {
        Ok(answer) => answer,
        Err(problem) => {
            // A directory that does not answer is no failure of the person.
            if !problem.is(Kind::LoginFailed) {
                give_back(api, &by_name, address);
            }
            return Err(problem);
        }
    };
    match user {
        Some(user) if good && !user.disabled => {
            if let Err(problem) = second_factor::check(api, &user, code).await {
                trail.who(&user.name);
                trail.note(&user.name, json!({ "failed": problem.code() }));
                if problem.is(Kind::SecondFactorNeeded) {
                    give_back(api, &by_name, address);
                }
                return Err(problem);
            }
            identity.users.succeeded(Subject::Identity(&by_name));
            if let Some(address) = address {
                identity.addresses.forgive(address);
            }
            Ok(user)
        }
        known => {
            // A name that nobody has may be a password typed into the wrong box: it is not written down.
            trail.who(known.as_ref().map_or("unknown", |u| &u.name));
            trail.note(known.as_ref().map_or("", |u| &u.name), json!({ "failed": true }));
            Err(login_failed())
        }
    }
}

/// Takes back the count of an attempt that was no failure, and no success yet.
fn give_back(api: &Api, name: &str, address: Option<Subject<'_>>) {
    api.identity.users.forgive(Subject::Identity(name));
    if let Some(address) = address {
        api.identity.addresses.forgive(address);
    }
}

/// The user of that name, and whether the password is theirs: here, or in the directory for whoever logs in there.
async fn first_factor(api: &Api, trail: &Trail, name: &str, password: String) -> Result<(Option<User>, bool), Problem> {
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Ok((None, api.identity.passwords.verify(None, password).await?));
    }
    let (state, wanted) = (api.deps.state.clone(), name.to_owned());
    let user = api.small.store(move || state.user(&wanted)).await?;
    let local = user.as_ref().is_some_and(|u| u.provider.is_none());
    if !local && let Some(directory) = &api.identity.directory {
        let there = |u: &User| u.provider.as_deref() == Some(directory.config().url.as_str());
        if user.as_ref().is_none_or(there) {
            return match directory.check(name, &password).await? {
                Some(person) => Ok((Some(admit(api, trail, person, &directory.config().groups).await?), true)),
                None => Ok((user, false)),
            };
        }
    }
    let usable = user.as_ref().filter(|u| !u.disabled && u.provider.is_none());
    let good = api.identity.passwords.verify(usable.map(|u| u.password_hash.clone()), password).await?;
    Ok((user, good))
}

/// Opens a session and returns its cookie.
async fn open_session(api: &Api, user: &str, peer: Peer, agent: Option<String>) -> Result<String, Problem> {
    let mut bytes = [0u8; 32];
    fill_random(&mut bytes)?;
    let token = hex::encode(bytes);
    let (created, absolute) = (now(), api.config.absolute);
    let expires = created.saturating_add(nanos(absolute));
    // The store notes use to the minute; the exact end of idleness is the API's own to watch.
    let (token_hash, idle) = (hash(&token), nanos(api.config.idle + NOTED));
    let (state, user, peer) = (api.deps.state.clone(), user.to_owned(), peer.address());
    api.small
        .store(move || {
            let peer = Some(peer.as_str());
            state.open_session(&NewSession { token_hash, user: &user, created, expires, idle, peer, agent: agent.as_deref() })
        })
        .await?;
    Ok(set_cookie(&token, absolute.as_secs()))
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

pub(super) async fn end_session(api: &Api, session: [u8; 32]) -> Result<(), Problem> {
    api.identity.activity.end(session);
    let state = api.deps.state.clone();
    api.small.store(move || state.close_session(&session)).await
}

pub(super) fn put_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
}

fn session_user(api: &Api, user: &User) -> SessionUser {
    let roles: Vec<Role> = user.roles.iter().filter_map(|w| Role::parse(w)).collect();
    SessionUser {
        name: user.name.clone(),
        display_name: user.display_name.clone(),
        permissions: Permission::names(&roles),
        roles,
        agencies: agencies(&user.scope),
        must_change_password: user.must_change_password,
        must_set_up_second_factor: !user.second_factor && second_factor::required(api, user),
        second_factor: user.second_factor,
        provider: user.provider.clone(),
        provider_logout: api.logs_in_at_provider(user).then(|| api.identity.oidc.as_ref()?.logout()).flatten(),
        language: user.language.clone(),
    }
}

/// `GET /session`
pub(crate) async fn show(State(api): State<Api>, caller: Caller) -> Json<SessionInfo> {
    let user = match caller.user() {
        Some(user) => session_user(&api, user),
        None => SessionUser {
            name: caller.name.clone(),
            display_name: caller.name.clone(),
            permissions: Permission::names(&caller.roles),
            roles: caller.roles.clone(),
            agencies: agencies(&caller.scope),
            must_change_password: false,
            must_set_up_second_factor: false,
            second_factor: false,
            provider: None,
            provider_logout: None,
            language: "vi".to_owned(),
        },
    };
    Json(SessionInfo { user })
}

/// `DELETE /session`
pub(crate) async fn logout(State(api): State<Api>, caller: Caller) -> Result<Response, Problem> {
    if let Some(session) = caller.session() {
        end_session(&api, session).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    put_cookie(&mut response, &clear_cookie());
    Ok(response)
}

/// The person behind the call; tokens and the local socket have no password.
pub(super) fn person(caller: &Caller) -> Result<&User, Problem> {
    caller.user().ok_or_else(|| {
        Problem::new(
            Kind::Forbidden,
            said!("only a person who logged in with a password can do this", "chỉ người đăng nhập bằng mật khẩu mới làm được việc này"),
        )
    })
}

/// `POST /session/password`
pub(crate) async fn change_password(
    State(api): State<Api>,
    peer: Peer,
    trail: Trail,
    caller: Caller,
    headers: HeaderMap,
    Json(change): Json<PasswordChange>,
) -> Result<Response, Problem> {
    let user = person(&caller)?;
    trail.note(&user.name, json!({}));
    if let Some(provider) = &user.provider {
        return Err(Problem::new(
            Kind::Conflict,
            said!("you log in at {provider}; the password is changed there", "bạn đăng nhập qua {provider}; hãy đổi mật khẩu ở đó"),
        ));
    }
    let by_name = user.name.to_lowercase();
    // Whoever found an open console must not get to guess the password in peace.
    api.identity.users.attempt(Subject::Identity(&by_name), Instant::now()).map_err(wait)?;
    if !api.identity.passwords.verify(Some(user.password_hash.clone()), change.old.clone()).await? {
        return Err(Problem::new(Kind::LoginFailed, said!("the old password is wrong", "mật khẩu cũ không đúng")));
    }
    api.identity.users.succeeded(Subject::Identity(&by_name));
    check_policy(&user.name, &change.new)?;
    if change.new == change.old {
        return Err(Problem::new(
            Kind::WeakPassword,
            said!("the new password is the old one; choose another", "mật khẩu mới trùng mật khẩu cũ; hãy chọn mật khẩu khác"),
        ));
    }
    let password = api.identity.passwords.hash(change.new).await?;
    let (state, name, record) = (api.deps.state.clone(), user.name.clone(), trail.record());
    // The store ends every session of the user with the password.
    let update = UserChange { password: Some((password, false)), ..UserChange::default() };
    api.small.store(move || state.change_user(&name, &update, Some(&record))).await?;
    trail.written();
    api.identity.activity.end_user(&user.name, None);
    let agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).map(|v| v.chars().take(256).collect::<String>());
    let cookie = open_session(&api, &user.name, peer, agent).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    put_cookie(&mut response, &cookie);
    Ok(response)
}

/// `POST /session/settings`
pub(crate) async fn change_settings(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(settings): Json<SessionSettings>,
) -> Result<StatusCode, Problem> {
    let user = person(&caller)?;
    let language = language(Some(settings.language))?;
    trail.note(&user.name, json!({ "language": language }));
    let (state, name, record) = (api.deps.state.clone(), user.name.clone(), trail.record());
    let update = UserChange { language: Some(language), ..UserChange::default() };
    api.small.store(move || state.change_user(&name, &update, Some(&record))).await?;
    trail.written();
    Ok(StatusCode::NO_CONTENT)
}

/// `vi` or `en`; `vi` unless given.
pub(crate) fn language(word: Option<String>) -> Result<String, Problem> {
    match word.as_deref() {
        None => Ok("vi".to_owned()),
        Some("vi" | "en") => Ok(word.unwrap_or_default()),
        Some(_) => Err(Problem::bad_request(said!("language is vi or en", "language là vi hoặc en"))),
    }
}

/// Whether everything that `inner` sees is seen by `outer` too.
pub(crate) fn covers(outer: &Scope, inner: &Scope) -> bool {
    match (outer, inner) {
        (Scope::All, _) => true,
        (Scope::Agencies(_), Scope::All) => false,
        (Scope::Agencies(_), Scope::Agencies(list)) => list.iter().all(|a| outer.allows(a.as_str())),
    }
}

/// A state-store refusal where an object of another agency must look like none at all.
pub(crate) fn hide(error: StoreError, what: Word) -> Problem {
    match error {
        StoreError::NotFound(_) => Problem::not_found(what),
        other => other.into(),
    }
}
