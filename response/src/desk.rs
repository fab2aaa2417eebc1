//! Where people and playbooks ask for actions and decide about them. Every call is one durable change with its journal entry.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use fansipan_model::{Agency, Scope, time};
use fansipan_storage::{AuditRecord, ResponseFilter, ResponseKind, ResponseStep, ResponseStore, StoreError, TimeRange};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{
    action::{Action, ActionKind, ActionState, Decision, Verification, clock, level},
    config::{ResponseConfig, Span},
    connectors::Connector,
    error::{ResponseError, Result},
    playbook::Library,
    ports::{Impact, Telemetry},
    protected::Protected,
    target::{self, Target},
};

/// Longest and shortest time an action may hold.
const HOLDS: (i64, i64) = (10 * time::SECOND, 366 * 86_400 * time::SECOND);
/// Most text of one parameter, bytes.
const TEXT: usize = 8 << 10;
/// Open actions that are looked through for one about the same.
const OPEN: usize = 1_000;
/// Changes kept for a reader that lags.
const CHANGES: usize = 256;

/// What the desk is made of.
pub struct Parts {
    /// Keeps state.
    pub store: Arc<dyn ResponseStore>,
    /// The protected list.
    pub protected: Protected,
    /// The devices by name.
    pub devices: BTreeMap<String, Box<dyn Connector>>,
    /// What was observed.
    pub telemetry: Arc<dyn Telemetry>,
    /// Incidents, for playbooks.
    pub incidents: Arc<dyn crate::playbook::Incidents>,
    /// The playbooks.
    pub library: Library,
    /// The clock, UTC nanoseconds.
    pub clock: Box<dyn Fn() -> i64 + Send + Sync>,
}

/// The desk.
pub struct Desk {
    pub(crate) config: ResponseConfig,
    pub(crate) parts: Parts,
    /// Asking is one at a time, so that two cannot ask for the same.
    asking: Mutex<()>,
    changes: broadcast::Sender<Change>,
}

/// Something moved; readers fetch what they want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whether it is a run of a playbook rather than an action.
    pub run: bool,
    /// Which.
    pub id: Uuid,
    /// Whose.
    pub agency: String,
    /// Where it stands.
    pub state: String,
    /// Of which incident.
    pub incident: Option<String>,
}

/// Who asks or decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// As in the audit trail.
    pub name: String,
    /// The person behind it.
    pub person: String,
}

impl Who {
    pub(crate) fn decides(&self, at: i64) -> Decision {
        Decision { who: self.name.clone(), person: self.person.clone(), at }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose it is.
    pub agency: String,
    /// What is done.
    pub kind: ActionKind,
    /// To what; for notifications without meaning.
    pub target: String,
    /// On which device.
    pub device: String,
    /// How long it holds; `None`: until undone.
    pub lasts: Option<Span>,
    /// What else the device needs.
    pub parameters: BTreeMap<String, String>,
    /// Why.
    pub reason: String,
    /// The incident it belongs to.
    pub incident: Option<String>,
    /// The run of a playbook that asks.
    pub run: Option<Uuid>,
    /// The id it gets; the same is made once.
    pub id: Uuid,
}

impl Desk {
    /// From its parts.
    pub fn new(config: ResponseConfig, parts: Parts) -> Arc<Desk> {
        Arc::new(Desk { config, parts, asking: Mutex::new(()), changes: broadcast::channel(CHANGES).0 })
    }

    /// Tells of every change from now on.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    pub(crate) fn now(&self) -> i64 {
        (self.parts.clock)()
    }

    /// The devices: name and what each does.
    pub fn devices(&self) -> Vec<(&str, &'static [ActionKind])> {
        self.parts.devices.iter().map(|(name, device)| (name.as_str(), device.does())).collect()
    }

    pub(crate) fn device(&self, name: &str) -> Result<&dyn Connector> {
        self.parts.devices.get(name).map(|d| &**d).ok_or_else(|| {
            let known: Vec<&str> = self.parts.devices.keys().map(String::as_str).collect();
            let why = if known.is_empty() {
                "no devices are configured: add one under [response.devices]".to_owned()
            } else {
                format!("not configured; there are {}", known.join(", "))
            };
            ResponseError::Device { device: name.to_owned(), why }
        })
    }

    /// The dry run: what would be done and who is hit. Nothing is kept, no device is touched.
    pub fn dry_run(&self, who: &Who, request: &Request) -> Result<Action> {
        let device = self.device(&request.device)?;
        if !device.does().contains(&request.kind) {
            let can: Vec<&str> = device.does().iter().map(|k| k.as_str()).collect();
            let why = format!("cannot {}; it can {}", request.kind.as_str(), can.join(", "));
            return Err(ResponseError::Device { device: request.device.clone(), why });
        }
        let target = match request.kind {
            ActionKind::Block => target::networks(&request.target, self.parts.protected.names())?,
            ActionKind::Disable => target::account(&request.target)?,
            ActionKind::Notify => Target::People,
        };
        self.parts.protected.check(&target)?;
        check_words(request)?;
        let level = level(request.kind, &target);
        let mut action = Action {
            id: request.id,
            agency: request.agency.clone(),
            kind: request.kind,
            target,
            device: request.device.clone(),
            parameters: request.parameters.clone(),
            level,
            reason: request.reason.clone(),
            incident: request.incident.clone(),
            run: request.run,
            requested: who.decides(self.now()),
            approved: None,
            two_person: level >= self.config.two_person_from,
            state: ActionState::Proposed,
            lasts: request.lasts.map(|s| s.0).filter(|_| request.kind != ActionKind::Notify),
            done: None,
            expires: None,
            plan: Vec::new(),
            impact: Impact::default(),
            undoing: false,
            attempts: 0,
            retry: None,
            steps: 0,
            answer: String::new(),
            verification: Verification::default(),
            version: 0,
        };
        action.plan = device.plan(&action);
        action.impact = self.impact(&action);
        Ok(action)
    }

    fn impact(&self, action: &Action) -> Impact {
        let now = self.now();
        let days = self.config.impact_days;
        let range = TimeRange { from: now - i64::from(days) * 86_400 * time::SECOND, to: i64::MAX };
        let found = match action.target {
            Target::People => Ok(Impact { known: true, ..Impact::default() }),
            _ => self.parts.telemetry.impact(&scope_of(&action.agency), &action.target, range),
        };
        match found {
            Ok(impact) => Impact { days, ..impact },
            Err(error) => {
                tracing::warn!(%error, "FSP-ACT-020: who is hit by an action could not be read; its dry run says so");
                Impact { days, ..Impact::default() }
            }
        }
    }

    /// Asks for an action. What is grave enough waits for approval; the rest is done at once.
    pub fn propose(&self, who: &Who, request: &Request, audit: Option<&AuditRecord>) -> Result<Action> {
        let _asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let mut action = self.dry_run(who, request)?;
        self.refuse_second(&action)?;
        let unattended = action.level <= self.config.unattended_up_to;
        if unattended {
            action.state = ActionState::Approved;
            action.approved = Some(who.decides(action.requested.at));
        }
        let mut text = format!("asked for: {} ({})", action.title(), action.level.as_str());
        if unattended {
            text.push_str("; done without approval at this level");
        }
        self.keep(&mut action, "requested", &who.name, &text, audit)?;
        Ok(action)
    }

    /// Two orders about the same addresses on one device would undo each other.
    fn refuse_second(&self, action: &Action) -> Result<()> {
        let filter = ResponseFilter { states: ActionState::OPEN.map(|s| s.as_str().to_owned()).to_vec(), incident: None };
        for row in self.parts.store.responses(&Scope::All, ResponseKind::Action, &filter, OPEN)? {
            let other = Action::read(&row)?;
            if other.device != action.device || other.kind != action.kind || other.id == action.id {
                continue;
            }
            let overlap = match (&other.target, &action.target) {
                (Target::Account { name: a }, Target::Account { name: b }) => target::bare_account(a) == target::bare_account(b),
                (a, b) => a.networks().iter().any(|x| b.networks().iter().any(|y| x.contains(y) || y.contains(x))),
            };
            if overlap {
                return Err(ResponseError::Already {
                    target: action.target.text(),
                    device: action.device.clone(),
                    other: other.id.to_string(),
                    state: other.state.as_str().to_owned(),
                });
            }
        }
        Ok(())
    }

    /// One action.
    pub fn action(&self, scope: &Scope, id: Uuid) -> Result<Action> {
        let row = self.parts.store.response(scope, id)?.filter(|r| r.kind == ResponseKind::Action);
        Action::read(&row.ok_or(ResponseError::Missing("action"))?)
    }

    /// Actions, latest asked for first.
    pub fn actions(&self, scope: &Scope, filter: &ResponseFilter, limit: usize) -> Result<Vec<Action>> {
        self.parts.store.responses(scope, ResponseKind::Action, filter, limit)?.iter().map(Action::read).collect()
    }

    /// The journal of an action or a run.
    pub fn journal(&self, id: Uuid) -> Result<Vec<ResponseStep>> {
        Ok(self.parts.store.response_journal(id)?)
    }

    /// Agrees to an action.
    pub fn approve(&self, scope: &Scope, who: &Who, id: Uuid, audit: Option<&AuditRecord>) -> Result<Action> {
        let mut action = self.waiting(scope, id)?;
        let same = |name: &str| name.eq_ignore_ascii_case(&who.person) || name.eq_ignore_ascii_case(&who.name);
        if action.two_person && (same(&action.requested.person) || same(&action.requested.who)) {
            return Err(ResponseError::SecondPerson { who: who.person.clone() });
        }
        self.parts.protected.check(&action.target)?;
        action.state = ActionState::Approved;
        action.approved = Some(who.decides(self.now()));
        self.keep(&mut action, "approved", &who.name, "approved", audit)?;
        Ok(action)
    }

    fn waiting(&self, scope: &Scope, id: Uuid) -> Result<Action> {
        let action = self.action(scope, id)?;
        if action.state == ActionState::Proposed {
            return Ok(action);
        }
        Err(refuse_state(&action, "only a proposed action can be approved, rejected or cancelled"))
    }

    /// Does not agree.
    pub fn reject(&self, scope: &Scope, who: &Who, id: Uuid, reason: &str, audit: Option<&AuditRecord>) -> Result<Action> {
        let mut action = self.waiting(scope, id)?;
        action.state = ActionState::Rejected;
        self.keep(&mut action, "rejected", &who.name, &with_reason("rejected", reason), audit)?;
        Ok(action)
    }

    /// Undoes an action that is in force, or takes it back where it never was.
    pub fn undo(&self, scope: &Scope, who: &Who, id: Uuid, reason: &str, audit: Option<&AuditRecord>) -> Result<Action> {
        let mut action = self.action(scope, id)?;
        match action.state {
            // approved and not begun, or out of reach so far: nothing is in force
            ActionState::Proposed | ActionState::Approved => {
                action.state = ActionState::Cancelled;
                self.keep(&mut action, "cancelled", &who.name, &with_reason("cancelled", reason), audit)?;
            }
            ActionState::Done | ActionState::HandedOver if action.kind != ActionKind::Notify => {
                action.state = ActionState::Undoing;
                (action.undoing, action.attempts, action.retry) = (true, 0, None);
                self.keep(&mut action, "undo", &who.name, &with_reason("to be undone", reason), audit)?;
            }
            ActionState::Done => return Err(refuse_state(&action, "what was said stays said")),
            _ => return Err(refuse_state(&action, "there is nothing in force to undo, or it is being undone")),
        }
        Ok(action)
    }

    /// A person did by hand what was handed over; it counts as in force and is watched.
    pub fn by_hand(&self, scope: &Scope, who: &Who, id: Uuid, note: &str, audit: Option<&AuditRecord>) -> Result<Action> {
        let mut action = self.action(scope, id)?;
        if action.state != ActionState::HandedOver {
            return Err(refuse_state(&action, "only what was handed to a person can be done by hand"));
        }
        if action.undoing {
            action.state = ActionState::Undone;
            self.keep(&mut action, "undone", &who.name, &with_reason("undone by hand", note), audit)?;
        } else {
            self.in_force(&mut action);
            self.keep(&mut action, "by_hand", &who.name, &with_reason("done by hand", note), audit)?;
        }
        Ok(action)
    }

    /// Marks an action as in force from now on.
    pub(crate) fn in_force(&self, action: &mut Action) {
        let now = self.now();
        action.state = ActionState::Done;
        action.done = Some(now);
        action.expires = action.lasts.map(|l| now.saturating_add(l));
        (action.attempts, action.retry) = (0, None);
        action.verification = crate::verify::begin(action, now, self.config.verify.0);
    }

    /// Keeps an action with one journal entry; the entry's key is unique because it carries the version.
    pub(crate) fn keep(&self, action: &mut Action, step: &str, who: &str, text: &str, audit: Option<&AuditRecord>) -> Result<()> {
        action.version += 1;
        action.steps += 1;
        let now = self.now();
        let entry = ResponseStep { key: format!("{:04}.{step}", action.steps), at: now, who: who.to_owned(), text: text.to_owned() };
        let own = audit.is_none().then(|| system_record(action, step, text, now));
        let kept = self.parts.store.put_response(&action.row(), &[entry], audit.or(own.as_ref()));
        if kept.is_err() {
            (action.version, action.steps) = (action.version - 1, action.steps - 1);
        }
        kept?;
        tracing::info!(action = %action.id, state = action.state.as_str(), at = clock(now), "{text}");
        self.tell(Change {
            run: false,
            id: action.id,
            agency: action.agency.clone(),
            state: action.state.as_str().to_owned(),
            incident: action.incident.clone(),
        });
        Ok(())
    }

    /// Keeps what a look found without a journal entry.
    pub(crate) fn keep_quietly(&self, action: &mut Action) -> Result<()> {
        action.version += 1;
        Ok(self.parts.store.put_response(&action.row(), &[], None)?)
    }

    pub(crate) fn tell(&self, change: Change) {
        // nobody listening is no error
        let _ = self.changes.send(change);
    }
}

/// Steps that the system takes are audited like those of people.
fn system_record(action: &Action, step: &str, text: &str, at: i64) -> AuditRecord {
    AuditRecord {
        at,
        who: "system:responder".to_owned(),
        verb: format!("response.{step}"),
        object: action.id.to_string(),
        agency: Some(Agency::new(&action.agency)),
        details: serde_json::json!({ "state": action.state.as_str(), "text": text }).to_string(),
        allowed: true,
        ..AuditRecord::default()
    }
}

/// What an agency's action may look at.
pub(crate) fn scope_of(agency: &str) -> Scope {
    Scope::Agencies(vec![Agency::new(agency)])
}

fn with_reason(what: &str, reason: &str) -> String {
    if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") }
}

fn refuse_state(action: &Action, why: &'static str) -> ResponseError {
    ResponseError::State { what: "the action", state: action.state.as_str().to_owned(), why }
}

fn check_words(request: &Request) -> Result<()> {
    let wrong = |text: String| Err(ResponseError::Parameter(text));
    if request.reason.trim().is_empty() || request.reason.len() > TEXT {
        return wrong("a reason is needed, of at most 8 KiB: the journal must say why".to_owned());
    }
    if request.parameters.len() > 16 || request.parameters.iter().any(|(k, v)| k.len() > 64 || v.len() > TEXT) {
        return wrong("at most 16 parameters of 8 KiB each".to_owned());
    }
    if request.kind == ActionKind::Notify && request.parameters.get("text").is_none_or(|t| t.trim().is_empty()) {
        return wrong("a notification needs a `text`".to_owned());
    }
    if request.lasts.is_some_and(|s| s.0 < HOLDS.0 || s.0 > HOLDS.1) && request.kind != ActionKind::Notify {
        return wrong("an action holds from 10 seconds to 366 days".to_owned());
    }
    Ok(())
}

/// Whether a refusal says that another change came first.
pub(crate) fn came_second(error: &ResponseError) -> bool {
    matches!(error, ResponseError::Store(StoreError::Conflict { .. } | StoreError::Exists { .. }))
}
