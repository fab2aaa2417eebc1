//! Runs playbooks. Every move of a run is one durable change; what a step asks for has an id that follows from run and step, so
//! that after a crash it is found instead of asked for again.

use fansipan_model::{Agency, AlertId, Incident, Scope, time};
use fansipan_storage::{AuditRecord, ResponseFilter, ResponseKind, ResponseRow, ResponseStep, StoreError};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{ActionStep, Aim, Condition, END, NotifyStep, Playbook, Run, RunState, Step, StepRecord, Task, facts, parse};
use crate::{
    action::{Action, ActionKind, ActionState, Decision},
    config::Span,
    desk::{Change, Desk, Request, Who, scope_of},
    error::{ResponseError, Result},
    told::told,
};

/// Things of an incident that one step acts on at most.
const MOST: usize = 10;
/// How often a run looks whether its actions are settled.
const AGAIN: i64 = time::SECOND;
/// Moves of a run in one go.
const MOVES: usize = 256;

/// What came of a move.
enum Move {
    /// On to the next step.
    On,
    /// Nothing more to do for now.
    Rest,
}

impl Desk {
    /// The playbooks.
    pub fn library(&self) -> &super::Library {
        &self.parts.library
    }

    /// Starts a playbook for an incident.
    pub fn start(&self, scope: &Scope, who: &Who, playbook: &str, incident: &str, id: Uuid, audit: Option<&AuditRecord>) -> Result<Run> {
        let entry = self.parts.library.get(playbook).ok_or(ResponseError::Missing("playbook"))?;
        let about = AlertId::parse(incident).ok_or(ResponseError::Missing("incident"))?;
        let found = self.parts.incidents.incident(scope, about)?.ok_or(ResponseError::Missing("incident"))?;
        let filter = ResponseFilter { states: vec!["running".into(), "waiting".into()], incident: Some(incident.to_owned()) };
        for run in self.runs(scope, &filter, 100)? {
            if run.playbook == playbook {
                return Err(ResponseError::State {
                    what: "a run of this playbook for this incident",
                    state: run.state.as_str().to_owned(),
                    why: "go on with it, or cancel it first",
                });
            }
        }
        let mut run = Run {
            id,
            agency: found.state.agency,
            incident: incident.to_owned(),
            playbook: playbook.to_owned(),
            source: entry.source.clone(),
            title: entry.playbook.title.clone(),
            title_vi: entry.playbook.title_vi.clone(),
            started: Decision { who: who.name.clone(), person: who.person.clone(), at: self.now() },
            state: RunState::Running,
            place: 0,
            begun: false,
            wake: None,
            task: None,
            steps: Vec::new(),
            answers: Default::default(),
            outcomes: Default::default(),
            version: 0,
        };
        self.keep_run(&mut run, "started", &who.name, &format!("started: {}", entry.playbook.title), audit)?;
        Ok(run)
    }

    /// Runs, latest started first.
    pub fn runs(&self, scope: &Scope, filter: &ResponseFilter, limit: usize) -> Result<Vec<Run>> {
        self.parts.store.responses(scope, ResponseKind::Run, filter, limit)?.iter().map(Run::read).collect()
    }

    /// One run.
    pub fn run_of(&self, scope: &Scope, id: Uuid) -> Result<Run> {
        let row = self.parts.store.response(scope, id)?.filter(|r| r.kind == ResponseKind::Run);
        Run::read(&row.ok_or(ResponseError::Missing("run of a playbook"))?)
    }

    /// Answers the task that a run waits for.
    pub fn answer(
        &self,
        scope: &Scope,
        who: &Who,
        id: Uuid,
        (step, answer, note): (&str, &str, &str),
        audit: Option<&AuditRecord>,
    ) -> Result<Run> {
        let mut run = self.run_of(scope, id)?;
        let task = run.task.take().filter(|t| t.step == step && run.state == RunState::Waiting);
        let task = task.ok_or(ResponseError::Missing("task waiting in this run"))?;
        if !task.answers.iter().any(|a| a == answer) {
            return Err(ResponseError::Parameter(format!("the answers to this task are {}", task.answers.join(", "))));
        }
        if note.len() > 8 << 10 {
            return Err(ResponseError::Parameter("a note holds at most 8 KiB".to_owned()));
        }
        run.answers.insert(step.to_owned(), answer.to_owned());
        if let Some(record) = run.steps.last_mut() {
            (record.who, record.note) = (Some(who.name.clone()), note.to_owned());
        }
        run.state = RunState::Running;
        self.end_step(&mut run, answer);
        let text = format!("{step}: {answer}{}{note}", if note.is_empty() { "" } else { ", " });
        self.keep_run(&mut run, &format!("{step}.answered"), &who.name, &text, audit)?;
        Ok(run)
    }

    /// Ends a run; actions it asked for stay as they are.
    pub fn cancel_run(&self, scope: &Scope, who: &Who, id: Uuid, reason: &str, audit: Option<&AuditRecord>) -> Result<Run> {
        let mut run = self.run_of(scope, id)?;
        if !matches!(run.state, RunState::Running | RunState::Waiting) {
            return Err(ResponseError::State { what: "the run", state: run.state.as_str().to_owned(), why: "it has ended" });
        }
        run.state = RunState::Cancelled;
        run.task = None;
        self.keep_run(&mut run, "cancelled", &who.name, &format!("cancelled: {reason}"), audit)?;
        Ok(run)
    }

    fn keep_run(&self, run: &mut Run, step: &str, who: &str, text: &str, audit: Option<&AuditRecord>) -> Result<()> {
        run.version += 1;
        let now = self.now();
        let entry = ResponseStep { key: format!("{:04}.{step}", run.version), at: now, who: who.to_owned(), text: text.to_owned() };
        let own = AuditRecord {
            at: now,
            who: "system:responder".to_owned(),
            verb: "playbooks.step".to_owned(),
            object: run.id.to_string(),
            agency: Some(Agency::new(&run.agency)),
            details: serde_json::json!({ "step": step, "text": text }).to_string(),
            allowed: true,
            ..AuditRecord::default()
        };
        self.parts.store.put_response(&run.row(), &[entry], Some(audit.unwrap_or(&own)))?;
        self.tell(Change {
            run: true,
            id: run.id,
            agency: run.agency.clone(),
            state: run.state.as_str().to_owned(),
            incident: Some(run.incident.clone()),
        });
        Ok(())
    }

    /// Keeps that a run looked and has to look again; no entry.
    fn sleep(&self, run: &mut Run, until: i64) -> Result<Move> {
        run.wake = Some(until);
        run.version += 1;
        self.parts.store.put_response(&run.row(), &[], None)?;
        Ok(Move::Rest)
    }

    /// Moves a run on as far as it goes.
    pub(crate) fn advance_run(&self, row: &ResponseRow) -> Result<()> {
        let mut run = Run::read(row)?;
        match self.moves(&mut run) {
            Err(error @ (ResponseError::Missing(_) | ResponseError::Parameter(_) | ResponseError::Playbook(_))) => {
                // it would fail the same way for ever
                tracing::error!(%error, run = %run.id, "FSP-ACT-025: a playbook cannot go on; its run is ended");
                run.state = RunState::Cancelled;
                self.keep_run(&mut run, "stuck", "system", &format!("cannot go on: {error}"), None)
            }
            done => done,
        }
    }

    fn moves(&self, run: &mut Run) -> Result<()> {
        let playbook = parse(&run.source, &run.playbook)?;
        for _ in 0..MOVES {
            if run.state != RunState::Running {
                break;
            }
            let moved = match playbook.steps.get(run.place) {
                None => self.finish(run)?,
                Some(step) if run.begun => self.go_on(run, step)?,
                Some(step) => self.enter(run, &playbook, step)?,
            };
            if let Move::Rest = moved {
                break;
            }
        }
        Ok(())
    }

    fn finish(&self, run: &mut Run) -> Result<Move> {
        run.state = RunState::Done;
        run.wake = None;
        self.keep_run(run, "done", "system", "the last step is done", None)?;
        Ok(Move::Rest)
    }

    fn incident_of(&self, run: &Run) -> Result<Incident> {
        let id = AlertId::parse(&run.incident).ok_or(ResponseError::Missing("incident"))?;
        self.parts.incidents.incident(&scope_of(&run.agency), id)?.ok_or(ResponseError::Missing("incident"))
    }

    fn holds(&self, run: &Run, playbook: &Playbook, condition: Option<&String>, incident: &Incident) -> Result<bool> {
        let Some(text) = condition else { return Ok(true) };
        let names: Vec<&str> = playbook.steps.iter().map(|s| s.id.as_str()).collect();
        let tried = Condition::new(text, &names).and_then(|c| c.holds(&facts::context(incident, &names, &run.answers, &run.outcomes)?));
        tried.map_err(ResponseError::Parameter)
    }

    /// Begins a step.
    fn enter(&self, run: &mut Run, playbook: &Playbook, step: &Step) -> Result<Move> {
        let incident = self.incident_of(run)?;
        let now = self.now();
        let mut record = StepRecord {
            step: step.id.clone(),
            title: step.title.clone(),
            title_vi: step.title_vi.clone(),
            outcome: String::new(),
            actions: Vec::new(),
            began: now,
            ended: None,
            who: None,
            note: String::new(),
        };
        if !self.holds(run, playbook, step.condition.as_ref(), &incident)? {
            run.steps.push(record);
            self.end_step(run, "skipped");
            self.keep_run(run, &format!("{}.skipped", step.id), "system", &format!("{}: its condition does not hold", step.id), None)?;
            return Ok(Move::On);
        }
        if let Some(arms) = &step.branch {
            return self.branch(run, playbook, (step, record), arms, &incident);
        }
        let mut text = format!("{}: begun", step.id);
        if let Some(action) = &step.action {
            self.ask_actions(run, step, action, &incident, &mut record)?;
        } else if let Some(notify) = &step.notify {
            self.ask_notice(run, step, notify, &incident, &mut record)?;
        }
        if let Some(task) = task_of(step, &record, now) {
            run.state = RunState::Waiting;
            text = format!("{}: a person is asked: {}", step.id, task.title);
            run.task = Some(task);
        }
        run.wake = step.wait.map(|Span(span)| now.saturating_add(span));
        run.begun = true;
        run.steps.push(record);
        self.keep_run(run, &format!("{}.begun", step.id), "system", &text, None)?;
        Ok(Move::On)
    }

    fn branch(
        &self,
        run: &mut Run,
        playbook: &Playbook,
        (step, record): (&Step, StepRecord),
        arms: &[super::Arm],
        incident: &Incident,
    ) -> Result<Move> {
        let mut to = None;
        for arm in arms {
            if self.holds(run, playbook, arm.condition.as_ref(), incident)? {
                to = Some(arm.to.as_str());
                break;
            }
        }
        run.steps.push(record);
        let place = match to {
            None => run.place + 1,
            Some(END) => playbook.steps.len(),
            Some(name) => playbook.steps.iter().position(|s| s.id == name).unwrap_or(playbook.steps.len()),
        };
        let outcome = format!("to {}", to.unwrap_or("the next step"));
        self.end_step(run, &outcome);
        run.place = place;
        self.keep_run(run, &format!("{}.branched", step.id), "system", &format!("{}: {outcome}", step.id), None)?;
        Ok(Move::On)
    }

    /// Looks whether what a step began has ended.
    fn go_on(&self, run: &mut Run, step: &Step) -> Result<Move> {
        let now = self.now();
        if step.wait.is_some() {
            return match run.wake {
                Some(wake) if wake > now => Ok(Move::Rest),
                _ => self.step_done(run, step, "done"),
            };
        }
        let ids = run.steps.last().map(|r| r.actions.clone()).unwrap_or_default();
        let mut states = Vec::new();
        for id in ids {
            let row = self.parts.store.response(&Scope::All, id)?.ok_or(ResponseError::Missing("action"))?;
            let action = Action::read(&row)?;
            if !action.state.is_settled() {
                return self.sleep(run, now + AGAIN);
            }
            states.push(action.state);
        }
        let outcome = outcome(&states);
        self.step_done(run, step, outcome)
    }

    fn step_done(&self, run: &mut Run, step: &Step, outcome: &str) -> Result<Move> {
        self.end_step(run, outcome);
        self.keep_run(run, &format!("{}.ended", step.id), "system", &format!("{}: {outcome}", step.id), None)?;
        Ok(Move::On)
    }

    fn end_step(&self, run: &mut Run, outcome: &str) {
        let now = self.now();
        if let Some(record) = run.steps.last_mut() {
            record.outcome = outcome.to_owned();
            record.ended = Some(now);
            run.outcomes.insert(record.step.clone(), outcome.to_owned());
        }
        run.place += 1;
        (run.begun, run.wake) = (false, None);
    }

    /// Asks for an action on each thing a step aims at.
    fn ask_actions(&self, run: &Run, step: &Step, action: &ActionStep, incident: &Incident, record: &mut StepRecord) -> Result<()> {
        let kind = if action.on == Aim::Accounts { ActionKind::Disable } else { ActionKind::Block };
        let aims = facts::aimed_at(incident, action.on);
        let Some(device) = self.config.roles.get(&action.role) else {
            record.note = format!("no device plays the part `{}`; by hand: {}", action.role, aims.join(", "));
            return Ok(());
        };
        let mut notes = Vec::new();
        if aims.is_empty() {
            notes.push("the incident names nothing to act on".to_owned());
        } else if aims.len() > MOST {
            notes.push(format!("{} more than {MOST} are left to people: {}", aims.len() - MOST, aims[MOST..].join(", ")));
        }
        for target in aims.iter().take(MOST) {
            let request = Request {
                agency: run.agency.clone(),
                kind,
                target: target.clone(),
                device: device.clone(),
                lasts: action.lasts,
                parameters: Default::default(),
                reason: reason(run, step),
                incident: Some(run.incident.clone()),
                run: Some(run.id),
                id: derived(run, step, target),
            };
            self.ask(run, &request, record, &mut notes)?;
        }
        record.note = notes.join("; ");
        Ok(())
    }

    fn ask_notice(&self, run: &Run, step: &Step, notify: &NotifyStep, incident: &Incident, record: &mut StepRecord) -> Result<()> {
        let Some(device) = self.config.roles.get(&notify.role) else {
            record.note = format!("no device plays the part `{}`; tell them by hand", notify.role);
            return Ok(());
        };
        let text = format!("{}\n\n{}", facts::fill(&notify.text_vi, incident), facts::fill(&notify.text, incident));
        let subject = facts::fill(&notify.subject_vi, incident);
        let request = Request {
            agency: run.agency.clone(),
            kind: ActionKind::Notify,
            target: String::new(),
            device: device.clone(),
            lasts: None,
            parameters: [("subject".to_owned(), subject), ("text".to_owned(), text)].into(),
            reason: reason(run, step),
            incident: Some(run.incident.clone()),
            run: Some(run.id),
            id: derived(run, step, ""),
        };
        let mut notes = Vec::new();
        self.ask(run, &request, record, &mut notes)?;
        record.note = notes.join("; ");
        Ok(())
    }

    /// Asks once; what was asked before a crash is found by its id. What is refused is noted and left to people.
    fn ask(&self, run: &Run, request: &Request, record: &mut StepRecord, notes: &mut Vec<String>) -> Result<()> {
        if self.parts.store.response(&Scope::All, request.id)?.is_some() {
            record.actions.push(request.id);
            return Ok(());
        }
        let who = Who { name: format!("playbook:{} for {}", run.playbook, run.started.who), person: run.started.person.clone() };
        match self.propose(&who, request, None) {
            Ok(action) => record.actions.push(action.id),
            Err(ResponseError::Store(StoreError::Exists { .. })) => record.actions.push(request.id),
            Err(error @ ResponseError::Store(_)) => return Err(error),
            Err(refused) => notes.push(refused.to_string()),
        }
        Ok(())
    }
}

/// Why a step asks: people read Vietnamese first.
fn reason(run: &Run, step: &Step) -> String {
    let either = |vi: &str, en: &str| if vi.is_empty() { en.to_owned() } else { vi.to_owned() };
    format!("{} ({})", either(&step.title_vi, &step.title), either(&run.title_vi, &run.title))
}

/// The id of what a step asks for: the same after a crash.
fn derived(run: &Run, step: &Step, target: &str) -> Uuid {
    let digest = Sha256::digest(format!("{}\n{}\n{target}", run.id, step.id).as_bytes());
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// The task of a step: its own, or what the system could not do.
fn task_of(step: &Step, record: &StepRecord, now: i64) -> Option<Task> {
    let make = |advice: String, advice_vi: String, answers: Vec<String>| Task {
        step: step.id.clone(),
        title: step.title.clone(),
        title_vi: step.title_vi.clone(),
        advice,
        advice_vi,
        answers,
        since: now,
    };
    if let Some(task) = &step.task {
        return Some(make(task.advice.clone(), task.advice_vi.clone(), task.answers.clone()));
    }
    let asks = step.action.is_some() || step.notify.is_some();
    (asks && record.actions.is_empty()).then(|| {
        let note = &record.note;
        make(
            format!("This could not be asked of a device: {note}. Do it by hand where it is needed."),
            format!("Không giao được việc này cho thiết bị: {}. Hãy làm bằng tay nếu cần.", told(note).vi),
            vec!["done".to_owned(), "not_needed".to_owned()],
        )
    })
}

/// One word for what came of several actions: the worst that needs a person first.
fn outcome(states: &[ActionState]) -> &'static str {
    let order = [ActionState::HandedOver, ActionState::Failed, ActionState::Rejected, ActionState::Cancelled];
    order.into_iter().find(|s| states.contains(s)).map_or("done", ActionState::as_str)
}
