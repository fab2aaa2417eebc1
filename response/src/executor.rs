//! Does what is due: applies what was approved, watches, expires, undoes; goes on after a crash without doing a step twice.
//!
//! Before a device is told, the step is durable (`running`). An action found `running` that nobody works on was cut off by a
//! crash: the device is asked whether the order is in force before anything is repeated.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fansipan_model::{Scope, time};
use fansipan_storage::{ResponseFilter, ResponseKind, ResponseRow};
use uuid::Uuid;

use crate::{
    action::{Action, ActionState},
    connectors::{Fault, FaultKind, Presence},
    desk::{Desk, came_second},
    error::{ResponseError, Result},
};

/// How often the store is asked what is due.
const EVERY: Duration = Duration::from_millis(250);
/// Devices spoken to at once.
const AT_ONCE: usize = 16;
/// Actions in force that are looked through at a start.
const IN_FORCE: usize = 10_000;
/// Longest wait between tries.
const LONGEST: i64 = 300 * time::SECOND;

impl Desk {
    /// Works until told to stop; what is under way then is finished first.
    pub async fn run(self: Arc<Self>, stop: Arc<AtomicBool>) {
        let busy: Arc<Mutex<HashSet<Uuid>>> = Arc::default();
        if let Err(error) = self.release_protected() {
            tracing::error!(%error, "FSP-ACT-026: whether something protected is blocked could not be looked up");
        }
        while !stop.load(Ordering::Relaxed) {
            match self.parts.store.due_responses(self.now(), 200) {
                Ok(rows) => rows.into_iter().for_each(|row| self.spawn(row, &busy)),
                Err(error) => tracing::error!(%error, "FSP-ACT-022: what is due cannot be read; it is tried again"),
            }
            tokio::time::sleep(EVERY).await;
        }
        while !busy.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What came onto the protected list since it was blocked is let go. Asked at every start: the list may have grown meanwhile.
    pub fn release_protected(&self) -> Result<()> {
        let filter = ResponseFilter { states: vec![ActionState::Done.as_str().to_owned()], incident: None };
        for row in self.parts.store.responses(&Scope::All, ResponseKind::Action, &filter, IN_FORCE)? {
            let mut action = Action::read(&row)?;
            if self.now_protected(&mut action)? {
                tracing::warn!(action = %action.id, "FSP-ACT-027: {} is undone: its target is protected now", action.title());
            }
        }
        Ok(())
    }

    /// Has an action in force undone whose target is on the protected list; whether it was.
    fn now_protected(&self, action: &mut Action) -> Result<bool> {
        let Err(error @ ResponseError::Protected { .. }) = self.parts.protected.check(&action.target) else { return Ok(false) };
        action.state = ActionState::Undoing;
        (action.undoing, action.attempts, action.retry) = (true, 0, None);
        self.keep(action, "undo", "system", &format!("to be undone: {error}"), None)?;
        Ok(true)
    }

    fn spawn(self: &Arc<Self>, row: ResponseRow, busy: &Arc<Mutex<HashSet<Uuid>>>) {
        let mut table = busy.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= AT_ONCE || !table.insert(row.id) {
            return;
        }
        let (desk, busy, id) = (Arc::clone(self), Arc::clone(busy), row.id);
        tokio::spawn(async move {
            desk.work(&row).await;
            busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        });
    }

    /// Does everything that is due now, one after the other.
    pub async fn tick(&self) -> Result<()> {
        for row in self.parts.store.due_responses(self.now(), 200)? {
            self.work(&row).await;
        }
        Ok(())
    }

    async fn work(&self, row: &ResponseRow) {
        let done = match row.kind {
            ResponseKind::Action => match Action::read(row) {
                Ok(mut action) => self.advance(&mut action).await,
                Err(error) => Err(error),
            },
            ResponseKind::Run => self.advance_run(row),
        };
        match done {
            // somebody decided meanwhile: what is due is read anew
            Err(error) if came_second(&error) => {}
            Err(error) => tracing::error!(%error, id = %row.id, "FSP-ACT-023: a step could not be kept; it is tried again"),
            Ok(()) => {}
        }
    }

    async fn advance(&self, action: &mut Action) -> Result<()> {
        match action.state {
            ActionState::Approved => self.begin(action).await,
            ActionState::Running => self.recover(action).await,
            ActionState::Done if action.expires.is_some_and(|e| e <= self.now()) => {
                action.state = ActionState::Expired;
                action.undoing = true;
                action.verification.next = None;
                self.keep(action, "expired", "system", "its time is over", None)?;
                self.lift(action).await
            }
            ActionState::Done => match self.now_protected(action)? {
                true => self.lift(action).await,
                false => self.look(action),
            },
            ActionState::Expired | ActionState::Undoing => self.lift(action).await,
            _ => Ok(()),
        }
    }

    async fn begin(&self, action: &mut Action) -> Result<()> {
        if let Err(error) = self.parts.protected.check(&action.target) {
            return self.not_cleared(action, &error);
        }
        let Ok(device) = self.device(&action.device) else {
            return self.hand_over(action, "the device is not configured any more");
        };
        action.state = ActionState::Running;
        action.attempts += 1;
        action.retry = None;
        let text = format!("try {} on {}", action.attempts, action.device);
        self.keep(action, "begun", "system", &text, None)?;
        // the list is asked once more with nothing in between but the call itself
        let answer = match self.parts.protected.clear(action) {
            Ok(cleared) => device.apply(&cleared).await,
            Err(error) => return self.not_cleared(action, &error),
        };
        match answer {
            Ok(text) => self.applied(action, text),
            Err(fault) if fault.kind == FaultKind::Refused => self.refused(action, fault).await,
            Err(fault) => {
                // what never reached the device is simply tried again, the rest is looked up first
                if fault.kind == FaultKind::Unreachable {
                    action.state = ActionState::Approved;
                }
                self.again(action, fault)
            }
        }
    }

    fn applied(&self, action: &mut Action, text: String) -> Result<()> {
        action.answer.clone_from(&text);
        self.in_force(action);
        self.keep(action, "applied", "system", &text, None)
    }

    fn not_cleared(&self, action: &mut Action, error: &ResponseError) -> Result<()> {
        if let ResponseError::Unclear { .. } = error {
            action.state = ActionState::Approved;
            action.attempts += 1;
            return self.again(action, Fault::unreachable(error.to_string()));
        }
        action.state = ActionState::Failed;
        action.answer = error.to_string();
        self.keep(action, "refused", "system", &error.to_string(), None)
    }

    /// The device said no. What it may have taken before saying so is taken back.
    async fn refused(&self, action: &mut Action, fault: Fault) -> Result<()> {
        let device = self.device(&action.device)?;
        action.answer.clone_from(&fault.detail);
        let left = match device.probe(action).await {
            Ok(Presence::Absent | Presence::Unknown) if !device.leaves_traces() => None,
            Ok(_) => device.undo(action).await.err().map(|_| "what was done before could not be taken back"),
            Err(_) if device.leaves_traces() => Some("whether something was left behind on the device is unknown"),
            Err(_) => None,
        };
        if let Some(left) = left {
            return self.hand_over(action, &format!("{}; {left}", fault.detail));
        }
        action.state = ActionState::Failed;
        self.keep(action, "refused", "system", &fault.detail, None)
    }

    /// After a crash or an unclear answer: is it in force?
    async fn recover(&self, action: &mut Action) -> Result<()> {
        let Ok(device) = self.device(&action.device) else {
            return self.hand_over(action, "the device is not configured any more");
        };
        match device.probe(action).await {
            Ok(Presence::Present) => {
                self.applied(action, "found in force; not done again".to_owned())?;
                if self.now_protected(action)? { self.lift(action).await } else { Ok(()) }
            }
            Ok(Presence::Unknown) if !device.repeatable() => {
                self.hand_over(action, "whether it was done is unknown, and the device cannot tell; it is not repeated")
            }
            Ok(Presence::Absent | Presence::Unknown) => {
                action.state = ActionState::Approved;
                action.retry = None;
                self.keep(action, "looked_up", "system", "not in force; it is tried again", None)
            }
            Err(fault) if fault.kind == FaultKind::Refused => self.hand_over(action, &fault.detail),
            Err(fault) => {
                action.attempts += 1;
                self.again(action, fault)
            }
        }
    }

    /// Later, or a person.
    fn again(&self, action: &mut Action, fault: Fault) -> Result<()> {
        action.answer.clone_from(&fault.detail);
        if action.attempts >= self.config.attempts.max(1) {
            return self.hand_over(action, &format!("{} tries, the last: {}", action.attempts, fault.detail));
        }
        let wait = self.config.retry.0.saturating_mul(1 << action.attempts.saturating_sub(1).min(16)).min(LONGEST);
        action.retry = Some(self.now() + wait);
        let text = format!("{}; tried again in {} s", fault.detail, wait / time::SECOND);
        self.keep(action, "later", "system", &text, None)
    }

    fn hand_over(&self, action: &mut Action, why: &str) -> Result<()> {
        action.state = ActionState::HandedOver;
        action.retry = None;
        tracing::warn!(action = %action.id, "FSP-ACT-024: {} needs a person: {why}", action.title());
        self.keep(action, "handed_over", "system", &format!("handed to a person: {why}"), None)
    }

    async fn lift(&self, action: &mut Action) -> Result<()> {
        let Ok(device) = self.device(&action.device) else {
            return self.hand_over(action, "the device is not configured any more; undo it by hand");
        };
        action.attempts += 1;
        match device.undo(action).await {
            Ok(text) => {
                action.state = ActionState::Undone;
                (action.attempts, action.retry) = (0, None);
                action.answer.clone_from(&text);
                self.keep(action, "undone", "system", &text, None)
            }
            Err(fault) if fault.kind == FaultKind::Refused => self.hand_over(action, &format!("cannot be undone: {}", fault.detail)),
            Err(fault) => self.again(action, fault),
        }
    }
}
