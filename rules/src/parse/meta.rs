//! The descriptive attributes of a document.

use fansipan_model::{Level, said};

use crate::{
    ast::{LogSource, Meta, Related, Status},
    diagnostic::{Code, Findings},
    yaml::{Kind, Node},
};

/// Attributes of Sigma 2.1 and of the rule repositories in use.
const KNOWN: &[&str] = &[
    "title",
    "title_vi",
    "id",
    "name",
    "related",
    "status",
    "description",
    "advice",
    "advice_vi",
    "references",
    "author",
    "date",
    "modified",
    "license",
    "taxonomy",
    "scope",
    "tags",
    "level",
    "logsource",
    "detection",
    "correlation",
    "filter",
    "fields",
    "falsepositives",
    "custom",
    "aliases",
    "generate",
    "action",
    "regression_tests_path",
    "simulation",
];

/// Reads the attributes; `id` falls back to the file's name.
pub(crate) fn read(node: &Node, findings: &mut Findings<'_>) -> Meta {
    let custom = node.get("custom");
    let text = |name: &str| node.get(name).and_then(Node::text).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let ours = |name: &str| {
        let inner = custom.and_then(|c| c.get(name)).and_then(Node::text).map(|t| t.trim().to_owned());
        text(name).or(inner)
    };
    for (key, _) in node.entries() {
        let name = key.text().unwrap_or("");
        if !KNOWN.contains(&name) {
            findings.add(
                Code::UnknownKey,
                key.at,
                said!("`{name}` is not an attribute of Sigma", "`{name}` không phải là thuộc tính của Sigma"),
            );
        }
    }
    Meta {
        id: id(node, findings),
        name: text("name"),
        title: text("title").unwrap_or_default(),
        title_vi: ours("title_vi"),
        description: text("description"),
        advice: ours("advice"),
        advice_vi: ours("advice_vi"),
        status: word(node, "status", Code::BadStatus, Status::parse, findings).unwrap_or_default(),
        level: word(node, "level", Code::BadLevel, Level::parse, findings).unwrap_or(Level::Medium),
        tags: tags(node, findings),
        author: text("author"),
        date: text("date"),
        modified: text("modified"),
        license: text("license"),
        taxonomy: text("taxonomy"),
        references: texts(node, "references", findings),
        falsepositives: texts(node, "falsepositives", findings),
        fields: texts(node, "fields", findings),
        scope: texts(node, "scope", findings),
        related: related(node, findings),
        logsource: LogSource::default(),
    }
}

fn id(node: &Node, findings: &mut Findings<'_>) -> String {
    let Some(value) = node.get("id") else {
        let message = said!("the rule has no id; its file name stands for it", "luật không có id; tên tệp được dùng thay");
        findings.add(Code::MissingId, node.at, message);
        return findings.file().to_owned();
    };
    let text = value.text().unwrap_or("").trim();
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    if digits != 32 || text.len() != 36 {
        findings.add(Code::BadId, value.at, said!("`{text}` is not a UUID", "`{text}` không phải là UUID"));
    }
    if text.is_empty() { findings.file().to_owned() } else { text.to_owned() }
}

fn word<T>(node: &Node, name: &str, code: Code, read: fn(&str) -> Option<T>, findings: &mut Findings<'_>) -> Option<T> {
    let value = node.get(name)?;
    let text = value.text().unwrap_or("").trim().to_ascii_lowercase();
    let found = read(&text);
    if found.is_none() {
        findings.add(code, value.at, said!("`{text}` is not a {name}", "`{text}` không phải là một giá trị của {name}"));
    }
    found
}

/// A text or a list of texts.
pub(crate) fn texts(node: &Node, name: &str, findings: &mut Findings<'_>) -> Vec<String> {
    let Some(value) = node.get(name).filter(|v| !v.is_null()) else { return Vec::new() };
    let mut out = Vec::new();
    for item in value.items() {
        match item.text() {
            Some(text) => out.push(text.trim().to_owned()),
            None => {
                let kind = item.kind_name();
                findings.add(
                    Code::WrongType,
                    item.at,
                    said!("`{name}` holds {kind} where a text belongs", "`{name}` chứa {kind:#}, lẽ ra phải là chữ"),
                );
            }
        }
    }
    out
}

fn tags(node: &Node, findings: &mut Findings<'_>) -> Vec<String> {
    let tags: Vec<String> = texts(node, "tags", findings).into_iter().map(|t| t.to_lowercase()).collect();
    if let (Some(bad), Some(at)) = (tags.iter().find(|t| !t.contains('.')), node.get("tags")) {
        findings.add(Code::BadTag, at.at, said!("the tag `{bad}` has no namespace", "nhãn `{bad}` không có phần trước dấu chấm"));
    }
    tags
}

fn related(node: &Node, findings: &mut Findings<'_>) -> Vec<Related> {
    let Some(value) = node.get("related").filter(|v| !v.is_null()) else { return Vec::new() };
    let mut out = Vec::new();
    for item in value.items() {
        let text = |name: &str| item.get(name).and_then(Node::text).map(str::to_owned);
        match (text("id"), text("type")) {
            (Some(id), Some(kind)) => out.push(Related { id, kind }),
            _ => findings.add(
                Code::WrongType,
                item.at,
                said!("an entry of `related` needs id and type", "mỗi mục của `related` cần id và type"),
            ),
        }
    }
    out
}

/// Reads `logsource:`. `None` after an error.
pub(crate) fn logsource(node: &Node, findings: &mut Findings<'_>) -> Option<LogSource> {
    let Some(value) = node.get("logsource") else {
        findings.add(Code::MissingLogsource, node.at, said!("there is no logsource", "không có logsource"));
        return None;
    };
    if !matches!(value.kind, Kind::Map(_)) {
        let kind = value.kind_name();
        findings.add(
            Code::WrongType,
            value.at,
            said!("logsource is {kind} where a map belongs", "logsource là {kind:#}, lẽ ra phải là một ánh xạ"),
        );
        return None;
    }
    let part = |name: &str| value.get(name).and_then(Node::text).map(|t| t.trim().to_lowercase()).filter(|t| !t.is_empty());
    let source = LogSource { product: part("product"), category: part("category"), service: part("service") };
    if source == LogSource::default() {
        let message =
            said!("logsource names neither product nor category nor service", "logsource không nêu product, category hay service");
        findings.add(Code::MissingLogsource, value.at, message);
        return None;
    }
    Some(source)
}
