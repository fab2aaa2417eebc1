//! The pcapng format: sections, interfaces and packets; other blocks are passed over.

use std::io::Read;

use super::{Ending, Found, MAX_PACKET, exact};
use crate::tap::decode::link::LinkType;

/// First bytes of every section, the same in both byte orders.
pub(super) const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const PACKET: u32 = 6;
/// More interfaces than this in one section is damage.
const MAX_INTERFACES: usize = 65_536;

#[derive(Clone, Copy)]
struct Interface {
    link: LinkType,
    snap: u32,
    /// Ticks in a second.
    per_second: u64,
    offset: i64,
}

impl Interface {
    fn nanos(&self, ticks: u64) -> i64 {
        let whole = ticks / self.per_second;
        let part = u128::from(ticks % self.per_second) * 1_000_000_000 / u128::from(self.per_second);
        let seconds = i64::try_from(whole).unwrap_or(0).saturating_add(self.offset);
        seconds.saturating_mul(1_000_000_000).saturating_add(part as i64)
    }
}

#[derive(Default)]
pub(super) struct State {
    big: bool,
    begun: bool,
    interfaces: Vec<Interface>,
    last: i64,
}

impl State {
    fn u32(&self, bytes: &[u8], at: usize) -> u32 {
        let four = bytes.get(at..).and_then(|b| b.first_chunk::<4>()).copied().unwrap_or_default();
        if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    }

    fn u16(&self, bytes: &[u8], at: usize) -> u16 {
        let two = bytes.get(at..).and_then(|b| b.first_chunk::<2>()).copied().unwrap_or_default();
        if self.big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) }
    }

    pub(super) fn next(&mut self, input: &mut dyn Read, buffer: &mut Vec<u8>) -> Result<Found, Ending> {
        loop {
            let kind = self.block(input, buffer)?;
            if let Some(found) = self.packet(kind, buffer) {
                return Ok(found);
            }
        }
    }

    /// Reads one block; its body is in the buffer. Sections are dealt with here: they set the byte order of their own length.
    fn block(&mut self, input: &mut dyn Read, buffer: &mut Vec<u8>) -> Result<u32, Ending> {
        let mut kind = SECTION; // of the first section it is read already
        if self.begun {
            exact(input, &mut kind, true)?;
        }
        let mut length = [0; 4];
        exact(input, &mut length, false)?;
        let section = kind == SECTION;
        let mut used = 8;
        if section {
            let mut order = [0; 4];
            exact(input, &mut order, false)?;
            self.big = match u32::from_be_bytes(order) {
                0x1a2b_3c4d => true,
                0x4d3c_2b1a => false,
                other => return Err(Ending::Damaged(format!("a section with byte order {other:08x}"))),
            };
            self.begun = true;
            self.interfaces.clear();
            used = 12;
        }
        let total = self.u32(&length, 0) as usize;
        if !(used + 4..=MAX_PACKET).contains(&total) {
            return Err(Ending::Damaged(format!("a block of {total} bytes")));
        }
        // writers that forget the padding of the length exist; the body is padded all the same
        buffer.resize(total.next_multiple_of(4) - used, 0);
        exact(input, buffer, false)?;
        buffer.truncate(buffer.len() - 4);
        Ok(if section { 0 } else { self.u32(&kind, 0) })
    }

    fn packet(&mut self, kind: u32, body: &[u8]) -> Option<Found> {
        match kind {
            INTERFACE if self.interfaces.len() < MAX_INTERFACES => {
                let interface = self.interface(body);
                self.interfaces.push(interface);
                None
            }
            PACKET | OLD_PACKET => {
                let number = if kind == PACKET { self.u32(body, 0) as usize } else { usize::from(self.u16(body, 0)) };
                let interface = *self.interfaces.get(number)?;
                let ticks = (u64::from(self.u32(body, 4)) << 32) | u64::from(self.u32(body, 8));
                let captured = (self.u32(body, 12) as usize).min(body.len().saturating_sub(20));
                self.last = interface.nanos(ticks);
                let range = 20..20 + captured;
                body.get(range.clone())?;
                Some(Found { link: interface.link, at: self.last, wire: self.u32(body, 16), range })
            }
            SIMPLE_PACKET => {
                let interface = *self.interfaces.first()?;
                let wire = self.u32(body, 0);
                let limit = if interface.snap == 0 { u32::MAX } else { interface.snap };
                let captured = (wire.min(limit) as usize).min(body.len().saturating_sub(4));
                body.get(4..4 + captured)?;
                Some(Found { link: interface.link, at: self.last, wire, range: 4..4 + captured })
            }
            _ => None,
        }
    }

    fn interface(&self, body: &[u8]) -> Interface {
        let mut interface = Interface { link: LinkType(self.u16(body, 0)), snap: self.u32(body, 4), per_second: 1_000_000, offset: 0 };
        let mut at = 8;
        while let (Some(value), code) = (body.get(at + 4..), self.u16(body, at)) {
            let length = usize::from(self.u16(body, at + 2));
            let Some(value) = value.get(..length) else { break };
            match (code, value) {
                (0, _) => break,
                (9, [resolution, ..]) => {
                    let power = u32::from(resolution & 0x7f);
                    let ticks = if resolution & 0x80 != 0 { 2u64.checked_pow(power) } else { 10u64.checked_pow(power) };
                    interface.per_second = ticks.unwrap_or(1_000_000_000).max(1);
                }
                (14, value) if value.len() == 8 => {
                    let eight = value.first_chunk::<8>().copied().unwrap_or_default();
                    interface.offset = if self.big { i64::from_be_bytes(eight) } else { i64::from_le_bytes(eight) };
                }
                _ => {}
            }
            at += 4 + length.next_multiple_of(4);
        }
        interface
    }
}
