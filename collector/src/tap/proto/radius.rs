//! RADIUS: who asks to be let into the network, through which device, and the answer. Passwords are hidden and not looked at.

use std::{collections::VecDeque, net::Ipv4Addr};

use fansipan_model::{Value, fields};

use super::{Beginning, Cx, DatagramProtocol, Entry, Side, Verdict, lines::text, put};
use crate::tap::cursor::{Cursor, be16};

pub(super) const DATAGRAM: Entry<dyn DatagramProtocol> = Entry { name: "radius", probe, start: || Box::<Radius>::default() };

const MAX_OPEN: usize = 256;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let bytes = beginning.source;
    let length = be16(bytes, 2).map_or(0, usize::from);
    let fits = matches!(bytes.first(), Some(1..=5 | 11 | 40..=45)) && (20..=4096).contains(&length) && length <= bytes.len();
    let port = [1812, 1813, 1645, 1646, 3799].iter().any(|p| beginning.port(*p));
    // attributes fill it exactly, and there is something to tell
    let mut cursor = Cursor::new(bytes.get(20..length).unwrap_or_default());
    let mut any = false;
    while let (Some(_), Some(n)) = (cursor.u8(), cursor.u8()) {
        if n < 2 || cursor.skip(usize::from(n) - 2).is_none() {
            return Verdict::No;
        }
        any = true;
    }
    if fits && cursor.is_empty() && (port || any && matches!(bytes.first(), Some(1 | 4))) { Verdict::Yes } else { Verdict::No }
}

struct Open {
    at: i64,
    id: u8,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Radius {
    open: VecDeque<Open>,
}

impl DatagramProtocol for Radius {
    fn datagram(&mut self, cx: &mut Cx<'_>, _side: Side, bytes: &[u8]) {
        let Some([code, id, ..]) = bytes.first_chunk::<4>().copied() else { return };
        if matches!(code, 1 | 4 | 40 | 43) {
            // repeated until it is answered
            if !self.open.iter().any(|o| o.id == id && o.bytes == bytes) {
                self.open.push_back(Open { at: cx.at, id, bytes: bytes.get(..bytes.len().min(4096)).unwrap_or(bytes).to_vec() });
            }
            return self.give_up(cx, MAX_OPEN);
        }
        let asked = self.open.iter().position(|o| o.id == id).and_then(|at| self.open.remove(at));
        emit(cx, asked, Some(bytes));
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.give_up(cx, 0);
    }
}

impl Radius {
    fn give_up(&mut self, cx: &mut Cx<'_>, keep: usize) {
        while self.open.len() > keep {
            let open = self.open.pop_front();
            emit(cx, open, None);
        }
    }
}

fn attributes(bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut cursor = Cursor::new(bytes.get(20..).unwrap_or_default());
    let mut out = Vec::new();
    while let (Some(kind), Some(n)) = (cursor.u8(), cursor.u8()) {
        let Some(value) = usize::from(n).checked_sub(2).and_then(|n| cursor.take(n)) else { break };
        out.push((kind, value));
    }
    out
}

fn emit(cx: &mut Cx<'_>, asked: Option<Open>, answer: Option<&[u8]>) {
    let mut event = cx.event("network.radius", asked.as_ref().map_or(cx.at, |o| o.at));
    let code = asked.as_ref().and_then(|o| o.bytes.first()).or(answer.and_then(|a| a.first())).copied().unwrap_or_default();
    let action = match code {
        1 | 2 | 3 | 11 => "access",
        4 | 5 => "accounting",
        40..=42 => "disconnect",
        _ => "change",
    };
    event.push_named("event.action", Value::Str(action));
    if action == "access" {
        event.push_named("event.category", Value::Str("authentication"));
    }
    for bytes in [asked.as_ref().map(|o| &*o.bytes), answer].into_iter().flatten() {
        for (kind, value) in attributes(bytes) {
            let ip = || value.first_chunk::<4>().map(|b| Ipv4Addr::from(*b).to_string());
            match kind {
                // the answer may repeat it
                1 => event.set(fields::USER_NAME, Value::Str(&text(value))),
                4 => put(&mut event, "radius.nas_ip", ip().as_deref()),
                8 => put(&mut event, "radius.framed_ip", ip().as_deref()),
                18 => put(&mut event, "radius.reply", &*text(value)),
                30 => put(&mut event, "radius.called_station", &*text(value)),
                31 => put(&mut event, "radius.calling_station", &*text(value)),
                32 => put(&mut event, "radius.nas_identifier", &*text(value)),
                _ => {}
            }
        }
    }
    let result = match answer.and_then(|a| a.first()) {
        Some(2 | 5 | 41 | 44) => Some("success"),
        Some(3 | 42 | 45) => Some("failure"),
        Some(11) => {
            event.push_named("radius.challenge", Value::Bool(true));
            None
        }
        _ => None,
    };
    put(&mut event, "event.outcome", result);
    cx.emit(event);
}
