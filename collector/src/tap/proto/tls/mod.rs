//! TLS 1.0 to 1.3 and SSL 3: who is asked for, what is agreed on, which certificates are shown. Nothing is decrypted.

mod certificate;
mod fingerprint;
pub(super) mod handshake;
mod hello;
mod names;

use fansipan_model::{Value, fields};

use super::{Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict};
use crate::tap::{cursor::be16, flow::Pair};
use handshake::{Carrier, Handshake};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "tls", probe, start: || Box::<Tls>::default() };

const CHANGE_CIPHER: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION: u8 = 23;
const HEARTBEAT: u8 = 24;
/// Largest record, with what encryption may add.
const MAX_RECORD: usize = 16_384 + 2048;
/// Largest handshake message, and all that waits to be one.
const MAX_MESSAGE: usize = 256 << 10;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let Beginning { source, destination, .. } = *beginning;
    match (hello(source), hello(destination)) {
        (Verdict::Yes, _) | (_, Verdict::Yes) => Verdict::Yes,
        (Verdict::Unsure, _) => Verdict::Unsure,
        (Verdict::No, _) if !source.is_empty() => Verdict::No,
        (_, verdict) => verdict,
    }
}

/// A record with a hello, or an alert that refuses one; also the hello of SSL 2 that offers SSL 3 or TLS.
fn hello(bytes: &[u8]) -> Verdict {
    if let [length, _, 1, 3, 0..=3, ..] = bytes
        && length & 0x80 != 0
    {
        return Verdict::Yes;
    }
    match bytes {
        [HANDSHAKE, 3, 0..=4, _, _, 1 | 2, 0, _, _, ..] => Verdict::Yes,
        [ALERT, 3, 0..=4, 0, 2, 1 | 2, _, ..] => Verdict::Yes,
        [] | [HANDSHAKE | ALERT] | [HANDSHAKE | ALERT, 3] => Verdict::Unsure,
        [HANDSHAKE | ALERT, 3, 0..=4, ..] if bytes.len() < 9 => Verdict::Unsure,
        [length, ..] if length & 0x80 != 0 && bytes.len() < 5 => match bytes.get(2) {
            None | Some(1) => Verdict::Unsure,
            _ => Verdict::No,
        },
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct End {
    /// Handshake bytes that are no whole message yet.
    pending: Vec<u8>,
    changed_cipher: bool,
    /// It speaks encrypted: its part of the handshake is over.
    done: bool,
}

#[derive(Default)]
struct Tls {
    handshake: Handshake,
    ends: Pair<End>,
    at: Option<i64>,
    alert: Option<(u8, u8)>,
    problem: Option<&'static str>,
    emitted: bool,
}

impl StreamProtocol for Tls {
    fn held(&self) -> usize {
        self.ends.source.pending.len() + self.ends.destination.pending.len()
    }

    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        self.at.get_or_insert(cx.at);
        if bytes.len() < 5 {
            return if last { Step::Take(bytes.len()) } else { Step::More(5) };
        }
        let (kind, version, length) = match bytes {
            [kind @ CHANGE_CIPHER..=HEARTBEAT, 3, version, high, low, ..] => {
                (*kind, *version, usize::from(u16::from_be_bytes([*high, *low])))
            }
            [length, low, 1, 3, ..] if length & 0x80 != 0 && self.handshake.client.is_none() => {
                return self.old_hello(usize::from(length & 0x7f) << 8 | usize::from(*low), bytes);
            }
            _ => return self.broken(cx, "not_a_record"),
        };
        if length > MAX_RECORD || version > 4 {
            return self.broken(cx, "record_length");
        }
        if kind == APPLICATION {
            self.ends.of_mut(side).done = true;
            if self.over() {
                self.emit(cx);
                return Step::Stop;
            }
            return Step::Skip(5 + length as u64);
        }
        let Some(body) = bytes.get(5..5 + length) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(5 + length) };
        };
        self.record(side, kind, body);
        if self.problem.is_some() || self.over() {
            self.emit(cx);
            return Step::Stop;
        }
        Step::Take(5 + length)
    }

    fn missing(&mut self, _cx: &mut Cx<'_>, side: Side, _bytes: u64) -> bool {
        // whether what follows begins with a record is not known; the other side may still tell
        let end = self.ends.of_mut(side);
        end.pending.clear();
        end.done = true;
        true
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.emit(cx);
    }

    fn limit(&self) -> usize {
        MAX_RECORD + 5
    }
}

impl Tls {
    fn over(&self) -> bool {
        self.ends.source.done && self.ends.destination.done
    }

    fn broken(&mut self, cx: &mut Cx<'_>, problem: &'static str) -> Step {
        self.problem = Some(problem);
        self.emit(cx);
        Step::Stop
    }

    /// The hello of SSL 2: only what it offers is of use.
    fn old_hello(&mut self, length: usize, bytes: &[u8]) -> Step {
        let Some(body) = bytes.get(2..2 + length) else { return Step::More(2 + length) };
        self.handshake.old_client(body);
        Step::Take(2 + length)
    }

    fn record(&mut self, side: Side, kind: u8, body: &[u8]) {
        let end = self.ends.of_mut(side);
        match kind {
            CHANGE_CIPHER => end.changed_cipher = true,
            ALERT => {
                if let [level @ 1..=2, code] = body
                    && !end.changed_cipher
                {
                    self.alert.get_or_insert((*level, *code));
                }
            }
            HANDSHAKE => {
                // after the change of cipher only a second hello is readable: TLS 1.3 changes nothing by it
                let again = body.first() == Some(&1) && be16(body, 2).map(usize::from) == body.len().checked_sub(4);
                if end.changed_cipher && !again {
                    end.done = true;
                    return;
                }
                self.messages(side, body);
            }
            _ => {}
        }
    }

    /// Handshake messages may span records, and records hold several.
    fn messages(&mut self, side: Side, body: &[u8]) {
        let end = self.ends.of_mut(side);
        if end.pending.len() + body.len() > MAX_MESSAGE {
            self.problem = Some("handshake_length");
            return;
        }
        end.pending.extend_from_slice(body);
        let mut pending = std::mem::take(&mut end.pending);
        let mut at = 0;
        while let Some(head) = pending.get(at..).and_then(|p| p.first_chunk::<4>()) {
            let [kind, a, b, c] = *head;
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if length > MAX_MESSAGE {
                self.problem = Some("handshake_length");
                break;
            }
            let Some(message) = pending.get(at + 4..at + 4 + length) else { break };
            self.handshake.message(kind, message);
            at += 4 + length;
        }
        pending.drain(..at);
        self.ends.of_mut(side).pending = pending;
    }

    fn emit(&mut self, cx: &mut Cx<'_>) {
        if self.emitted || (self.handshake.client.is_none() && self.handshake.server.is_none() && self.alert.is_none()) {
            return;
        }
        self.emitted = true;
        let mut event = cx.event("network.tls", self.at.unwrap_or(cx.at));
        self.handshake.describe(Carrier::Tcp, &mut event);
        let fatal = self.alert.is_some_and(|(level, _)| level == 2);
        let resumable = self.handshake.server.is_some() && self.handshake.client.is_some();
        event.push(fields::TLS_ESTABLISHED, Value::Bool(self.over() && resumable && !fatal));
        if let Some((level, code)) = self.alert {
            event.push_named("fansipan.tls.alert", Value::Str(&names::alert(code)));
            event.push_named("fansipan.tls.alert_level", Value::Str(if level == 2 { "fatal" } else { "warning" }));
        }
        if let Some(problem) = self.problem {
            event.push_named("fansipan.tls.problem", Value::Str(problem));
        }
        cx.emit(event);
    }
}
