//! A mail while it passes, line by line: its head, and the files in it with their hashes.

use fansipan_model::{Event, Value};

use super::transfer;
use crate::tap::proto::{hashes::FileHash, http::file_name, lines::text, put};

const MAX_PARTS: usize = 64;
const MAX_HEAD: usize = 32 << 10;
const MAX_NESTED: usize = 8;

#[derive(Default)]
struct Head {
    subject: Option<String>,
    from: Option<String>,
    to: Vec<String>,
    cc: Vec<String>,
    message_id: Option<String>,
    user_agent: Option<String>,
}

enum Coding {
    Plain,
    Base64(transfer::Lines),
    Quoted,
}

/// A file within the mail.
struct Part {
    name: String,
    kind: Option<String>,
    coding: Coding,
    hash: FileHash,
    /// The end of the last line, which belongs to the file only if another line comes.
    line_end: bool,
}

/// A mail.
pub(super) struct Mail {
    head: Head,
    /// The field that may go on in the next line, and bytes of this head.
    field: Vec<u8>,
    head_bytes: usize,
    in_head: bool,
    top: bool,
    boundaries: Vec<Vec<u8>>,
    kind: Option<String>,
    disposition: Option<String>,
    name: Option<String>,
    encoding: String,
    part: Option<Part>,
    files: Vec<Part>,
    limit: u64,
    bytes: u64,
    /// The beginning of a line, where chunks cut it.
    half: Vec<u8>,
}

impl Mail {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            head: Head::default(),
            field: Vec::new(),
            head_bytes: 0,
            in_head: true,
            top: true,
            boundaries: Vec::new(),
            kind: None,
            disposition: None,
            name: None,
            encoding: String::new(),
            part: None,
            files: Vec::new(),
            limit,
            bytes: 0,
            half: Vec::new(),
        }
    }

    /// Bytes that are not cut into lines yet.
    pub(super) fn chunk(&mut self, bytes: &[u8]) {
        let mut all = std::mem::take(&mut self.half);
        all.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(end) = all.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
            let line = all.get(at..at + end).unwrap_or_default();
            self.line(line.strip_suffix(b"\r").unwrap_or(line));
            at += end + 1;
        }
        all.drain(..at);
        if all.len() > 64 << 10 {
            self.line(&all);
            all.clear();
        }
        self.half = all;
    }

    /// The last line has no end.
    pub(super) fn flush(&mut self) {
        let half = std::mem::take(&mut self.half);
        if !half.is_empty() {
            self.line(&half);
        }
    }

    /// A line without its end.
    pub(super) fn line(&mut self, line: &[u8]) {
        self.bytes += line.len() as u64 + 2;
        if self.boundary(line) {
            return;
        }
        if !self.in_head {
            if let Some(part) = &mut self.part {
                part.line(line);
            }
            return;
        }
        self.head_bytes += line.len();
        let goes_on = matches!(line.first(), Some(b' ' | b'\t'));
        if goes_on && self.head_bytes < MAX_HEAD {
            self.field.extend_from_slice(line);
            return;
        }
        self.field_done();
        if line.is_empty() {
            return self.head_done();
        }
        self.field.extend_from_slice(line.get(..line.len().min(MAX_HEAD)).unwrap_or(line));
    }

    /// Whether the line ends a part.
    fn boundary(&mut self, line: &[u8]) -> bool {
        let Some(rest) = line.strip_prefix(b"--") else { return false };
        let rest = rest.trim_ascii_end();
        let found = self.boundaries.iter().rposition(|b| rest.strip_prefix(b.as_slice()).is_some_and(|end| end.is_empty() || end == b"--"));
        let Some(at) = found else { return false };
        let ends = self.boundaries.get(at).is_some_and(|b| rest.len() > b.len());
        self.boundaries.truncate(if ends { at } else { at + 1 });
        self.part_done();
        self.field.clear();
        (self.in_head, self.top, self.head_bytes) = (!ends, false, 0);
        true
    }

    fn field_done(&mut self) {
        let field = std::mem::take(&mut self.field);
        let Some(colon) = memchr::memchr(b':', &field) else { return };
        let (name, value) = field.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        match name.to_ascii_lowercase().as_slice() {
            b"content-type" => {
                let value = decoded(value);
                if let Some(boundary) = parameter(&value, "boundary").filter(|b| !b.is_empty() && b.len() <= 200)
                    && self.boundaries.len() < MAX_NESTED
                {
                    self.boundaries.push(boundary.into_bytes());
                }
                self.name = self.name.take().or_else(|| parameter(&value, "name"));
                self.kind = value.split(';').next().map(|k| k.trim().to_ascii_lowercase());
            }
            b"content-disposition" => {
                let value = decoded(value);
                self.name = file_name(&value).or(self.name.take());
                self.disposition = value.split(';').next().map(|d| d.trim().to_ascii_lowercase());
            }
            b"content-transfer-encoding" => self.encoding = text(value).to_ascii_lowercase(),
            name if self.top => self.head.field(name, value),
            _ => {}
        }
    }

    fn head_done(&mut self) {
        self.in_head = false;
        let attached = self.name.is_some() || self.disposition.as_deref() == Some("attachment");
        if attached && self.files.len() < MAX_PARTS {
            let coding = match &*self.encoding {
                "base64" => Coding::Base64(transfer::Lines::default()),
                "quoted-printable" => Coding::Quoted,
                _ => Coding::Plain,
            };
            let name = self.name.take().unwrap_or_default();
            self.part = Some(Part { name, kind: self.kind.take(), coding, hash: FileHash::new(self.limit), line_end: false });
        }
        (self.name, self.kind, self.disposition, self.encoding) = (None, None, None, String::new());
    }

    fn part_done(&mut self) {
        if let Some(mut part) = self.part.take() {
            part.end();
            self.files.push(part);
        }
    }

    /// Writes what is known; `whole`: the mail came to its end.
    pub(super) fn describe(mut self, whole: bool, event: &mut Event) {
        self.field_done();
        if let Some(part) = &mut self.part {
            part.hash.whole = whole;
        }
        self.part_done();
        let head = &self.head;
        put(event, "email.from.address", head.from.as_deref());
        for (name, all) in [("email.to.address", &head.to), ("email.cc.address", &head.cc)] {
            for one in all {
                event.push_named(name, Value::Str(one));
            }
        }
        put(event, "email.subject", head.subject.as_deref());
        put(event, "email.message_id", head.message_id.as_deref());
        put(event, "email.x_mailer", head.user_agent.as_deref());
        event.push_named("smtp.bytes", Value::Int(self.bytes as i64));
        for part in self.files {
            part.describe(event);
        }
    }
}

impl Head {
    fn field(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"subject" => self.subject = self.subject.take().or_else(|| Some(decoded(value))),
            b"from" => self.from = self.from.take().or_else(|| addresses(value).into_iter().next()),
            b"to" => self.to.extend(addresses(value)),
            b"cc" => self.cc.extend(addresses(value)),
            b"message-id" => self.message_id = self.message_id.take().or_else(|| Some(text(value))),
            b"x-mailer" | b"user-agent" => self.user_agent = self.user_agent.take().or_else(|| Some(decoded(value))),
            _ => {}
        }
    }
}

impl Part {
    fn line(&mut self, line: &[u8]) {
        if std::mem::take(&mut self.line_end) {
            self.hash.update(b"\r\n");
        }
        match &mut self.coding {
            Coding::Plain => {
                self.hash.update(line);
                self.line_end = true;
            }
            Coding::Quoted => {
                let (line, goes_on) = line.strip_suffix(b"=").map_or((line, false), |l| (l, true));
                self.hash.update(&unquoted(line, b'='));
                self.line_end = !goes_on;
            }
            Coding::Base64(lines) => self.hash.update(lines.line(line)),
        }
    }

    fn end(&mut self) {
        if let Coding::Base64(lines) = &mut self.coding {
            self.hash.update(lines.end());
        }
    }

    fn describe(self, event: &mut Event) {
        event.push_named("email.attachments.file.name", Value::Str(&self.name));
        let mut one = Event::default();
        let mime = self.hash.mime(self.kind.as_deref());
        self.hash.describe(mime.as_deref(), &mut one);
        for (name, value) in one.iter().filter(|(n, _)| n.starts_with("file.")) {
            event.push_named(&format!("email.attachments.{name}"), value);
        }
    }
}

/// `=41` or `%41` by their bytes.
fn unquoted(bytes: &[u8], mark: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u8::from_str_radix(d, 16).ok());
        match digits.filter(|_| *byte == mark) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

/// A parameter such as `boundary=` of a field's value.
fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|p| {
        let (n, v) = p.split_once('=')?;
        n.trim().eq_ignore_ascii_case(name).then(|| v.trim().trim_matches('"').to_owned())
    })
}

/// Encoded words (RFC 2047) as text.
fn decoded(value: &[u8]) -> String {
    let raw = text(value);
    let mut out = String::new();
    let mut rest = &*raw;
    while let Some(start) = rest.find("=?") {
        let (before, word) = rest.split_at(start);
        let parts: Vec<&str> = word.get(2..).unwrap_or_default().splitn(4, '?').collect();
        let [charset, coding, content, after] = parts.as_slice() else { break };
        let Some(after) = after.strip_prefix('=') else { break };
        if !before.trim().is_empty() || out.is_empty() {
            out.push_str(before);
        }
        let bytes = match *coding {
            "B" | "b" => transfer::decode(content.as_bytes()),
            _ => unquoted(content.replace('_', " ").as_bytes(), b'='),
        };
        let charset = charset.split('*').next().unwrap_or(charset);
        let encoding = encoding_rs::Encoding::for_label(charset.as_bytes()).unwrap_or(encoding_rs::UTF_8);
        out.push_str(&encoding.decode_without_bom_handling(&bytes).0);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The addresses of a field, without the names around them.
fn addresses(value: &[u8]) -> Vec<String> {
    let value = decoded(value);
    let one = |part: &str| match (part.rfind('<'), part.rfind('>')) {
        (Some(a), Some(b)) if a < b => part.get(a + 1..b).unwrap_or_default().to_owned(),
        // a name may follow in brackets
        _ => part.split('(').next().unwrap_or(part).trim().to_owned(),
    };
    value.split(',').map(one).filter(|a| !a.is_empty()).take(100).collect()
}
