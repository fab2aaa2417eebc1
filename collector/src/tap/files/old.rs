//! The classic pcap format.

use std::io::Read;

use super::{Ending, Found, MAX_PACKET, exact};
use crate::tap::decode::link::LinkType;

/// Byte order, resolution and the length of a record's head, told by the magic number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    big: bool,
    nanos: bool,
    /// Bytes of a record's head: Kuznetzov's variant has eight more.
    head: usize,
}

impl Order {
    pub(super) fn of(magic: [u8; 4]) -> Option<Self> {
        let one = |big, word| match word {
            0xa1b2_c3d4_u32 => Some(Self { big, nanos: false, head: 16 }),
            0xa1b2_3c4d => Some(Self { big, nanos: true, head: 16 }),
            0xa1b2_cd34 => Some(Self { big, nanos: false, head: 24 }),
            _ => None,
        };
        one(true, u32::from_be_bytes(magic)).or_else(|| one(false, u32::from_le_bytes(magic)))
    }

    fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let four = bytes.get(at..).and_then(|b| b.first_chunk::<4>()).copied().unwrap_or_default();
        if self.big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    }
}

pub(super) struct Header {
    order: Order,
    link: LinkType,
    /// A frame check sequence of so many bytes ends every packet.
    fcs: usize,
    swapped: bool,
}

impl Header {
    /// `head`: what follows the magic number.
    pub(super) fn read(order: Order, head: &[u8; 20]) -> Self {
        let word = order.u32(head, 16);
        let fcs = if word & 0x0400_0000 != 0 { (word >> 28) as usize * 2 } else { 0 };
        // some old writers put captured and wire length in the wrong order: versions before 2.3
        let version = order.u32(head, 0);
        let minor = if order.big { version & 0xffff } else { version >> 16 };
        Self { order, link: LinkType((word & 0xffff) as u16), fcs, swapped: minor < 3 }
    }

    pub(super) fn next(&self, input: &mut dyn Read, buffer: &mut Vec<u8>) -> Result<Found, Ending> {
        let mut head = [0; 24];
        let head = head.get_mut(..self.order.head).unwrap_or_default();
        exact(input, head, true)?;
        let (mut captured, mut wire) = (self.order.u32(head, 8), self.order.u32(head, 12));
        if self.swapped && captured > wire {
            std::mem::swap(&mut captured, &mut wire);
        }
        if captured as usize > MAX_PACKET {
            return Err(Ending::Damaged(format!("a packet claims {captured} captured bytes")));
        }
        buffer.resize(captured as usize, 0);
        exact(input, buffer, false)?;
        let fraction = i64::from(self.order.u32(head, 4));
        let at = i64::from(self.order.u32(head, 0)) * 1_000_000_000 + if self.order.nanos { fraction } else { fraction * 1000 };
        let fcs = if captured == wire { self.fcs.min(buffer.len()) } else { 0 };
        Ok(Found { link: self.link, at, wire: wire.saturating_sub(self.fcs as u32), range: 0..buffer.len() - fcs })
    }
}
