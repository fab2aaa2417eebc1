//! FortiGate through its REST API (FortiOS 7): an address object per network, a member of a group that a deny policy names.
//!
//! The operator makes the group and the policy once; here only members come and go. Objects are named by the action, so that
//! half-done work is found and finished instead of repeated.

use std::path::PathBuf;

use ipnet::IpNet;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Connector, Fault, Presence, Work,
    http::{Guard, Http, refusal},
    secret::Secret,
};
use crate::{
    action::{Action, ActionKind},
    protected::Cleared,
};

/// Settings of a FortiGate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FortigateConfig {
    /// `https://fw.example`
    pub url: String,
    /// File of the API token (an API administrator with write access to firewall addresses only).
    pub token: PathBuf,
    /// PEM of the authority or of the device's own certificate.
    pub authority: Option<PathBuf>,
    /// The address group (IPv4).
    pub group: String,
    /// The address group (IPv6).
    pub group6: Option<String>,
    /// The virtual domain.
    #[serde(default = "root_domain")]
    pub vdom: String,
}

fn root_domain() -> String {
    "root".to_owned()
}

struct Fortigate {
    http: Http,
    token: Secret,
    config: FortigateConfig,
}

pub(super) fn connect(config: &FortigateConfig) -> Result<Box<dyn Connector>, String> {
    let http = Http::new(&config.url, config.authority.as_deref(), Guard { inside: Vec::new(), anywhere: true })?;
    let plain = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !plain(&config.group) || !config.group6.as_deref().is_none_or(plain) || !plain(&config.vdom) {
        return Err("`group`, `group6` and `vdom` are plain names of letters, digits and - _ .".to_owned());
    }
    Ok(Box::new(Fortigate { http, token: Secret::read(&config.token)?, config: config.clone() }))
}

/// Where a network's object and membership live.
struct Places {
    name: String,
    object: &'static str,
    body: Value,
    members: String,
}

impl Fortigate {
    fn places(&self, action: &Action, index: usize, net: &IpNet) -> Result<Places, Fault> {
        let name = format!("fansipan-{}-{index}", action.id.simple());
        let comment = "made by Fansipan; it is removed by itself";
        match net {
            IpNet::V4(n) => Ok(Places {
                object: "firewall/address",
                body: json!({ "name": name, "type": "ipmask", "subnet": format!("{} {}", n.network(), n.netmask()), "comment": comment }),
                members: format!("firewall/addrgrp/{}/member", self.config.group),
                name,
            }),
            IpNet::V6(n) => {
                let group = self.config.group6.as_ref().ok_or_else(|| Fault::refused("no `group6` is set for IPv6 on this device"))?;
                let body = json!({ "name": name, "type": "ipprefix", "ip6": n.trunc().to_string(), "comment": comment });
                Ok(Places { object: "firewall/address6", body, members: format!("firewall/addrgrp6/{group}/member"), name })
            }
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<(StatusCode, Value), Fault> {
        let path = format!("/api/v2/cmdb/{path}?vdom={}", self.config.vdom);
        let shape = |request: reqwest::RequestBuilder| {
            let request = request.bearer_auth(self.token.reveal());
            match &body {
                Some(body) => request.json(body),
                None => request,
            }
        };
        self.http.send(method, &path, shape).await
    }

    /// Makes a thing; that it is there already is as good.
    async fn make(&self, path: &str, body: Value) -> Result<(), Fault> {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await?;
        // -5: an entry of that name exists
        let exists = answer.get("error").and_then(Value::as_i64) == Some(-5);
        if status.is_success() || exists { Ok(()) } else { Err(refusal(&self.http.host(), status, &answer)) }
    }

    async fn remove(&self, path: &str) -> Result<(), Fault> {
        let (status, answer) = self.call(Method::DELETE, path, None).await?;
        if status.is_success() || status == StatusCode::NOT_FOUND { Ok(()) } else { Err(refusal(&self.http.host(), status, &answer)) }
    }
}

impl Connector for Fortigate {
    fn does(&self) -> &'static [ActionKind] {
        &[ActionKind::Block]
    }

    fn hosts(&self) -> Vec<String> {
        vec![self.http.host()]
    }

    fn plan(&self, action: &Action) -> Vec<String> {
        let nets = action.target.networks().iter().enumerate();
        nets.flat_map(|(i, net)| match self.places(action, i, net) {
            Ok(p) => vec![
                format!("POST {}api/v2/cmdb/{} {}", self.http.base, p.object, p.body),
                format!("POST {}api/v2/cmdb/{} {}", self.http.base, p.members, json!({ "name": p.name })),
            ],
            Err(fault) => vec![fault.detail],
        })
        .collect()
    }

    fn apply<'a>(&'a self, cleared: &'a Cleared<'a>) -> Work<'a, String> {
        Box::pin(async move {
            let action = cleared.action();
            for (i, net) in action.target.networks().iter().enumerate() {
                let places = self.places(action, i, net)?;
                self.make(places.object, places.body).await?;
                self.make(&places.members, json!({ "name": places.name })).await?;
            }
            Ok(format!("{} object(s) in group {}", action.target.networks().len(), self.config.group))
        })
    }

    fn undo<'a>(&'a self, action: &'a Action) -> Work<'a, String> {
        Box::pin(async move {
            for (i, net) in action.target.networks().iter().enumerate() {
                let places = self.places(action, i, net)?;
                self.remove(&format!("{}/{}", places.members, places.name)).await?;
                self.remove(&format!("{}/{}", places.object, places.name)).await?;
            }
            Ok(format!("{} object(s) removed from group {}", action.target.networks().len(), self.config.group))
        })
    }

    fn leaves_traces(&self) -> bool {
        true
    }

    fn probe<'a>(&'a self, action: &'a Action) -> Work<'a, Presence> {
        Box::pin(async move {
            for (i, net) in action.target.networks().iter().enumerate() {
                let places = self.places(action, i, net)?;
                let (status, answer) = self.call(Method::GET, &format!("{}/{}", places.members, places.name), None).await?;
                match status {
                    StatusCode::NOT_FOUND => return Ok(Presence::Absent),
                    status if status.is_success() => {}
                    status => return Err(refusal(&self.http.host(), status, &answer)),
                }
            }
            Ok(Presence::Present)
        })
    }
}
