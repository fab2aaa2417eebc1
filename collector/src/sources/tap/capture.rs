//! An interface opened for capture: libpcap with the kernel's ring (TPACKET_V3) and a filter.

use std::{
    os::fd::{AsFd as _, OwnedFd},
    time::Duration,
};

use pcap::{Active, Capture, Precision};
use rustix::{
    net::{AddressFamily, SocketType, netdevice::name_to_index, socket},
    thread::CapabilitySet,
};
use tokio::{io::unix::AsyncFd, runtime::Runtime};

use super::{config::TapConfig, privilege};
use crate::{sources::error::SourceError, tap::decode::link::LinkType};

/// How long a block of the ring may wait for more frames, milliseconds.
const BLOCK_WAIT: i32 = 100;
/// Frames handed over between two looks at the clock.
pub(super) const ROUND: usize = 4096;

/// An interface that is open.
pub(super) struct Opened {
    capture: Capture<Active>,
    link: LinkType,
    last: (u32, u32),
}

/// An interface that is listened to.
pub(super) struct Handle {
    /// The same socket, to wait for it.
    waiting: AsyncFd<OwnedFd>,
    capture: Capture<Active>,
    link: LinkType,
    /// The counters of libpcap when they were looked at last; they are 32 bits wide and wrap.
    last: (u32, u32),
    /// Nothing was there at the last look.
    idle: bool,
}

/// What the kernel lost since it was asked last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lost {
    pub(super) kernel: u64,
    pub(super) interface: u64,
}

/// A frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) link: LinkType,
    pub(super) at: i64,
    pub(super) wire: u32,
    pub(super) data: &'a [u8],
}

/// Why frames cannot be read any more: the interface is down or gone.
#[derive(Debug)]
pub(super) struct Away(pub(super) String);

/// Opens the interface, or says what is in the way.
pub(super) fn open(config: &TapConfig) -> Result<Opened, SourceError> {
    let interface = config.interface.as_str();
    if !privilege::has(CapabilitySet::NET_RAW) {
        return Err(SourceError::TapPermission { interface: interface.to_owned() });
    }
    if !exists(interface) {
        return Err(SourceError::TapNoInterface { interface: interface.to_owned(), others: interfaces().join(", ") });
    }
    let failed = |e: pcap::Error| SourceError::Tap { interface: interface.to_owned(), why: e.to_string() };
    // not immediate: that would leave TPACKET_V3 for a ring that wakes us for every frame
    let capture = Capture::from_device(interface)
        .map_err(failed)?
        .promisc(config.promiscuous)
        .snaplen(i32::try_from(config.snap_bytes).unwrap_or(i32::MAX))
        .timeout(BLOCK_WAIT)
        .buffer_size(i32::try_from(u64::from(config.buffer_mib) << 20).unwrap_or(i32::MAX))
        .precision(Precision::Nano)
        .open()
        .map_err(failed)?;
    let mut capture = capture.setnonblock().map_err(failed)?;
    if !config.filter.is_empty() {
        capture.filter(&config.filter, true).map_err(|e| SourceError::TapFilter {
            interface: interface.to_owned(),
            filter: config.filter.clone(),
            why: e.to_string(),
        })?;
    }
    let link = LinkType(u16::try_from(capture.get_datalink().0).unwrap_or(u16::MAX));
    let last = capture.stats().map_or((0, 0), |s| (s.dropped, s.if_dropped));
    Ok(Opened { capture, link, last })
}

impl Handle {
    /// Begins to listen, with the reactor of this runtime.
    pub(super) fn new(opened: Opened, runtime: &Runtime) -> std::io::Result<Self> {
        let _inside = runtime.enter();
        let waiting = waiting(opened.capture.as_fd().try_clone_to_owned()?)?;
        Ok(Self { waiting, capture: opened.capture, link: opened.link, last: opened.last, idle: true })
    }

    /// Waits for frames and hands over those that are there; how many.
    pub(super) fn round(&mut self, runtime: &Runtime, patience: Duration, mut each: impl FnMut(Frame<'_>)) -> Result<usize, Away> {
        if self.idle {
            let waited = runtime.block_on(async { tokio::time::timeout(patience, self.waiting.readable()).await });
            // without anything readable libpcap is asked all the same: that is how it learns that the interface went away
            match waited {
                Ok(Ok(mut ready)) => ready.clear_ready(),
                Ok(Err(error)) => return Err(Away(error.to_string())),
                Err(_) => {}
            }
        }
        let link = self.link;
        let count = self.capture.dispatch(Some(ROUND), |packet| {
            let at = packet.header.ts.tv_sec.saturating_mul(1_000_000_000).saturating_add(packet.header.ts.tv_usec);
            each(Frame { link, at, wire: packet.header.len, data: packet.data });
        });
        let count = count.map_err(|e| Away(e.to_string()))?;
        self.idle = count == 0;
        Ok(count)
    }

    /// What was lost since the last call.
    pub(super) fn lost(&mut self) -> Lost {
        let Ok(now) = self.capture.stats() else { return Lost::default() };
        let (kernel, interface) = (now.dropped.wrapping_sub(self.last.0), now.if_dropped.wrapping_sub(self.last.1));
        self.last = (now.dropped, now.if_dropped);
        Lost { kernel: u64::from(kernel), interface: u64::from(interface) }
    }
}

#[expect(deprecated, reason = "what is unsound for types that may close their descriptor early is sound for one that owns it")]
fn waiting(fd: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd)
}

/// Whether there is an interface of this name.
fn exists(interface: &str) -> bool {
    let Ok(any) = socket(AddressFamily::INET, SocketType::DGRAM, None) else { return false };
    name_to_index(&any, interface).is_ok()
}

/// The interfaces of this network namespace.
fn interfaces() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    let mut all: Vec<String> = table.lines().skip(2).filter_map(|l| Some(l.split_once(':')?.0.trim().to_owned())).collect();
    all.sort();
    all
}
