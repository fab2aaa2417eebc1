//! pfSense through the REST API package (v2): entries of one alias that a block rule names, then "apply".
//!
//! The operator makes the alias and the rule once. An entry carries the action's mark in its description, so that only our own
//! are removed; a change that was written and not applied is applied at the next try.

use std::path::PathBuf;

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Connector, Fault, Presence, Work,
    http::{Guard, Http, refusal},
    mark,
    secret::Secret,
};
use crate::{
    action::{Action, ActionKind},
    protected::Cleared,
    target::shown,
};

/// Settings of a pfSense firewall.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PfsenseConfig {
    /// `https://fw.example`
    pub url: String,
    /// File of the API key.
    pub key: PathBuf,
    /// PEM of the authority or of the device's own certificate.
    pub authority: Option<PathBuf>,
    /// The alias (type network or host).
    pub alias: String,
}

struct Pfsense {
    http: Http,
    key: Secret,
    alias: String,
    /// Reading and writing back an alias is one piece of work: two at once would lose one's entry.
    turn: tokio::sync::Mutex<()>,
}

/// An alias as it stands.
struct Alias {
    id: Value,
    /// Address and description.
    entries: Vec<(String, String)>,
}

pub(super) fn connect(config: &PfsenseConfig) -> Result<Box<dyn Connector>, String> {
    let http = Http::new(&config.url, config.authority.as_deref(), Guard { inside: Vec::new(), anywhere: true })?;
    if config.alias.is_empty() || !config.alias.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err("`alias` is a name of letters, digits and _".to_owned());
    }
    Ok(Box::new(Pfsense { http, key: Secret::read(&config.key)?, alias: config.alias.clone(), turn: tokio::sync::Mutex::default() }))
}

impl Pfsense {
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Fault> {
        let shape = |request: reqwest::RequestBuilder| {
            let request = request.header("x-api-key", self.key.reveal());
            match &body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        let (status, answer) = self.http.send(method, path, shape).await?;
        if status == StatusCode::OK { Ok(answer) } else { Err(refusal(&self.http.host(), status, &answer)) }
    }

    async fn alias(&self) -> Result<Alias, Fault> {
        let answer = self.call(Method::GET, &format!("/api/v2/firewall/aliases?name={}", self.alias), None).await?;
        let found = answer.get("data").and_then(Value::as_array).and_then(|d| d.iter().find(|a| a["name"] == self.alias.as_str()));
        let found = found.ok_or_else(|| {
            Fault::refused(format!("{} has no alias {}: make it, and a rule that blocks it", self.http.host(), self.alias))
        })?;
        let list = |name: &str| {
            let items = found.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            items.iter().map(|v| v.as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        let details = list("detail").into_iter().chain(std::iter::repeat(String::new()));
        Ok(Alias { id: found.get("id").cloned().unwrap_or(Value::Null), entries: list("address").into_iter().zip(details).collect() })
    }

    async fn write(&self, alias: Alias) -> Result<(), Fault> {
        let (addresses, details): (Vec<_>, Vec<_>) = alias.entries.into_iter().unzip();
        let body = json!({ "id": alias.id, "address": addresses, "detail": details });
        self.call(Method::PATCH, "/api/v2/firewall/alias", Some(body)).await.map(drop)
    }

    async fn activate(&self) -> Result<(), Fault> {
        self.call(Method::POST, "/api/v2/firewall/apply", Some(json!({}))).await.map(drop)
    }
}

impl Connector for Pfsense {
    fn does(&self) -> &'static [ActionKind] {
        &[ActionKind::Block]
    }

    fn hosts(&self) -> Vec<String> {
        vec![self.http.host()]
    }

    fn plan(&self, action: &Action) -> Vec<String> {
        let entries = action.target.networks().iter().map(shown).collect::<Vec<_>>().join(", ");
        vec![
            format!("PATCH {}api/v2/firewall/alias: {entries} added to {} ({})", self.http.base, self.alias, mark(action)),
            format!("POST {}api/v2/firewall/apply", self.http.base),
        ]
    }

    fn apply<'a>(&'a self, cleared: &'a Cleared<'a>) -> Work<'a, String> {
        Box::pin(async move {
            let action = cleared.action();
            let _turn = self.turn.lock().await;
            let mut alias = self.alias().await?;
            let before = alias.entries.len();
            for net in action.target.networks() {
                if !alias.entries.iter().any(|(a, d)| *a == shown(net) && *d == mark(action)) {
                    alias.entries.push((shown(net), mark(action)));
                }
            }
            if alias.entries.len() != before {
                self.write(alias).await?;
            }
            self.activate().await?;
            Ok(format!("{} in force in {}", action.target.networks().len(), self.alias))
        })
    }

    fn undo<'a>(&'a self, action: &'a Action) -> Work<'a, String> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            let mut alias = self.alias().await?;
            let before = alias.entries.len();
            alias.entries.retain(|(_, d)| *d != mark(action));
            let gone = before - alias.entries.len();
            if gone > 0 {
                self.write(alias).await?;
            }
            self.activate().await?;
            Ok(format!("{gone} entries removed from {}", self.alias))
        })
    }

    fn leaves_traces(&self) -> bool {
        true
    }

    fn probe<'a>(&'a self, action: &'a Action) -> Work<'a, Presence> {
        Box::pin(async move {
            let alias = self.alias().await?;
            let all = action.target.networks().iter().all(|n| alias.entries.iter().any(|(a, d)| *a == shown(n) && *d == mark(action)));
            if !all {
                return Ok(Presence::Absent);
            }
            let pending = self.call(Method::GET, "/api/v2/firewall/apply", None).await?;
            // written and not applied: the next try applies it
            Ok(if pending.pointer("/data/applied") == Some(&Value::Bool(false)) { Presence::Absent } else { Presence::Present })
        })
    }
}
