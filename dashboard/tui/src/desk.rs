//! What an analyst does to alerts: take, give back, judge, judge many, undo. One errand after the other, so that a verdict given
//! while a claim is under way stands on what the claim brought. The screen changes at once and back again if the appliance refuses.

use std::collections::VecDeque;

use fansipan_cli::said;
use serde_json::{Value, json};

use crate::{
    data::{Alert, Status},
    message::{Ask, Command, Failure, Purpose},
    state::State,
    words::fill,
};

/// Changes that can be undone, and alerts remembered.
const REMEMBERED: usize = 50;
/// Calls that one errand may take.
const CALLS: u8 = 4;

/// What a change did, for the message about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Taken.
    Claim,
    /// Given back.
    Release,
    /// Judged, with the reason's word.
    Verdict(String),
    /// Taken back.
    Undone,
}

/// One thing to do.
#[derive(Clone, Debug)]
enum Errand {
    /// Bring an alert to this.
    Bring {
        id: String,
        status: Status,
        holder: Option<Option<String>>,
        reason: Option<String>,
        done: Done,
        calls: u8,
        before: Option<Box<Alert>>,
    },
    /// Judge all that fit.
    Many { filter: Value, status: Status, reason: String },
    /// Take the last change back.
    TakeBack,
    /// Take a decision about many back.
    UndoMany { token: String },
}

/// A change that can be undone.
#[derive(Clone, Debug)]
enum Before {
    One { id: String, status: Status, holder: Option<String>, reason: Option<String> },
    Many(String),
}

/// The desk.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    queue: VecDeque<Errand>,
    busy: bool,
    undoable: Vec<Before>,
    known: VecDeque<Alert>,
}

impl Desk {
    fn keep(&mut self, before: Before) {
        if self.undoable.len() >= REMEMBERED {
            self.undoable.remove(0);
        }
        self.undoable.push(before);
    }

    /// An alert taken by `next`: undoing gives it back.
    pub fn taken(&mut self, alert: &Alert) {
        self.keep(Before::One { id: alert.id.clone(), status: Status::New, holder: None, reason: None });
    }

    fn answered(&mut self, alert: Alert) {
        self.known.retain(|a| a.id != alert.id);
        if self.known.len() >= REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back(alert);
    }
}

/// The alert as the appliance last told of it. What is shown may be ahead of it, with the same version, while an errand is under way.
fn base(state: &State, id: &str, before: Option<&Alert>) -> Option<Alert> {
    let known = state.desk.known.iter().find(|a| a.id == id);
    let told = [known, before].into_iter().flatten().max_by_key(|a| a.version);
    let hand = state.hand().filter(|a| a.id == id);
    let row = state.alerts.list.rows.iter().find(|a| a.id == id);
    let shown = [hand, row].into_iter().flatten().max_by_key(|a| a.version);
    match (told, shown) {
        (Some(told), Some(shown)) if shown.version > told.version => Some(shown.clone()),
        (told, shown) => told.or(shown).cloned(),
    }
}

/// Whether the account has a name that alerts can be given to; tokens and local callers have none.
fn is_person(name: &str) -> bool {
    !name.is_empty() && !name.contains(':')
}

/// Takes the alert in hand, or gives it back.
pub fn claim(state: &mut State, out: &mut Vec<Command>) {
    let Some(alert) = state.hand().filter(|a| a.status.open()).cloned() else { return };
    if !allowed(state) {
        return;
    }
    let me = state.name().to_owned();
    let mine = if is_person(&me) { alert.assignee.as_ref() == Some(&me) } else { alert.status == Status::Acknowledged };
    let (status, holder, done) = match (mine, is_person(&me)) {
        (true, _) => (Status::New, Some(None), Done::Release),
        (false, true) => (Status::Acknowledged, Some(Some(me)), Done::Claim),
        (false, false) => (Status::Acknowledged, None, Done::Claim),
    };
    let mut wanted = alert.clone();
    wanted.status = status;
    if let Some(holder) = &holder {
        wanted.assignee = holder.clone();
    }
    show(state, wanted);
    let before = Some(Box::new(alert.clone()));
    push(state, out, Errand::Bring { id: alert.id, status, holder, reason: None, done, calls: 0, before });
}

/// Judges the alert in hand, or its group.
pub fn judge(state: &mut State, out: &mut Vec<Command>, verdict: Status, reason: &str) {
    let Some(alert) = state.hand().cloned() else { return };
    if let Some(filter) = state.alerts.group.take().and_then(|g| groups(&alert).into_iter().nth(g.step.wrapping_sub(1))) {
        push(state, out, Errand::Many { filter, status: verdict, reason: reason.to_owned() });
        return;
    }
    let mut wanted = alert.clone();
    wanted.status = verdict;
    wanted.reason = Some(reason.to_owned());
    let errand = Errand::Bring {
        id: alert.id.clone(),
        status: verdict,
        holder: None,
        reason: Some(reason.to_owned()),
        done: Done::Verdict(reason.to_owned()),
        calls: 0,
        before: Some(Box::new(alert)),
    };
    show(state, wanted);
    push(state, out, errand);
}

/// Takes back the last change.
pub fn undo(state: &mut State, out: &mut Vec<Command>) {
    if allowed(state) {
        push(state, out, Errand::TakeBack);
    }
}

/// Whether the account may judge; says so if not.
pub fn allowed(state: &mut State) -> bool {
    let may = state.may("alerts.judge");
    if !may {
        state.say(state.words().no_permission, true);
    }
    may
}

/// Filters of an alert's groups, narrowest first.
pub fn groups(alert: &Alert) -> Vec<Value> {
    let rule = json!({ "status": "open", "rule": alert.rule.id });
    match alert.entities.first() {
        Some(entity) => vec![json!({ "status": "open", "rule": alert.rule.id, "q": entity.value }), rule],
        None => vec![rule],
    }
}

/// Puts a version of an alert wherever it is shown; older ones than the one shown are ignored.
pub fn show(state: &mut State, alert: Alert) {
    if let Some(detail) = state.alerts.detail.as_mut().filter(|d| d.id == alert.id && d.version <= alert.version) {
        let events = std::mem::take(&mut detail.events);
        let reason = alert.reason.clone().or_else(|| detail.reason.take().filter(|_| detail.status == alert.status));
        *detail = Alert { events, reason, ..alert.clone() };
    }
    for row in state.case.incident.iter_mut().flat_map(|i| &mut i.items).filter(|row| row.id == alert.id && row.version <= alert.version) {
        *row = alert.clone();
    }
    let leaves = !state.alerts.filter.all && !alert.status.open();
    let place = state.alerts.list.rows.iter().position(|row| row.id == alert.id && row.version <= alert.version);
    match place {
        Some(at) if leaves => {
            state.alerts.list.remove(at);
            if state.alerts.hand.as_ref() == Some(&alert.id) {
                crate::update::alerts::follow(state); // the one after it comes to hand
            }
        }
        Some(at) => state.alerts.list.rows[at] = alert,
        None => {}
    }
}

fn push(state: &mut State, out: &mut Vec<Command>, errand: Errand) {
    state.desk.queue.push_back(errand);
    if !state.desk.busy {
        begin(state, out);
    }
}

/// Begins the first errand of the queue.
fn begin(state: &mut State, out: &mut Vec<Command>) {
    state.desk.busy = false;
    while let Some(errand) = state.desk.queue.front().cloned() {
        let ask = match errand {
            Errand::TakeBack => {
                state.desk.queue.pop_front();
                let Some(before) = state.desk.undoable.pop() else {
                    state.say(state.words().undo_nothing, false);
                    continue;
                };
                state.desk.queue.push_front(match before {
                    Before::Many(token) => Errand::UndoMany { token },
                    Before::One { id, status, holder, reason } => {
                        let holder = Some(holder).filter(|h| h.as_deref().is_none_or(is_person));
                        Errand::Bring { id, status, holder, reason, done: Done::Undone, calls: 0, before: None }
                    }
                });
                continue;
            }
            Errand::UndoMany { token } => Ask::post(Purpose::Desk, "/alerts/undo", json!({ "token": token })),
            Errand::Many { filter, status, reason } => {
                Ask::post(Purpose::Desk, "/alerts/bulk", json!({ "filter": filter, "status": status.word(), "reason": reason }))
            }
            Errand::Bring { id, before, .. } => match base(state, &id, before.as_deref()).and_then(|alert| next_call(state, &alert)) {
                Some(ask) => ask,
                None => Ask::get(Purpose::Desk, format!("/alerts/{id}"), Vec::new()), // not known well enough
            },
        };
        state.desk.busy = true;
        out.push(ask);
        return;
    }
}

/// The call that brings the alert nearer to what the first errand wants; `None`: it is there.
fn next_call(state: &State, now: &Alert) -> Option<Command> {
    let Some(Errand::Bring { id, status, holder, reason, .. }) = state.desk.queue.front() else { return None };
    if let Some(holder) = holder.as_ref().filter(|h| **h != now.assignee) {
        return Some(Ask::post(Purpose::Desk, format!("/alerts/{id}/assign"), json!({ "assignee": holder, "version": now.version })));
    }
    if *status != now.status {
        let body = json!({ "status": status.word(), "reason": reason, "version": now.version });
        return Some(Ask::post(Purpose::Desk, format!("/alerts/{id}/status"), body));
    }
    None
}

/// The appliance answered the errand under way.
pub fn answer(state: &mut State, out: &mut Vec<Command>, result: Result<Value, Failure>) {
    let Some(errand) = state.desk.queue.front().cloned() else { return };
    let value = match result {
        Ok(value) => value,
        Err(failure) => return refused(state, out, &failure),
    };
    match errand {
        Errand::Bring { id, status, done, calls, before, .. } => {
            let alert: Alert = serde_json::from_value(value).unwrap_or_default();
            if alert.id != id {
                let said = said!("FSP-TUI-002: the answer is about another alert", "FSP-TUI-002: câu trả lời là về một cảnh báo khác");
                return refused(state, out, &Failure::new("", said));
            }
            state.desk.answered(alert.clone());
            let more = next_call(state, &alert);
            if let (Some(call), true) = (more, calls + 1 < CALLS) {
                if let Some(Errand::Bring { calls, .. }) = state.desk.queue.front_mut() {
                    *calls += 1;
                }
                out.push(call);
                return;
            }
            if let Some(before) = before.filter(|_| done != Done::Undone) {
                let Alert { id, status, assignee: holder, reason, .. } = *before;
                state.desk.keep(Before::One { id, status, holder, reason });
            }
            show(state, alert);
            tell(state, &done, status);
            if done == Done::Undone {
                crate::update::alerts::open(state, out, &id);
                crate::update::alerts::reload(state, out);
            }
        }
        Errand::Many { status, reason, .. } => {
            if let Some(token) = value["token"].as_str() {
                state.desk.keep(Before::Many(token.to_owned()));
            }
            let words = state.words();
            let count = crate::text::number(value["changed"].as_u64().unwrap_or(0), state.language);
            state.say(fill(words.done_many, &[&count, words.status(status), words.reason(&reason)]), false);
            state.alerts.hand = None;
            crate::update::alerts::reload(state, out);
        }
        Errand::UndoMany { .. } => {
            state.say(state.words().undone, false);
            crate::update::alerts::reload(state, out);
        }
        Errand::TakeBack => {}
    }
    state.desk.queue.pop_front();
    begin(state, out);
}

fn tell(state: &mut State, done: &Done, status: Status) {
    let words = state.words();
    let text = match done {
        Done::Claim => words.done_claim.to_owned(),
        Done::Release => words.done_release.to_owned(),
        Done::Verdict(reason) => fill(words.done_verdict, &[words.status(status), words.reason(reason)]),
        Done::Undone => words.undone.to_owned(),
    };
    state.say(text, false);
}

/// Back to what the appliance has; whoever came second is told.
fn refused(state: &mut State, out: &mut Vec<Command>, failure: &Failure) {
    if let Some(Errand::Bring { id, before, .. }) = state.desk.queue.pop_front() {
        state.desk.known.retain(|a| a.id != id);
        if let Some(before) = before {
            if let Some(row) = state.alerts.list.rows.iter_mut().find(|row| row.id == before.id) {
                row.clone_from(&before);
            }
            if let Some(detail) = state.alerts.detail.as_mut().filter(|d| d.id == before.id) {
                *detail = Alert { events: std::mem::take(&mut detail.events), ..*before };
            }
        }
        if state.alerts.hand.as_ref() == Some(&id) {
            crate::update::alerts::ask_detail(state, out);
        }
    }
    crate::update::fail(state, failure);
    crate::update::alerts::reload(state, out);
    begin(state, out);
}
