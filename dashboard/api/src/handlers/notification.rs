//! The report of an incident in the form of the law: a form with what is known filled in, for a person to complete and sign.
//!
//! Forms are Markdown: `{name}` is filled in, `{?name}` becomes a ticked box or an empty one, `{…}` is left for a person. What fills
//! them comes from logs in part, so it is escaped: it can neither be a form's mark nor a page's.

use std::collections::BTreeMap;

use axum::extract::State;
use fansipan_evidence::sha256;
use fansipan_model::{Entity, Event, Word, case::Stage, fields, incident, said, time};
use fansipan_response::{Action, ActionState};
use fansipan_storage::ResponseFilter;
use jiff::{Timestamp, tz};
use serde_json::json;

use super::{
    actions::desk,
    incidents::parse,
    timeline::{Whole, gather},
};
use crate::{
    dto::{DemandDto, NotificationDto, NotificationParams},
    extract::{InPath, Json, Params},
    guard::Trail,
    identity::Caller,
    problem::Problem,
    state::{Api, now},
};

const VNCERT: &str = include_str!("../../data/forms/vncert.md");
/// Bytes of a form of the centre's own.
const LARGEST: u64 = 256 << 10;
/// Events looked at.
const EVENTS: usize = 500;
/// Steps of the story told.
const STEPS: usize = 30;
/// Where a person writes.
const BLANK: &str = "………………………………";

/// `GET /incidents/{id}/notification`
pub(crate) async fn show(
    State(api): State<Api>,
    trail: Trail,
    caller: Caller,
    InPath(id): InPath<String>,
    Params(params): Params<NotificationParams>,
) -> Result<Json<NotificationDto>, Problem> {
    trail.note(&id, json!({ "form": params.form }));
    let form = form(&api, &params.form).await?;
    let id = parse(&id)?;
    let whole = gather(&api, &caller.scope, id, EVENTS).await?;
    trail.of(&whole.incident.state.agency);
    let filter = ResponseFilter { incident: Some(id.to_string()), ..ResponseFilter::default() };
    let actions = desk(&api, move |d| d.actions(&caller.scope, &filter, 50)).await?;
    let filled = fill(&form, &known(&whole, &actions, now()));
    let blanks = filled.matches(BLANK).count() as u64;
    let text = match params.format.as_deref().unwrap_or("text") {
        "markdown" => filled,
        "text" => plain(&filled),
        "html" => html(&filled),
        _ => return Err(Problem::bad_request(said!("format is text, markdown or html", "format là text, markdown hoặc html"))),
    };
    let sha256 = sha256(text.as_bytes());
    trail.note(&id.to_string(), json!({ "form": params.form, "sha256": sha256 }));
    Ok(Json(NotificationDto { form: params.form, text, blanks, sha256 }))
}

/// The centre's own form of this name, or the shipped one.
async fn form(api: &Api, name: &str) -> Result<String, Problem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.is_empty() || name.len() > 40 || !name.bytes().all(plain) {
        return Err(Problem::bad_request(said!(
            "form is a name of small letters, digits and -, such as vncert",
            "form là tên gồm chữ thường, chữ số và dấu -, ví dụ vncert"
        )));
    }
    let path = api.config.data.join("forms").join(format!("{name}.md"));
    let read = tokio::task::spawn_blocking(move || match std::fs::metadata(&path) {
        Ok(found) if found.len() <= LARGEST => std::fs::read_to_string(&path).map(Some),
        Ok(_) => Err(std::io::Error::other(format!("more than {LARGEST} bytes"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    });
    let own = read.await.map_err(|e| Problem::internal(Word::new("reading a form", "việc đọc mẫu"), &e))?;
    match own {
        Ok(Some(own)) => Ok(own),
        Ok(None) if name == "vncert" => Ok(VNCERT.to_owned()),
        Ok(None) => Err(Problem::bad_request(said!(
            "there is no form {name}: vncert is shipped, others are DATA/forms/NAME.md",
            "không có mẫu {name}: có sẵn vncert, mẫu khác đặt ở DATA/forms/TÊN.md"
        ))),
        Err(error) => Err(Problem::bad_request(said!(
            "the form DATA/forms/{name}.md cannot be read ({error}): put a text in UTF-8 there",
            "không đọc được mẫu DATA/forms/{name}.md ({error}): tệp phải là văn bản UTF-8"
        ))),
    }
}

/// What fills a form: texts (escaped), and boxes (`?name`, ticked where not empty).
fn known(whole: &Whole, actions: &[Action], at: i64) -> BTreeMap<String, String> {
    let (incident, facts) = (&whole.incident, &whole.workspace.facts);
    let mut out = BTreeMap::new();
    let mut text = |name: &str, value: String| drop(out.insert(name.to_owned(), value));
    let words = |field: &str| facts.get(field).map(|f| vietnamese(field, f));
    text("id", incident.state.id.to_string());
    text("title", markdown(&incident.title_vi));
    let groups = || incident.groups.iter().map(|g| vietnamese("category", g)).collect::<Vec<_>>().join(", ");
    text("category", words("category").unwrap_or_else(groups));
    text("severity", words("severity").unwrap_or_else(|| vietnamese("severity", incident.level.as_str())));
    text("owner", if incident.state.agency == fansipan_model::Agency::DEFAULT { String::new() } else { markdown(&incident.state.agency) });
    text("began", local(incident.first_seen));
    text("detected", local(incident.state.opened));
    text("detected_day", written(incident.state.opened, "%d/%m/%y"));
    text("detected_hour", written(incident.state.opened, "%H giờ %M phút"));
    text("now", local(at));
    text("made", written(at, "%d/%m/%Y/%H/%M"));
    let of = |kinds: &[&str]| {
        let fits = |e: &&Entity| serde_json::to_value(e.kind).is_ok_and(|k| k.as_str().is_some_and(|k| kinds.contains(&k)));
        incident.entities.iter().filter(fits).map(|e| markdown(&e.value)).collect::<Vec<_>>().join(", ")
    };
    text("hosts", of(&["host"]));
    text("entities", of(&["address", "user", "domain", "hash"]));
    let steps = incident::story(&whole.alerts).into_iter().take(STEPS);
    text("story", steps.map(|s| format!("- {}\n", markdown(&s.text_vi))).collect::<String>().trim_end().to_owned());
    text("actions", measures(whole, actions));
    let evidence: Vec<String> = whole.workspace.items.iter().filter_map(handed).collect();
    text("evidence", evidence.join("; "));
    text("events", if whole.events.is_empty() { String::new() } else { format!("{} sự kiện, trong gói chứng cứ", whole.events.len()) });
    let sensor = |e: &Event| {
        let network = ["tap", "suricata", "zeek"];
        [e.get_by_name("event.module").and_then(|v| v.text().map(|t| t.into_owned())), e.str(fields::EVENT_DATASET).map(str::to_owned)]
            .iter()
            .flatten()
            .any(|word| network.iter().any(|n| word.starts_with(n)))
    };
    let handled = whole.workspace.stage >= Stage::Recovered;
    let mut tick = |name: &str, yes: bool| drop(out.insert(name.to_owned(), if yes { "x".into() } else { String::new() }));
    tick("handled", handled);
    tick("open", !handled);
    tick("by_sensor", whole.events.iter().any(sensor));
    tick("by_log", whole.events.iter().any(|e| !sensor(e)));
    for level in 1..=5 {
        tick(&format!("level{level}"), facts.get("system_level").is_some_and(|l| *l == level.to_string()));
    }
    out
}

/// What was done, by people's word and by the journal of actions.
fn measures(whole: &Whole, actions: &[Action]) -> String {
    let mut out = Vec::new();
    for field in ["containment", "root_cause", "recovery"] {
        if let Some(value) = whole.workspace.facts.get(field).filter(|v| !v.is_empty()) {
            let title = DemandDto::all().into_iter().find(|d| d.field == field).map(|d| d.title_vi).unwrap_or_default();
            out.push(format!("- {title}: {}", markdown(value)));
        }
    }
    let effective = [ActionState::Done, ActionState::Expired, ActionState::Undone];
    for action in actions.iter().filter(|a| effective.contains(&a.state)) {
        let at = action.done.map(local).unwrap_or_default();
        let verb = match action.kind.as_str() {
            "block" => "Chặn",
            "disable" => "Khóa tài khoản",
            _ => "Thông báo",
        };
        out.push(format!("- {verb} {} trên {} ({at})", markdown(&action.target.text()), markdown(&action.device)));
    }
    out.join("\n")
}

fn handed(item: &fansipan_storage::cases::Item) -> Option<String> {
    match &item.body {
        fansipan_model::case::ItemBody::Evidence { name, sha256, .. } => Some(format!("{} (SHA-256 {sha256})", markdown(name))),
        _ => None,
    }
}

/// A word of a stage's demand in Vietnamese, as the report has it.
fn vietnamese(field: &str, word: &str) -> String {
    if field == "category" {
        return incident::named(word).map_or_else(|| markdown(word), |known| known.vi);
    }
    let known = match (field, word) {
        ("severity", "critical") => "Nghiêm trọng",
        ("severity", "high") => "Cao",
        ("severity", "medium") => "Trung bình",
        ("severity", "low") => "Thấp",
        _ => return markdown(word),
    };
    known.to_owned()
}

/// An instant as a Vietnamese report writes it.
fn local(at: i64) -> String {
    written(at, "%H giờ %M phút, ngày %d tháng %m năm %Y (giờ Việt Nam, UTC+7)")
}

/// An instant in Vietnam's time, in the form that is asked for.
fn written(at: i64, form: &str) -> String {
    let zone = tz::TimeZone::fixed(tz::offset(7));
    let Ok(at) = Timestamp::from_nanosecond(i128::from(at)) else { return time::to_rfc3339(at) };
    at.to_zoned(zone).strftime(form).to_string()
}

/// Text of anybody as Markdown that says just that.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().take(2000) {
        match c {
            c if c.is_control() => out.push(' '),
            // marks of Markdown, of pages and of forms
            '\\' | '*' | '`' | '[' | ']' | '<' | '>' | '#' | '|' | '{' | '}' | '_' | '&' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

/// Fills a form; the comment at its head is for whoever writes forms.
fn fill(form: &str, known: &BTreeMap<String, String>) -> String {
    let form = match form.strip_prefix("<!--").and_then(|rest| rest.split_once("-->")) {
        Some((_, rest)) => rest.trim_start(),
        None => form,
    };
    let mut out = String::with_capacity(form.len() * 2);
    let mut rest = form;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        match name.strip_prefix('?') {
            Some(name) => out.push(if known.get(name).is_some_and(|v| !v.is_empty()) { '☑' } else { '☐' }),
            None => out.push_str(known.get(name).filter(|v| !v.is_empty()).map_or(BLANK, String::as_str)),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A piece of a line: text, or a mark that begins or ends bold or slanted text.
enum Piece<'t> {
    Text(char),
    Mark(&'t str),
}

/// The pieces of a line of the Markdown that forms are written in.
fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if let Some(escaped) = rest.strip_prefix('\\').and_then(|r| r.chars().next()) {
            out.push(Piece::Text(escaped));
            rest = rest.get(1 + escaped.len_utf8()..).unwrap_or_default();
        } else if let Some(after) = rest.strip_prefix("**") {
            out.push(Piece::Mark("b"));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('*') {
            out.push(Piece::Mark("i"));
            rest = after;
        } else {
            out.push(Piece::Text(c));
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    out
}

/// Without marks, for a terminal or a letter.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim_start_matches(['#', ' ']);
        out.extend(pieces(line).iter().filter_map(|p| if let Piece::Text(c) = p { Some(*c) } else { None }));
        out.push('\n');
    }
    out
}

/// A page for a word processor or a printer, without anything that a browser would run or fetch.
fn html(text: &str) -> String {
    let mut out = String::from(
        "<!doctype html>\n<html lang=\"vi\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Báo cáo sự cố</title><style>body{font:13pt 'Times New Roman',serif;max-width:17cm;margin:2cm auto}\
         h1{font-size:15pt;text-align:center}h2{font-size:13pt}li{margin:.2em 0}</style></head><body>\n",
    );
    let mut list = false;
    for line in text.lines().map(str::trim_end).filter(|l| !l.is_empty()) {
        let item = line.strip_prefix("- ");
        if item.is_some() != list {
            out.push_str(if list { "</ul>\n" } else { "<ul>\n" });
            list = item.is_some();
        }
        let (tag, line) = match (item, line.strip_prefix("# "), line.strip_prefix("## ")) {
            (Some(item), ..) => ("li", item),
            (_, Some(head), _) => ("h1", head),
            (.., Some(head)) => ("h2", head),
            _ => ("p", line),
        };
        out.push_str(&format!("<{tag}>{}</{tag}>\n", inline(line)));
    }
    out.push_str(if list { "</ul>\n</body></html>\n" } else { "</body></html>\n" });
    out
}

fn inline(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut open: Vec<&str> = Vec::new();
    for piece in pieces(line) {
        match piece {
            Piece::Text('<') => out.push_str("&lt;"),
            Piece::Text('>') => out.push_str("&gt;"),
            Piece::Text('&') => out.push_str("&amp;"),
            Piece::Text(c) => out.push(c),
            Piece::Mark(mark) if open.last() == Some(&mark) => {
                open.pop();
                out.push_str(&format!("</{mark}>"));
            }
            Piece::Mark(mark) => {
                open.push(mark);
                out.push_str(&format!("<{mark}>"));
            }
        }
    }
    open.iter().rev().for_each(|mark| out.push_str(&format!("</{mark}>")));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_filled_and_what_is_not_known_is_left_for_a_person() {
        let known = BTreeMap::from([("id".to_owned(), "ab12".to_owned()), ("open".to_owned(), "x".to_owned())]);
        let filled = fill("<!-- how -->\n# {id}\n- {?open} Chưa\n- {?handled} Đã\nSố: {…}, {unknown}", &known);
        assert_eq!(filled, format!("# ab12\n- ☑ Chưa\n- ☐ Đã\nSố: {BLANK}, {BLANK}"));
        assert!(!fill(VNCERT, &BTreeMap::new()).contains(['{', '}']), "every place of the shipped form is filled or a blank");
    }

    #[test]
    fn what_a_stranger_wrote_is_text_in_every_format() {
        let evil = "<script>alert(1)</script> **{id}** \u{1b}[31m # x\n- y";
        let known = BTreeMap::from([("title".to_owned(), markdown(evil)), ("id".to_owned(), "secret".to_owned())]);
        let filled = fill("{title}", &known);
        assert_eq!(plain(&filled), "<script>alert(1)</script> **{id}**  [31m # x - y\n");
        let page = html(&filled);
        assert!(page.contains("<p>&lt;script&gt;alert(1)&lt;/script&gt; **{id}**  [31m # x - y</p>"), "{page}");
    }

    #[test]
    fn times_are_those_of_vietnam() {
        assert_eq!(local(1_772_323_200_000_000_000), "07 giờ 00 phút, ngày 01 tháng 03 năm 2026 (giờ Việt Nam, UTC+7)");
        assert_eq!(written(1_772_323_200_000_000_000, "%d/%m/%y"), "01/03/26");
    }

    #[test]
    fn the_shipped_form_has_the_parts_of_the_law_in_its_order() {
        let filled = fill(VNCERT, &BTreeMap::new());
        let text = plain(&filled);
        let parts = [
            "Mẫu số 03",
            "Ban hành kèm theo Thông tư số 20/2017/TT-BTTTT ngày 12/9/2017",
            "BÁO CÁO BAN ĐẦU SỰ CỐ MẠNG",
            "THÔNG TIN VỀ TỔ CHỨC/CÁ NHÂN BÁO CÁO SỰ CỐ",
            "Tên tổ chức/cá nhân báo cáo sự cố (*)",
            "NGƯỜI LIÊN HỆ",
            "Họ và tên (*)",
            "THÔNG TIN CHI TIẾT VỀ HỆ THỐNG BỊ SỰ CỐ",
            "Tên đơn vị vận hành hệ thống thông tin (*)",
            "Cơ quan chủ quản",
            "Tên hệ thống bị sự cố",
            "Phân loại cấp độ của hệ thống thông tin (nếu có)",
            "Tổ chức cung cấp dịch vụ an toàn thông tin (nếu có)",
            "Tên nhà cung cấp dịch vụ kết nối bên ngoài (nếu có)",
            "Mô tả sơ bộ về sự cố (*)",
            "Ngày phát hiện sự cố (*) (dd/mm/yy)",
            "Thời gian phát hiện (*)",
            "HIỆN TRẠNG SỰ CỐ (*)",
            "CÁCH THỨC PHÁT HIỆN (*)",
            "ĐÃ GỬI THÔNG BÁO SỰ CỐ CHO (*)",
            "THÔNG TIN BỔ SUNG VỀ HỆ THỐNG XẢY RA SỰ CỐ",
            "Hệ điều hành",
            "Các dịch vụ có trên hệ thống",
            "Các biện pháp an toàn thông tin đã triển khai",
            "Các địa chỉ IP của hệ thống",
            "Các tên miền của hệ thống",
            "Mục đích chính sử dụng hệ thống",
            "Thông tin gửi kèm",
            "đều phải được giữ bí mật",
            "KIẾN NGHỊ, ĐỀ XUẤT HỖ TRỢ",
            "THỜI GIAN THỰC HIỆN BÁO CÁO SỰ CỐ (*)",
            "CÁ NHÂN/NGƯỜI ĐẠI DIỆN THEO PHÁP LUẬT",
            "[TBSC]",
        ];
        let mut rest = text.as_str();
        for part in parts {
            rest = rest.split_once(part).unwrap_or_else(|| panic!("{part} is missing, or stands too early: {text}")).1;
        }
        assert!(!text.contains("zggcd"), "where it comes from is for whoever writes forms");
    }
}
