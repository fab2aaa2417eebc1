//! What conditions and texts may say about an incident.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use evalexpr::{ContextWithMutableVariables as _, HashMapContext, Value};
use fansipan_model::{EntityKind, Incident, IncidentId, Scope};
use fansipan_storage::{StateStore, StoreError};
use ipnet::IpNet;

use super::Aim;
use crate::target::canonical;

/// Finds incidents.
pub trait Incidents: Send + Sync {
    /// One of them.
    fn incident(&self, scope: &Scope, id: IncidentId) -> Result<Option<Incident>, StoreError>;
}

/// The incidents of the state store.
pub struct StoredIncidents(pub Arc<dyn StateStore>);

impl Incidents for StoredIncidents {
    fn incident(&self, scope: &Scope, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        Ok(self.0.incident(scope, id)?.map(|(incident, _)| incident))
    }
}

fn of_kind(incident: &Incident, kind: EntityKind) -> Vec<String> {
    let mut out: Vec<String> = incident.entities.iter().filter(|e| e.kind == kind).map(|e| e.value.clone()).collect();
    out.sort();
    out.dedup();
    out
}

/// Private, shared and local addresses are inside.
fn is_inside(text: &str) -> Option<bool> {
    let address = canonical(IpNet::from(text.parse::<IpAddr>().ok()?)).addr();
    Some(match address {
        IpAddr::V4(a) => {
            a.is_private() || a.is_loopback() || a.is_link_local() || (a.octets()[0] == 100 && (64..128).contains(&a.octets()[1]))
        }
        IpAddr::V6(a) => a.is_unique_local() || a.is_unicast_link_local() || a.is_loopback(),
    })
}

/// The things of an incident that a step acts on.
pub(crate) fn aimed_at(incident: &Incident, aim: Aim) -> Vec<String> {
    let addresses = |inside: bool| of_kind(incident, EntityKind::Address).into_iter().filter(|a| is_inside(a) == Some(inside)).collect();
    match aim {
        Aim::OutsideAddresses => addresses(false),
        Aim::InsideAddresses => addresses(true),
        Aim::Accounts => of_kind(incident, EntityKind::User),
    }
}

/// Values of conditions. `answers` and `outcomes` of steps that were not reached are empty texts.
pub(crate) fn context(
    incident: &Incident,
    steps: &[&str],
    answers: &BTreeMap<String, String>,
    outcomes: &BTreeMap<String, String>,
) -> Result<HashMapContext, String> {
    let texts = |list: Vec<String>| Value::Tuple(list.into_iter().map(Value::String).collect());
    let mut facts = HashMapContext::new();
    let mut set = |name: &str, value: Value| facts.set_value(name.to_owned(), value).map_err(|e| e.to_string());
    set("level", Value::Int(incident.level as i64))?;
    set("level_name", Value::String(incident.level.as_str().to_owned()))?;
    set("title", Value::String(incident.title.clone()))?;
    set("agency", Value::String(incident.state.agency.clone()))?;
    set("drill", Value::Boolean(incident.drill))?;
    set("alerts", Value::Int(incident.alerts as i64))?;
    set("events", Value::Int(incident.events as i64))?;
    set("groups", texts(incident.groups.clone()))?;
    set("tactics", texts(incident.tactics.clone()))?;
    set("addresses", texts(of_kind(incident, EntityKind::Address)))?;
    set("outside_addresses", texts(aimed_at(incident, Aim::OutsideAddresses)))?;
    set("inside_addresses", texts(aimed_at(incident, Aim::InsideAddresses)))?;
    set("accounts", texts(of_kind(incident, EntityKind::User)))?;
    set("hosts", texts(of_kind(incident, EntityKind::Host)))?;
    for step in steps {
        let said = |table: &BTreeMap<String, String>| Value::String(table.get(*step).cloned().unwrap_or_default());
        set(&format!("answer_{step}"), said(answers))?;
        set(&format!("outcome_{step}"), said(outcomes))?;
    }
    Ok(facts)
}

/// Fills an incident's words into a text.
pub(crate) fn fill(text: &str, incident: &Incident) -> String {
    let list = |kind| of_kind(incident, kind).join(", ");
    text.replace("{title}", &incident.title)
        .replace("{title_vi}", &incident.title_vi)
        .replace("{id}", &incident.state.id.to_string())
        .replace("{level}", incident.level.as_str())
        .replace("{agency}", &incident.state.agency)
        .replace("{addresses}", &list(EntityKind::Address))
        .replace("{accounts}", &list(EntityKind::User))
        .replace("{hosts}", &list(EntityKind::Host))
}

/// An incident to try conditions on.
pub(crate) fn sample() -> Incident {
    Incident {
        state: fansipan_model::IncidentState {
            id: fansipan_model::AlertId([0; 16]),
            agency: "default".to_owned(),
            status: fansipan_model::AlertStatus::New,
            assignee: None,
            opened: 0,
            merged_into: None,
            version: 1,
        },
        title: String::new(),
        title_vi: String::new(),
        groups: vec!["malware".to_owned()],
        level: fansipan_model::Level::High,
        first_seen: 0,
        last_seen: 0,
        alerts: 1,
        events: 1,
        tactics: vec!["impact".to_owned()],
        entities: Vec::new(),
        drill: false,
    }
}
