//! Rules of the centre's own: kept with every version, who made it and why, and in force when the answer comes. Rules from
//! elsewhere are switched the same way.

use axum::extract::State;
use fansipan_model::{Scope, Word, said};
use fansipan_storage::OwnRule;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{drafts::Draft, session::hide};
use crate::{
    dto::{OwnRuleDto, OwnRuleHistory, OwnRuleList, OwnRuleSave, RuleSwitch},
    extract::{InPath, Json},
    guard::Trail,
    identity::Caller,
    ports::RuleDiagnostic,
    ports::RuleListing,
    problem::{Kind, Problem},
    state::{Api, now},
};

/// What refusals call one.
const WHAT: Word = Word::new("this rule", "luật này");
/// Characters of a reason, and of an id, which is the name of a file.
const REASON: usize = 2000;
const ID: usize = 100;

/// `GET /rules/own`
pub(crate) async fn list(State(api): State<Api>) -> Result<Json<OwnRuleList>, Problem> {
    let rules = api.deps.rules.clone();
    let found = api.small.store(move || rules.own_rules()).await?;
    let editable = api.deps.rule_control.is_some();
    Ok(Json(OwnRuleList { items: found.into_iter().map(OwnRuleDto::from).collect(), editable }))
}

/// `GET /rules/{id}/history`
pub(crate) async fn history(State(api): State<Api>, InPath(id): InPath<String>) -> Result<Json<OwnRuleHistory>, Problem> {
    let rules = api.deps.rules.clone();
    let found = api.small.store(move || rules.own_rule_versions(&id)).await?;
    Ok(Json(OwnRuleHistory { versions: found.into_iter().rev().map(OwnRuleDto::from).collect() }))
}

/// `POST /rules/own`
pub(crate) async fn save(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    Json(wanted): Json<OwnRuleSave>,
) -> Result<Json<OwnRuleDto>, Problem> {
    here(&api, &caller)?;
    let why = said(&wanted.why)?;
    let live = api.deps.live.clone();
    let (id, text) = {
        let work = move || {
            let draft = Draft::read(&wanted.text, &live.rule_set())?;
            Ok::<_, Problem>((named(&draft, &live.rules())?, wanted.text))
        };
        api.searches.run(work).await??
    };
    let enabled = wanted.enabled.unwrap_or(true);
    let sha256 = hex::encode(Sha256::digest(&text));
    trail.note(&id, json!({ "why": why, "enabled": enabled, "sha256": sha256, "seen": wanted.version }));
    let rule = OwnRule { id, version: wanted.version, text: Some(text), enabled, who: caller.name, at: now(), why };
    keep(&api, &trail, rule).await
}

/// `POST /rules/{id}/switch`
pub(crate) async fn switch(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Json(wanted): Json<RuleSwitch>,
) -> Result<Json<OwnRuleDto>, Problem> {
    here(&api, &caller)?;
    let why = said(&wanted.why)?;
    trail.note(&id, json!({ "why": why, "enabled": wanted.enabled, "seen": wanted.version }));
    let (rules, live, asked) = (api.deps.rules.clone(), api.deps.live.clone(), id.clone());
    let known = api.small.store(move || {
        let text = rules.own_rule_versions(&asked)?.pop().map(|r| r.text);
        let listed = live.rules().items.iter().any(|r| r.id == asked && !r.own);
        Ok(text.or_else(|| listed.then_some(None)))
    });
    let Some(text) = known.await? else { return Err(Problem::not_found(WHAT)) };
    let rule = OwnRule { id, version: wanted.version, text, enabled: wanted.enabled, who: caller.name, at: now(), why };
    keep(&api, &trail, rule).await
}

/// Refuses where detection does not read what is kept here, and those who see some agencies only: a rule looks at every one's events.
fn here(api: &Api, caller: &Caller) -> Result<(), Problem> {
    if caller.scope != Scope::All {
        return Err(Problem::new(
            Kind::Forbidden,
            said!(
                "rules concern every agency: only somebody who sees all of them changes one",
                "luật áp dụng cho mọi đơn vị: chỉ người xem được tất cả đơn vị mới sửa được"
            ),
        ));
    }
    match api.deps.rule_control {
        Some(_) => Ok(()),
        None => Err(Problem::bad_request(said!(
            "detection runs on other machines here: change the rules in the folders that [rules] paths of the analyzers names",
            "ở đây việc phát hiện chạy trên máy khác: hãy sửa luật trong các thư mục ghi ở [rules] paths của máy phân tích"
        ))),
    }
}

fn said(why: &str) -> Result<String, Problem> {
    let why: String = why.trim().chars().take(REASON).collect();
    if why.is_empty() {
        Err(Problem::bad_request(said!("say why: whoever reads the history wants to know", "hãy ghi lý do: người đọc lịch sử sẽ cần biết")))
    } else {
        Ok(why)
    }
}

/// The id that a clean draft is kept by.
fn named(draft: &Draft, listing: &RuleListing) -> Result<String, Problem> {
    if !draft.lint.ok {
        let first = draft.lint.diagnostics.iter().find(|d| d.severity == "error");
        let why = first.map_or_else(
            || said!("it holds no rule", "không có luật nào trong đó"),
            |RuleDiagnostic { code, message, message_vi, line, .. }| {
                let line = line.unwrap_or(1);
                said!("{code} {message} (line {line})", "{code} {message_vi} (dòng {line})")
            },
        );
        return Err(Problem::new(
            Kind::BadRequest,
            said!("the rule has faults and is not kept: {why}", "luật có lỗi nên chưa được lưu: {why:#}"),
        ));
    }
    let id = draft.ids.first().cloned().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.is_empty() || id.len() > ID || !id.chars().all(plain) || id.starts_with('.') || draft.ids.iter().any(|i| i == "draft.yml") {
        return Err(Problem::bad_request(said!(
            "give every rule an id: a UUID, best a new one",
            "mỗi luật phải có id: một UUID, tốt nhất là UUID mới"
        )));
    }
    let own_file = format!("/{id}.yml");
    let taken = |r: &&crate::ports::RuleInfo| draft.ids.contains(&r.id) && !(r.own && r.file.ends_with(&own_file));
    if let Some(other) = listing.items.iter().find(taken) {
        let (id, file) = (&other.id, &other.file);
        return Err(Problem::bad_request(said!(
            "the id {id} is that of a rule in {file}: give yours an id of its own, and switch the other one off if yours replaces it",
            "id {id} đã là của một luật trong {file}: hãy đặt id riêng cho luật của bạn, và tắt luật kia nếu luật của bạn thay nó"
        )));
    }
    Ok(id)
}

async fn keep(api: &Api, trail: &Trail, rule: OwnRule) -> Result<Json<OwnRuleDto>, Problem> {
    let (rules, record) = (api.deps.rules.clone(), trail.record());
    let kept = api.small.run(move || rules.save_own_rule(&rule, &record)).await?.map_err(|e| hide(e, WHAT))?;
    trail.written();
    if let Some(control) = api.deps.rule_control.clone()
        && let Err(reason) = api.searches.run(move || control.put_in_force()).await?
    {
        tracing::error!(rule = kept.id, "FSP-API-101: a rule is kept and not in force: {reason}");
        let version = kept.version;
        let detail = said!(
            "version {version} is kept and not in force yet: the rule folder cannot be written; free space on the disk of the data folder and save again",
            "phiên bản {version} đã lưu nhưng chưa có hiệu lực: không ghi được thư mục luật; hãy giải phóng ổ đĩa chứa thư mục dữ liệu rồi lưu lại"
        );
        return Err(Problem::new(Kind::StoreUnavailable, detail));
    }
    Ok(Json(kept.into()))
}
