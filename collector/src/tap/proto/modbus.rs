//! Modbus over TCP: what is asked of which unit, and refusals; each kind once a connection, with the registers it touches first.

use std::collections::VecDeque;

use fansipan_model::Value;
use hashbrown::HashSet;

use super::{Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict};
use crate::tap::cursor::{Cursor, be16};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "modbus", probe, start: || Box::<Modbus>::default() };

const MAX_OPEN: usize = 64;
const MAX_SAID: usize = 512;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let bytes = if beginning.source.is_empty() { beginning.destination } else { beginning.source };
    match bytes {
        [_, _, 0, 0, 0 | 1, low, _, function, ..] => {
            let known = name(function & 0x7f).is_some();
            let fits = *low >= 2 && (known || beginning.port(502));
            if fits && (beginning.port(502) || whole(bytes)) { Verdict::Yes } else { Verdict::No }
        }
        [_, _, rest @ ..] if rest.len() < 6 && rest.iter().take(2).all(|b| *b == 0) => Verdict::Unsure,
        [] | [_] => Verdict::Unsure,
        _ => Verdict::No,
    }
}

/// On another port: the length has to fit the function.
fn whole(bytes: &[u8]) -> bool {
    match (be16(bytes, 4), bytes.get(7)) {
        (Some(6), Some(1..=6)) => bytes.len() >= 12,
        (Some(n), Some(15 | 16)) => bytes.get(12).is_some_and(|count| u16::from(*count) + 7 == n),
        (Some(5), Some(43)) => bytes.get(8) == Some(&14),
        _ => false,
    }
}

fn name(function: u8) -> Option<&'static str> {
    Some(match function {
        1 => "READ_COILS",
        2 => "READ_DISCRETE_INPUTS",
        3 => "READ_HOLDING_REGISTERS",
        4 => "READ_INPUT_REGISTERS",
        5 => "WRITE_SINGLE_COIL",
        6 => "WRITE_SINGLE_REGISTER",
        7 => "READ_EXCEPTION_STATUS",
        8 => "DIAGNOSTICS",
        11 => "GET_COMM_EVENT_COUNTER",
        12 => "GET_COMM_EVENT_LOG",
        15 => "WRITE_MULTIPLE_COILS",
        16 => "WRITE_MULTIPLE_REGISTERS",
        17 => "REPORT_SERVER_ID",
        20 => "READ_FILE_RECORD",
        21 => "WRITE_FILE_RECORD",
        22 => "MASK_WRITE_REGISTER",
        23 => "READ_WRITE_MULTIPLE_REGISTERS",
        24 => "READ_FIFO_QUEUE",
        43 => "ENCAP_INTERFACE_TRANSPORT",
        90 => "PROGRAM_UNITY",
        _ => return None,
    })
}

struct Asked {
    at: i64,
    transaction: u16,
    unit: u8,
    function: u8,
    address: Option<u16>,
    quantity: Option<u16>,
}

#[derive(Default)]
struct Modbus {
    open: VecDeque<Asked>,
    said: HashSet<(u8, u8, u8)>,
}

impl StreamProtocol for Modbus {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if bytes.len() < 8 {
            return if last { Step::Take(bytes.len()) } else { Step::More(8) };
        }
        let length = be16(bytes, 4).map_or(0, usize::from);
        if be16(bytes, 2) != Some(0) || !(2..=260).contains(&length) {
            return Step::Stop;
        }
        let Some(frame) = bytes.get(..6 + length) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(6 + length) };
        };
        let mut cursor = Cursor::new(frame);
        let transaction = cursor.u16().unwrap_or_default();
        cursor.up_to(4);
        let (unit, function) = (cursor.u8().unwrap_or_default(), cursor.u8().unwrap_or_default());
        if side == Side::Source {
            let touches = matches!(function, 1..=6 | 15 | 16 | 22 | 23);
            let address = cursor.u16().filter(|_| touches);
            let quantity = cursor.u16().filter(|_| matches!(function, 1..=4 | 15 | 16 | 23));
            self.open.push_back(Asked { at: cx.at, transaction, unit, function, address, quantity });
            self.give_up(cx, MAX_OPEN);
            return Step::Take(6 + length);
        }
        let asked = self.open.iter().position(|o| o.transaction == transaction && o.function == function & 0x7f);
        if asked.is_none() && self.open.is_empty() && !last {
            return Step::Wait;
        }
        let exception = cursor.u8().filter(|_| function & 0x80 != 0).unwrap_or(0);
        if let Some(asked) = asked.and_then(|at| self.open.remove(at)) {
            self.emit(cx, &asked, Some(exception));
        }
        Step::Take(6 + length)
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.give_up(cx, 0);
    }

    fn limit(&self) -> usize {
        1024
    }
}

impl Modbus {
    fn give_up(&mut self, cx: &mut Cx<'_>, keep: usize) {
        while self.open.len() > keep {
            if let Some(asked) = self.open.pop_front() {
                self.emit(cx, &asked, None);
            }
        }
    }

    fn emit(&mut self, cx: &mut Cx<'_>, asked: &Asked, exception: Option<u8>) {
        let new = self.said.len() < MAX_SAID && self.said.insert((asked.unit, asked.function, exception.unwrap_or(0xff)));
        if !new {
            return;
        }
        let mut event = cx.event("network.modbus", asked.at);
        let function = name(asked.function).map_or_else(|| format!("unknown-{}", asked.function), str::to_owned);
        let writes = matches!(asked.function, 5 | 6 | 15 | 16 | 21 | 22 | 23 | 90);
        event.push_named("event.action", Value::Str(if writes { "write" } else { "read" }));
        event.push_named("modbus.function", Value::Str(&function));
        event.push_named("modbus.function_code", Value::Int(i64::from(asked.function)));
        event.push_named("modbus.unit", Value::Int(i64::from(asked.unit)));
        if let Some(address) = asked.address {
            event.push_named("modbus.address", Value::Int(i64::from(address)));
        }
        if let Some(quantity) = asked.quantity {
            event.push_named("modbus.quantity", Value::Int(i64::from(quantity)));
        }
        match exception {
            Some(0) => event.push_named("event.outcome", Value::Str("success")),
            Some(code) => {
                event.push_named("event.outcome", Value::Str("failure"));
                let names = [
                    "",
                    "ILLEGAL_FUNCTION",
                    "ILLEGAL_DATA_ADDRESS",
                    "ILLEGAL_DATA_VALUE",
                    "SLAVE_DEVICE_FAILURE",
                    "ACKNOWLEDGE",
                    "SLAVE_DEVICE_BUSY",
                ];
                let known = names.get(usize::from(code)).map_or_else(|| code.to_string(), |n| (*n).to_owned());
                event.push_named("modbus.exception", Value::Str(&known));
            }
            None => {}
        }
        cx.emit(event);
    }
}
