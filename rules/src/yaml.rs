//! YAML text → a small tree with positions, within bounds: size, nodes (aliases expanded), depth. Knows nothing of Sigma.

use std::collections::{BTreeMap, BTreeSet};

use fansipan_model::{Said, said, told::reader};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::diagnostic::{Code, Position};

/// Bytes of one document.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// Nodes of one document, every expansion of an alias counted.
const MAX_NODES: usize = 100_000;
/// Levels of lists and maps.
const MAX_DEPTH: usize = 32;

/// A YAML value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Text; `plain` if it may stand for a number, boolean or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// A scalar by YAML's core schema.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'t> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'t str),
}

impl Node {
    /// The text of a scalar, whatever its type.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Kind::Scalar { text, .. } = &self.kind { Some(text) } else { None }
    }

    /// The typed scalar.
    pub(crate) fn scalar(&self) -> Option<Scalar<'_>> {
        let Kind::Scalar { text, plain } = &self.kind else { return None };
        if !plain {
            return Some(Scalar::Text(text));
        }
        Some(match text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
            "true" | "True" | "TRUE" => Scalar::Bool(true),
            "false" | "False" | "FALSE" => Scalar::Bool(false),
            other if looks_numeric(other) => other.parse().map_or(Scalar::Text(text), Scalar::Number),
            _ => Scalar::Text(text),
        })
    }

    /// Whether it is an absent value.
    pub(crate) fn is_null(&self) -> bool {
        self.scalar() == Some(Scalar::Null)
    }

    /// The value of a key of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v)
    }

    /// The entries of a map; none for anything else.
    pub(crate) fn entries(&self) -> &[(Node, Node)] {
        if let Kind::Map(entries) = &self.kind { entries } else { &[] }
    }

    /// The items of a list, or the node itself as the only one.
    pub(crate) fn items(&self) -> &[Node] {
        if let Kind::List(items) = &self.kind { items } else { std::slice::from_ref(self) }
    }

    /// A word for messages.
    pub(crate) fn kind_name(&self) -> Said {
        match self.kind {
            Kind::Scalar { .. } => said!("a value", "một giá trị"),
            Kind::List(_) => said!("a list", "một danh sách"),
            Kind::Map(_) => said!("a map", "một ánh xạ"),
        }
    }
}

/// Decimal integers and floats; hexadecimal and octal forms stay text, because logs print them as text.
fn looks_numeric(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().any(|b| b.is_ascii_digit())
        && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+'))
}

/// Why a document was refused.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) at: Position,
    pub(crate) message: Said,
}

/// One document of a file: its text and the line before its first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Document<'t> {
    pub(crate) text: &'t str,
    pub(crate) lines_before: u32,
}

/// Cuts a file at its `---` lines (which end a document wherever they stand), so that one bad document spoils no other.
pub(crate) fn documents(text: &str) -> Vec<Document<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut out = Vec::new();
    let (mut start, mut offset, mut line, mut first_line) = (0, 0, 0u32, 0u32);
    for piece in text.split_inclusive('\n') {
        let marker = piece.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if marker && offset > start {
            out.push(Document { text: text.get(start..offset).unwrap_or(""), lines_before: first_line });
            (start, first_line) = (offset, line);
        }
        offset += piece.len();
        line += 1;
    }
    out.push(Document { text: text.get(start..).unwrap_or(""), lines_before: first_line });
    out.retain(|d| d.text.lines().any(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#') && l.trim_end() != "---"));
    out
}

/// Reads one document.
pub(crate) fn read(document: Document<'_>) -> Result<Node, Refused> {
    let start = Position { line: document.lines_before + 1, column: 1 };
    if document.text.len() > MAX_BYTES {
        let bytes = document.text.len();
        let message = said!("the document has {bytes} bytes, more than {MAX_BYTES}", "tài liệu dài {bytes} byte, quá {MAX_BYTES}");
        return Err(Refused { code: Code::TooLarge, at: start, message });
    }
    let mut builder = Builder { lines_before: document.lines_before, ..Builder::default() };
    let mut parser = Parser::new_from_str(document.text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|e| {
            let at = builder.position(e.marker().line(), e.marker().col());
            match e.info() {
                // the scanner reads ahead and has a limit of its own
                "recursion limit exceeded" => too_deep(at),
                info => {
                    let why = reader(info);
                    let message = said!("the YAML does not read: {why}", "YAML không đọc được: {why:#}");
                    Refused { code: Code::Yaml, at, message }
                }
            }
        })?;
        builder.take(event, span)?;
    }
    builder.root.ok_or(Refused { code: Code::Empty, at: start, message: said!("the document is empty", "tài liệu rỗng") })
}

/// An unfinished list or map.
struct Open {
    at: Position,
    anchor: usize,
    /// `Some` for maps: the key that waits for its value.
    key: Option<Option<Node>>,
    items: Vec<Node>,
    entries: Vec<(Node, Node)>,
    keys: BTreeSet<String>,
}

#[derive(Default)]
struct Builder {
    lines_before: u32,
    open: Vec<Open>,
    /// Complete anchored values with their numbers of nodes.
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder {
    fn position(&self, line: usize, column: usize) -> Position {
        Position { line: self.lines_before.saturating_add(line as u32), column: column as u32 + 1 }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Refused> {
        let at = self.position(span.start.line(), span.start.col());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && !tag.as_deref().is_some_and(is_string_tag);
                let node = Node { at, kind: Kind::Scalar { text: text.into_owned(), plain } };
                self.close(node, anchor, at)
            }
            Event::SequenceStart(anchor, _) => self.open(at, anchor, None),
            Event::MappingStart(anchor, _) => self.open(at, anchor, Some(None)),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(done) = self.open.pop() else { return Ok(()) };
                let kind = if done.key.is_some() { Kind::Map(done.entries) } else { Kind::List(done.items) };
                self.close(Node { at: done.at, kind }, done.anchor, at)
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor) else {
                    return Err(Refused {
                        code: Code::Yaml,
                        at,
                        message: said!("an alias refers to a value that is not complete yet", "bí danh trỏ đến một giá trị chưa đọc xong"),
                    });
                };
                // counted before it is copied: a chain of aliases doubles with each link
                self.nodes = self.nodes.saturating_add(*size);
                if self.nodes > MAX_NODES {
                    return Err(too_many(at));
                }
                if self.open.len() + depth(node) > MAX_DEPTH {
                    return Err(too_deep(at));
                }
                let copy = Node { at, kind: node.kind.clone() };
                self.place(copy, at)
            }
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => Ok(()),
        }
    }

    fn open(&mut self, at: Position, anchor: usize, key: Option<Option<Node>>) -> Result<(), Refused> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(at));
        }
        self.open.push(Open { at, anchor, key, items: Vec::new(), entries: Vec::new(), keys: BTreeSet::new() });
        Ok(())
    }

    fn count(&mut self, nodes: usize, at: Position) -> Result<(), Refused> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            return Err(too_many(at));
        }
        Ok(())
    }

    fn close(&mut self, node: Node, anchor: usize, at: Position) -> Result<(), Refused> {
        self.count(1, at)?;
        if anchor != 0 {
            // anchors are copies too: they count
            let size = size(&node);
            self.count(size, at)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        self.place(node, at)
    }

    fn place(&mut self, node: Node, at: Position) -> Result<(), Refused> {
        let Some(parent) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        match &mut parent.key {
            None => parent.items.push(node),
            Some(waiting) => match waiting.take() {
                None => {
                    if node.text().is_none() {
                        let kind = node.kind_name();
                        let message = said!("{kind} stands where a key belongs", "{kind:#} nằm ở chỗ của một khóa");
                        return Err(Refused { code: Code::Yaml, at, message });
                    }
                    *waiting = Some(node);
                }
                Some(key) => {
                    if !parent.keys.insert(key.text().unwrap_or("").to_owned()) {
                        let name = key.text().unwrap_or("");
                        let message =
                            said!("the key `{name}` stands twice in this map", "khóa `{name}` xuất hiện hai lần trong ánh xạ này");
                        return Err(Refused { code: Code::DuplicateKey, at: key.at, message });
                    }
                    parent.entries.push((key, node));
                }
            },
        }
        Ok(())
    }
}

fn too_many(at: Position) -> Refused {
    Refused {
        code: Code::TooManyNodes,
        at,
        message: said!("the document has more than {MAX_NODES} values", "tài liệu có quá {MAX_NODES} giá trị"),
    }
}

fn too_deep(at: Position) -> Refused {
    Refused {
        code: Code::TooDeep,
        at,
        message: said!("lists and maps are nested more than {MAX_DEPTH} levels deep", "danh sách và ánh xạ lồng nhau quá {MAX_DEPTH} tầng"),
    }
}

fn is_string_tag(tag: &Tag) -> bool {
    tag.is_yaml_core_schema() && tag.suffix == "str"
}

fn size(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::Scalar { .. } => 0,
        Kind::List(items) => items.iter().map(size).sum(),
        Kind::Map(entries) => entries.iter().map(|(_, v)| 1 + size(v)).sum::<usize>(),
    }
}

fn depth(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar { .. } => 0,
        Kind::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Kind::Map(entries) => 1 + entries.iter().map(|(_, v)| depth(v)).max().unwrap_or(0),
    }
}
