//! DCE-RPC over TCP and over named pipes: interfaces bound, operations called (each once a connection), and who logs in. Names of interfaces
//! and operations: `dce_rpc.txt`.

use std::sync::LazyLock;

use fansipan_model::Value;
use hashbrown::{HashMap, HashSet};

use super::{Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict, ntlm::Ntlm, put};
use crate::tap::cursor::Cursor;

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "dce_rpc", probe, start: || Box::<Tcp>::default() };

/// Largest fragment that is read.
const MAX_FRAGMENT: usize = 64 << 10;
const MAX_CONTEXTS: usize = 64;
const MAX_SAID: usize = 512;

const REQUEST: u8 = 0;
const FAULT: u8 = 3;
const BIND: u8 = 11;
const BIND_ACK: u8 = 12;
const BIND_NAK: u8 = 13;
const ALTER: u8 = 14;
const AUTH3: u8 = 16;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    match beginning.source {
        [] => Verdict::Unsure,
        [5, 0 | 1, BIND | ALTER | REQUEST, _, order, 0, 0, 0, ..] if matches!(order, 0 | 0x10) && beginning.source.len() >= 10 => {
            let length = Pdu::read(beginning.source).map_or(0, |p| p.length);
            if length >= 24 { Verdict::Yes } else { Verdict::No }
        }
        [5, rest @ ..]
            if rest.len() < 9
                && matches!(rest.first(), None | Some(0 | 1))
                && matches!(rest.get(1), None | Some(&BIND | &ALTER | &REQUEST)) =>
        {
            Verdict::Unsure
        }
        _ => Verdict::No,
    }
}

/// Names of an interface: its own, and those of its operations.
struct Interface {
    name: String,
    operations: HashMap<u16, String>,
}

static INTERFACES: LazyLock<HashMap<&'static str, Interface>> = LazyLock::new(|| {
    let mut out = HashMap::new();
    for line in include_str!("dce_rpc.txt").lines().filter(|l| !l.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (Some(id), Some(name)) = (words.next(), words.next()) else { continue };
        let operations = words.filter_map(|w| w.split_once('=')).filter_map(|(n, o)| Some((n.parse().ok()?, o.to_owned()))).collect();
        out.insert(id, Interface { name: name.to_owned(), operations });
    }
    out
});

/// A fragment's head.
struct Pdu<'a> {
    kind: u8,
    first: bool,
    little: bool,
    length: usize,
    auth: usize,
    call: u32,
    bytes: &'a [u8],
}

impl<'a> Pdu<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        if cursor.u8()? != 5 {
            return None;
        }
        cursor.skip(1)?;
        let (kind, flags) = (cursor.u8()?, cursor.u8()?);
        let little = cursor.u8()? & 0x10 != 0;
        cursor.skip(3)?;
        let length = usize::from(if little { cursor.le16()? } else { cursor.u16()? });
        let auth = cursor.array::<2>().map_or(0, |b| usize::from(if little { u16::from_le_bytes(b) } else { u16::from_be_bytes(b) }));
        let call = cursor.array::<4>().map_or(0, |b| if little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) });
        Some(Self { kind, first: flags & 1 != 0, little, length, auth, call, bytes })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk::<2>()?;
        Some(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn identifier(&self, at: usize) -> Option<String> {
        let mut b = *self.bytes.get(at..)?.first_chunk::<16>()?;
        if self.little {
            b.get_mut(..4)?.reverse();
            b.get_mut(4..6)?.reverse();
            b.get_mut(6..8)?.reverse();
        }
        Some(uuid::Uuid::from_bytes(b).to_string())
    }
}

/// One conversation of calls.
#[derive(Default)]
pub(super) struct Rpc {
    contexts: HashMap<u16, String>,
    said: HashSet<(u16, u16)>,
    ntlm: Ntlm,
    pipe: Option<String>,
}

impl Rpc {
    /// Calls over a named pipe.
    pub(super) fn over(pipe: &str) -> Self {
        Self { pipe: Some(pipe.to_owned()), ..Self::default() }
    }

    /// Reads one fragment.
    pub(super) fn fragment(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) {
        let Some(pdu) = Pdu::read(bytes) else { return };
        if pdu.auth > 0 && self.ntlm.read(cx.at, bytes.get(pdu.length.saturating_sub(pdu.auth)..).unwrap_or_default()) {
            self.ntlm.emit(cx, None);
        }
        match (pdu.kind, side) {
            (BIND | ALTER, Side::Source) => self.bind(cx, &pdu),
            (REQUEST, Side::Source) if pdu.first => self.request(cx, &pdu),
            (BIND_NAK, _) => self.refused(cx, "bind"),
            (FAULT, _) => {}
            (BIND_ACK | AUTH3, _) => {}
            _ => {}
        }
    }

    fn bind(&mut self, cx: &mut Cx<'_>, pdu: &Pdu<'_>) {
        let count = pdu.bytes.get(24).copied().unwrap_or_default();
        let mut at = 28;
        for _ in 0..count.min(MAX_CONTEXTS as u8) {
            let (Some(context), Some(id)) = (pdu.u16(at), pdu.identifier(at + 4)) else { return };
            let syntaxes = usize::from(pdu.bytes.get(at + 2).copied().unwrap_or_default());
            at += 24 + 20 * syntaxes;
            if self.contexts.get(&context) == Some(&id) || self.contexts.len() >= MAX_CONTEXTS {
                continue;
            }
            // the same interface in another encoding
            let known = self.contexts.values().any(|v| *v == id);
            self.contexts.insert(context, id.clone());
            if !known {
                self.emit(cx, "bind", &id, None, pdu.call);
            }
        }
    }

    fn request(&mut self, cx: &mut Cx<'_>, pdu: &Pdu<'_>) {
        let (Some(context), Some(operation)) = (pdu.u16(20), pdu.u16(22)) else { return };
        if self.said.len() < MAX_SAID && self.said.insert((context, operation)) {
            let id = self.contexts.get(&context).cloned().unwrap_or_default();
            self.emit(cx, "call", &id, Some(operation), pdu.call);
        }
    }

    fn refused(&self, cx: &mut Cx<'_>, action: &str) {
        let mut event = cx.event("network.dce_rpc", cx.at);
        event.push_named("event.action", Value::Str(action));
        event.push_named("event.outcome", Value::Str("failure"));
        put(&mut event, "dce_rpc.named_pipe", self.pipe.as_deref());
        cx.emit(event);
    }

    fn emit(&self, cx: &mut Cx<'_>, action: &str, id: &str, operation: Option<u16>, call: u32) {
        let mut event = cx.event("network.dce_rpc", cx.at);
        let interface = INTERFACES.get(id);
        event.push_named("event.action", Value::Str(action));
        put(&mut event, "dce_rpc.interface", id);
        put(&mut event, "dce_rpc.endpoint", interface.map_or(id, |i| &i.name));
        put(&mut event, "dce_rpc.named_pipe", self.pipe.as_deref());
        if let Some(number) = operation {
            event.push_named("dce_rpc.opnum", Value::Int(i64::from(number)));
            let name = interface.and_then(|i| i.operations.get(&number)).cloned().unwrap_or_else(|| format!("unknown-{number}"));
            event.push_named("dce_rpc.operation", Value::Str(&name));
            event.push_named("dce_rpc.call_id", Value::Int(i64::from(call)));
        }
        if let Some(client) = self.ntlm.client() {
            put(&mut event, "user.name", &*client.user);
            put(&mut event, "user.domain", &*client.domain);
        }
        cx.emit(event);
    }
}

/// Calls over TCP.
#[derive(Default)]
struct Tcp(Rpc);

impl StreamProtocol for Tcp {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        let Some(pdu) = Pdu::read(bytes).filter(|p| p.length >= 16) else {
            return if bytes.len() >= 10 || last { Step::Stop } else { Step::More(10) };
        };
        let length = pdu.length.min(MAX_FRAGMENT);
        let Some(fragment) = bytes.get(..length) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(length) };
        };
        self.0.fragment(cx, side, fragment);
        Step::Take(length)
    }

    fn limit(&self) -> usize {
        MAX_FRAGMENT + 16
    }
}
