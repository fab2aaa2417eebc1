//! `fansipan tokens`: credentials for programs, shown once.

use anyhow::Result;
use serde_json::json;

use super::{client, people::list};
use crate::{
    Outcome,
    args::{Cli, TokensArgs, TokensVerb},
    output, words,
};

pub(super) async fn tokens(cli: &Cli, args: &TokensArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.verb {
        TokensVerb::List => {
            let columns = [
                (words::NAME, "name"),
                (words::ROLES, "roles"),
                (words::AGENCIES, "agencies"),
                (words::EXPIRES, "expires"),
                (words::LAST_USED, "last_used"),
            ];
            list(cli, &api.get("/tokens", &[]).await?, &columns)?;
        }
        TokensVerb::Create { name, role, agency, days } => {
            let agencies = if agency.is_empty() { None } else { Some(agency) };
            let made = api.post("/tokens", &json!({"name": name, "roles": role, "agencies": agencies, "expires_in_days": days})).await?;
            if cli.json {
                output::json(&made)?;
            } else {
                output::line(&output::cell(&made, "token"))?;
            }
        }
        TokensVerb::Revoke { name } => {
            api.delete(&format!("/tokens/{}", output::escape(name))).await?;
        }
    }
    Ok(Outcome::Done)
}
