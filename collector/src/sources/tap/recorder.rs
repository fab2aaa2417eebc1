//! Frames on their way to the packet ring: copied, handed to a thread of its own through a short queue, and counted where that is full.
//!
//! Whatever happens to the disk, reading the interface never waits for it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    time::{Duration, Instant},
};

use fansipan_model::RingCounters;

use super::{REPORT, capture::Frame, spread::Batch, watch::Watch};
use crate::{
    pipeline::now,
    tap::ring::{Ring, Settings},
};

/// Batches that may wait for the disk: 64 MiB.
const WAITING: usize = 256;
/// How long a batch is waited for before the clock is looked at.
const PATIENCE: Duration = Duration::from_millis(500);
/// Pause between attempts to open the ring.
const RETRY: Duration = Duration::from_secs(5);

/// The side of the thread that reads the interface.
pub(super) struct Recorder {
    to: SyncSender<Batch>,
    batch: Batch,
    dropped: Arc<AtomicU64>,
}

/// The side of the thread that writes.
pub(super) struct Incoming {
    from: Receiver<Batch>,
    dropped: Arc<AtomicU64>,
}

impl Recorder {
    pub(super) fn new() -> (Self, Incoming) {
        let (to, from) = sync_channel(WAITING);
        let dropped = Arc::<AtomicU64>::default();
        (Self { to, batch: Batch::default(), dropped: Arc::clone(&dropped) }, Incoming { from, dropped })
    }

    pub(super) fn frame(&mut self, frame: Frame<'_>) {
        self.batch.push(frame);
        if self.batch.is_full() {
            self.flush();
        }
    }

    /// Sends what waits for company.
    pub(super) fn flush(&mut self) {
        if self.batch.len() == 0 {
            return;
        }
        if let Err(TrySendError::Full(lost) | TrySendError::Disconnected(lost)) = self.to.try_send(std::mem::take(&mut self.batch)) {
            self.dropped.fetch_add(lost.len(), Ordering::Relaxed);
        }
    }
}

/// Writes the ring until the interface is no longer read.
pub(super) fn record(incoming: &Incoming, folder: &Path, interface: &str, settings: Settings, watch: &Watch) {
    let mut ring: Result<Ring, String> = Err(String::new());
    let (mut tried, mut told): (Option<Instant>, Option<Instant>) = (None, None);
    let mut unwritten = 0;
    loop {
        if ring.is_err() && tried.is_none_or(|at| at.elapsed() >= RETRY) {
            tried = Some(Instant::now());
            ring = Ring::open(folder, interface, settings).map_err(|e| format!("{} cannot be used: {e}", folder.display()));
            if let Err(why) = &ring {
                tracing::warn!("FSP-TAP-006: packets are not kept: {why}; capture and detection go on");
            }
        }
        let ended = match (incoming.from.recv_timeout(PATIENCE), &mut ring) {
            (Ok(batch), Ok(ring)) => {
                batch.each(|f| ring.frame(f.link, f.at, f.wire, f.data));
                ring.commit();
                false
            }
            (Ok(batch), Err(_)) => {
                unwritten += batch.len();
                false
            }
            (Err(RecvTimeoutError::Timeout), _) => false,
            (Err(RecvTimeoutError::Disconnected), _) => true,
        };
        if ended || told.is_none_or(|at| at.elapsed() >= REPORT) {
            told = Some(Instant::now());
            watch.ring(counters(&mut ring, unwritten, incoming.dropped.load(Ordering::Relaxed)));
        }
        if ended {
            if let Ok(ring) = ring {
                ring.close();
            }
            return;
        }
    }
}

fn counters(ring: &mut Result<Ring, String>, unwritten: u64, dropped: u64) -> RingCounters {
    match ring {
        Ok(ring) => {
            ring.clock(now());
            let kept = ring.kept();
            RingCounters {
                packets: kept.packets,
                cut: kept.cut,
                dropped,
                unwritten: kept.unwritten + unwritten,
                bytes: kept.bytes,
                oldest: kept.oldest,
                trouble: kept.trouble,
            }
        }
        Err(why) => RingCounters { unwritten, dropped, trouble: Some(why.clone()), ..RingCounters::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, Recorder, WAITING};
    use crate::tap::decode::link::LinkType;

    #[test]
    fn a_disk_that_takes_nothing_costs_packets_that_are_counted_and_never_waits() {
        let (mut recorder, incoming) = Recorder::new();
        let sent = (WAITING as u64 + 7) * 200;
        let data = [7; 1500];
        for at in 0..sent {
            recorder.frame(Frame { link: LinkType::ETHERNET, at: at as i64, wire: 1500, data: &data });
        }
        recorder.flush();
        let dropped = incoming.dropped.load(std::sync::atomic::Ordering::Relaxed);
        let mut kept = Vec::new();
        incoming.from.try_iter().for_each(|batch| batch.each(|f| kept.push(f.at)));
        assert!(dropped > 0, "{sent} frames of 1500 bytes do not fit into 64 MiB");
        assert_eq!(kept.len() as u64 + dropped, sent);
        assert!(kept.is_sorted() && kept.first() == Some(&0), "the oldest are kept");
        // whoever writes no more: everything is counted
        drop(incoming.from);
        recorder.frame(Frame { link: LinkType::ETHERNET, at: 0, wire: 1500, data: &data });
        recorder.flush();
        assert_eq!(incoming.dropped.load(std::sync::atomic::Ordering::Relaxed), dropped + 1);
    }
}
