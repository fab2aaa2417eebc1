//! Evidence: files of an incident, kept as handed in, with their SHA-256 and every hand they went through.
//!
//! They lie in `DATA/evidence/INCIDENT/ITEM`, readable by the service's user only. Names come from people and are never paths.

use std::{
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use axum::{body::Body, extract::State, response::Response};
use fansipan_evidence::Hashing;
use fansipan_model::case::{Custody, ItemBody};
use fansipan_model::{Word, said};
use fansipan_storage::cases::Item;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio_stream::StreamExt as _;
use uuid::Uuid;

use super::{
    cases::{announce, find},
    incidents::{WHAT, parse},
    session::hide,
};
use crate::{
    dto::{EvidenceParams, ItemDto},
    extract::{InPath, Json, Params},
    guard::Trail,
    identity::Caller,
    problem::{Kind, Problem},
    spool,
    state::{Api, now},
};

/// Bytes of one file.
pub(crate) const LARGEST: usize = 512 << 20;
/// Bytes of all files of one incident.
const ALL: u64 = 8 << 30;

fn failed(what: Word) -> impl FnOnce(std::io::Error) -> Problem {
    move |error| {
        tracing::error!(%error, %what, "evidence");
        Problem::new(
            Kind::StoreUnavailable,
            said!(
                "{what} failed; check the disk that holds the data folder",
                "{what:#} không thành công; hãy kiểm tra ổ đĩa chứa thư mục dữ liệu"
            ),
        )
    }
}

fn folder(api: &Api, incident: &str) -> PathBuf {
    api.config.data.join("evidence").join(incident)
}

/// A draft that is removed unless it is kept.
struct Draft(Option<PathBuf>);

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // nothing refers to it
            let _ = std::fs::remove_file(path);
        }
    }
}

/// `POST /incidents/{id}/evidence`: the file as the body.
pub(crate) async fn hand_in(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Params(params): Params<EvidenceParams>,
    body: Body,
) -> Result<Json<ItemDto>, Problem> {
    let id = parse(&id)?;
    let name: String = params.name.trim().chars().filter(|c| !c.is_control()).take(255).collect();
    trail.note(&id.to_string(), json!({ "name": name }));
    if name.is_empty() {
        return Err(Problem::bad_request(said!("give the file a name", "hãy đặt tên cho tệp")));
    }
    let (incident, _) = find(&api, &caller.scope, id).await?;
    trail.of(&incident.state.agency);
    let (cases, scope) = (api.deps.cases.clone(), caller.scope.clone());
    let known = api.small.store(move || cases.workspace(&scope, id)).await?.ok_or_else(|| Problem::not_found(WHAT))?;
    let there: u64 = known.items.iter().map(|i| if let ItemBody::Evidence { size, .. } = i.body { size } else { 0 }).sum();
    let item = Uuid::new_v4().to_string();
    let target = folder(&api, &id.to_string());
    let (mut draft, size, sha256) = write(&target, &item, body, ALL.saturating_sub(there).min(LARGEST as u64)).await?;
    let at = now();
    let custody = vec![Custody { at, who: caller.name.clone(), act: "taken".into() }];
    let comment = params.comment.chars().take(2000).collect();
    let body = ItemBody::Evidence { name: name.clone(), sha256: sha256.clone(), size, comment, custody };
    trail.note(&id.to_string(), json!({ "item": item, "name": name, "sha256": sha256, "size": size }));
    let item = Item { id: item, at, who: caller.name.clone(), body, version: 1 };
    let (cases, record, scope) = (api.deps.cases.clone(), trail.record(), caller.scope.clone());
    let made = api.small.run(move || cases.add_item(&scope, id, &item, &record)).await?.map_err(|e| hide(e, WHAT))?;
    draft.0 = None;
    trail.written();
    announce(&api, &incident, "evidence", &caller.name);
    Ok(Json(ItemDto::from(&made)))
}

/// Writes a body to a file of its own and makes it durable; its size and SHA-256.
async fn write(folder: &Path, item: &str, body: Body, most: u64) -> Result<(Draft, u64, String), Problem> {
    const WHAT: Word = Word::new("keeping the file", "việc lưu tệp");
    let path = folder.join(item);
    let folder = folder.to_owned();
    let opened = {
        let path = path.clone();
        move || {
            std::os::unix::fs::DirBuilderExt::mode(std::fs::DirBuilder::new().recursive(true), 0o700).create(&folder)?;
            std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)
        }
    };
    let blocking = |e: tokio::task::JoinError| Problem::internal(Word::new("keeping a file", "việc lưu tệp"), &e);
    let mut file = tokio::task::spawn_blocking(opened).await.map_err(blocking)?.map_err(failed(WHAT))?;
    let draft = Draft(Some(path));
    let (mut hash, mut size) = (Sha256::new(), 0u64);
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(
                Kind::TooLarge,
                said!("the file broke off, or is larger than {LARGEST} bytes", "tệp bị ngắt giữa chừng, hoặc lớn hơn {LARGEST} byte"),
            )
        })?;
        size += chunk.len() as u64;
        if size > most {
            return Err(Problem::new(
                Kind::TooLarge,
                said!(
                    "one file may have {LARGEST} bytes, those of one incident {ALL} together",
                    "mỗi tệp tối đa {LARGEST} byte, tất cả tệp của một sự cố tối đa {ALL} byte"
                ),
            ));
        }
        hash.update(&chunk);
        let write = move || file.write_all(&chunk).map(|()| file);
        file = tokio::task::spawn_blocking(write).await.map_err(blocking)?.map_err(failed(WHAT))?;
    }
    tokio::task::spawn_blocking(move || file.sync_all()).await.map_err(blocking)?.map_err(failed(WHAT))?;
    Ok((draft, size, hex::encode(hash.finalize())))
}

/// `GET /incidents/{id}/evidence/{item}`: the file, if its bytes are those that were handed in.
pub(crate) async fn read(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath((id, item)): InPath<(String, String)>,
) -> Result<Response, Problem> {
    const MISSING: Word = Word::new("this piece of evidence", "chứng cứ này");
    let id = parse(&id)?;
    trail.note(&id.to_string(), json!({ "item": item }));
    let (incident, _) = find(&api, &caller.scope, id).await?;
    trail.of(&incident.state.agency);
    let (cases, scope) = (api.deps.cases.clone(), caller.scope.clone());
    let known = api.small.store(move || cases.workspace(&scope, id)).await?.ok_or_else(|| Problem::not_found(WHAT))?;
    let found = known.items.into_iter().find(|i| i.id == item).ok_or_else(|| Problem::not_found(MISSING))?;
    let ItemBody::Evidence { name, sha256, size, comment, mut custody } = found.body else { return Err(Problem::not_found(MISSING)) };
    let path = place(&api, &id.to_string(), &found.id).ok_or_else(|| Problem::not_found(MISSING))?;
    let path_read = path.clone();
    let hashed = tokio::task::spawn_blocking(move || hash_of(&path_read))
        .await
        .map_err(|e| Problem::internal(Word::new("reading a file", "việc đọc tệp"), &e))?;
    let hashed = hashed.map_err(failed(Word::new("reading the file", "việc đọc tệp")))?;
    if hashed != sha256 {
        trail.note(&id.to_string(), json!({ "item": item, "sha256": sha256, "found": hashed }));
        return Err(Problem::new(
            Kind::Conflict,
            said!(
                "the kept file is not the one handed in (SHA-256 {hashed} instead of {sha256}): it is not evidence any more; restore it from a backup",
                "tệp đang lưu không phải tệp đã nộp (SHA-256 {hashed} thay vì {sha256}): tệp không còn giá trị chứng cứ; hãy khôi phục từ bản sao lưu"
            ),
        ));
    }
    trail.note(&id.to_string(), json!({ "item": item, "sha256": sha256 }));
    custody.push(Custody { at: now(), who: caller.name.clone(), act: "read".into() });
    let body = ItemBody::Evidence { name: name.clone(), sha256: sha256.clone(), size, comment, custody };
    let (cases, record, scope, version) = (api.deps.cases.clone(), trail.record(), caller.scope.clone(), found.version);
    let kept = api.small.run(move || cases.change_item(&scope, id, &item, version, &body, &record)).await?;
    kept.map_err(|e| hide(e, MISSING))?;
    trail.written();
    let file = tokio::fs::File::open(path).await.map_err(failed(Word::new("reading the file", "việc đọc tệp")))?;
    Ok(answer(file, &name, size, &sha256))
}

/// Where an item's file lies; also of an incident merged into this one.
pub(super) fn place(api: &Api, incident: &str, item: &str) -> Option<PathBuf> {
    let item = Uuid::parse_str(item).ok()?.to_string();
    let own = folder(api, incident).join(&item);
    if own.is_file() {
        return Some(own);
    }
    let others = std::fs::read_dir(api.config.data.join("evidence")).ok()?;
    others.flatten().map(|entry| entry.path().join(&item)).find(|p| p.is_file())
}

pub(super) fn hash_of(path: &Path) -> std::io::Result<String> {
    let mut out = Hashing::new(std::io::sink());
    std::io::copy(&mut std::fs::File::open(path)?, &mut out)?;
    Ok(out.end().1)
}

fn answer(file: tokio::fs::File, name: &str, size: u64, sha256: &str) -> Response {
    let encoded: String = name
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() || b".-_".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let disposition = format!("attachment; filename*=UTF-8''{encoded}");
    // never shown by the browser: what an attacker left is not run by looking at it
    let headers = [("content-disposition", &*disposition), ("x-fansipan-sha256", sha256)];
    spool::attachment(file, "application/octet-stream", size, &headers)
}
