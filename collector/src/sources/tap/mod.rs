//! Packets of an interface: from the kernel's ring through the sensor to the log.
//!
//! With one thread frames are read where the kernel put them, without a copy and without a queue of our own: when the log is behind,
//! frames wait in the ring, and what does not fit there is dropped and counted by the kernel. With several, one thread empties the
//! ring and hands the frames on; what those cannot take is counted too. An interface that goes down or away is waited for.

mod capture;
pub mod config;
mod privilege;
mod recorder;
mod spread;
mod watch;

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;

use self::{
    capture::{Away, Frame, Handle, Opened},
    config::TapConfig,
    recorder::Recorder,
    spread::{Batch, Spread},
    watch::{Part, Watch},
};
use super::{error::SourceError, stream::Context};
use crate::{
    pipeline::{EventLane, now},
    tap::{Sensor, ring},
};

/// Longest wait for a frame before the clock and the orders are looked at.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often counters are looked at.
const REPORT: Duration = Duration::from_millis(500);
/// Pause between attempts to open an interface that is away.
const RETRY: Duration = Duration::from_millis(500);
/// How far the clock of flows stays behind ours while no frame comes: frames may still wait in the ring.
const BEHIND: i64 = 1_000_000_000;
/// How long a stopping sensor empties the ring.
const DRAIN: Duration = Duration::from_secs(2);

/// Opens every interface and starts their threads.
///
/// Packet rings lie below `data`.
pub(crate) fn start(configs: &[TapConfig], data: &Path, context: &Context) -> Result<Vec<JoinHandle<()>>, SourceError> {
    let mut threads = Vec::new();
    let mut recorded = configs.iter().filter(|c| c.ring.is_some()).map(|c| c.interface.as_str()).collect::<Vec<_>>();
    recorded.sort_unstable();
    if recorded.windows(2).any(|two| two.first() == two.last()) {
        return Err(SourceError::setting("tap.ring", "stands twice for one interface", "keep it in one of the entries"));
    }
    for config in configs {
        let opened = match capture::open(config) {
            Ok(opened) => Some(opened),
            Err(SourceError::Tap { interface, why }) => {
                tracing::warn!("FSP-SRC-114: {interface} cannot be listened to yet ({why}); it is tried again until it can");
                None
            }
            Err(error) => return Err(error),
        };
        let watch = Arc::new(Watch::new(config, context));
        let worker = |part| Worker {
            sensor: Sensor::new(config.sensor()),
            lane: context.pipeline.events(&watch.introduction(), &watch.assignment),
            watch: watch.part(part),
        };
        let recorder = match &config.ring {
            Some(ring) => {
                let (recorder, receiver) = Recorder::new();
                let folder = ring::folder(data, &config.interface);
                let (interface, settings, watch) = (config.interface.clone(), ring.settings(), Arc::clone(&watch));
                threads.push(spawn(config, move || recorder::record(&receiver, &folder, &interface, settings, &watch))?);
                Some(recorder)
            }
            None => None,
        };
        let taker = if config.threads == 1 {
            Taker::One(Box::new(worker(1)))
        } else {
            let (spread, receivers) = Spread::new(config.threads);
            for (number, receiver) in receivers.into_iter().enumerate() {
                let worker = worker(number + 1);
                threads.push(spawn(config, move || worker.take_all(&receiver))?);
            }
            Taker::Many(spread)
        };
        let failed = |source| SourceError::Thread { what: "the network sensor", source };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
        let reader =
            Reader { config: config.clone(), handle: None, taker, recorder, watch: watch.part(0), runtime, context: context.clone() };
        threads.push(spawn(config, move || reader.run(opened))?);
    }
    Ok(threads)
}

/// A thread that keeps the right to open interfaces and no other.
fn spawn(config: &TapConfig, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, SourceError> {
    let lowered = move || {
        if let Err(error) = privilege::lower() {
            tracing::warn!(%error, "the sensor keeps more rights than it needs");
        }
        run();
    };
    let thread = thread::Builder::new().name(format!("tap-{}", config.interface)).spawn(lowered);
    thread.map_err(|source| SourceError::Thread { what: "the network sensor", source })
}

/// A sensor with its way to the log.
struct Worker {
    sensor: Sensor,
    lane: EventLane,
    watch: Part,
}

impl Worker {
    fn frame(&mut self, frame: Frame<'_>) {
        self.sensor.packet(frame.link, frame.at, frame.wire, frame.data);
    }

    /// Hands the events to the log, waiting while it can take no more; `false`: there is no log any more.
    fn pass_on(&mut self) -> bool {
        let at = now();
        for event in self.sensor.events() {
            self.lane.push(event, at);
            if self.lane.is_full() && self.lane.flush().is_err() {
                return false;
            }
        }
        self.lane.flush().is_ok()
    }

    fn report(&mut self) {
        self.watch.report(self.sensor.summary(), self.sensor.alive() as u64);
    }

    /// Ends every flow and hands everything over.
    fn end(&mut self) {
        self.sensor.finish();
        self.report();
        if !self.pass_on() {
            tracing::warn!("the last events of the network sensor were not stored");
        }
    }

    /// Takes the frames that another thread reads.
    fn take_all(mut self, batches: &Receiver<Batch>) {
        let mut reported = Instant::now();
        loop {
            match batches.recv_timeout(PATIENCE) {
                Ok(batch) => batch.each(|frame| self.frame(frame)),
                Err(RecvTimeoutError::Timeout) => self.sensor.clock(now() - BEHIND),
                Err(RecvTimeoutError::Disconnected) => return self.end(),
            }
            if !self.pass_on() {
                return;
            }
            if reported.elapsed() >= REPORT {
                self.report();
                reported = Instant::now();
            }
        }
    }
}

/// Who takes the frames of an interface.
enum Taker {
    One(Box<Worker>),
    Many(Spread),
}

/// The thread that empties the ring of an interface.
struct Reader {
    config: TapConfig,
    handle: Option<Handle>,
    taker: Taker,
    recorder: Option<Recorder>,
    watch: Part,
    runtime: Runtime,
    context: Context,
}

impl Reader {
    fn run(mut self, opened: Option<Opened>) {
        if let Some(opened) = opened {
            self.begin(opened);
        }
        self.watch.is_up(self.handle.is_some());
        let mut reported = Instant::now();
        while !self.context.stop.is_cancelled() {
            let came = self.listen(PATIENCE);
            if !self.hand_on(came == Ok(0)) {
                return;
            }
            if reported.elapsed() >= REPORT {
                self.report();
                reported = Instant::now();
            }
            if came.is_err() {
                thread::sleep(RETRY);
            }
        }
        self.end();
    }

    fn begin(&mut self, opened: Opened) {
        match Handle::new(opened, &self.runtime) {
            Ok(handle) => self.handle = Some(handle),
            Err(error) => tracing::error!(%error, interface = self.config.interface, "frames cannot be waited for"),
        }
    }

    /// Reads what is there; an interface that is away is opened again.
    fn listen(&mut self, patience: Duration) -> Result<usize, ()> {
        if self.handle.is_none() {
            self.open();
        }
        let handle = self.handle.as_mut().ok_or(())?;
        let (taker, recorder) = (&mut self.taker, &mut self.recorder);
        let came = handle.round(&self.runtime, patience, |frame| {
            if let Some(recorder) = recorder {
                recorder.frame(frame);
            }
            match taker {
                Taker::One(worker) => worker.frame(frame),
                Taker::Many(spread) => spread.frame(frame),
            }
        });
        // packets are wanted as soon as their event is there
        if let Some(recorder) = recorder.as_mut().filter(|_| !matches!(came, Ok(n) if n >= capture::ROUND)) {
            recorder.flush();
        }
        let Err(Away(why)) = came else { return came.map_err(drop) };
        self.watch.lost(handle.lost());
        self.handle = None;
        self.watch.is_up(false);
        let interface = &self.config.interface;
        tracing::warn!("FSP-SRC-115: {interface} is away ({why}); its flows stay open and it is listened to again when it is back");
        Err(())
    }

    fn open(&mut self) {
        match privilege::raised(|| capture::open(&self.config)) {
            Ok(opened) => {
                self.begin(opened);
                self.watch.is_up(self.handle.is_some());
                tracing::info!("{} is listened to again", self.config.interface);
            }
            Err(error) => tracing::debug!(%error, "not yet"),
        }
    }

    /// What has been read goes on its way; `false`: there is no log any more.
    fn hand_on(&mut self, idle: bool) -> bool {
        match &mut self.taker {
            Taker::One(worker) => {
                if idle {
                    worker.sensor.clock(now() - BEHIND);
                }
                worker.pass_on()
            }
            Taker::Many(spread) => {
                if idle {
                    spread.flush();
                }
                true
            }
        }
    }

    fn report(&mut self) {
        if let Some(handle) = &mut self.handle {
            self.watch.lost(handle.lost());
        }
        match &mut self.taker {
            Taker::One(worker) => worker.report(),
            Taker::Many(spread) => self.watch.dropped(spread.dropped()),
        }
        self.watch.tell();
    }

    /// Reads what is still in the ring, ends every flow and hands everything over.
    fn end(mut self) {
        let until = Instant::now() + DRAIN;
        while self.handle.is_some() && Instant::now() < until {
            let came = self.listen(PATIENCE);
            if !self.hand_on(true) {
                return;
            }
            if !matches!(came, Ok(n) if n > 0) {
                break;
            }
        }
        self.report();
        if let Taker::One(worker) = &mut self.taker {
            worker.end();
        }
    }
}
