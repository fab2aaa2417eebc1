//! Any system that takes a signed HTTP request: orders as JSON, HMAC-SHA-256 over time and body, a key that names the order.
//!
//! `X-Fansipan-Signature: t=UNIX,v1=HEX` is HMAC-SHA-256 of `UNIX.BODY` under the shared secret. `Idempotency-Key` is the same
//! for every repetition of an order, so that the receiver does it once.

use std::path::PathBuf;

use fansipan_model::time;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ipnet::IpNet;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;

use super::{
    Connector, Fault, Presence, Work,
    http::{Guard, Http, refusal},
    mark,
    secret::Secret,
};
use crate::{
    action::{Action, ActionKind},
    protected::Cleared,
};

/// Settings of a webhook.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Where orders are sent.
    pub url: String,
    /// File of the shared secret.
    pub secret: PathBuf,
    /// PEM of the authority that signed the receiver's certificate; without it the system's.
    pub authority: Option<PathBuf>,
    /// Networks inside that the URL's host may be in.
    #[serde(default)]
    pub inside: Vec<IpNet>,
}

struct Webhook {
    http: Http,
    secret: Secret,
}

pub(super) fn connect(config: &WebhookConfig) -> Result<Box<dyn Connector>, String> {
    let guard = Guard { inside: config.inside.clone(), anywhere: false };
    let http = Http::new(&config.url, config.authority.as_deref(), guard)?;
    Ok(Box::new(Webhook { http, secret: Secret::read(&config.secret)? }))
}

fn body(action: &Action, order: &str) -> serde_json::Value {
    json!({
        "order": order,
        "action": action.kind.as_str(),
        "id": action.id.to_string(),
        "target": action.target.text(),
        "networks": action.target.networks(),
        "parameters": action.parameters,
        "reason": action.reason,
        "incident": action.incident,
        "seconds": action.lasts.map(|l| l / time::SECOND),
    })
}

fn signature(secret: &Secret, at: i64, body: &str) -> Result<String, Fault> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).map_err(|e| Fault::refused(format!("the shared secret: {e}")))?;
    mac.update(format!("{at}.{body}").as_bytes());
    Ok(format!("t={at},v1={}", hex::encode(mac.finalize().into_bytes())))
}

impl Webhook {
    async fn tell(&self, action: &Action, order: &str) -> Result<String, Fault> {
        let text = body(action, order).to_string();
        let at = jiff::Timestamp::now().as_second();
        let signature = signature(&self.secret, at, &text)?;
        let key = format!("{}-{order}", mark(action));
        let shape = |request: reqwest::RequestBuilder| {
            request
                .header("content-type", "application/json")
                .header("idempotency-key", key)
                .header("x-fansipan-signature", signature)
                .body(text)
        };
        let (status, answer) = self.http.send(Method::POST, "", shape).await?;
        if status.is_success() {
            Ok(format!("{} answered {status}", self.http.host()))
        } else {
            Err(refusal(&self.http.host(), status, &answer))
        }
    }
}

impl Connector for Webhook {
    fn does(&self) -> &'static [ActionKind] {
        &[ActionKind::Block, ActionKind::Disable, ActionKind::Notify]
    }

    fn hosts(&self) -> Vec<String> {
        vec![self.http.host()]
    }

    fn plan(&self, action: &Action) -> Vec<String> {
        // the path of a webhook often is its secret
        vec![format!("POST to {} with an HMAC signature: {}", self.http.host(), body(action, "apply"))]
    }

    fn apply<'a>(&'a self, cleared: &'a Cleared<'a>) -> Work<'a, String> {
        Box::pin(self.tell(cleared.action(), "apply"))
    }

    fn undo<'a>(&'a self, action: &'a Action) -> Work<'a, String> {
        Box::pin(self.tell(action, "undo"))
    }

    fn probe<'a>(&'a self, _: &'a Action) -> Work<'a, Presence> {
        Box::pin(async { Ok(Presence::Unknown) })
    }

    fn repeatable(&self) -> bool {
        true
    }
}
