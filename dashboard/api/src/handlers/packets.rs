//! Packets of an event or alert: its flows out of the packet ring, as one pcapng file with its SHA-256.
//!
//! The file is written whole before the first byte is sent, so that its hash and its figures go before it; it has no name on disk.

use std::{
    fs::File,
    io::{self, BufWriter, Seek as _, Write},
    net::IpAddr,
    path::Path,
};

use axum::{extract::State, response::Response};
use fansipan_evidence::{Hashing, PacketFigures};
use fansipan_model::{AlertId, AnswerOutcome, CollectorAnswer, Event, FieldId, PacketsFound, Said, Scope, Value, fields, said, time};
use serde_json::json;
use uuid::Uuid;

use crate::{
    dto::PacketParams,
    extract::{InPath, Params},
    guard::Trail,
    identity::Caller,
    ports::{Extract, FlowKey, FlowWanted, PacketsError},
    problem::{Kind, Problem},
    spool,
    state::{Api, now},
};

/// Flows of one answer.
const FLOWS: usize = 100;
/// Minutes before and after an event within which its flow is looked for, unless asked otherwise.
const MINUTES: i64 = 15;
/// Most minutes that can be asked for.
const MOST_MINUTES: u32 = 1440;
const MINUTE: i64 = 60 * time::SECOND;
const WHAT: &str = "this event or alert";

/// `GET /packets/{id}`
pub(crate) async fn take(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Params(params): Params<PacketParams>,
) -> Result<Response, Problem> {
    trail.note(&id, json!({}));
    let minutes = match params.minutes {
        None => MINUTES,
        Some(n @ 1..=MOST_MINUTES) => i64::from(n),
        Some(_) => return Err(Problem::bad_request(format!("minutes is 1 to {MOST_MINUTES}"))),
    };
    let (agency, events) = subject(&api, &caller.scope, &id).await?;
    trail.of(&agency);
    let flows = flows(&events, minutes * MINUTE);
    let asked: Vec<String> = flows.iter().map(|f| f.key.to_string()).collect();
    trail.note(&id, json!({ "flows": asked }));
    if flows.is_empty() {
        return Err(Problem::said(
            Kind::NoFlow,
            said!(
                "no event of it names a flow: packets are found by network.community_id, or by source and destination address",
                "không sự kiện nào của nó nêu luồng: gói tin được tìm theo network.community_id, hoặc theo địa chỉ và cổng nguồn, đích"
            ),
        ));
    }
    let (store, scope, data) = (api.deps.packets.clone(), caller.scope.clone(), api.config.data.clone());
    let extracted = api.exports.run(move || extract(&data, |out| store.extract(&scope, &flows, out))).await?;
    let (file, Extract { found, collectors }, sha256) = extracted.map_err(refusal)?;
    if found.packets == 0 {
        return Err(Problem::said(Kind::PacketsGone, gone(&found, &collectors, now())));
    }
    let figures = PacketFigures::new(&found, sha256, collectors);
    let mut noted = json!({ "flows": asked, "packets": found.packets, "bytes": found.bytes, "sha256": figures.sha256 });
    if !figures.collectors.is_empty() {
        noted["collectors"] = json!(figures.collectors);
    }
    trail.note(&id, noted);
    Ok(answer(file, &id, &figures))
}

/// The events that an id stands for, and whose they are.
async fn subject(api: &Api, scope: &Scope, id: &str) -> Result<(String, Vec<Event>), Problem> {
    let missing = || Problem::not_found(WHAT);
    if let Some(alert) = AlertId::parse(id) {
        let (state, asked) = (api.deps.state.clone(), scope.clone());
        if let Some(alert) = api.small.store(move || state.alert(&asked, alert)).await? {
            let (events, asked) = (api.deps.events.clone(), scope.clone());
            let found = api.searches.store(move || {
                let found: Result<Vec<_>, _> = alert.events.iter().map(|id| events.get(&asked, *id)).collect();
                Ok((alert.agency, found?.into_iter().flatten().collect()))
            });
            return found.await;
        }
    }
    let id = Uuid::try_parse(id).map_err(|_| missing())?;
    let (events, asked) = (api.deps.events.clone(), scope.clone());
    let event = api.searches.store(move || events.get(&asked, id)).await?.ok_or_else(missing)?;
    Ok((event.agency().to_owned(), vec![event]))
}

/// The flows of events, each once, with the time its events tell of.
fn flows(events: &[Event], around: i64) -> Vec<FlowWanted> {
    let mut all: Vec<FlowWanted> = Vec::new();
    for event in events {
        let Some(key) = key(event) else { continue };
        let at = |field: FieldId| match event.get(field) {
            Some(Value::Time(at)) => at,
            _ => event.timestamp(),
        };
        let (from, to) = (at(fields::EVENT_START).min(event.timestamp()), at(fields::EVENT_END).max(event.timestamp()));
        let source = event.get_by_name("fansipan.source").and_then(|v| v.text().map(|t| t.into_owned()));
        let same = |f: &&mut FlowWanted| f.key == key && f.source == source && f.from - around <= to && from <= f.to + around;
        if let Some(known) = all.iter_mut().find(same) {
            (known.from, known.to) = (known.from.min(from), known.to.max(to));
        } else if all.len() < FLOWS {
            all.push(FlowWanted { key, from, to, around, source });
        }
    }
    all
}

/// How an event names its flow.
fn key(event: &Event) -> Option<FlowKey> {
    if let Some(id) = event.str(fields::NETWORK_COMMUNITY_ID) {
        return Some(FlowKey::CommunityId(id.to_owned()));
    }
    let address = |field| match event.get(field)? {
        Value::Ip(ip) => Some(ip),
        other => other.text()?.parse::<IpAddr>().ok(),
    };
    let number = |field| event.get(field).and_then(|v| v.text()?.parse::<u16>().ok());
    let protocol = match event.str(fields::NETWORK_TRANSPORT).map(str::to_ascii_lowercase).as_deref() {
        Some("tcp") => 6,
        Some("udp") => 17,
        Some("sctp") => 132,
        _ => u8::try_from(number(fields::NETWORK_IANA_NUMBER)?).ok().filter(|n| [6, 17, 132].contains(n))?,
    };
    let source = (address(fields::SOURCE_IP)?, number(fields::SOURCE_PORT)?);
    Some(FlowKey::Ends { protocol, source, destination: (address(fields::DESTINATION_IP)?, number(fields::DESTINATION_PORT)?) })
}

/// Fills a file that nobody else can open; its SHA-256.
fn extract(
    data: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<Extract, PacketsError>,
) -> Result<(File, Extract, String), PacketsError> {
    let mut out = Hashing::new(BufWriter::with_capacity(1 << 18, spool::unnamed(data, "packets")?));
    let extract = fill(&mut out)?;
    let (out, sha256) = out.end();
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok((file, extract, sha256))
}

fn refusal(error: PacketsError) -> Problem {
    match error {
        PacketsError::Off => Problem::said(
            Kind::PacketsOff,
            said!(
                "no packet ring is kept where this was seen: set `ring = {{}}` in [[sources.tap]]; it holds what passes from then on",
                "nơi ghi nhận việc này không lưu gói tin: đặt `ring = {{}}` trong [[sources.tap]]; gói tin được lưu từ lúc đó"
            ),
        ),
        PacketsError::Unanswered(collectors) => Problem::said(Kind::PacketsElsewhere, unanswered(&collectors)),
        PacketsError::Unreachable(why) => {
            tracing::error!(why, "packets");
            Problem::said(
                Kind::PacketsElsewhere,
                said!(
                    "no collector can be asked: Kafka does not answer. See `fansipan doctor`; the service's log has the reason",
                    "không hỏi được bộ thu thập nào: Kafka không trả lời. Xem `fansipan doctor`; nhật ký của dịch vụ nêu lý do"
                ),
            )
        }
        PacketsError::Io(error) => {
            tracing::error!(%error, "packets");
            Problem::said(
                Kind::StoreUnavailable,
                said!(
                    "reading the packet ring failed; the service's log has the reason",
                    "không đọc được vòng ghi gói tin; nhật ký của dịch vụ nêu lý do"
                ),
            )
        }
    }
}

/// How far back the rings reach that have none of the packets, and what decides that.
fn gone(found: &PacketsFound, collectors: &[CollectorAnswer], asked: i64) -> Said {
    let age = match found.oldest.map(time::to_rfc3339) {
        Some(oldest) => said!("the oldest packets there are of {oldest}", "gói tin cũ nhất còn đó là của {oldest}"),
        None => said!("it holds no packets", "nó chưa có gói tin nào"),
    };
    let cut = match found.cut {
        0 => Said::default(),
        n => said!("; {n} packets of the flow were left out beyond flow_mib", "; {n} gói của luồng này đã bị bỏ vì vượt flow_mib"),
    };
    let who = match collectors {
        [] => Said::default(),
        all => {
            let names = all.iter().map(|c| c.collector.as_str()).collect::<Vec<_>>().join(", ");
            said!("; collectors: {names}", "; bộ thu thập: {names}")
        }
    };
    let asked = time::to_rfc3339(asked);
    said!(
        "the packet ring has none of its packets any more, or never had: {age}{cut}. keep_hours and max_mib say how much is kept (asked at {asked}{who})",
        "vòng ghi không còn, hoặc chưa từng có gói tin của nó: {age:#}{cut:#}. keep_hours và max_mib quyết định giữ được bao nhiêu (hỏi lúc {asked}{who:#})"
    )
}

/// Who may have the packets and did not give them, and what to do.
fn unanswered(collectors: &[CollectorAnswer]) -> Said {
    let mut said = [Vec::new(), Vec::new()];
    for c in collectors {
        let (en, vi) = match c.outcome {
            AnswerOutcome::Given => ("gave them", "đã trả"),
            AnswerOutcome::Nothing => ("has none", "không có"),
            AnswerOutcome::NoAnswer => ("did not answer in time", "không trả lời kịp"),
            AnswerOutcome::Failed => ("could not read its rings, its log says why", "không đọc được vòng ghi, nhật ký của nó nêu lý do"),
            AnswerOutcome::Damaged => ("sent what did not arrive whole", "gửi về không nguyên vẹn"),
            AnswerOutcome::TooLarge => ("has more than fits into one file", "có nhiều hơn một tệp chứa được"),
            AnswerOutcome::Clock => ("has a clock that differs by minutes", "có đồng hồ lệch nhiều phút"),
        };
        said[0].push(format!("{} {en}", c.collector));
        said[1].push(format!("{} {vi}", c.collector));
    }
    let [en, vi] = said.map(|list| list.join("; "));
    said!(
        "no packets came: {en}. See `fansipan doctor`, and ask again; on the collector `fansipan packets --flow` reads its own ring",
        "không có gói tin nào về: {vi}. Xem `fansipan doctor` rồi lấy lại; trên bộ thu thập, `fansipan packets --flow` đọc vòng ghi tại chỗ"
    )
}

fn answer(file: File, id: &str, figures: &PacketFigures) -> Response {
    let id: String = id.chars().filter(|c| c.is_ascii_hexdigit() || *c == '-').collect();
    let headers = [
        ("content-disposition", &*format!("attachment; filename=\"fansipan-{id}.pcapng\"")),
        ("x-fansipan-sha256", &figures.sha256),
        ("x-fansipan-packets", &serde_json::to_string(figures).unwrap_or_default()),
    ];
    spool::attachment(tokio::fs::File::from_std(file), "application/vnd.tcpdump.pcap", figures.bytes, &headers)
}
