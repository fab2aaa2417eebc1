//! Actions on devices as the API shows them.

use std::collections::BTreeMap;

use fansipan_model::time;
use fansipan_response::{Action, Decision, Told, Verification, ports::Counted, told};
use fansipan_storage::ResponseStep;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::LevelDto;

/// An instant that may be absent, as text.
pub(super) fn when(at: Option<i64>) -> Option<String> {
    at.map(time::to_rfc3339)
}

/// Somebody who decided.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionDto {
    /// Who.
    pub who: String,
    /// When.
    pub at: String,
}

impl From<&Decision> for DecisionDto {
    fn from(d: &Decision) -> Self {
        Self { who: d.who.clone(), at: time::to_rfc3339(d.at) }
    }
}

/// A name and how often it was seen.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SeenName {
    /// The name.
    pub name: String,
    /// Events.
    pub count: u64,
}

/// Who is hit by an action, from observed flows and logons.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImpactDto {
    /// Over so many days.
    pub days: u32,
    /// Events of the target.
    pub events: u64,
    /// The other ends it talked with.
    pub peers: Vec<SeenName>,
    /// Host names of its events.
    pub hosts: Vec<SeenName>,
    /// Accounts of its events.
    pub users: Vec<SeenName>,
    /// Destination ports.
    pub services: Vec<SeenName>,
    /// Whether what was observed could be read.
    pub known: bool,
}

/// An event that was counted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CountedEvent {
    /// `event.id`
    pub id: String,
    /// `@timestamp`
    pub at: String,
    /// Whether it got through; else it was stopped.
    pub passed: bool,
    /// What saw it.
    pub via: String,
    /// The record as received, its first kibibyte.
    pub record: String,
    /// SHA-256 of the whole record.
    pub sha256: String,
}

impl From<&Counted> for CountedEvent {
    fn from(c: &Counted) -> Self {
        Self {
            id: c.id.clone(),
            at: time::to_rfc3339(c.at),
            passed: c.passed,
            via: c.via.clone(),
            record: c.record.clone(),
            sha256: c.sha256.clone(),
        }
    }
}

/// Whether an act had its effect.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VerificationDto {
    /// none, watching, effective, ineffective, unproven, unknown
    pub verdict: String,
    /// Nothing got through since then; for what still passes, the act.
    pub since: Option<String>,
    /// When the watch ends.
    pub until: Option<String>,
    /// Events that got through since the act.
    pub passed: u64,
    /// The latest of them.
    pub last: Option<String>,
    /// What saw them.
    pub via: Vec<String>,
    /// Events that were stopped since the act.
    pub stopped: u64,
    /// When it looked last: what was counted is from the act until then.
    pub looked: Option<String>,
    /// The latest of these events as they were recorded; kept with the action, also when the events have expired.
    pub events: Vec<CountedEvent>,
    /// One sentence in English.
    pub text: String,
    /// The same in Vietnamese.
    pub text_vi: String,
}

/// The word that serde writes for a small enumeration.
fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

impl From<&Verification> for VerificationDto {
    fn from(v: &Verification) -> Self {
        Self {
            verdict: word(&v.verdict),
            since: when(v.since),
            until: when(v.until),
            passed: v.seen.passed,
            last: when(v.seen.last),
            via: v.seen.via.clone(),
            stopped: v.seen.stopped,
            looked: when(v.looked),
            events: v.seen.events.iter().map(CountedEvent::from).collect(),
            text: v.text.clone(),
            text_vi: v.text_vi.clone(),
        }
    }
}

/// An action on a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ActionDto {
    /// UUID.
    pub id: String,
    /// Whose it is.
    pub agency: String,
    /// block, disable, notify
    pub kind: String,
    /// What it is aimed at.
    pub target: String,
    /// On which device.
    pub device: String,
    /// How grave it is.
    pub level: LevelDto,
    /// proposed, approved, running, done, expired, undoing, undone, failed, handed_over, rejected, cancelled
    pub state: String,
    /// Why.
    pub reason: String,
    /// The incident it belongs to.
    pub incident: Option<String>,
    /// The run of a playbook that asked.
    pub run: Option<String>,
    /// Who asked.
    pub requested: DecisionDto,
    /// Who agreed.
    pub approved: Option<DecisionDto>,
    /// Whether the one who asked may not agree.
    pub two_person: bool,
    /// How long it holds, seconds.
    pub seconds: Option<i64>,
    /// When it came into force.
    pub done: Option<String>,
    /// When its time is over.
    pub expires: Option<String>,
    /// When it is tried again.
    pub retry: Option<String>,
    /// Tries of the present step.
    pub attempts: u32,
    /// What the device said last.
    pub answer: String,
    /// The same in Vietnamese; the device's own words stay as they are.
    pub answer_vi: String,
    /// Whether it had its effect.
    pub verification: VerificationDto,
}

impl From<&Action> for ActionDto {
    fn from(a: &Action) -> Self {
        Self {
            id: a.id.to_string(),
            agency: a.agency.clone(),
            kind: a.kind.as_str().to_owned(),
            target: a.target.text(),
            device: a.device.clone(),
            level: a.level.into(),
            state: a.state.as_str().to_owned(),
            reason: a.reason.clone(),
            incident: a.incident.clone(),
            run: a.run.map(|r| r.to_string()),
            requested: (&a.requested).into(),
            approved: a.approved.as_ref().map(Into::into),
            two_person: a.two_person,
            seconds: a.lasts.map(|l| l / time::SECOND),
            done: when(a.done),
            expires: when(a.expires),
            retry: when(a.retry),
            attempts: a.attempts,
            answer: a.answer.clone(),
            answer_vi: told(&a.answer).vi,
            verification: (&a.verification).into(),
        }
    }
}

/// One entry of a journal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct JournalEntry {
    /// When.
    pub at: String,
    /// Who, or `system`.
    pub who: String,
    /// Stable word of the step.
    pub step: String,
    /// What happened.
    pub text: String,
    /// The same in Vietnamese; what people and devices said stays as they said it.
    pub text_vi: String,
    /// Stable code of the sentence; null: a text of people or devices.
    pub code: Option<String>,
}

impl From<&ResponseStep> for JournalEntry {
    fn from(s: &ResponseStep) -> Self {
        let step = s.key.split_once('.').map_or(s.key.as_str(), |(_, word)| word);
        let Told { code, vi } = told(&s.text);
        Self {
            at: time::to_rfc3339(s.at),
            who: s.who.clone(),
            step: step.to_owned(),
            text: s.text.clone(),
            text_vi: vi,
            code: code.map(str::to_owned),
        }
    }
}

/// An action with its dry run and journal.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ActionDetail {
    /// The action.
    #[serde(flatten)]
    pub action: ActionDto,
    /// What the device is told, line by line.
    pub plan: Vec<String>,
    /// Who is hit.
    pub impact: ImpactDto,
    /// What else the device is told.
    pub parameters: BTreeMap<String, String>,
    /// Every step, in order.
    pub journal: Vec<JournalEntry>,
}

impl ActionDetail {
    /// From an action and its journal.
    pub fn new(a: &Action, journal: &[ResponseStep]) -> Self {
        let names = |list: &[(String, u64)]| list.iter().map(|(name, count)| SeenName { name: name.clone(), count: *count }).collect();
        let i = &a.impact;
        let impact = ImpactDto {
            days: i.days,
            events: i.events,
            peers: names(&i.peers),
            hosts: names(&i.hosts),
            users: names(&i.users),
            services: names(&i.services),
            known: i.known,
        };
        let journal = journal.iter().map(Into::into).collect();
        Self { action: a.into(), plan: a.plan.clone(), impact, parameters: a.parameters.clone(), journal }
    }
}

/// Actions, latest asked for first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ActionList {
    /// The actions.
    pub items: Vec<ActionDto>,
}

/// Which actions or runs to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct ResponseParams {
    /// States, such as proposed,handed_over; default: every
    pub state: Option<String>,
    /// Of this incident
    pub incident: Option<String>,
    /// At most so many (500)
    pub limit: Option<usize>,
}

/// An action asked for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ActionRequest {
    /// block, disable, notify
    pub kind: String,
    /// Address, network, host name or account; empty for notify.
    #[serde(default)]
    pub target: String,
    /// Device.
    pub device: String,
    /// How long it holds: 4h; absent: until undone.
    #[serde(rename = "for")]
    pub lasts: Option<String>,
    /// Why.
    pub reason: String,
    /// `subject` and `text` of a notification; whatever else the device knows.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The incident it belongs to.
    pub incident: Option<String>,
    /// Whose it is; default: the incident's, or the caller's.
    pub agency: Option<String>,
    /// Only show what would be done and who is hit.
    #[serde(default)]
    pub dry_run: bool,
}

/// A decision with its reason.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ActionDecision {
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// A device that takes orders.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceDto {
    /// Its name.
    pub name: String,
    /// What it does: block, disable, notify.
    pub does: Vec<String>,
}

/// The devices.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceList {
    /// The devices.
    pub items: Vec<DeviceDto>,
}
