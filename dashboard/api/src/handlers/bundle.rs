//! The evidence bundle of an incident: its story, timeline, events with proofs from the log, files with their chain of custody.
//!
//! The file is written whole before the first byte is sent, so that its fingerprint stands in the audit trail by then; it has no
//! name on disk. Every file handed out is a hand more in its chain of custody.

use std::{
    fs::File,
    io::{self, BufWriter, Seek as _},
    path::{Path, PathBuf},
};

use axum::{extract::State, response::Response};
use fansipan_evidence::{Bundle, BundleFigures, EVIDENCE, Handed, Hashing, Included, Made};
use fansipan_model::{AlertId, Word, case::Custody, case::ItemBody, json as flat, said, time};
use fansipan_response::{Action, playbook::Run};
use fansipan_storage::{ResponseFilter, ResponseStep, cases::Item};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    actions::desk,
    evidence::{hash_of, place},
    incidents::parse,
    lessons,
    session::hide,
    timeline::{Whole, gather},
};
use crate::{
    dto::{ActionDetail, AlertDto, AuditItem, IncidentDto, ItemDto, LessonsDto, RunDetail, StepDto},
    extract::InPath,
    guard::Trail,
    identity::Caller,
    problem::{Kind, Problem},
    spool,
    state::{Api, now},
};

/// Events of one bundle.
const EVENTS: usize = 20_000;
/// Actions and runs of playbooks, each.
const ACTIONS: usize = 500;

const README: &str = include_str!("../../data/bundle-readme.txt");

/// All that goes into a bundle.
struct Content {
    whole: Whole,
    lessons: LessonsDto,
    actions: Vec<(Action, Vec<ResponseStep>)>,
    runs: Vec<(Run, Vec<ResponseStep>)>,
    files: Vec<(Item, Option<PathBuf>)>,
    made: Made,
    at: i64,
}

/// `GET /incidents/{id}/bundle`
pub(crate) async fn take(State(api): State<Api>, trail: Trail, caller: Caller, InPath(id): InPath<String>) -> Result<Response, Problem> {
    trail.note(&id, json!({}));
    let id = parse(&id)?;
    let mut whole = gather(&api, &caller.scope, id, EVENTS).await?;
    trail.of(&whole.incident.state.agency);
    let files = hand_out(&api, &trail, &caller, id, &mut whole).await?;
    let (filter, scope) = (ResponseFilter { incident: Some(id.to_string()), ..ResponseFilter::default() }, caller.scope.clone());
    let (actions, runs) = desk(&api, move |d| {
        let (mut actions, mut runs) = (Vec::new(), Vec::new());
        for action in d.actions(&scope, &filter, ACTIONS)? {
            let journal = d.journal(action.id)?;
            actions.push((action, journal));
        }
        for run in d.runs(&scope, &filter, ACTIONS)? {
            let journal = d.journal(run.id)?;
            runs.push((run, journal));
        }
        Ok((actions, runs))
    })
    .await?;
    let lessons = lessons::tell(&api, &caller.scope, &whole).await?;
    let at = now();
    let made = Made {
        incident: id.to_string(),
        agency: whole.incident.state.agency.clone(),
        at: time::to_rfc3339(at),
        by: caller.name.clone(),
        program: concat!("fansipan ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    let content = Content { whole, lessons, actions, runs, files, made, at };
    let (ledger, data) = (api.deps.ledger.clone(), api.config.data.clone());
    let written = api.exports.run(move || {
        let wanted: Vec<(Uuid, i64)> = content.whole.events.iter().map(|e| (e.id(), e.ingested())).collect();
        let found = match (&ledger, wanted.is_empty()) {
            (Some(ledger), false) => ledger.prove(&wanted).map_err(io::Error::other)?,
            _ => Included::default(),
        };
        write(&data, &content, found, ledger.is_some())
    });
    let (file, figures) = written.await?.map_err(|error| {
        tracing::error!(%error, "evidence bundle");
        Problem::new(
            Kind::StoreUnavailable,
            said!(
                "writing the bundle failed; check the disk that holds the data folder, and the service's log",
                "không ghi được gói chứng cứ; hãy kiểm tra ổ đĩa chứa thư mục dữ liệu và nhật ký của dịch vụ"
            ),
        )
    })?;
    trail.note(&id.to_string(), json!(figures));
    Ok(answer(file, id, &figures))
}

/// Notes in the chain of custody of every file that it leaves; where each lies.
async fn hand_out(
    api: &Api,
    trail: &Trail,
    caller: &Caller,
    incident: AlertId,
    whole: &mut Whole,
) -> Result<Vec<(Item, Option<PathBuf>)>, Problem> {
    let mut files = Vec::new();
    for item in &mut whole.workspace.items {
        let ItemBody::Evidence { custody, .. } = &mut item.body else { continue };
        custody.push(Custody { at: now(), who: caller.name.clone(), act: "bundled".into() });
        trail.note(&incident.to_string(), json!({ "item": item.id, "act": "bundled" }));
        let (cases, record, scope, wanted) = (api.deps.cases.clone(), trail.record(), caller.scope.clone(), item.clone());
        let kept = api.small.run(move || cases.change_item(&scope, incident, &wanted.id, wanted.version, &wanted.body, &record)).await?;
        *item = kept.map_err(|e| hide(e, Word::new("this piece of evidence", "chứng cứ này")))?;
        files.push((item.clone(), place(api, &incident.to_string(), &item.id)));
    }
    Ok(files)
}

/// Fills a file that nobody else can open.
fn write(data: &Path, content: &Content, found: Included, log: bool) -> io::Result<(File, BundleFigures)> {
    let out = Hashing::new(BufWriter::with_capacity(1 << 18, spool::unnamed(data, "bundle")?));
    let seconds = u64::try_from(content.at / time::SECOND).unwrap_or(0);
    let mut bundle = Bundle::new(out, content.made.clone(), seconds);
    let (events, proven) = (content.whole.events.len() as u64, found.records.len() as u64);
    if !content.whole.complete {
        bundle.left_out(format!("alerts beyond the first 500, or events beyond the first {EVENTS}, or decisions beyond the latest 500"));
    }
    bundle.text("README.txt", README.as_bytes())?;
    texts(&mut bundle, content)?;
    let none = match log {
        false => "this console keeps no log of its own".to_owned(),
        true if found.faults.is_empty() => "the log no longer has it: [log] says how much it keeps, and for how long".to_owned(),
        true => format!("the log no longer has it, or cannot be believed: {}", found.faults.join("; ")),
    };
    let list = content.whole.events.iter().map(|e| (e.id().to_string(), flat::to_string(e))).collect();
    bundle.events(list, found, &none)?;
    let handed = files(&mut bundle, &content.files)?;
    bundle.lines(EVIDENCE, handed)?;
    let (out, fingerprint) = bundle.end()?;
    let bytes = out.bytes();
    let (out, sha256) = out.end();
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok((file, BundleFigures { fingerprint, sha256, bytes, events, proven, files: content.files.len() as u64 }))
}

/// What people read, and the same for programs.
fn texts<W: io::Write>(bundle: &mut Bundle<W>, content: &Content) -> io::Result<()> {
    let whole = &content.whole;
    let story: Vec<StepDto> = fansipan_model::incident::story(&whole.alerts).into_iter().map(StepDto::from).collect();
    bundle.text("story.md", lessons::story(&whole.incident, &story, &content.lessons).as_bytes())?;
    let incident = json!({
        "incident": IncidentDto::from(&whole.incident), "story": story, "stage": whole.workspace.stage,
        "facts": whole.workspace.facts, "lessons": content.lessons,
    });
    let mut text = serde_json::to_vec_pretty(&incident)?;
    text.push(b'\n');
    bundle.text("incident.json", &text)?;
    bundle.lines("timeline.jsonl", whole.timeline().entries)?;
    bundle.lines("alerts.jsonl", whole.alerts.iter().map(AlertDto::from))?;
    let items = whole.workspace.items.iter().filter(|i| !matches!(i.body, ItemBody::Evidence { .. }));
    bundle.lines("workspace.jsonl", items.map(ItemDto::from))?;
    bundle.lines("decisions.jsonl", whole.decisions.iter().cloned().map(AuditItem::from))?;
    bundle.lines("actions.jsonl", content.actions.iter().map(|(a, journal)| ActionDetail::new(a, journal)))?;
    let run = |(run, journal): &(Run, Vec<ResponseStep>)| RunDetail { run: run.into(), journal: journal.iter().map(Into::into).collect() };
    bundle.lines("playbooks.jsonl", content.runs.iter().map(run))
}

/// The files that people handed in; one that is not what it was stays out, and that is said.
fn files<W: io::Write>(bundle: &mut Bundle<W>, files: &[(Item, Option<PathBuf>)]) -> io::Result<Vec<Handed>> {
    let mut handed = Vec::new();
    for (number, (item, path)) in (1..).zip(files) {
        let ItemBody::Evidence { name, sha256, size, .. } = &item.body else { continue };
        let mut more: Map<String, Value> = Map::new();
        if let Value::Object(item) = serde_json::to_value(ItemDto::from(item))? {
            more.extend(item);
        }
        let mut one = Handed { file: None, sha256: sha256.clone(), why: None, more };
        let found = path.as_ref().map(|p| hash_of(p)).transpose()?;
        match (path, found) {
            (Some(path), Some(found)) if found == *sha256 => {
                let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
                let place = format!("evidence/{number:03}-{}", name.chars().map(plain).take(60).collect::<String>());
                bundle.add(&place, *size, &mut File::open(path)?)?;
                one.file = Some(place);
            }
            (_, Some(found)) => one.why = Some(format!("the kept file is not the one handed in: its SHA-256 is {found}")),
            _ => one.why = Some("the kept file is missing".to_owned()),
        }
        handed.push(one);
    }
    Ok(handed)
}

fn answer(file: File, incident: AlertId, figures: &BundleFigures) -> Response {
    let headers = [
        ("content-disposition", &*format!("attachment; filename=\"fansipan-incident-{incident}.tar\"")),
        ("x-fansipan-bundle", &serde_json::to_string(figures).unwrap_or_default()),
    ];
    spool::attachment(tokio::fs::File::from_std(file), "application/x-tar", figures.bytes, &headers)
}
