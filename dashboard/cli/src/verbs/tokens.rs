//! `fansipan tokens`: credentials for programs, shown once.

use anyhow::Result;
use serde_json::json;

use super::{client, items};
use crate::{
    Outcome,
    args::{Cli, TokensArgs, TokensVerb},
    output, words,
};

pub(super) async fn tokens(cli: &Cli, args: &TokensArgs) -> Result<Outcome> {
    let api = client(cli)?;
    match &args.verb {
        TokensVerb::List => {
            let answer = api.get("/tokens", &[]).await?;
            if cli.json {
                items(&answer).iter().try_for_each(output::json)?;
            } else {
                let rows = items(&answer)
                    .iter()
                    .map(|t| ["name", "roles", "agencies", "expires", "last_used"].map(|k| output::cell(t, k)).to_vec());
                output::table(cli, &[words::NAME, words::ROLES, words::AGENCIES, words::EXPIRES, words::LAST_USED], rows)?;
            }
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
