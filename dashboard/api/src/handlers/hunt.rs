//! Sigma rules over stored events: the engine that runs live decides, so the answer is what live detection would have said.

use std::{ops::ControlFlow, sync::Arc};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use fansipan_model::{Event, Predicate, Said, Scope, Value, Word, fields, said};
use fansipan_rules::{RuleIndex, RuleSet, Scratch, Severity, Taxonomy};
use fansipan_storage::{EventStore, TimeRange};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

use crate::{
    dto::{EventJson, HuntLine, HuntRequest},
    extract::{AHEAD, Json, range},
    guard::Trail,
    identity::Caller,
    ports::RuleDiagnostic,
    problem::Problem,
    state::{Api, now},
};

/// Bytes of rules and the rest of a request.
pub(crate) const LARGEST: usize = 32 << 20;
/// Pieces of the answer that wait for a slow reader; then the hunt waits too.
const PIECES: usize = 16;
/// Bytes of a piece.
const PIECE: usize = 32 << 10;
/// With up to this many rules the store's index chooses the events to look at; with more, looking at all is quicker.
const BY_INDEX: usize = 32;

/// `POST /hunt`
pub(crate) async fn start(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(request): Json<HuntRequest>,
) -> Result<Response, Problem> {
    let given = request.rules.as_ref().map(Vec::len);
    trail.note("", json!({ "rules": given, "since": request.since, "from": request.from, "to": request.to }));
    let range = range(request.since.as_deref(), request.from.as_deref(), request.to.as_deref(), now(), AHEAD)?;
    let (set, diagnostics) = {
        let live = api.deps.live.clone();
        api.searches.run(move || rules(request, || live.rule_set())).await??
    };
    if set.is_empty() {
        let why = diagnostics.first().map_or_else(
            || said!("none of that level", "không có luật nào ở mức đó"),
            |RuleDiagnostic { code, message, message_vi, .. }| said!("{code} {message}", "{code} {message_vi}"),
        );
        return Err(Problem::bad_request(said!("no rule is left to hunt with: {why}", "không còn luật nào để săn tìm: {why:#}")));
    }
    let (sender, receiver) = mpsc::channel::<Vec<u8>>(PIECES);
    tokio::spawn(async move {
        let (lane, events) = (api.searches.clone(), api.deps.events.clone());
        let mut lines = Lines { sender: sender.clone(), piece: Vec::with_capacity(PIECE), detections: 0, broken: None };
        let work = lane.run(move || {
            let counted = hunt(&*events, &caller.scope, range, &set, &mut lines);
            lines.end(&set, counted, diagnostics);
        });
        if let Err(problem) = work.await {
            let end = HuntLine::End {
                error: Some(problem.detail().en.clone()),
                error_vi: Some(problem.detail().vi.clone()),
                rules: 0,
                examined: 0,
                detections: 0,
                diagnostics: Vec::new(),
            };
            // a reader that is gone needs no end
            let _ = sender.send(line(&end)).await;
        }
    });
    let body = Body::from_stream(ReceiverStream::new(receiver).map(Ok::<_, std::convert::Infallible>));
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))], body).into_response())
}

/// The rules to use and what is wrong with those given.
fn rules(request: HuntRequest, in_force: impl FnOnce() -> Arc<RuleSet>) -> Result<(Arc<RuleSet>, Vec<RuleDiagnostic>), Problem> {
    let wanted = |rule: &fansipan_rules::Rule| request.level.is_none_or(|least| rule.meta.level >= least);
    let taxonomy = || {
        Taxonomy::builtin().map_err(|e| Problem::internal(Word::new("the built-in log sources", "việc đọc các nguồn nhật ký có sẵn"), &e))
    };
    let (set, found) = match request.rules {
        None if request.level.is_none() => return Ok((in_force(), Vec::new())),
        None => {
            let rules = in_force().rules().iter().map(|r| r.rule.clone()).filter(wanted).collect();
            (RuleSet::compile(rules, &taxonomy()?).0, Vec::new())
        }
        Some(files) => {
            let (mut rules, mut found) = (Vec::new(), Vec::new());
            for file in files {
                let (parsed, faults) = fansipan_rules::parse(&file.text, &file.name);
                rules.extend(parsed.into_iter().filter(wanted));
                found.extend(faults);
            }
            let (set, faults) = RuleSet::compile(rules, &taxonomy()?);
            found.extend(faults);
            (set, found)
        }
    };
    Ok((Arc::new(set), found.iter().filter(|d| d.severity == Severity::Error).map(RuleDiagnostic::from).collect()))
}

/// The detections so far, on their way to the reader.
struct Lines {
    sender: mpsc::Sender<Vec<u8>>,
    piece: Vec<u8>,
    detections: u64,
    broken: Option<Said>,
}

fn line(line: &HuntLine<'_>) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

impl Lines {
    fn detection(&mut self, set: &RuleSet, rule: RuleIndex, event: &Event, json: &EventJson) -> ControlFlow<()> {
        let reference = &set.rule(rule).reference;
        let source = event.get(fields::FANSIPAN_SOURCE).and_then(Value::text);
        self.detections += 1;
        self.piece.extend(line(&HuntLine::Detection {
            id: &reference.id,
            title: &reference.title,
            level: reference.level,
            input: source.as_deref().unwrap_or_default(),
            record: event.id().to_string(),
            event: json,
        }));
        if self.piece.len() < PIECE { ControlFlow::Continue(()) } else { self.send() }
    }

    fn send(&mut self) -> ControlFlow<()> {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        if self.sender.blocking_send(piece).is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn end(mut self, set: &RuleSet, examined: u64, diagnostics: Vec<RuleDiagnostic>) {
        let (error, error_vi) = self.broken.take().map(|said| (said.en, said.vi)).unzip();
        let end = HuntLine::End { error, error_vi, rules: set.len(), examined, detections: self.detections, diagnostics };
        self.piece.extend(line(&end));
        // a reader that is gone needs no end
        let _ = self.send();
    }
}

/// Hands every detection to `lines`; how many events were looked at.
fn hunt(events: &dyn EventStore, scope: &Scope, range: TimeRange, set: &RuleSet, lines: &mut Lines) -> u64 {
    let filter = if set.len() <= BY_INDEX {
        Predicate::Or(set.rules().iter().map(fansipan_rules::CompiledRule::predicate).collect())
    } else {
        Predicate::True
    };
    let (mut scratch, mut matches) = (Scratch::default(), Vec::new());
    let scanned = events.scan(scope, &filter, range, &mut |event| {
        matches.clear();
        set.evaluate(event, &mut scratch, &mut matches);
        if matches.is_empty() {
            return ControlFlow::Continue(());
        }
        let Some(json) = EventJson::new(event) else { return ControlFlow::Continue(()) };
        matches.iter().try_for_each(|&rule| lines.detection(set, rule, event, &json))
    });
    match scanned {
        Ok(progress) => progress.examined,
        Err(error) => {
            tracing::error!(%error, "a hunt broke off");
            let code = error.code();
            lines.broken = Some(said!("{code}: the event store could not be read to the end", "{code}: không đọc được hết kho sự kiện"));
            0
        }
    }
}
