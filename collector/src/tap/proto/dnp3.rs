//! DNP3 over TCP and UDP: which station asks what of which; each kind once a flow.

use fansipan_model::Value;
use hashbrown::HashSet;

use super::{Beginning, Cx, DatagramProtocol, Entry, Side, Step, StreamProtocol, Verdict};
use crate::tap::cursor::Cursor;

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "dnp3", probe, start: || Box::<Dnp3>::default() };
pub(super) const DATAGRAM: Entry<dyn DatagramProtocol> = Entry { name: "dnp3", probe: probe_datagram, start: || Box::<Dnp3>::default() };

const MAX_SAID: usize = 512;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let bytes = if beginning.source.is_empty() { beginning.destination } else { beginning.source };
    match bytes {
        [] | [5] | [5, 0x64] => Verdict::Unsure,
        [5, 0x64, 5..=255, ..] => Verdict::Yes,
        _ => Verdict::No,
    }
}

fn probe_datagram(beginning: &Beginning<'_>) -> Verdict {
    if matches!(beginning.source, [5, 0x64, 5..=255, ..]) && beginning.source.len() >= 10 { Verdict::Yes } else { Verdict::No }
}

#[derive(Default)]
struct Dnp3 {
    said: HashSet<(u16, u16, u8)>,
}

/// Bytes of a frame on the wire: a check of two bytes after the head and after every sixteen.
fn extent(length: u8) -> usize {
    let data = usize::from(length).saturating_sub(5);
    10 + data + data.div_ceil(16) * 2
}

impl StreamProtocol for Dnp3 {
    fn step(&mut self, cx: &mut Cx<'_>, _side: Side, bytes: &[u8], last: bool) -> Step {
        let length = match bytes {
            [5, 0x64, length @ 5..=255, ..] => extent(*length),
            [5, 0x64] | [5] if !last => return Step::More(3),
            _ => return Step::Stop,
        };
        let Some(frame) = bytes.get(..length) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(length) };
        };
        self.frame(cx, frame);
        Step::Take(length)
    }

    fn limit(&self) -> usize {
        1024
    }
}

impl DatagramProtocol for Dnp3 {
    fn datagram(&mut self, cx: &mut Cx<'_>, _side: Side, bytes: &[u8]) {
        self.frame(cx, bytes);
    }
}

impl Dnp3 {
    fn frame(&mut self, cx: &mut Cx<'_>, frame: &[u8]) -> Option<()> {
        let mut cursor = Cursor::new(frame);
        cursor.skip(2)?;
        let length = cursor.u8()?;
        let control = cursor.u8()?;
        let (destination, source) = (cursor.le16()?, cursor.le16()?);
        cursor.skip(2)?;
        // user data whose first part begins an application message
        let user_data = matches!(control & 0x0f, 3 | 4) && control & 0x40 != 0 && length >= 8;
        let first = cursor.u8().filter(|t| user_data && t & 0x40 != 0);
        first?;
        cursor.skip(1)?;
        let function = cursor.u8()?;
        if self.said.len() >= MAX_SAID || !self.said.insert((source, destination, function)) {
            return None;
        }
        let answer = function >= 0x81;
        let indications = if answer { cursor.u16() } else { None };
        let mut event = cx.event("network.dnp3", cx.at);
        event.push_named("event.action", Value::Str(if answer { "response" } else { "request" }));
        event.push_named("dnp3.function", Value::Str(&name(function)));
        event.push_named("dnp3.function_code", Value::Int(i64::from(function)));
        event.push_named("dnp3.source", Value::Int(i64::from(source)));
        event.push_named("dnp3.destination", Value::Int(i64::from(destination)));
        if let Some(bits) = indications {
            event.push_named("dnp3.internal_indications", Value::Str(&format!("0x{bits:04x}")));
        }
        cx.emit(event);
        Some(())
    }
}

fn name(function: u8) -> String {
    const NAMES: [&str; 34] = [
        "CONFIRM",
        "READ",
        "WRITE",
        "SELECT",
        "OPERATE",
        "DIRECT_OPERATE",
        "DIRECT_OPERATE_NR",
        "IMMED_FREEZE",
        "IMMED_FREEZE_NR",
        "FREEZE_CLEAR",
        "FREEZE_CLEAR_NR",
        "FREEZE_AT_TIME",
        "FREEZE_AT_TIME_NR",
        "COLD_RESTART",
        "WARM_RESTART",
        "INITIALIZE_DATA",
        "INITIALIZE_APPL",
        "START_APPL",
        "STOP_APPL",
        "SAVE_CONFIG",
        "ENABLE_UNSOLICITED",
        "DISABLE_UNSOLICITED",
        "ASSIGN_CLASS",
        "DELAY_MEASURE",
        "RECORD_CURRENT_TIME",
        "OPEN_FILE",
        "CLOSE_FILE",
        "DELETE_FILE",
        "GET_FILE_INFO",
        "AUTHENTICATE_FILE",
        "ABORT_FILE",
        "ACTIVATE_CONFIG",
        "AUTHENTICATE_REQ",
        "AUTHENTICATE_ERR",
    ];
    let known = match function {
        0x81 => Some("RESPONSE"),
        0x82 => Some("UNSOLICITED_RESPONSE"),
        0x83 => Some("AUTHENTICATE_RESP"),
        other => NAMES.get(usize::from(other)).copied(),
    };
    known.map_or_else(|| format!("unknown-{function}"), str::to_owned)
}
