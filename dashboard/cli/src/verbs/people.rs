//! `fansipan users|sessions|wall-devices|login`: who may come in, and who is in.

use std::io::Read as _;

use anyhow::{Context as _, Result, ensure};
use fansipan_model::{Word, said};
use serde_json::{Value, json};

use super::{client, items, texts};
use crate::{
    Fault, Outcome,
    args::{Cli, LoginArgs, SessionsArgs, SessionsVerb, UsersArgs, UsersVerb, WallDevicesArgs, WallDevicesVerb},
    client::Client,
    output,
    profile::Profile,
    words,
};

/// Prints a list as a table of these members, or as JSON lines.
pub(super) fn list(cli: &Cli, answer: &Value, columns: &[(Word, &str)]) -> Result<()> {
    if cli.json {
        return Ok(items(answer).iter().try_for_each(output::json)?);
    }
    let heads: Vec<Word> = columns.iter().map(|(word, _)| *word).collect();
    let rows = items(answer).iter().map(|item| columns.iter().map(|(_, member)| shown(cli, item, member)).collect());
    Ok(output::table(cli, &heads, rows)?)
}

/// A member as a person reads it.
fn shown(cli: &Cli, item: &Value, member: &str) -> String {
    match item.get(member) {
        Some(Value::Array(_)) => texts(item, member).join(", "),
        Some(Value::Bool(is)) => cli.say(if *is { &words::YES } else { &words::NO }),
        _ => output::instant(item, member),
    }
}

/// Prints what is shown once: the whole answer as JSON, or the one secret.
fn once(cli: &Cli, answer: &Value, member: &str) -> Result<()> {
    if cli.json { Ok(output::json(answer)?) } else { Ok(output::line(&output::cell(answer, member))?) }
}

fn some(list: &[String]) -> Option<&[String]> {
    (!list.is_empty()).then_some(list)
}

pub(super) async fn users(cli: &Cli, args: &UsersArgs) -> Result<Outcome> {
    let api = client(cli)?;
    let at = |name: &str, more: &str| format!("/users/{}{more}", output::escape(name));
    match &args.verb {
        UsersVerb::List => {
            let columns = [
                (words::NAME, "name"),
                (words::ROLES, "roles"),
                (words::AGENCIES, "agencies"),
                (words::DISABLED, "disabled"),
                (words::SECOND_FACTOR, "second_factor"),
                (words::LOGS_IN_AT, "provider"),
                (words::LAST_LOGIN, "last_login"),
            ];
            list(cli, &api.get("/users", &[]).await?, &columns)?;
        }
        UsersVerb::Create { name, role, agency, display_name, language } => {
            let body = json!({ "name": name, "roles": role, "agencies": some(agency), "display_name": display_name, "language": language });
            once(cli, &api.post("/users", &body).await?, "one_time_password")?;
        }
        UsersVerb::Change { name, role, agency, all_agencies } => {
            let body = json!({ "roles": some(role), "agencies": some(agency), "all_agencies": all_agencies });
            api.post(&at(name, ""), &body).await?;
        }
        UsersVerb::Disable { name } => drop(api.post(&at(name, "/disable"), &json!({})).await?),
        UsersVerb::Enable { name } => drop(api.post(&at(name, "/enable"), &json!({})).await?),
        UsersVerb::Password { name } => once(cli, &api.post(&at(name, "/password"), &json!({})).await?, "one_time_password")?,
        UsersVerb::ResetFactor { name } => drop(api.delete(&at(name, "/second-factor")).await?),
        UsersVerb::Remove { name } => drop(api.delete(&at(name, "")).await?),
    }
    Ok(Outcome::Done)
}

pub(super) async fn sessions(cli: &Cli, args: &SessionsArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.verb {
        SessionsVerb::List => {
            let columns = [
                (words::USER, "user"),
                (words::SINCE, "created"),
                (words::LAST_USED, "last_used"),
                (words::PEER, "peer"),
                (words::AGENT, "agent"),
                (words::ID, "id"),
            ];
            list(cli, &api.get("/sessions", &[]).await?, &columns)?;
        }
        SessionsVerb::End { id } => drop(api.delete(&format!("/sessions/{}", output::escape(id))).await?),
    }
    Ok(Outcome::Done)
}

pub(super) async fn walls(cli: &Cli, args: &WallDevicesArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.verb {
        WallDevicesVerb::List => {
            let columns = [
                (words::NAME, "name"),
                (words::AGENCIES, "agencies"),
                (words::ENROLLED, "enrolled"),
                (words::EXPIRES, "expires"),
                (words::LAST_USED, "last_used"),
                (words::PEER, "peer"),
            ];
            list(cli, &api.get("/wall-devices", &[]).await?, &columns)?;
        }
        WallDevicesVerb::Create { name, agency, days } => {
            let body = json!({ "name": name, "agencies": some(agency), "expires_in_days": days });
            once(cli, &api.post("/wall-devices", &body).await?, "code")?;
        }
        WallDevicesVerb::Enrol { name, code } => enrol(cli, name, code.as_deref()).await?,
        WallDevicesVerb::Revoke { name } => drop(api.delete(&format!("/wall-devices/{}", output::escape(name))).await?),
    }
    Ok(Outcome::Done)
}

/// Makes this terminal a screen of the wall: what the code is exchanged for opens the wall's routes and nothing else.
async fn enrol(cli: &Cli, name: &str, code: Option<&str>) -> Result<()> {
    let (server, ca) = appliance(cli)?;
    let code = code.map_or_else(|| secret(Fault::NoCode), |c| Ok(c.to_owned()))?;
    let made = Client::without_token(&server, &ca)?.post("/wall/enrol", &json!({ "code": code, "terminal": true })).await?;
    let profile = Profile { server, token: output::cell(&made, "token"), ca };
    ensure!(!profile.token.is_empty(), Fault::NoCredential);
    let path = profile.save(name)?;
    let (screen, server, path) = (output::cell(&made, "device/name"), &profile.server, path.display());
    let told = said!(
        "{screen} at {server}; show the wall with fansipan wall --profile {name} ({path})",
        "{screen} tại {server}; mở màn hình ghép bằng fansipan wall --profile {name} ({path})"
    );
    Ok(output::say(cli, &told)?)
}

/// The address of the appliance, and the certificate that is believed.
fn appliance(cli: &Cli) -> Result<(String, String)> {
    let server = cli.server.clone().context(Fault::NoServer)?;
    let ca = match &cli.ca {
        Some(path) => path.clone(),
        None => cli.data.join("tls/cert.pem"),
    };
    let ca = std::fs::read_to_string(&ca).with_context(|| Fault::NoAppliancesCa { path: ca.display().to_string() })?;
    Ok((server, ca))
}

/// What stands on standard input.
fn secret(missing: Fault) -> Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context(missing.clone())?;
    let text = text.trim().to_owned();
    ensure!(!text.is_empty(), missing);
    Ok(text)
}

/// Keeps server, token and certificate under a name, once they have been seen to work together.
pub(super) async fn login(cli: &Cli, args: &LoginArgs) -> Result<Outcome> {
    let (server, ca) = appliance(cli)?;
    let token = cli.token.clone().map_or_else(|| secret(Fault::NoToken), Ok)?;
    ensure!(!token.is_empty(), Fault::NoToken);
    let profile = Profile { server, token, ca };
    let who = Client::with_profile(&profile)?.get("/session", &[]).await?;
    let path = profile.save(&args.name)?;
    if cli.json {
        output::json(&who)?;
    } else {
        let (user, server, name, path) = (output::cell(&who, "user/name"), &profile.server, &args.name, path.display());
        let told =
            said!("{user} at {server}; use it with --profile {name} ({path})", "{user} tại {server}; dùng bằng --profile {name} ({path})");
        output::say(cli, &told)?;
    }
    Ok(Outcome::Done)
}
