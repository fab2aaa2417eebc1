//! Users, for administrators. Nobody gives more than they have: an administrator of some agencies manages their people only.

use axum::{extract::State, http::StatusCode};
use fansipan_model::{Scope, Word, said};
use fansipan_storage::{NewUser, User, UserChange};
use serde_json::json;

use super::session::{covers, hide, language};
use crate::{
    access::Role,
    dto::{UserCreation, UserInfo, UserList, UserUpdate, UserWithPassword, agencies, scope},
    extract::{InPath, Json},
    guard::Trail,
    identity::{Caller, one_time_password},
    problem::{Kind, Problem},
    state::{Api, now},
};

/// What refusals call a user.
const WHAT: Word = Word::new("this user", "tài khoản này");

/// `GET /users`
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<UserList>, Problem> {
    let state = api.deps.state.clone();
    let users = api.small.store(move || state.users()).await?;
    let items = users.iter().filter(|u| covers(&caller.scope, &u.scope)).map(UserInfo::from).collect();
    Ok(Json(UserList { items }))
}

/// `POST /users`
pub(crate) async fn create(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(new): Json<UserCreation>,
) -> Result<(StatusCode, Json<UserWithPassword>), Problem> {
    check_name(&new.name)?;
    let roles = persons_roles(&new.roles)?;
    let scope = granted(&caller, new.agencies.as_deref())?;
    trail.note(&new.name, json!({ "roles": roles, "agencies": agencies(&scope) }));
    let password = one_time_password()?;
    let user = NewUser {
        display_name: shown(new.display_name.as_deref().unwrap_or(&new.name))?,
        password_hash: api.identity.passwords.hash(password.reveal().to_owned()).await?,
        name: new.name,
        roles,
        scope,
        language: language(new.language)?,
        must_change_password: true,
    };
    let (state, record) = (api.deps.state.clone(), trail.record());
    let user = api.small.store(move || state.add_user(&user, now(), &record)).await?;
    trail.written();
    Ok((StatusCode::CREATED, Json(UserWithPassword { user: (&user).into(), one_time_password: password.reveal().to_owned() })))
}

/// `POST /users/{name}`
pub(crate) async fn update(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(name): InPath<String>,
    Json(update): Json<UserUpdate>,
) -> Result<Json<UserInfo>, Problem> {
    trail.note(&name, json!({ "roles": update.roles, "agencies": update.agencies, "all_agencies": update.all_agencies }));
    let user = managed(&api, &caller, &name).await?;
    let scope = match (&update.agencies, update.all_agencies) {
        (Some(_), true) => {
            return Err(Problem::bad_request(said!(
                "give agencies or all_agencies, not both",
                "chỉ dùng agencies hoặc all_agencies, không dùng cả hai"
            )));
        }
        (Some(names), false) => Some(granted(&caller, Some(names))?),
        (None, true) => Some(granted(&caller, None)?),
        (None, false) => None,
    };
    let roles = update.roles.as_deref().map(persons_roles).transpose()?;
    if loses_administration(roles.as_deref(), scope.as_ref()) {
        keep_an_administrator(&api, &user).await?;
    }
    let display_name = update.display_name.as_deref().map(shown).transpose()?;
    let ends_sessions = roles.is_some() || scope.is_some();
    let change = UserChange { display_name, roles, scope, ..UserChange::default() };
    Ok(Json((&apply(&api, &trail, &user, change, ends_sessions).await?).into()))
}

/// `POST /users/{name}/disable`
pub(crate) async fn disable(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(name): InPath<String>,
) -> Result<Json<UserInfo>, Problem> {
    trail.note(&name, json!({}));
    let user = managed(&api, &caller, &name).await?;
    keep_an_administrator(&api, &user).await?;
    let change = UserChange { disabled: Some(true), ..UserChange::default() };
    Ok(Json((&apply(&api, &trail, &user, change, true).await?).into()))
}

/// `POST /users/{name}/enable`
pub(crate) async fn enable(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(name): InPath<String>,
) -> Result<Json<UserInfo>, Problem> {
    trail.note(&name, json!({}));
    let user = managed(&api, &caller, &name).await?;
    let change = UserChange { disabled: Some(false), ..UserChange::default() };
    Ok(Json((&apply(&api, &trail, &user, change, false).await?).into()))
}

/// `POST /users/{name}/password`
pub(crate) async fn reset_password(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(name): InPath<String>,
) -> Result<Json<UserWithPassword>, Problem> {
    trail.note(&name, json!({}));
    let user = managed(&api, &caller, &name).await?;
    if let Some(provider) = &user.provider {
        return Err(Problem::new(
            Kind::Conflict,
            said!(
                "this user logs in at {provider}; the password is changed there",
                "tài khoản này đăng nhập qua {provider}; hãy đổi mật khẩu ở đó"
            ),
        ));
    }
    let password = one_time_password()?;
    let hash = api.identity.passwords.hash(password.reveal().to_owned()).await?;
    let change = UserChange { password: Some((hash, true)), ..UserChange::default() };
    let user = apply(&api, &trail, &user, change, true).await?;
    api.identity.users.succeeded(crate::identity::Subject::Identity(&user.name.to_lowercase()));
    Ok(Json(UserWithPassword { user: (&user).into(), one_time_password: password.reveal().to_owned() }))
}

/// `DELETE /users/{name}`
pub(crate) async fn remove(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Problem> {
    trail.note(&name, json!({}));
    let user = managed(&api, &caller, &name).await?;
    keep_an_administrator(&api, &user).await?;
    let (state, record, target) = (api.deps.state.clone(), trail.record(), user.name.clone());
    api.small.run(move || state.remove_user(&target, &record)).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    api.identity.activity.end_user(&user.name, None);
    Ok(StatusCode::NO_CONTENT)
}

async fn apply(api: &Api, trail: &Trail, user: &User, change: UserChange, ends_sessions: bool) -> Result<User, Problem> {
    let (state, record, name) = (api.deps.state.clone(), trail.record(), user.name.clone());
    let changed = api.small.run(move || state.change_user(&name, &change, Some(&record))).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    if ends_sessions {
        api.identity.activity.end_user(&user.name, None);
    }
    Ok(changed)
}

/// The user of that name, if the caller may manage them.
pub(super) async fn managed(api: &Api, caller: &Caller, name: &str) -> Result<User, Problem> {
    let (state, name) = (api.deps.state.clone(), name.to_owned());
    let user = api.small.store(move || state.user(&name)).await?;
    user.filter(|u| covers(&caller.scope, &u.scope)).ok_or_else(|| Problem::not_found(WHAT))
}

/// The agencies asked for, if the caller sees them all.
pub(super) fn granted(caller: &Caller, names: Option<&[String]>) -> Result<Scope, Problem> {
    for name in names.unwrap_or_default() {
        check_name(name)?;
    }
    let scope = scope(names);
    if covers(&caller.scope, &scope) {
        Ok(scope)
    } else {
        Err(Problem::new(
            Kind::Forbidden,
            said!(
                "you cannot give access to agencies that you cannot see yourself",
                "bạn không thể cấp quyền xem đơn vị mà chính bạn không được xem"
            ),
        ))
    }
}

/// As [`role_words`], for people: sending events is for tokens, walls are for screens.
fn persons_roles(roles: &[Role]) -> Result<Vec<String>, Problem> {
    if let Some(role) = roles.iter().find(|r| !r.for_people()) {
        let role = role.as_str();
        return Err(Problem::bad_request(said!("the role {role} is not for people", "vai trò {role} không dành cho người")));
    }
    role_words(roles)
}

pub(super) fn role_words(roles: &[Role]) -> Result<Vec<String>, Problem> {
    if roles.is_empty() {
        return Err(Problem::bad_request(said!("give at least one role", "hãy chọn ít nhất một vai trò")));
    }
    let mut words: Vec<String> = roles.iter().map(|r| r.as_str().to_owned()).collect();
    words.sort();
    words.dedup();
    Ok(words)
}

pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    let good = name.len() <= 64
        && name.len() >= 2
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@'))
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if good {
        Ok(())
    } else {
        Err(Problem::bad_request(said!(
            "a name has 2–64 letters, digits, dots, dashes, underscores or @, and begins with a letter or digit",
            "tên có 2–64 ký tự gồm chữ không dấu, chữ số, dấu chấm, gạch nối, gạch dưới hoặc @, bắt đầu bằng chữ hoặc chữ số"
        )))
    }
}

/// A name for people: whatever script, no control characters, not endless.
fn shown(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 128 || name.chars().any(char::is_control) {
        return Err(Problem::bad_request(said!(
            "a display name has 1–128 characters, none of them a control character",
            "tên hiển thị có 1–128 ký tự, không chứa ký tự điều khiển"
        )));
    }
    Ok(name.to_owned())
}

fn is_administrator(roles: &[String]) -> bool {
    roles.iter().any(|r| r == Role::Administrator.as_str())
}

/// Whether these new roles, or this new scope, are not those of somebody who administers everything.
pub(super) fn loses_administration(roles: Option<&[String]>, scope: Option<&Scope>) -> bool {
    roles.is_some_and(|r| !is_administrator(r)) || matches!(scope, Some(Scope::Agencies(_)))
}

/// Refuses a change that would leave nobody to administer everything.
async fn keep_an_administrator(api: &Api, target: &User) -> Result<(), Problem> {
    match is_last_administrator(api, target).await? {
        false => Ok(()),
        true => Err(Problem::new(
            Kind::Conflict,
            said!(
                "this is the last administrator of all agencies; make another one first",
                "đây là quản trị viên cuối cùng của mọi đơn vị; hãy tạo người khác trước"
            ),
        )),
    }
}

/// Whether nobody else may administer everything.
pub(super) async fn is_last_administrator(api: &Api, target: &User) -> Result<bool, Problem> {
    let full = |u: &User| !u.disabled && u.scope == Scope::All && is_administrator(&u.roles);
    if !full(target) {
        return Ok(false);
    }
    let state = api.deps.state.clone();
    let users = api.small.store(move || state.users()).await?;
    Ok(!users.iter().any(|u| u.name != target.name && full(u)))
}
