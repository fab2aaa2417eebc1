//! Exports without a limit of rows: what is found goes out as it is found, so memory stays flat; a reader that goes away ends the
//! work, and an export that breaks off ends the connection, so that half of one is never taken for the whole.

use std::io;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use fansipan_model::said;
use fansipan_storage::{AuditFilter, IncidentFilter, StoreError};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

mod form;

use form::{Format, Out, Pieces};

use super::{
    alerts::{filter, statuses},
    events::{condition, parse},
};
use crate::{
    dto::{AlertDto, AlertParams, AuditItem, ExportParams, IncidentDto},
    extract::{AHEAD, Params, instant, range},
    guard::Trail,
    identity::Caller,
    ports::ApiDeps,
    problem::Problem,
    state::{Api, now},
};

/// Pieces that wait for a slow reader; then the work waits too.
const PIECES: usize = 8;
/// Rows read from the state store at once.
const PAGE: usize = 1000;
/// Columns of a table.
const COLUMNS: usize = 200;

const EVENT_COLUMNS: &str = "@timestamp,event.id,fansipan.agency,event.dataset,event.action,event.outcome,host.name,user.name,\
source.ip,destination.ip,destination.port,message";
const ALERT_COLUMNS: &str = "id,agency,rule.id,rule.title,rule.title_vi,rule.level,status,assignee,raised,first_seen,last_seen,count,\
entities,summary,drill";
const INCIDENT_COLUMNS: &str = "id,agency,title,title_vi,level,status,assignee,opened,first_seen,last_seen,alerts,events,groups,tactics,\
entities,drill,merged_into";
const AUDIT_COLUMNS: &str = "number,at,who,verb,object,agency,allowed,peer,details,hash";

/// `GET /events/export`
pub(crate) async fn events(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<ExportParams>,
) -> Result<Response, Problem> {
    let filter = condition(parse(&api, params.q.as_deref()).await?);
    let range = range(params.since.as_deref(), params.from.as_deref(), params.to.as_deref(), now(), AHEAD)?;
    begin(&api, &trail, &params, "events", EVENT_COLUMNS, move |deps, out| {
        deps.events.scan(&caller.scope, &filter, range, &mut |event| out.event(event)).map(drop)
    })
}

/// `GET /alerts/export`
pub(crate) async fn alerts(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<ExportParams>,
) -> Result<Response, Problem> {
    let wanted = AlertParams {
        status: params.status.clone().or_else(|| Some("all".into())),
        q: params.q.clone(),
        since: params.since.clone(),
        ..AlertParams::default()
    };
    let wanted = filter(&wanted)?;
    begin(&api, &trail, &params, "alerts", ALERT_COLUMNS, move |deps, out| {
        let mut after = None;
        loop {
            let page = deps.state.alerts(&caller.scope, &wanted, after.as_deref(), PAGE)?;
            if page.items.iter().try_for_each(|a| out.row(&json!(AlertDto::from(a)))).is_break() || page.next.is_none() {
                return Ok(());
            }
            after = page.next;
        }
    })
}

/// `GET /incidents/export`
pub(crate) async fn incidents(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<ExportParams>,
) -> Result<Response, Problem> {
    let since = params.since.as_deref().filter(|s| !s.is_empty()).map(|s| instant("since", s, now())).transpose()?;
    let wanted = IncidentFilter { statuses: statuses(Some(params.status.as_deref().unwrap_or("all")))?, since };
    begin(&api, &trail, &params, "incidents", INCIDENT_COLUMNS, move |deps, out| {
        deps.cases.each_incident(&caller.scope, &wanted, &mut |incident| out.row(&json!(IncidentDto::from(incident))))
    })
}

/// `GET /audit/export`
pub(crate) async fn audit(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Params(params): Params<ExportParams>,
) -> Result<Response, Problem> {
    let since = params.since.as_deref().filter(|s| !s.is_empty()).map(|s| instant("since", s, now())).transpose()?;
    let wanted = AuditFilter { since, ..AuditFilter::default() };
    begin(&api, &trail, &params, "audit", AUDIT_COLUMNS, move |deps, out| {
        let mut before = None;
        loop {
            let page = deps.state.audit_trail(&caller.scope, &wanted, before, PAGE)?;
            let next = page.next;
            if page.items.into_iter().try_for_each(|e| out.row(&json!(AuditItem::from(e)))).is_break() || next.is_none() {
                return Ok(());
            }
            before = next;
        }
    })
}

/// Checks what is asked, notes it, and lets the work run beside the answer.
fn begin(
    api: &Api,
    trail: &Trail,
    params: &ExportParams,
    what: &'static str,
    usual: &str,
    work: impl FnOnce(&ApiDeps, &mut Out) -> Result<(), StoreError> + Send + 'static,
) -> Result<Response, Problem> {
    let Some(format) = Format::named(params.format.as_deref().unwrap_or("jsonl")) else {
        return Err(Problem::bad_request(said!("format is jsonl, csv or parquet", "format là jsonl, csv hoặc parquet")));
    };
    let columns = params.columns.as_deref().filter(|c| !c.is_empty()).unwrap_or(usual);
    let columns: Vec<String> = columns.split(',').map(|c| c.trim().to_owned()).filter(|c| !c.is_empty()).collect();
    if columns.is_empty() || columns.len() > COLUMNS {
        return Err(Problem::bad_request(said!(
            "columns names 1 to {COLUMNS} columns, separated by commas",
            "columns nêu từ 1 đến {COLUMNS} cột, cách nhau bằng dấu phẩy"
        )));
    }
    trail.note(what, json!({ "format": params.format, "q": params.q, "status": params.status, "since": params.since, "from": params.from, "to": params.to }));
    let (sender, receiver) = mpsc::channel::<io::Result<Vec<u8>>>(PIECES);
    let (lane, deps, stop) = (api.exports.clone(), api.deps.clone(), api.stop.clone());
    tokio::spawn(async move {
        let failed = sender.clone();
        let done = lane.run(move || {
            let mut out = Out::new(Pieces::new(sender, stop), format, what, columns);
            let ended = work(&deps, &mut out).map_err(|e| e.to_string());
            ended.and_then(|()| out.finish().map_err(|e| e.to_string()))
        });
        let broken = match done.await {
            Ok(Ok(())) => return,
            Ok(Err(_)) if failed.is_closed() => return, // a reader that is gone needs no end
            Ok(Err(error)) => error,
            Err(problem) => problem.code().to_owned(),
        };
        tracing::error!(error = broken, what, "an export broke off");
        let _ = failed.send(Err(io::Error::other("the export broke off"))).await;
    });
    let (media, end) = format.media();
    let mut response = Body::from_stream(ReceiverStream::new(receiver)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"fansipan-{what}.{end}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
