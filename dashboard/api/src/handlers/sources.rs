//! Sources: what sends, what of it is understood, and fixing a format.

use axum::extract::State;
use fansipan_model::{SourceInfo, Word, said, time};
use serde_json::json;

use super::session::hide;
use crate::{
    dto::{FormatPin, SourceDto, SourceList},
    extract::{InPath, Json},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::{Api, now},
};

/// A source that sent nothing for this long counts as silent, nanoseconds.
const SILENT: i64 = 5 * 60 * time::SECOND;

/// Whether a source sent something lately.
pub(crate) fn active(source: &SourceInfo, now: i64) -> bool {
    now.saturating_sub(source.last_seen) < SILENT
}

/// `GET /sources`
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<SourceList>, Problem> {
    let (state, control) = (api.deps.state.clone(), api.deps.sources.clone());
    let (sources, formats) = api.small.store(move || Ok((state.sources(&caller.scope)?, control.formats()))).await?;
    let now = now();
    let items = sources.iter().map(|s| SourceDto::new(s, active(s, now))).collect();
    Ok(Json(SourceList { generated_at: time::to_rfc3339(now), items, formats }))
}

/// `POST /sources/{id}/format`
pub(crate) async fn pin(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(pin): Json<FormatPin>,
) -> Result<Json<SourceDto>, Problem> {
    let format = pin.format.filter(|f| !f.is_empty());
    trail.note(&id, json!({ "format": format }));
    let (state, control, record) = (api.deps.state.clone(), api.deps.sources.clone(), trail.record());
    let outcome = api.small.run(move || {
        if let Some(name) = &format {
            let known = control.formats();
            if !known.iter().any(|k| k == name) {
                let known = known.join(", ");
                return Err(Problem::bad_request(said!(
                    "there is no format {name:?}; there are: {known}",
                    "không có định dạng {name:?}; hiện có: {known}"
                )));
            }
        }
        let pinned =
            state.pin_source(&caller.scope, &id, format.as_deref(), &record).map_err(|e| hide(e, Word::new("this source", "nguồn này")))?;
        control.format_pinned(&id, format.as_deref());
        Ok(pinned)
    });
    let pinned = outcome.await??;
    trail.written();
    Ok(Json(SourceDto::new(&pinned, active(&pinned, now()))))
}
