//! HTTP/1.x: requests with their responses, pipelined or not, on any port.

mod body;
mod event;
mod head;

use std::collections::VecDeque;

use body::{Body, Framing, Progress};
use head::{Head, METHODS, request_line, status_line};

use super::{Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict, hashes::FileHash, ntlm::Ntlm};
use crate::tap::flow::Pair;

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "http", probe, start: || Box::<Http>::default() };

/// Requests that wait for their response.
const MAX_OPEN: usize = 1024;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    match (speaks(beginning.source), speaks(beginning.destination)) {
        (Verdict::Yes, _) | (_, Verdict::Yes) => Verdict::Yes,
        (Verdict::Unsure, _) => Verdict::Unsure,
        (Verdict::No, _) if !beginning.source.is_empty() => Verdict::No,
        (_, verdict) => verdict,
    }
}

fn speaks(bytes: &[u8]) -> Verdict {
    let bytes = match bytes {
        [b'\r', b'\n', rest @ ..] => rest,
        _ => bytes,
    };
    if bytes.is_empty() {
        return Verdict::Unsure;
    }
    match Beginning::starts(bytes, b"HTTP/1.") {
        Verdict::No => {}
        verdict => return verdict,
    }
    if bytes.starts_with(b"PRI * HTTP/2") {
        return Verdict::No;
    }
    let word = bytes.iter().position(|b| !(b.is_ascii_uppercase() || matches!(b, b'-' | b'_')));
    let Some(word) = word else { return if bytes.len() < 24 { Verdict::Unsure } else { Verdict::No } };
    if word < 3 || bytes.get(word) != Some(&b' ') {
        return Verdict::No;
    }
    let known = bytes.get(..word).is_some_and(|w| METHODS.contains(&w));
    match memchr::memchr(b'\n', bytes) {
        Some(end) => {
            let line = bytes.get(..end).unwrap_or_default();
            let version = line.windows(6).any(|w| w == b"HTTP/1" || w == b"HTTP/0");
            // SIP and RTSP look alike but for the last word; HTTP/0.9 has none
            let old = known && !line.windows(5).any(|w| w == b"SIP/2" || w == b"RTSP/") && line.get(word + 1) == Some(&b'/');
            if version || old { Verdict::Yes } else { Verdict::No }
        }
        // RTSP and SIP do not ask for a path like this
        None if known && bytes.get(word + 1) == Some(&b'/') && !bytes.starts_with(b"OPTIONS") => Verdict::Yes,
        // a request line longer than what is looked at
        None if bytes.len() >= 2000 && known => Verdict::Yes,
        None => Verdict::Unsure,
    }
}

/// A request as far as it is of interest.
#[derive(Debug, Default)]
struct Request {
    method: String,
    target: String,
    version: Option<String>,
    host: Option<String>,
    user_agent: Option<String>,
    referrer: Option<String>,
    content_type: Option<String>,
    user: Option<String>,
    forwarded: Option<String>,
    upgrade: bool,
}

#[derive(Debug, Default)]
struct Response {
    status: u16,
    version: String,
    content_type: Option<String>,
    server: Option<String>,
    location: Option<String>,
    file_name: Option<String>,
}

/// A body that has passed.
struct Passed {
    bytes: u64,
    hash: FileHash,
}

/// What an exchange takes with its texts, about.
const EXCHANGE: usize = 1024;

/// A request with its response.
#[derive(Default)]
struct Exchange {
    at: i64,
    ended: i64,
    request: Option<Request>,
    request_body: Option<Passed>,
    request_done: bool,
    response: Option<Response>,
    response_body: Option<Passed>,
    response_done: bool,
    problems: Vec<&'static str>,
    /// Who logs in with this request.
    login: Option<Box<Ntlm>>,
}

/// Where one direction is.
#[derive(Default)]
enum Reading {
    #[default]
    Head,
    Body(Box<Body>),
    /// Nothing more can be made out.
    Lost,
}

/// Whether another protocol was asked for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Handover {
    #[default]
    No,
    Asked,
    Granted,
}

#[derive(Default)]
struct Http {
    reading: Pair<Reading>,
    /// The side that asks, once known.
    client: Option<Side>,
    client_over: bool,
    handover: Handover,
    /// What the server asked to be answered last.
    challenge: Ntlm,
    open: VecDeque<Exchange>,
    /// Exchanges of `open` whose request has begun.
    asked: usize,
    /// Exchanges of `open` whose response is complete.
    answered: usize,
}

impl StreamProtocol for Http {
    fn held(&self) -> usize {
        self.open.len() * EXCHANGE
    }

    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        let step = match self.reading.of_mut(side) {
            Reading::Lost => Step::Skip(u64::MAX),
            Reading::Head => self.head(cx, side, bytes, last),
            Reading::Body(body) => match body.step(bytes) {
                Progress::Go(step) => {
                    if body.is_done() {
                        self.body_done(cx, side, true);
                    }
                    step
                }
                Progress::Broken(problem) => {
                    self.problem(side, problem);
                    self.lose(cx, side);
                    Step::Skip(u64::MAX)
                }
            },
        };
        self.emit_complete(cx);
        step
    }

    fn missing(&mut self, cx: &mut Cx<'_>, side: Side, bytes: u64) -> bool {
        let known = match self.reading.of_mut(side) {
            Reading::Body(body) => body.missing(bytes).then(|| body.is_done()),
            Reading::Head | Reading::Lost => None,
        };
        match known {
            Some(true) => self.body_done(cx, side, true),
            Some(false) => {}
            None => self.lose(cx, side),
        }
        self.emit_complete(cx);
        true
    }

    fn closed(&mut self, cx: &mut Cx<'_>, side: Side) {
        if let Reading::Body(body) = self.reading.of(side)
            && body.ends_with_stream()
        {
            self.body_done(cx, side, true);
        }
        self.lose(cx, side);
        self.emit_complete(cx);
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        for side in [Side::Source, Side::Destination] {
            self.closed(cx, side);
        }
        while let Some(exchange) = self.open.pop_front() {
            event::emit(cx, exchange);
        }
    }
}

impl Http {
    fn head(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if self.client.is_none() {
            match Beginning::starts(bytes, b"HTTP/") {
                Verdict::Unsure if !last => return Step::More(5),
                Verdict::Yes => self.client = Some(side.other()),
                _ => self.client = Some(side),
            }
        }
        match (self.handover, self.client == Some(side)) {
            (Handover::Granted, _) => return Step::Switch,
            (Handover::Asked, true) if !last => return Step::Wait,
            _ => {}
        }
        match bytes {
            [b'\n', ..] => return Step::Take(1), // left over between messages
            [b'\r', b'\n', ..] => return Step::Take(2),
            [b'\r'] if !last => return Step::More(2),
            _ => {}
        }
        if self.client == Some(side) { self.request(cx, side, bytes, last) } else { self.response(cx, side, bytes, last) }
    }

    fn request(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if self.open.len() >= MAX_OPEN {
            return Step::Stop;
        }
        let Some(head) = Head::find(bytes, last) else { return Step::More(bytes.len() + 1) };
        let Some((method, target, version)) = request_line(head.first).filter(|_| plausible(head.first)) else {
            self.lose(cx, side);
            return Step::Skip(u64::MAX);
        };
        let mut exchange = Exchange { at: cx.at, ended: cx.at, ..Exchange::default() };
        let mut request = Request { method: text(method), target: text(target), version: version.map(text), ..Request::default() };
        let mut lengths = Lengths::default();
        for (name, value) in head.fields() {
            lengths.field(name, &value);
            request.field(name, &value);
            if name.eq_ignore_ascii_case(b"authorization") || name.eq_ignore_ascii_case(b"proxy-authorization") {
                let mut login = Box::<Ntlm>::default();
                if login.read_text(cx.at, &value) {
                    request.user = login.client().map(|c| c.user.clone());
                    exchange.login = Some(login);
                }
            }
        }
        if request.upgrade || request.method == "CONNECT" {
            self.handover = Handover::Asked;
        }
        let framing = lengths.framing(Framing::None, &mut exchange.problems);
        exchange.request = Some(request);
        self.open.push_back(exchange);
        self.asked = self.open.len();
        self.begin_body(cx, side, framing, &lengths.encoding);
        Step::Take(head.length)
    }

    fn response(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if self.open.len() <= self.answered {
            if !self.client_over && !last {
                return Step::Wait;
            }
            self.open.push_back(Exchange { at: cx.at, request_done: true, ..Exchange::default() });
            self.asked = self.open.len();
        }
        match Beginning::starts(bytes, b"HTTP/") {
            Verdict::Yes => {}
            Verdict::Unsure if !last => return Step::More(5),
            _ => return self.no_head(cx, side, bytes, last),
        }
        let Some(head) = Head::find(bytes, last) else { return Step::More(bytes.len() + 1) };
        let Some((version, status)) = status_line(head.first) else { return Step::Skip(u64::MAX) };
        if (100..200).contains(&status) && status != 101 {
            return Step::Take(head.length);
        }
        let mut response = Response { status, version: text(version), ..Response::default() };
        let mut lengths = Lengths::default();
        for (name, value) in head.fields() {
            lengths.field(name, &value);
            response.field(name, &value);
            if name.eq_ignore_ascii_case(b"www-authenticate") || name.eq_ignore_ascii_case(b"proxy-authenticate") {
                self.challenge.read_text(cx.at, &value);
            }
        }
        let Some(exchange) = self.open.get_mut(self.answered) else { return Step::Stop };
        let request = exchange.request.as_ref();
        let method = request.map_or("", |r| &*r.method);
        let granted = status == 101 || (method == "CONNECT" && (200..300).contains(&status));
        let bare = granted || method == "HEAD" || matches!(status, 204 | 304);
        if granted {
            self.handover = Handover::Granted;
        } else if request.is_some_and(|r| r.upgrade || r.method == "CONNECT") {
            self.handover = Handover::No;
        }
        let framing = lengths.framing(Framing::UntilClose, &mut exchange.problems);
        exchange.response = Some(response);
        exchange.ended = cx.at;
        if let Some(mut login) = exchange.login.take() {
            login.answers(&mut self.challenge);
            login.emit(cx, Some(!matches!(status, 401 | 407)));
        }
        self.begin_body(cx, side, if bare { Framing::None } else { framing }, &lengths.encoding);
        Step::Take(head.length)
    }

    /// HTTP/0.9 answers without a head; anything else that is no head cannot be read on.
    fn no_head(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        let Some(exchange) = self.open.get_mut(self.answered) else { return Step::Stop };
        if exchange.request.as_ref().is_some_and(|r| r.version.is_none()) {
            exchange.response = Some(Response { version: "0.9".to_owned(), ..Response::default() });
            self.begin_body(cx, side, Framing::UntilClose, "");
            return self.step(cx, side, bytes, last);
        }
        self.problem(side, "not_a_response");
        self.lose(cx, side);
        Step::Skip(u64::MAX)
    }

    fn begin_body(&mut self, cx: &mut Cx<'_>, side: Side, framing: Framing, encoding: &str) {
        let body = Body::new(framing, encoding, cx.settings.file_limit);
        let done = body.is_done();
        *self.reading.of_mut(side) = Reading::Body(Box::new(body));
        if done {
            self.body_done(cx, side, true);
        }
    }

    /// The message of a direction is over.
    fn body_done(&mut self, cx: &mut Cx<'_>, side: Side, complete: bool) {
        let Reading::Body(body) = std::mem::take(self.reading.of_mut(side)) else { return };
        let bytes = body.bytes;
        let passed = (bytes > 0).then(|| Passed { bytes, hash: body.finish(complete) });
        if self.client == Some(side) {
            if let Some(exchange) = self.asked.checked_sub(1).and_then(|i| self.open.get_mut(i)) {
                (exchange.request_body, exchange.request_done) = (passed, true);
            }
        } else if let Some(exchange) = self.open.get_mut(self.answered) {
            (exchange.response_body, exchange.response_done, exchange.ended) = (passed, true, cx.at);
            self.answered += 1;
        }
    }

    /// Nothing more can be made out in this direction.
    fn lose(&mut self, cx: &mut Cx<'_>, side: Side) {
        self.body_done(cx, side, false);
        *self.reading.of_mut(side) = Reading::Lost;
        self.client_over |= self.client.unwrap_or(Side::Source) == side;
    }

    fn problem(&mut self, side: Side, problem: &'static str) {
        let at = if self.client == Some(side) { self.asked.checked_sub(1) } else { Some(self.answered) };
        if let Some(exchange) = at.and_then(|i| self.open.get_mut(i)) {
            exchange.problems.push(problem);
        }
    }

    fn emit_complete(&mut self, cx: &mut Cx<'_>) {
        while self.open.front().is_some_and(|e| e.request_done && e.response_done) {
            if let Some(exchange) = self.open.pop_front() {
                event::emit(cx, exchange);
            }
            self.asked = self.asked.saturating_sub(1);
            self.answered = self.answered.saturating_sub(1);
        }
    }
}

/// What the head says about the body.
#[derive(Default)]
struct Lengths {
    length: Option<u64>,
    invalid: bool,
    differs: bool,
    chunked: bool,
    encoding: String,
}

impl Lengths {
    fn field(&mut self, name: &[u8], value: &[u8]) {
        if name.eq_ignore_ascii_case(b"content-length") {
            for part in value.split(|b| *b == b',') {
                let digits = std::str::from_utf8(part).map(str::trim).unwrap_or_default();
                match digits.parse::<u64>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit())) {
                    // a length that no signed number holds is read as none by many servers: what follows may be another request
                    Some(n) if n <= i64::MAX as u64 => self.differs |= *self.length.get_or_insert(n) != n,
                    _ => self.invalid = true,
                }
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked |= value.to_ascii_lowercase().windows(7).any(|w| w == b"chunked");
        } else if name.eq_ignore_ascii_case(b"content-encoding") {
            self.encoding = text(value).to_ascii_lowercase();
        }
    }

    /// `otherwise`: how a body without a length is delimited.
    fn framing(&self, otherwise: Framing, problems: &mut Vec<&'static str>) -> Framing {
        if self.invalid {
            problems.push("content_length");
        }
        if self.differs {
            problems.push("content_length_differs");
        }
        match self.length {
            Some(_) if self.chunked => {
                problems.push("length_and_chunked");
                Framing::Chunked
            }
            _ if self.chunked => Framing::Chunked,
            Some(n) => Framing::Length(n),
            None => otherwise,
        }
    }
}

impl Request {
    fn field(&mut self, name: &[u8], value: &[u8]) {
        let slot = match name.to_ascii_lowercase().as_slice() {
            b"host" => &mut self.host,
            b"user-agent" => &mut self.user_agent,
            b"referer" => &mut self.referrer,
            b"content-type" => &mut self.content_type,
            b"x-forwarded-for" => &mut self.forwarded,
            b"authorization" | b"proxy-authorization" => {
                self.user = self.user.take().or_else(|| basic_user(value));
                return;
            }
            b"upgrade" => {
                self.upgrade = true;
                return;
            }
            _ => return,
        };
        slot.get_or_insert_with(|| text(value));
    }
}

/// The name in basic authorization; the password goes nowhere.
fn basic_user(value: &[u8]) -> Option<String> {
    use base64::Engine as _;
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(rest.trim_ascii()).ok()?;
    let colon = memchr::memchr(b':', &decoded)?;
    Some(text(decoded.get(..colon)?))
}

impl Response {
    fn field(&mut self, name: &[u8], value: &[u8]) {
        let slot = match name.to_ascii_lowercase().as_slice() {
            b"content-type" => &mut self.content_type,
            b"server" => &mut self.server,
            b"location" => &mut self.location,
            b"content-disposition" => {
                self.file_name = self.file_name.take().or_else(|| file_name(&text(value)));
                return;
            }
            _ => return,
        };
        slot.get_or_insert_with(|| text(value));
    }
}

/// `filename=` of a content disposition.
pub(super) fn file_name(disposition: &str) -> Option<String> {
    let at = disposition.to_ascii_lowercase().find("filename=")?;
    let rest = disposition.get(at + 9..)?;
    let name = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(';').next()?.trim(),
    };
    (!name.is_empty()).then(|| name.to_owned())
}

fn plausible(line: &[u8]) -> bool {
    line.iter().take_while(|b| !matches!(b, b' ' | b'\t')).all(u8::is_ascii_graphic)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
