//! The alert screen: the queue, the alert in hand, verdicts, exceptions.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{answers::read, later, visit};
use crate::{
    data::{Alert, Page, Status},
    desk,
    input::Input,
    message::{Ask, At, Command, Failure, Purpose},
    state::{Exception, Focus, Group, Place, Prompt, State, Wanted},
    text,
    words::{fill, reasons},
};

/// Rows asked for at once.
const PAGE: usize = 100;
/// A hand that rests this long is asked about: moving through the queue costs nothing.
const REST: SignedDuration = SignedDuration::from_millis(120);
/// Days an exception may last, by the digit.
const DAYS: [u32; 3] = [1, 7, 30];

/// Asks for the queue anew.
pub(crate) fn reload(state: &mut State, out: &mut Vec<Command>) {
    state.alerts.again = None;
    let serial = state.alerts.list.fresh();
    ask_page(state, out, serial, At::Top, None);
}

/// Asks for the page that the hand comes near to.
pub(super) fn page(state: &mut State, out: &mut Vec<Command>) {
    if state.place == Place::Alerts
        && let Some((at, cursor)) = state.alerts.list.wanted()
    {
        let serial = state.alerts.list.serial;
        ask_page(state, out, serial, at, cursor);
    }
}

fn ask_page(state: &State, out: &mut Vec<Command>, serial: u64, at: At, cursor: Option<String>) {
    let filter = &state.alerts.filter;
    let by_time = filter.newest || filter.all;
    let mut query = vec![("status", if filter.all { "all" } else { "open" }.to_owned()), ("limit", PAGE.to_string())];
    query.push(("sort", if by_time { "raised" } else { "priority" }.to_owned()));
    query.extend((!filter.q.is_empty()).then(|| ("q", filter.q.clone())));
    query.extend(cursor.map(|c| ("after", c)));
    out.push(Ask::get(Purpose::Alerts(serial, at), "/alerts", query));
}

/// An alert that was not in the list: where it belongs as far as can be told here; the appliance has the last word soon.
pub(super) fn place(state: &mut State, alert: &Alert) {
    let filter = &state.alerts.filter;
    let list = &state.alerts.list;
    if !list.known || !list.at_top() || !(filter.all || alert.status.open()) || !filter.q.is_empty() {
        return;
    }
    let by_time = filter.newest || filter.all;
    let at = if by_time { 0 } else { list.rows.iter().position(|row| row.rule.level < alert.rule.level).unwrap_or(list.rows.len()) };
    let was_empty = list.rows.is_empty();
    state.alerts.list.insert(at, alert.clone());
    if was_empty {
        follow(state);
    }
    state.alerts.again = Some(state.alerts.again.unwrap_or(later(state.now, SignedDuration::from_secs(2))));
}

/// The hand goes where the list's row is.
pub(crate) fn follow(state: &mut State) {
    let id = state.alerts.list.current().map(|a| a.id.clone());
    take_up(state, id);
    state.alerts.due = state.alerts.hand.is_some().then(|| later(state.now, REST));
}

fn take_up(state: &mut State, id: Option<String>) {
    if state.alerts.hand != id {
        state.alerts.hand = id;
        state.alerts.detail = None;
        state.alerts.context = None;
        state.alerts.judging = None;
        state.alerts.group = None;
        state.alerts.exception = None;
        state.line = 0;
    }
}

/// Takes an alert up, wherever it came from.
pub(crate) fn open(state: &mut State, out: &mut Vec<Command>, id: &str) {
    if let Some(at) = state.alerts.list.rows.iter().position(|a| a.id == id) {
        state.alerts.list.selected = at;
    }
    take_up(state, Some(id.to_owned()));
    ask_detail(state, out);
}

/// Goes to an alert.
pub(super) fn visit_alert(state: &mut State, out: &mut Vec<Command>, id: &str) {
    visit(state, Place::Alerts, out);
    state.focus = Focus::Detail;
    open(state, out, id);
}

/// Asks for the details of the hand.
pub(crate) fn ask_detail(state: &mut State, out: &mut Vec<Command>) {
    state.alerts.due = None;
    if let Some(id) = &state.alerts.hand {
        out.push(Ask::get(Purpose::Alert(id.clone()), format!("/alerts/{id}"), Vec::new()));
        out.push(Ask::get(Purpose::Context(id.clone()), format!("/alerts/{id}/context"), Vec::new()));
    }
}

pub(super) fn answer(state: &mut State, purpose: Purpose, result: Result<Value, Failure>, out: &mut Vec<Command>) {
    match purpose {
        Purpose::Alerts(serial, at) => listed(state, serial, at, result),
        Purpose::Alert(id) if state.alerts.hand.as_ref() == Some(&id) => {
            state.alerts.detail = read(state, result).or(state.alerts.detail.take())
        }
        Purpose::Context(id) if state.alerts.hand.as_ref() == Some(&id) => {
            state.alerts.context = result.ok().and_then(|value| serde_json::from_value(value).ok());
        }
        Purpose::Next => {
            let Some(value) = read::<Value>(state, result) else { return };
            match serde_json::from_value::<Alert>(value["alert"].clone()) {
                Ok(alert) => {
                    state.desk.taken(&alert);
                    if !state.alerts.list.rows.iter().any(|row| row.id == alert.id) {
                        place(state, &alert);
                    }
                    desk::show(state, alert.clone());
                    open(state, out, &alert.id);
                }
                Err(_) => state.say(state.words().no_next, false),
            }
        }
        Purpose::Group(step) => {
            let Some(value) = read::<Value>(state, result) else { return };
            if let Some(group) = state.alerts.group.as_mut().filter(|g| g.step == step) {
                group.count = value["changed"].as_u64();
            }
        }
        Purpose::Escalate => {
            if let Some(incident) = read::<crate::data::Incident>(state, result) {
                visit(state, Place::Incident(incident.id), out);
            }
        }
        Purpose::Preview => {
            let Some(value) = read::<Value>(state, result) else { return };
            if let Some(exception) = &mut state.alerts.exception {
                exception.preview = Some((value["alerts"].as_u64().unwrap_or(0), value["true_positives"].as_u64().unwrap_or(0)));
            }
        }
        Purpose::Except => {
            let Some(value) = read::<Value>(state, result) else { return };
            let until = value["until"].as_str().and_then(|t| t.parse().ok()).unwrap_or(state.now);
            let shown = text::full_instant(until, &state.zone);
            state.say(fill(state.words().except_done, &[&shown]), false);
        }
        _ => {}
    }
}

fn listed(state: &mut State, serial: u64, at: At, result: Result<Value, Failure>) {
    if serial != state.alerts.list.serial {
        return;
    }
    let Some(page) = read::<Page<Alert>>(state, result) else {
        state.alerts.list.asking = None;
        if at == At::Top && !state.alerts.list.known {
            state.alerts.again = Some(later(state.now, super::REFRESH));
        }
        return;
    };
    let hand = state.alerts.hand.clone();
    state.alerts.list.take(at, page, |a, b| a.id == b.id);
    if at != At::Top {
        return;
    }
    let held = hand.and_then(|id| state.alerts.list.rows.iter().position(|a| a.id == id));
    match held {
        Some(at) => state.alerts.list.selected = at,
        // an alert opened from elsewhere stays in hand though the list does not have it
        None if state.alerts.hand.is_some() && state.focus == Focus::Detail => {}
        None => follow(state),
    }
}

/// Keys of this screen; false: none of them.
pub(super) fn key(state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
    if exception_key(state, key, out) || reason_key(state, key, out) {
        return true;
    }
    match key {
        "n" => {
            if desk::allowed(state) {
                let q = Some(state.alerts.filter.q.clone()).filter(|q| !q.is_empty());
                out.push(Ask::post(Purpose::Next, "/alerts/next", json!({ "q": q })));
            }
        }
        "c" => desk::claim(state, out),
        "t" => begin(state, Status::TruePositive),
        "f" => begin(state, Status::FalsePositive),
        "b" => begin(state, Status::Benign),
        "*" => cycle_group(state, out),
        "u" => desk::undo(state, out),
        "e" => match state.alerts.context.as_ref().and_then(|c| c.incident.clone()) {
            Some(id) => visit(state, Place::Incident(id), out),
            None => begin_escalation(state),
        },
        "x" => draft(state, out),
        "p" => crate::packets::begin(state),
        "w" => {
            if let Some(value) = state.hand().and_then(|a| a.entities.first()).map(|e| e.value.clone()) {
                super::keys::watch(state, value);
            }
        }
        "o" => {
            state.alerts.filter.newest = !state.alerts.filter.newest;
            restart(state, out);
        }
        "s" => {
            state.alerts.filter.all = !state.alerts.filter.all;
            restart(state, out);
        }
        _ => return false,
    }
    true
}

/// Another filter: another list, from its top.
pub(super) fn restart(state: &mut State, out: &mut Vec<Command>) {
    state.alerts.list.clear();
    take_up(state, None);
    state.focus = Focus::List;
    reload(state, out);
}

fn begin(state: &mut State, verdict: Status) {
    if state.hand().is_some() && desk::allowed(state) {
        state.alerts.judging = Some(verdict);
    }
}

fn reason_key(state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
    let Some(verdict) = state.alerts.judging else { return false };
    if key == "Escape" {
        state.alerts.judging = None;
        return true;
    }
    let reason = key.parse::<usize>().ok().and_then(|digit| reasons(verdict).get(digit.wrapping_sub(1)));
    let Some(reason) = reason else { return false };
    state.alerts.judging = None;
    desk::judge(state, out, verdict, reason);
    true
}

fn cycle_group(state: &mut State, out: &mut Vec<Command>) {
    let Some(alert) = state.hand().cloned() else { return };
    if !desk::allowed(state) {
        return;
    }
    let all = desk::groups(&alert);
    let step = state.alerts.group.as_ref().map_or(0, |g| g.step) + 1;
    let Some(filter) = all.get(step - 1) else {
        state.alerts.group = None;
        return;
    };
    state.alerts.group = Some(Group { step, count: None });
    let body = json!({ "filter": filter, "status": "benign", "reason": "test", "dry_run": true });
    out.push(Ask::post(Purpose::Group(step), "/alerts/bulk", body));
}

/// Asks whether an incident is to be opened about the alert in hand.
fn begin_escalation(state: &mut State) {
    // not known yet is not the same as none
    let (Some(id), true) = (state.alerts.hand.clone(), state.alerts.context.is_some()) else { return };
    if !state.may("incidents.work") {
        return state.say(state.words().no_incident, false);
    }
    state.prompt = Some(Prompt { title: state.words().escalate.to_owned(), input: Input::default(), wanted: Wanted::Escalate(id) });
}

/// Opens an incident about an alert.
pub(super) fn escalate(out: &mut Vec<Command>, id: &str) {
    out.push(Ask::post(Purpose::Escalate, format!("/alerts/{id}/escalate"), json!({})));
}

/// Drafts an exception from the alert in hand.
fn draft(state: &mut State, out: &mut Vec<Command>) {
    let Some(alert) = state.hand().cloned() else { return };
    if !state.may("exceptions.manage") {
        state.say(state.words().no_permission, true);
        return;
    }
    let quoted = |value: &str| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    let field = |kind: &str| match kind {
        "host" => Some("host.name"),
        "user" => Some("user.name"),
        "address" => Some("source.ip"),
        _ => None,
    };
    // one value of each field: an event has no two hosts
    let mut named: Vec<(&str, String)> = Vec::new();
    for (name, value) in alert.entities.iter().filter_map(|e| field(&e.kind).map(|f| (f, quoted(&e.value)))) {
        if !named.iter().any(|(n, _)| *n == name) {
            named.push((name, value));
        }
    }
    let mut filters: Vec<String> = named.into_iter().map(|(name, value)| format!("{name}:{value}")).collect();
    if filters.len() > 1 {
        filters.insert(0, filters.join(" and "));
    }
    filters.push(String::new());
    state.alerts.exception = Some(Exception { rule: alert.rule.id, filters, chosen: 0, days: 7, preview: None });
    preview(state, out);
}

fn preview(state: &mut State, out: &mut Vec<Command>) {
    if let Some(exception) = &mut state.alerts.exception {
        exception.preview = None;
        let body = json!({ "rule": exception.rule, "filter": exception.filters[exception.chosen], "since": "30d" });
        out.push(Ask::post(Purpose::Preview, "/exceptions/preview", body));
    }
}

fn exception_key(state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
    let title = state.words().except_reason;
    let Some(exception) = &mut state.alerts.exception else { return false };
    match key {
        "Escape" => state.alerts.exception = None,
        "x" => {
            exception.chosen = (exception.chosen + 1) % exception.filters.len();
            preview(state, out);
        }
        "1" | "2" | "3" => exception.days = key.parse::<usize>().ok().and_then(|d| DAYS.get(d - 1)).copied().unwrap_or(7),
        "Enter" => state.prompt = Some(Prompt { title: title.to_owned(), input: Input::default(), wanted: Wanted::Exception }),
        _ => return false,
    }
    true
}

/// Makes the exception that was drafted.
pub(super) fn except(state: &mut State, out: &mut Vec<Command>, reason: &str) {
    if let Some(e) = state.alerts.exception.take() {
        let body = json!({ "rule": e.rule, "filter": e.filters[e.chosen], "reason": reason, "until": format!("{}d", e.days) });
        out.push(Ask::post(Purpose::Except, "/exceptions", body));
    }
}
