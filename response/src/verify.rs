//! Whether an act had its effect: events are watched for a while, and what they show is said plainly.

use fansipan_model::{Scope, time};
use fansipan_storage::TimeRange;

use crate::{
    action::{Action, ActionKind, ActionState, Verdict, Verification, clock},
    desk::{Desk, scope_of},
    error::Result,
    ports::Seen,
};

/// What is under way when the device acts may still arrive.
const GRACE: i64 = 2 * time::SECOND;
/// How far back the target must have been seen for silence to prove something.
const BEFORE: i64 = 3600 * time::SECOND;
/// Looks between the act and the end of the watch.
const LOOKS: i64 = 10;

/// A watch that begins now; none where events can show nothing.
pub(crate) fn begin(action: &Action, now: i64, watch: i64) -> Verification {
    if action.kind == ActionKind::Notify {
        return Verification::default();
    }
    Verification {
        verdict: Verdict::Watching,
        since: Some(now),
        until: Some(now + watch),
        next: Some(now + every(watch)),
        ..Verification::default()
    }
}

fn every(watch: i64) -> i64 {
    (watch / LOOKS).clamp(time::SECOND, 60 * time::SECOND)
}

impl Desk {
    /// Looks once, and keeps what was found.
    pub(crate) fn look(&self, action: &mut Action) -> Result<()> {
        let now = self.now();
        let (Some(done), Some(until)) = (action.done, action.verification.until) else { return Ok(()) };
        let before = action.verification.verdict;
        let scope = scope_of(&action.agency);
        let watch = until - done;
        let ended = now >= until;
        let found = self.found(action, &scope, done, now, watch);
        action.verification.next = (!ended).then(|| now + every(watch));
        let verdict = match found {
            Ok((seen, known)) => judge(&mut action.verification, &seen, done, now, watch, ended, known),
            Err(error) => {
                tracing::warn!(%error, action = %action.id, "FSP-ACT-021: what an action did could not be looked up; it is tried again");
                if ended { Verdict::Unknown } else { before }
            }
        };
        action.verification.verdict = verdict;
        if verdict != Verdict::Unknown {
            action.verification.looked = Some(now);
        }
        (action.verification.text, action.verification.text_vi) = words(&action.verification, action.kind);
        let news = verdict != before && matches!(action.state, ActionState::Done);
        if news || ended {
            let text = format!("verification: {}", action.verification.text);
            self.keep(action, "verified", "system", &text, None)
        } else {
            self.keep_quietly(action)
        }
    }

    /// What was seen since the act, and whether the target was seen before it.
    fn found(&self, action: &Action, scope: &Scope, done: i64, now: i64, watch: i64) -> Result<(Seen, bool)> {
        let telemetry = &self.parts.telemetry;
        let after = TimeRange { from: done + GRACE, to: now + 300 * time::SECOND };
        let seen = telemetry.seen(scope, &action.target, after)?;
        let earlier = TimeRange { from: done - BEFORE.max(watch), to: done + GRACE };
        let known = seen.passed > 0 || seen.stopped > 0 || telemetry.seen(scope, &action.target, earlier)?.passed > 0;
        Ok((seen, known))
    }
}

/// The finding. Something that got through early and has stopped since counts as stopped.
fn judge(v: &mut Verification, seen: &Seen, done: i64, now: i64, watch: i64, ended: bool, known: bool) -> Verdict {
    let quiet = (watch / 2).min(60 * time::SECOND);
    v.seen = seen.clone();
    match seen.last {
        Some(last) if last >= now - quiet => {
            v.since = Some(done);
            Verdict::Ineffective
        }
        last => {
            v.since = last.or(Some(done));
            match (ended, known) {
                (false, _) => Verdict::Watching,
                (true, true) => Verdict::Effective,
                (true, false) => Verdict::Unproven,
            }
        }
    }
}

fn words(v: &Verification, kind: ActionKind) -> (String, String) {
    let (what, what_vi) = if kind == ActionKind::Disable { ("logons", "lần đăng nhập") } else { ("flows", "luồng") };
    let since = v.since.map(clock).unwrap_or_default();
    match v.verdict {
        Verdict::None => (String::new(), String::new()),
        Verdict::Watching | Verdict::Effective => (format!("0 {what} since {since}"), format!("0 {what_vi} kể từ {since}")),
        Verdict::Ineffective => {
            let last = v.seen.last.map(clock).unwrap_or_default();
            let via = if v.seen.via.is_empty() { String::new() } else { format!(", via {}", v.seen.via.join(", ")) };
            let via_vi = via.replace(", via ", ", qua ");
            (
                format!("still passing: {} {what} since {since}, last at {last}{via}", v.seen.passed),
                format!("vẫn còn đi qua: {} {what_vi} kể từ {since}, lần cuối {last}{via_vi}", v.seen.passed),
            )
        }
        Verdict::Unproven => (
            format!("0 {what} since {since}, and none in the hour before: the events prove nothing"),
            format!("0 {what_vi} kể từ {since}, và một giờ trước đó cũng không có: chưa chứng minh được gì"),
        ),
        Verdict::Unknown => ("the events could not be read".to_owned(), "không đọc được sự kiện".to_owned()),
    }
}
