//! Screens of the videowall: made by an administrator, enrolled at the screen with a one-time code, revoked at any time.
//!
//! Their credential opens the wall's routes and nothing else, and is no session: it keeps nobody logged in.

use std::time::Instant;

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use fansipan_model::{Word, said, time};
use fansipan_storage::NewWallDevice;
use serde_json::json;

use super::{
    session::{covers, hide, put_cookie},
    users::{check_name, granted},
};
use crate::{
    dto::{WallDeviceCreation, WallDeviceInfo, WallDeviceList, WallDeviceMade, WallEnrolled, WallEnrolment, agencies},
    extract::{InPath, Json, days},
    guard::Trail,
    identity::{Caller, Subject, Via, WALL_TOKEN, fill_random, hash, random_text, wall_cookie},
    problem::{Kind, Problem},
    server::Peer,
    state::{Api, now},
};

/// What refusals call one.
const WHAT: Word = Word::new("this screen", "màn hình này");
/// Days a screen is good for unless told otherwise, and at most.
const DAYS: (u32, u32) = (365, 3650);
/// How long a code may be typed.
const CODE: i64 = 15 * 60 * time::SECOND;

/// `GET /wall-devices`
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<WallDeviceList>, Problem> {
    let people = api.deps.people.clone();
    let devices = api.small.store(move || people.walls()).await?;
    let items = devices.iter().filter(|d| covers(&caller.scope, &d.scope)).map(WallDeviceInfo::from).collect();
    Ok(Json(WallDeviceList { items }))
}

/// `POST /wall-devices`
pub(crate) async fn create(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(new): Json<WallDeviceCreation>,
) -> Result<(StatusCode, Json<WallDeviceMade>), Problem> {
    check_name(&new.name)?;
    let days = days(new.expires_in_days, DAYS)?;
    let scope = granted(&caller, new.agencies.as_deref())?;
    trail.note(&new.name, json!({ "agencies": agencies(&scope), "days": days }));
    let code = random_text()?.replace('-', "")[..12].to_owned();
    let (people, record, code_hash) = (api.deps.people.clone(), trail.record(), code_hash(&code));
    let device = api.small.store(move || {
        let created = now();
        let expires = created.saturating_add(i64::from(days) * 86_400 * time::SECOND);
        let (name, made_by) = (new.name.as_str(), caller.name.as_str());
        people.add_wall(&NewWallDevice { name, scope, made_by, created, expires, code_hash, code_until: created + CODE }, &record)
    });
    let device = device.await?;
    trail.written();
    let code = [&code[..4], &code[4..8], &code[8..]].join("-");
    Ok((StatusCode::CREATED, Json(WallDeviceMade { device: (&device).into(), code })))
}

/// `DELETE /wall-devices/{name}`
pub(crate) async fn remove(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(name): InPath<String>,
) -> Result<StatusCode, Problem> {
    trail.note(&name, json!({}));
    let (people, record) = (api.deps.people.clone(), trail.record());
    let devices = {
        let people = people.clone();
        api.small.store(move || people.walls()).await?
    };
    if !devices.iter().any(|d| d.name == name && covers(&caller.scope, &d.scope)) {
        return Err(Problem::not_found(WHAT));
    }
    api.small.run(move || people.remove_wall(&name, &record)).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /wall/enrol`
pub(crate) async fn enrol(
    State(api): State<Api>,
    peer: Peer,
    trail: Trail,
    Json(enrolment): Json<WallEnrolment>,
) -> Result<Response, Problem> {
    if let Peer::Network(address) = peer {
        let address = Subject::Address(address.ip());
        let slow_down = |wait| {
            trail.leave_none();
            Problem::new(
                Kind::TooManyAttempts,
                said!("too many attempts; try again in {wait} s", "thử quá nhiều lần; hãy thử lại sau {wait} giây"),
            )
            .retry_after(wait)
        };
        api.identity.logins.check(address).map_err(slow_down)?;
        api.identity.addresses.attempt(address, Instant::now()).map_err(slow_down)?;
    }
    let mut bytes = [0u8; 32];
    fill_random(&mut bytes)?;
    let token = format!("{WALL_TOKEN}{}", hex::encode(bytes));
    let (people, code, token_hash, from) = (api.deps.people.clone(), code_hash(&enrolment.code), hash(&token), peer.address());
    trail.who("unknown");
    let Some(device) = api.small.store(move || people.enrol_wall(&code, &token_hash, &from, now())).await? else {
        return Err(Problem::new(
            Kind::LoginFailed,
            said!(
                "the code is wrong, was used, or is older than fifteen minutes; have a new one made",
                "mã sai, đã dùng, hoặc đã quá mười lăm phút; hãy xin mã mới"
            ),
        ));
    };
    if let Peer::Network(address) = peer {
        api.identity.addresses.forgive(Subject::Address(address.ip()));
    }
    trail.who(&format!("wall:{}", device.name));
    trail.note(&device.name, json!({ "terminal": enrolment.terminal }));
    let seconds = u64::try_from((device.expires - now()) / time::SECOND).unwrap_or(0);
    let answer = WallEnrolled { device: (&device).into(), token: enrolment.terminal.then(|| token.clone()) };
    let mut response = Json(answer).into_response();
    if !enrolment.terminal {
        put_cookie(&mut response, &wall_cookie(&token, seconds));
    }
    Ok(response)
}

/// `GET /wall/device`
pub(crate) async fn show(State(api): State<Api>, caller: Caller) -> Result<Json<WallDeviceInfo>, Problem> {
    let Via::Wall { hash } = caller.via else { return Err(Problem::not_found(WHAT)) };
    let people = api.deps.people.clone();
    let device = api.small.store(move || people.use_wall(&hash, now())).await?;
    device.map(|d| Json((&d).into())).ok_or_else(|| Problem::not_found(WHAT))
}

/// What is kept of a code; dashes, blanks and case do not matter. Good once, for minutes, and guesses are slowed down.
fn code_hash(code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    hash(&format!("wall-code:{plain}"))
}
