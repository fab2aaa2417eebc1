//! Which protocol the datagrams of a flow speak, and reading them.

use super::{Beginning, Cx, DATAGRAMS, DatagramProtocol, Side, Verdict};

/// Datagrams that are looked at before a flow is left alone.
const TRIES: u8 = 8;

/// The datagrams of one flow.
#[derive(Default)]
pub(crate) struct Datagrams {
    protocol: Option<Box<dyn DatagramProtocol>>,
    tried: u8,
}

impl Datagrams {
    /// Reads one datagram.
    pub(crate) fn datagram(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.protocol.is_none() && self.tried < TRIES {
            self.tried += 1;
            let ends = &cx.info.ends;
            let (source_port, destination_port) = (ends.of(side).port, ends.of(side.other()).port);
            let beginning = Beginning { source: bytes, destination: &[], source_port, destination_port };
            if let Some(entry) = DATAGRAMS.iter().find(|e| (e.probe)(&beginning) == Verdict::Yes) {
                cx.info.protocol = Some(entry.name);
                self.protocol = Some((entry.start)());
            }
        }
        if let Some(protocol) = &mut self.protocol {
            protocol.datagram(cx, side, bytes);
        }
    }

    /// Bytes that are kept.
    pub(crate) fn held(&self) -> usize {
        self.protocol.as_ref().map_or(0, |p| p.held())
    }

    /// The flow has ended.
    pub(crate) fn finish(&mut self, cx: &mut Cx<'_>) {
        if let Some(protocol) = &mut self.protocol {
            protocol.finish(cx);
        }
    }
}
