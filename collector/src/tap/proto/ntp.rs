//! NTP: who tells whom the time, and the questions that attackers use to make a server flood others. One event for each mode a side uses.

use fansipan_model::Value;

use super::{Beginning, Cx, DatagramProtocol, Entry, Side, Verdict, lines::text, put};
use crate::tap::cursor::Cursor;

pub(super) const DATAGRAM: Entry<dyn DatagramProtocol> = Entry { name: "ntp", probe, start: || Box::<Ntp>::default() };

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let bytes = beginning.source;
    let Some(first) = bytes.first() else { return Verdict::No };
    let (version, mode) = (first >> 3 & 7, first & 7);
    let fits = (1..=4).contains(&version)
        && match mode {
            1..=5 => bytes.len() >= 48 && bytes.len() <= 1024 && bytes.get(1).is_some_and(|s| *s <= 16),
            6 => bytes.len() >= 12,
            7 => bytes.len() >= 8,
            _ => false,
        };
    if fits && beginning.port(123) { Verdict::Yes } else { Verdict::No }
}

#[derive(Default)]
struct Ntp {
    seen: [u8; 2],
}

impl DatagramProtocol for Ntp {
    fn datagram(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) {
        let Some(first) = bytes.first() else { return };
        let mode = first & 7;
        let Some(seen) = self.seen.get_mut(usize::from(side == Side::Destination)) else { return };
        if *seen & (1 << mode) != 0 {
            return;
        }
        *seen |= 1 << mode;
        emit(cx, bytes, first >> 3 & 7, mode, side);
    }
}

fn emit(cx: &mut Cx<'_>, bytes: &[u8], version: u8, mode: u8, side: Side) {
    let mut event = cx.event("network.ntp", cx.at);
    let names = ["", "symmetric_active", "symmetric_passive", "client", "server", "broadcast", "control", "private"];
    put(&mut event, "event.action", names.get(usize::from(mode)).copied().unwrap_or_default());
    event.push_named("ntp.version", Value::Int(i64::from(version)));
    event.push_named("ntp.mode", Value::Int(i64::from(mode)));
    event.push_named("ntp.from_initiator", Value::Bool(side == Side::Source));
    match mode {
        1..=5 => drop(time(&mut event, bytes)),
        6 => {
            let code = bytes.get(1).map_or(0, |b| b & 0x1f);
            event.push_named("ntp.operation", Value::Int(i64::from(code)));
            event.push_named("ntp.response", Value::Bool(bytes.get(1).is_some_and(|b| b & 0x80 != 0)));
        }
        _ => {
            let code = bytes.get(3).copied().unwrap_or_default();
            event.push_named("ntp.operation", Value::Int(i64::from(code)));
            event.push_named("ntp.response", Value::Bool(bytes.first().is_some_and(|b| b & 0x80 != 0)));
            // the list of those who asked: short to ask for, long to answer
            if matches!(code, 20 | 42) {
                event.push_named("ntp.monlist", Value::Bool(true));
            }
        }
    }
    cx.emit(event);
}

fn time(event: &mut fansipan_model::Event, bytes: &[u8]) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    cursor.skip(1)?;
    let stratum = cursor.u8()?;
    event.push_named("ntp.stratum", Value::Int(i64::from(stratum)));
    event.push_named("ntp.poll", Value::Int(i64::from(cursor.u8()? as i8)));
    cursor.skip(9)?;
    let reference = cursor.array::<4>()?;
    let reference = match stratum {
        0 | 1 => text(reference.split(|b| *b == 0).next().unwrap_or_default()),
        _ => std::net::Ipv4Addr::from(reference).to_string(),
    };
    put(event, "ntp.reference", &*reference);
    Some(())
}
