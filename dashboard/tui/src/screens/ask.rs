//! Asking for an action: what, at whom, on which device, how long, why; then the dry run, and only then the order itself.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Kind,
    action::{self, Action, draw},
    topic, type_in,
};
use crate::{
    data::List,
    doc::{Doc, Tone},
    message::{Ask, Command, Failure},
    state::{Focus, State},
    update::read,
    words::{fill, words},
};

words! {
    kind: "Đề nghị lệnh · việc gì: block (chặn), disable (khóa tài khoản), notify (thông báo)", "Ask for an action · what: block, disable (an account), notify";
    kind_wrong: "Chỉ có block, disable, notify", "It is block, disable or notify";
    target: "Chặn ai: địa chỉ, mạng hoặc tên máy", "Block whom: address, network or host name";
    account: "Khóa tài khoản nào", "Disable which account";
    message: "Thông báo gì", "Tell what";
    device: "Trên thiết bị nào: {}", "On which device: {}";
    no_device: "Chưa có thiết bị nào làm được việc này: khai báo trong [response.devices]", "No device does this: declare one in [response.devices]";
    lasts: "Hiệu lực trong bao lâu (15m, 4h, 7d; để trống: đến khi gỡ)", "For how long (15m, 4h, 7d; nothing: until undone)";
    reason: "Lý do", "Why";
    dry: "Chạy thử: chưa làm gì, chưa lưu gì", "Dry run: nothing was done, nothing is kept";
    go: "Enter: đề nghị · Esc: thôi", "Enter: ask for it · Esc: stop";
    go_second: "Enter: đề nghị, người thứ hai sẽ duyệt · Esc: thôi", "Enter: ask for it, a second person agrees · Esc: stop";
    asked: "Đã đề nghị: {}", "Asked for: {}";
    what: "Việc", "What";
    whom: "Đối tượng", "Aimed at";
    where_: "Thiết bị", "Device";
    how_long: "Hiệu lực", "For";
    hint_go: "Đề nghị", "Ask for it";
    hint_on: "Tiếp", "Go on";
    hint_stop: "Thôi", "Stop";
    wait: "Đang chạy thử…", "Dry run under way…";
}

/// An order being written.
#[derive(Debug, Default)]
pub(super) struct Form {
    kind: String,
    target: String,
    device: String,
    lasts: String,
    reason: String,
    incident: Option<String>,
    devices: Option<Vec<Device>>,
    dry: Option<Box<Action>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Device {
    name: String,
    does: Vec<String>,
}

impl Form {
    fn body(&self, dry_run: bool) -> Value {
        let notify = self.kind == "notify";
        let lasts = Some(&self.lasts).filter(|l| !l.is_empty());
        let parameters = if notify { json!({ "text": self.target, "subject": "Fansipan" }) } else { json!({}) };
        json!({
            "kind": self.kind, "target": if notify { "" } else { &self.target }, "device": self.device, "for": lasts,
            "reason": self.reason, "incident": self.incident, "parameters": parameters, "dry_run": dry_run,
        })
    }

    /// Devices that do it.
    fn fitting(&self) -> Vec<&str> {
        self.devices.iter().flatten().filter(|d| d.does.contains(&self.kind)).map(|d| d.name.as_str()).collect()
    }
}

/// Begins an order aimed at `target`.
pub(super) fn begin(state: &mut State, out: &mut Vec<Command>, target: &str, incident: Option<String>) {
    state.screens.actions.form = Some(Form { target: target.to_owned(), incident, ..Form::default() });
    out.push(Ask::get(topic(Kind::Actions, "devices"), "/actions/devices", Vec::new()));
    step(state, "kind", Words::of(state.language).kind.to_owned(), "block");
}

fn step(state: &mut State, what: &str, title: String, text: &str) {
    type_in(state, Kind::Actions, what, title, text);
}

/// Takes a line of it.
pub(super) fn typed(state: &mut State, what: &str, text: &str, out: &mut Vec<Command>) {
    let words = Words::of(state.language);
    let Some(form) = &mut state.screens.actions.form else { return };
    // nothing typed where something is needed: given up
    if text.is_empty() && what != "lasts" {
        state.screens.actions.form = None;
        return;
    }
    match what {
        "kind" => {
            if !["block", "disable", "notify"].contains(&text) {
                step(state, "kind", words.kind.to_owned(), "block");
                return state.say(words.kind_wrong, true);
            }
            text.clone_into(&mut form.kind);
            let title = match text {
                "block" => words.target,
                "disable" => words.account,
                _ => words.message,
            };
            let aimed = form.target.clone();
            step(state, "target", title.to_owned(), &aimed);
        }
        "target" => {
            text.clone_into(&mut form.target);
            let names: Vec<String> = form.fitting().into_iter().map(ToOwned::to_owned).collect();
            if names.is_empty() && form.devices.is_some() {
                state.screens.actions.form = None;
                return state.say(words.no_device, true);
            }
            let first = names.first().cloned().unwrap_or_default();
            step(state, "device", fill(words.device, &[&names.join(", ")]), &first);
        }
        "device" => {
            text.clone_into(&mut form.device);
            if form.kind == "notify" {
                return step(state, "reason", words.reason.to_owned(), "");
            }
            step(state, "lasts", words.lasts.to_owned(), "4h");
        }
        "lasts" => {
            text.clone_into(&mut form.lasts);
            step(state, "reason", words.reason.to_owned(), "");
        }
        _ => {
            text.clone_into(&mut form.reason);
            out.push(Ask::post(topic(Kind::Actions, "dry"), "/actions", form.body(true)));
            (state.focus, state.line) = (Focus::Detail, 0);
        }
    }
}

/// Takes an answer about it.
pub(super) fn answer(state: &mut State, about: &str, result: Result<Value, Failure>, out: &mut Vec<Command>) {
    match about {
        "devices" => {
            let Some(List { items }) = read(state, result) else { return };
            if let Some(form) = &mut state.screens.actions.form {
                form.devices = Some(items);
            }
        }
        "dry" => match (read::<Action>(state, result), &mut state.screens.actions.form) {
            (Some(action), Some(form)) => form.dry = Some(Box::new(action)),
            // what was wrong with it is said already
            _ => give_up(state),
        },
        _ => {
            if let Some(action) = read::<Action>(state, result) {
                let told = action.what(action::Words::of(state.language));
                state.say(fill(Words::of(state.language).asked, &[&told]), false);
            }
            give_up(state);
            Kind::Actions.screen().load(state, out);
        }
    }
}

pub(super) fn give_up(state: &mut State) {
    state.screens.actions.form = None;
    (state.focus, state.line) = (Focus::List, 0);
}

/// Keys while the dry run is on screen; false: those of any details.
pub(super) fn key(state: &mut State, key: &str, out: &mut Vec<Command>) -> bool {
    match key {
        "Escape" => give_up(state),
        "Enter" => {
            // once: what was sent is not sent again
            if let Some(form) = &mut state.screens.actions.form
                && form.dry.take().is_some()
            {
                out.push(Ask::post(topic(Kind::Actions, "asked"), "/actions", form.body(false)));
            }
        }
        _ => return false,
    }
    true
}

/// The keys while it is on screen.
pub(super) fn hints(state: &State) -> Vec<(&'static str, &'static str)> {
    let words = Words::of(state.language);
    let shown = state.screens.actions.form.as_ref().is_some_and(|f| f.dry.is_some());
    vec![("Enter", if shown { words.hint_go } else { words.hint_on }), ("Esc", words.hint_stop)]
}

/// The dry run.
pub(super) fn lines(doc: &mut Doc<'_>, form: &Form) {
    let words = Words::of(doc.state.language);
    let Some(dry) = &form.dry else {
        let kind = action::Words::of(doc.state.language).kind(&form.kind).to_owned();
        for (name, value) in [
            (words.what, &kind),
            (words.whom, &form.target),
            (words.where_, &form.device),
            (words.how_long, &form.lasts),
            (words.reason, &form.reason),
        ] {
            if !value.is_empty() {
                doc.pair(name, Tone::Plain, value, None);
            }
        }
        if !form.reason.is_empty() {
            doc.text(Tone::Dim, words.wait);
        }
        return;
    };
    doc.text(Tone::Good, words.dry);
    doc.text(Tone::Strong, if dry.two_person { words.go_second } else { words.go });
    doc.push(Vec::new(), None);
    draw(doc, dry);
}
