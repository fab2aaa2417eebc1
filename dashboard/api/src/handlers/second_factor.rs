//! The second factor of a login: enrolling, proving, removing, and the check at login.
//!
//! A code works once; guesses count as failed logins; what is kept is sealed, recovery codes are kept as hashes.

use std::time::Instant;

use axum::{extract::State, http::StatusCode};
use fansipan_model::{Word, said, time};
use fansipan_storage::User;
use serde_json::json;

use super::{
    session::{hide, person, wait},
    users::managed,
};
use crate::{
    access::Role,
    dto::{CodeProof, RecoveryCodes, SecondFactorEnrolment},
    extract::{InPath, Json},
    guard::Trail,
    identity::{Caller, Subject, totp},
    problem::{Kind, Problem},
    state::{Api, now},
};

/// What refusals call one.
const WHAT: Word = Word::new("this second factor", "lớp xác thực thứ hai này");

fn purpose(user: &User) -> String {
    format!("totp:{}", user.name)
}

fn here(user: &User, api: &Api) -> Result<(), Problem> {
    if api.logs_in_at_provider(user) {
        return Err(Problem::new(
            Kind::Conflict,
            said!(
                "you log in at the provider, which asks for a second factor itself",
                "bạn đăng nhập qua dịch vụ đăng nhập, nơi đó tự yêu cầu xác thực hai lớp"
            ),
        ));
    }
    Ok(())
}

/// `POST /session/second-factor`
pub(crate) async fn begin(State(api): State<Api>, trail: Trail, caller: Caller) -> Result<Json<SecondFactorEnrolment>, Problem> {
    let user = person(&caller)?;
    trail.note(&user.name, json!({}));
    here(user, &api)?;
    let enrolment = totp::enrol(&user.name)?;
    let sealed = api.identity.seal.seal(&purpose(user), &enrolment.secret)?;
    let (people, name) = (api.deps.people.clone(), user.name.clone());
    api.small.store(move || people.begin_second_factor(&name, &sealed)).await?;
    Ok(Json(SecondFactorEnrolment { secret: enrolment.base32, uri: enrolment.uri, qr: enrolment.svg }))
}

/// `POST /session/second-factor/confirm`
pub(crate) async fn confirm(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(proof): Json<CodeProof>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let user = person(&caller)?;
    trail.note(&user.name, json!({}));
    here(user, &api)?;
    let subject = user.name.to_lowercase();
    api.identity.users.attempt(Subject::Identity(&subject), Instant::now()).map_err(wait)?;
    let Some(step) = step(&api, user, &proof.code).await? else {
        return Err(Problem::new(
            Kind::LoginFailed,
            said!(
                "the code does not fit; look at the clock of the phone and type the next one",
                "mã không đúng; hãy xem lại đồng hồ của điện thoại rồi nhập mã tiếp theo"
            ),
        ));
    };
    let (codes, hashes) = totp::recovery_codes()?;
    let (people, name, record) = (api.deps.people.clone(), user.name.clone(), trail.record());
    api.small.store(move || people.confirm_second_factor(&name, step, &hashes, now(), &record)).await?;
    trail.written();
    api.identity.users.succeeded(Subject::Identity(&subject));
    Ok(Json(RecoveryCodes { codes }))
}

/// `POST /session/second-factor/remove`
pub(crate) async fn remove(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(proof): Json<CodeProof>,
) -> Result<StatusCode, Problem> {
    let user = person(&caller)?;
    trail.note(&user.name, json!({}));
    if required(&api, user) {
        return Err(Problem::new(
            Kind::Conflict,
            said!(
                "your role requires a second factor; an administrator can reset it to enrol another",
                "vai trò của bạn bắt buộc xác thực hai lớp; quản trị viên có thể đặt lại để bạn đăng ký mới"
            ),
        ));
    }
    let subject = user.name.to_lowercase();
    api.identity.users.attempt(Subject::Identity(&subject), Instant::now()).map_err(wait)?;
    check(&api, user, Some(&proof.code)).await?;
    api.identity.users.succeeded(Subject::Identity(&subject));
    let (people, name, record) = (api.deps.people.clone(), user.name.clone(), trail.record());
    api.small.run(move || people.remove_second_factor(&name, &record)).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /users/{name}/second-factor`
pub(crate) async fn reset(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Problem> {
    trail.note(&name, json!({}));
    let user = managed(&api, &caller, &name).await?;
    let (people, target, record) = (api.deps.people.clone(), user.name.clone(), trail.record());
    api.small.run(move || people.remove_second_factor(&target, &record)).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    Ok(StatusCode::NO_CONTENT)
}

/// Whether one of the user's roles requires a second factor here.
pub(crate) fn required(api: &Api, user: &User) -> bool {
    let held = |role: &Role| user.roles.iter().any(|word| word == role.as_str());
    !api.logs_in_at_provider(user) && api.config.second_factor.iter().any(held)
}

/// The time step whose code this is.
async fn step(api: &Api, user: &User, code: &str) -> Result<Option<u64>, Problem> {
    let (people, name) = (api.deps.people.clone(), user.name.clone());
    let Some(factor) = api.small.store(move || people.second_factor(&name)).await? else { return Ok(None) };
    let Some(secret) = api.identity.seal.unseal(&purpose(user), &factor.sealed) else {
        tracing::error!(user = %user.name, "FSP-API-110 a second factor cannot be read with identity.key in the data folder; \
            restore that file, or reset the second factor with DELETE /api/v1/users/NAME/second-factor");
        return Err(Problem::new(
            Kind::Internal,
            said!(
                "the second factor cannot be read; an administrator must reset it",
                "không đọc được lớp xác thực thứ hai; quản trị viên phải đặt lại"
            ),
        ));
    };
    totp::step(&secret, &user.name, code, u64::try_from(now() / time::SECOND).unwrap_or(0))
}

/// Asks for the second factor where the user has one. The caller has counted the attempt.
pub(crate) async fn check(api: &Api, user: &User, code: Option<&str>) -> Result<(), Problem> {
    if !user.second_factor || api.logs_in_at_provider(user) {
        return Ok(());
    }
    let Some(code) = code.map(str::trim).filter(|c| !c.is_empty()) else {
        let detail = said!(
            "name and password are right; send them again with the code of your authenticator, or with a recovery code",
            "tên và mật khẩu đúng; hãy gửi lại kèm mã của ứng dụng xác thực, hoặc mã khôi phục"
        );
        return Err(Problem::new(Kind::SecondFactorNeeded, detail));
    };
    let (people, name) = (api.deps.people.clone(), user.name.clone());
    let fresh = match step(api, user, code).await? {
        Some(step) => api.small.store(move || people.spend_step(&name, step)).await?,
        None => {
            let hash = totp::recovery_hash(code);
            api.small.store(move || people.spend_recovery(&name, &hash)).await?
        }
    };
    // One answer for a wrong code and for one that was used before.
    if fresh {
        Ok(())
    } else {
        Err(Problem::new(
            Kind::LoginFailed,
            said!("the code is wrong or was used before; wait for the next one", "mã sai hoặc đã dùng rồi; hãy chờ mã tiếp theo"),
        ))
    }
}
