//! DNS over UDP and TCP, multicast DNS and LLMNR among it: a query with its response is one event.

mod message;

use std::collections::VecDeque;

use fansipan_model::{Event, Value, fields};

use super::{Beginning, Cx, DatagramProtocol, Entry, Side, Step, StreamProtocol, Verdict};
use message::Message;

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "dns", probe: probe_stream, start: || Box::<Dns>::default() };
pub(super) const DATAGRAM: Entry<dyn DatagramProtocol> = Entry { name: "dns", probe: probe_datagram, start: || Box::<Dns>::default() };

/// Queries of a flow that wait for their response.
const MAX_OPEN: usize = 256;

fn known_port(beginning: &Beginning<'_>) -> bool {
    [53, 5353, 5355].iter().any(|p| beginning.port(*p))
}

fn probe_datagram(beginning: &Beginning<'_>) -> Verdict {
    let Some(message) = Message::read(beginning.source) else { return Verdict::No };
    let fits = if known_port(beginning) { message.questions <= 16 } else { message.plausible() };
    if fits { Verdict::Yes } else { Verdict::No }
}

fn probe_stream(beginning: &Beginning<'_>) -> Verdict {
    let one = |bytes: &[u8]| {
        let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return Verdict::Unsure };
        let length = usize::from(u16::from_be_bytes(*length));
        if length < 12 || !Message::head_fits(rest) {
            return Verdict::No;
        }
        match rest.get(..length) {
            Some(message) => match Message::read(message) {
                Some(m) if m.plausible() || (known_port(beginning) && m.questions <= 16) => Verdict::Yes,
                _ => Verdict::No,
            },
            // a long answer: the head fits, the port says the rest
            None if known_port(beginning) && rest.len() >= 12 => Verdict::Yes,
            None => Verdict::Unsure,
        }
    };
    if beginning.source.is_empty() { one(beginning.destination) } else { one(beginning.source) }
}

/// A query that waits.
struct Query {
    at: i64,
    side: Side,
    id: u16,
    message: Kept,
}

/// A message with its bytes.
struct Kept(Vec<u8>);

#[derive(Default)]
struct Dns {
    open: VecDeque<Query>,
}

impl DatagramProtocol for Dns {
    fn datagram(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) {
        self.message(cx, side, bytes);
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.give_up(cx, 0);
    }
}

impl StreamProtocol for Dns {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return Step::More(2) };
        let length = usize::from(u16::from_be_bytes(*length));
        match rest.get(..length) {
            // an answer is read after its query
            Some(message) if !last && Message::read(message).is_some_and(|m| m.is_response() && !self.asked(side, m.id)) => Step::Wait,
            Some(message) => {
                self.message(cx, side, message);
                Step::Take(length + 2)
            }
            None if last => {
                self.message(cx, side, rest);
                Step::Take(bytes.len())
            }
            None => Step::More(length + 2),
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.give_up(cx, 0);
    }

    fn limit(&self) -> usize {
        (64 << 10) + 2
    }
}

impl Dns {
    fn asked(&self, side: Side, id: u16) -> bool {
        self.open.iter().any(|q| q.id == id && q.side != side)
    }

    fn message(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) {
        let Some(message) = Message::read(bytes) else {
            let event = cx.event("network.dns", cx.at);
            return malformed(cx, event);
        };
        if !message.is_response() {
            self.open.push_back(Query { at: cx.at, side, id: message.id, message: Kept(bytes.to_vec()) });
            return self.give_up(cx, MAX_OPEN);
        }
        let asked = self.open.iter().position(|q| {
            let question = Message::read(&q.message.0);
            let same = question.is_some_and(|m| m.question.is_none() || message.question.is_none() || m.same_question(&message));
            q.id == message.id && q.side != side && same
        });
        match asked.and_then(|at| self.open.remove(at)) {
            Some(query) => {
                let question = Message::read(&query.message.0);
                transaction(cx, query.at, side.other(), question.as_ref(), Some(&message));
            }
            None => transaction(cx, cx.at, side.other(), None, Some(&message)),
        }
    }

    /// The oldest queries beyond so many go out unanswered.
    fn give_up(&mut self, cx: &mut Cx<'_>, keep: usize) {
        while self.open.len() > keep {
            if let Some(query) = self.open.pop_front()
                && let Some(message) = Message::read(&query.message.0)
            {
                transaction(cx, query.at, query.side, Some(&message), None);
            }
        }
    }
}

fn malformed(cx: &mut Cx<'_>, mut event: Event) {
    event.push_named("fansipan.dns.problem", Value::Str("malformed"));
    cx.emit(event);
}

/// One event; `asker` is the side that asked.
fn transaction(cx: &mut Cx<'_>, at: i64, asker: Side, query: Option<&Message<'_>>, response: Option<&Message<'_>>) {
    let Some(main) = response.or(query) else { return };
    let mut event = cx.event("network.dns", at);
    if asker == Side::Destination && query.is_none() {
        // an answer alone, sent by the side that began: as it is
        event.push_named("fansipan.dns.unasked", Value::Bool(true));
    }
    event.push(fields::DNS_TYPE, Value::Str(if response.is_some() { "answer" } else { "query" }));
    event.push(fields::DNS_ID, Value::Str(&main.id.to_string()));
    event.push(fields::DNS_OP_CODE, Value::Str(&message::op_code(main.flags)));
    if let Some(question) = query.and_then(|q| q.question.as_ref()).or(main.question.as_ref()) {
        event.push(fields::DNS_QUESTION_NAME, Value::Str(&question.name));
        event.push(fields::DNS_QUESTION_TYPE, Value::Str(&message::type_name(question.kind)));
        event.push(fields::DNS_QUESTION_CLASS, Value::Str(&message::class_name(question.class)));
    }
    for flag in main.header_flags() {
        event.push(fields::DNS_HEADER_FLAGS, Value::Str(flag));
    }
    if let Some(response) = response {
        event.push(fields::DNS_RESPONSE_CODE, Value::Str(&message::response_code(response.response_code())));
        event.push(fields::EVENT_OUTCOME, Value::Str(if response.response_code() == 0 { "success" } else { "failure" }));
        event.push(fields::EVENT_START, Value::Time(at));
        event.push(fields::EVENT_END, Value::Time(cx.at));
        event.push(fields::EVENT_DURATION, Value::Int(cx.at.saturating_sub(at)));
    }
    main.describe(&mut event);
    if let Some(options) = query.and_then(|q| q.edns.as_ref()).or(main.edns.as_ref()) {
        options.describe(&mut event);
    }
    if main.cut || query.is_some_and(|q| q.cut) {
        return malformed(cx, event);
    }
    cx.emit(event);
}
