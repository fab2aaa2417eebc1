//! Which protocol a stream speaks, and handing it what is in order.

use super::{Beginning, Cx, STREAMS, Side, Step, StreamProtocol, Verdict};
use crate::tap::flow::Pair;

/// Bytes of each direction a protocol is recognized by.
const PROBE: usize = 2048;
/// Bytes of the answering side that are waited through for the first word of the other, which may come late.
const ANSWERS: usize = 16 << 10;
/// Protocols within each other: a proxy, then TLS, then what it hides.
const MAX_NESTED: u8 = 4;
/// Bytes held of a direction that waits for the other.
const MAX_WAIT: usize = 1 << 20;

#[derive(Default)]
struct Buffer {
    held: Vec<u8>,
    /// Bytes to come that nobody wants.
    skip: u64,
    /// Bytes needed before the next step.
    need: usize,
    waits: bool,
    closed: bool,
    switched: bool,
}

#[derive(Default)]
enum Stage {
    #[default]
    Probing,
    Reading(Box<dyn StreamProtocol>),
    Done,
}

/// Both directions of a stream.
#[derive(Default)]
pub(crate) struct Conversation {
    sides: Pair<Buffer>,
    stage: Stage,
    /// What is spoken after the protocol handed over.
    next: Option<Box<Conversation>>,
    depth: u8,
}

impl Conversation {
    /// Whether nothing more is wanted.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done) && self.next.as_ref().is_none_or(|n| n.is_done())
    }

    /// Bytes that are kept because nobody is done with them.
    pub(crate) fn held(&self) -> usize {
        let own = match &self.stage {
            Stage::Reading(protocol) => protocol.held(),
            Stage::Probing | Stage::Done => 0,
        };
        let inner = self.next.as_ref().map_or(0, |next| next.held());
        self.sides.source.held.len() + self.sides.destination.held.len() + own + inner
    }

    /// The next bytes of a direction.
    pub(crate) fn bytes(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) {
        if self.sides.of(side).switched {
            return self.inner().bytes(cx, side, bytes);
        }
        let buffer = self.sides.of_mut(side);
        let skipped = buffer.skip.min(bytes.len() as u64);
        buffer.skip -= skipped;
        let bytes = bytes.get(skipped as usize..).unwrap_or_default();
        match &self.stage {
            _ if bytes.is_empty() => {}
            Stage::Done => {}
            Stage::Probing => {
                buffer.held.extend_from_slice(bytes);
                self.probe(cx, false);
            }
            Stage::Reading(_) => {
                if buffer.held.is_empty() && !buffer.waits {
                    let taken = self.read(cx, side, bytes);
                    self.keep(side, bytes.get(taken..).unwrap_or_default());
                } else {
                    buffer.held.extend_from_slice(bytes);
                    if buffer.held.len() >= buffer.need && !buffer.waits {
                        self.read_held(cx, side);
                    }
                }
                self.retry(cx, side.other());
                self.bound(cx, side);
            }
        }
    }

    fn inner(&mut self) -> &mut Conversation {
        let depth = self.depth + 1;
        let stage = if depth > MAX_NESTED { Stage::Done } else { Stage::Probing };
        self.next.get_or_insert_with(|| Box::new(Conversation { depth, stage, ..Conversation::default() }))
    }

    fn keep(&mut self, side: Side, rest: &[u8]) {
        let buffer = self.sides.of_mut(side);
        if !rest.is_empty() && !buffer.switched && !matches!(self.stage, Stage::Done) {
            buffer.held.extend_from_slice(rest);
        }
    }

    /// Reads what is held.
    fn read_held(&mut self, cx: &mut Cx<'_>, side: Side) {
        let held = std::mem::take(&mut self.sides.of_mut(side).held);
        let taken = self.read(cx, side, &held);
        let buffer = self.sides.of_mut(side);
        if buffer.switched || matches!(self.stage, Stage::Done) {
            return;
        }
        let mut held = held;
        held.drain(..taken.min(held.len()));
        if held.is_empty() && held.capacity() > 4096 {
            held = Vec::new();
        }
        buffer.held = held;
    }

    /// Lets the other side go on if it waited for this one.
    fn retry(&mut self, cx: &mut Cx<'_>, side: Side) {
        let mut side = side;
        // each round must take something, so this ends
        while self.sides.of(side).waits && matches!(self.stage, Stage::Reading(_)) {
            let before = self.sides.of(side).held.len();
            self.sides.of_mut(side).waits = false;
            self.read_held(cx, side);
            if self.sides.of(side).held.len() == before {
                return;
            }
            side = side.other();
        }
    }

    /// A direction that holds too much is read as if it ended here, and given up if that does not help.
    fn bound(&mut self, cx: &mut Cx<'_>, side: Side) {
        let Stage::Reading(protocol) = &self.stage else { return };
        let buffer = self.sides.of_mut(side);
        let limit = if buffer.waits { MAX_WAIT } else { protocol.limit() };
        if buffer.held.len() <= limit {
            return;
        }
        (buffer.closed, buffer.waits) = (true, false);
        let before = buffer.held.len();
        self.read_held(cx, side);
        let buffer = self.sides.of_mut(side);
        buffer.closed = false;
        if buffer.held.len() >= before {
            self.stop(cx);
        }
    }

    fn stop(&mut self, cx: &mut Cx<'_>) {
        if let Stage::Reading(mut protocol) = std::mem::replace(&mut self.stage, Stage::Done) {
            protocol.finish(cx);
        }
        for side in [Side::Source, Side::Destination] {
            self.sides.of_mut(side).held = Vec::new();
        }
    }

    /// Steps through `bytes`; how many were taken.
    fn read(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|r| !r.is_empty()) {
            let buffer = self.sides.of_mut(side);
            let Stage::Reading(protocol) = &mut self.stage else { return bytes.len() };
            match protocol.step(cx, side, rest, buffer.closed) {
                Step::Take(n) if n > 0 => at += n.min(rest.len()),
                Step::Skip(n) if n > 0 => {
                    let here = n.min(rest.len() as u64);
                    buffer.skip = n - here;
                    at += here as usize;
                }
                Step::More(need) => {
                    buffer.need = need.max(rest.len() + 1);
                    return at;
                }
                Step::Take(_) | Step::Skip(_) => {
                    buffer.need = rest.len() + 1;
                    return at;
                }
                Step::Wait => {
                    buffer.waits = true;
                    return at;
                }
                Step::Switch => {
                    buffer.switched = true;
                    let closed = buffer.closed;
                    let inner = self.inner();
                    inner.bytes(cx, side, rest);
                    if closed {
                        inner.closed(cx, side);
                    }
                    return bytes.len();
                }
                Step::Stop => {
                    self.stop(cx);
                    return bytes.len();
                }
            }
        }
        self.sides.of_mut(side).need = 0;
        at
    }

    /// Asks the protocols; `last`: no more will come, so that being unsure means no.
    fn probe(&mut self, cx: &mut Cx<'_>, last: bool) {
        let Pair { source, destination } = &self.sides;
        let cut = |b: &Buffer| b.held.len().min(PROBE);
        let (a, b) = (cut(source), cut(destination));
        let beginning = Beginning {
            source: source.held.get(..a).unwrap_or_default(),
            destination: destination.held.get(..b).unwrap_or_default(),
            source_port: cx.info.ends.source.port,
            destination_port: cx.info.ends.destination.port,
        };
        let full = last || source.held.len() >= 2 * PROBE || destination.held.len() >= ANSWERS;
        for entry in STREAMS {
            match (entry.probe)(&beginning) {
                Verdict::No => {}
                Verdict::Unsure if full => {}
                Verdict::Unsure => return,
                Verdict::Yes => {
                    cx.info.protocol = Some(entry.name);
                    self.stage = Stage::Reading((entry.start)());
                    for side in [Side::Source, Side::Destination] {
                        self.read_held(cx, side);
                    }
                    for side in [Side::Source, Side::Destination] {
                        self.retry(cx, side);
                    }
                    return;
                }
            }
        }
        if full || (a > 0 && b > 0) {
            self.stop(cx);
        }
    }

    /// Bytes of a direction were not captured.
    pub(crate) fn missing(&mut self, cx: &mut Cx<'_>, side: Side, bytes: u64) {
        if self.sides.of(side).switched {
            return self.inner().missing(cx, side, bytes);
        }
        if matches!(self.stage, Stage::Probing) && !self.sides.of(side).held.is_empty() {
            // what is there has to do
            self.sides.of_mut(side).closed = true;
            self.probe(cx, true);
        }
        let buffer = self.sides.of_mut(side);
        if buffer.skip >= bytes && buffer.held.is_empty() {
            buffer.skip -= bytes;
            return;
        }
        if buffer.waits || !buffer.held.is_empty() {
            // read what is there first; the answer may come without its question
            buffer.closed = true;
            buffer.waits = false;
            self.read_held(cx, side);
        }
        let buffer = self.sides.of_mut(side);
        let lost = bytes - buffer.skip.min(bytes);
        buffer.closed = false;
        buffer.skip = 0;
        buffer.need = 0;
        buffer.held.clear();
        if let Stage::Reading(protocol) = &mut self.stage
            && !protocol.missing(cx, side, lost)
        {
            self.stop(cx);
        }
    }

    /// A direction has ended.
    pub(crate) fn closed(&mut self, cx: &mut Cx<'_>, side: Side) {
        let buffer = self.sides.of_mut(side);
        if buffer.switched {
            return self.inner().closed(cx, side);
        }
        if std::mem::replace(&mut buffer.closed, true) {
            return;
        }
        if matches!(self.stage, Stage::Probing) {
            let last = self.sides.source.closed && self.sides.destination.closed;
            self.probe(cx, last);
        }
        let waits = self.sides.of(side).waits;
        if matches!(self.stage, Stage::Reading(_)) && !waits && !self.sides.of(side).held.is_empty() {
            self.read_held(cx, side);
        }
        if !self.sides.of(side).waits {
            if let Stage::Reading(protocol) = &mut self.stage {
                protocol.closed(cx, side);
            }
            self.retry(cx, side.other());
        }
    }

    /// The flow has ended.
    pub(crate) fn finish(&mut self, cx: &mut Cx<'_>) {
        for side in [Side::Source, Side::Destination] {
            self.closed(cx, side);
        }
        for side in [Side::Source, Side::Destination] {
            // what still waits will not get what it waits for
            if std::mem::take(&mut self.sides.of_mut(side).waits) {
                self.read_held(cx, side);
                if let Stage::Reading(protocol) = &mut self.stage {
                    protocol.closed(cx, side);
                }
            }
        }
        self.stop(cx);
        if let Some(next) = &mut self.next {
            next.finish(cx);
        }
    }
}
