//! The thread behind the writer: seals full segments, deletes expired ones that every consumer has passed, makes positions
//! durable, ends waiting that has lasted long enough. Never acknowledges anything and never deletes what is unread.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    error::BusError,
    format,
    log::{Log, Phase, Segment, Shared},
    scan::{Bounds, Gap},
    seal::{self, Seal},
    status::{AlarmKind, Lost},
    sync::{locked, wait},
};

/// Positions are written this often at most; patience is measured to this.
const TICK: Duration = Duration::from_millis(100);
/// Sealing reads a whole segment, so it is not tried again at once after it failed.
const RETRY: Duration = Duration::from_secs(5);

/// Works until the log is closed.
fn run(shared: &Shared) {
    let mut seal_again = Instant::now();
    loop {
        let (closed, asked) = {
            let mut log = locked(&shared.log);
            if !log.chores && !log.closed {
                log = wait(&shared.chores, log, Some(TICK));
            }
            log.chores = false;
            (log.closed, std::mem::take(&mut log.seal_now))
        };
        store_positions(shared);
        if closed {
            return;
        }
        shared.queue.tick();
        let due = asked || Instant::now() >= seal_again;
        let sealed = if due { seal_closed(shared) } else { Ok(()) };
        match sealed.and(expire(shared)) {
            Ok(()) if due => locked(&shared.log).settle(AlarmKind::UpkeepFailed),
            Ok(()) => {}
            Err(error) => {
                seal_again = Instant::now() + RETRY;
                let mut log = locked(&shared.log);
                log.upkeep_failures += 1;
                log.raise(AlarmKind::UpkeepFailed, error.to_string(), shared.host.now());
                drop(log);
                shared.chores.notify_all();
            }
        }
        roll_aged(shared);
    }
}

/// Makes every committed position durable that is not yet.
pub(crate) fn store_positions(shared: &Shared) {
    let dirty: Vec<(String, u64)> = {
        let log = locked(&shared.log);
        log.consumers.iter().filter(|(_, c)| c.committed != c.durable).map(|(n, c)| (n.clone(), c.committed)).collect()
    };
    for (name, offset) in dirty {
        let stored = locked(&shared.positions).store(&*shared.host, &name, offset);
        let mut log = locked(&shared.log);
        match stored {
            Ok(()) => {
                if let Some(consumer) = log.consumers.get_mut(&name) {
                    consumer.durable = offset;
                }
                log.settle(AlarmKind::PositionsFailed);
            }
            Err(error) => log.raise(AlarmKind::PositionsFailed, error.to_string(), shared.host.now()),
        }
    }
}

/// Seals closed segments in order, for each seal names the one before it.
fn seal_closed(shared: &Shared) -> Result<(), BusError> {
    loop {
        let (segment, previous) = {
            let log = locked(&shared.log);
            let Some(segment) = log.segments.iter().find(|s| s.phase == Phase::Closed) else { return Ok(()) };
            (segment.clone(), log.seal_before(segment.base))
        };
        let path = shared.path(segment.base);
        let bounds = Bounds { salt: segment.salt, base: segment.base, below: segment.next, end: segment.length };
        let computed = shared.host.open(&path).and_then(|file| Seal::compute(&*file, &bounds, previous));
        let now = shared.host.now();
        let (sealed, gaps) = match computed {
            Ok(done) => done,
            Err(error) => {
                let mut log = locked(&shared.log);
                if let Some(broken) = log.segment_mut(segment.base) {
                    broken.phase = Phase::Broken;
                }
                tracing::error!(path = %path.display(), %error, "a full segment cannot be read back to be sealed");
                log.note_lost(Lost { from: segment.base, to: segment.next, segment: segment.base, certain: true, found_at: now });
                shared.chores.notify_all();
                continue;
            }
        };
        let (id, bytes) = sealed.write(&*shared.host, &shared.config.dir)?;
        let mut log = locked(&shared.log);
        for Gap { from, to, certain } in gaps {
            log.note_lost(Lost { from, to, segment: segment.base, certain, found_at: now });
        }
        log.bytes += bytes;
        if let Some(done) = log.segment_mut(segment.base) {
            done.phase = Phase::Sealed { root: sealed.root, id };
            done.seal_bytes = bytes;
            done.records = sealed.records;
        }
        drop(log);
        shared.chores.notify_all();
    }
}

/// The oldest segment, if it may and should go: every consumer has passed it, and it is too old or room is needed,
/// by the log's own bound or because the disk is full. The newest
/// sealed segment stays for good: the next seal names it, and it tells where an otherwise empty log continues.
fn expired(log: &Log, shared: &Shared) -> Option<Segment> {
    let done = |s: &&Segment| matches!(s.phase, Phase::Sealed { .. } | Phase::Broken);
    let oldest = log.segments.front().filter(done)?;
    if log.segments.get(1).filter(done).is_none() || !log.laggards().is_empty() {
        return None;
    }
    let age = shared.host.now().saturating_sub(oldest.last_at);
    let too_old = u128::try_from(age).is_ok_and(|age| age > shared.config.max_age.as_nanos());
    // One segment ahead of the limit, so that writing does not have to wait for the deletion.
    let needed = log.bytes.saturating_add(shared.config.segment_bytes) > shared.config.max_bytes;
    // on a full disk nothing is written any more until room is made
    let full = log.alarms.contains_key(&AlarmKind::DiskFull);
    (too_old || needed || full).then(|| oldest.clone())
}

fn expire(shared: &Shared) -> Result<(), BusError> {
    let mut any = false;
    loop {
        let segment = {
            let mut log = locked(&shared.log);
            let Some(segment) = expired(&log, shared) else { break };
            // Readers must not find it any more before it goes.
            log.segments.pop_front();
            log.bytes = log.bytes.saturating_sub(segment.bytes());
            log.counters.expired_segments += 1;
            let oldest = log.oldest();
            log.lost.retain(|l| l.to > oldest);
            segment
        };
        any = true;
        delete(shared, segment.base);
        shared.queue.expire_keys(segment.next);
        shared.queue.nudge();
    }
    if any {
        shared.host.sync_dir(&shared.config.dir).map_err(BusError::io("sync", &shared.config.dir))?;
    }
    Ok(())
}

/// Deletes a segment, its seal first: a seal alone would say that a segment has vanished.
fn delete(shared: &Shared, base: u64) {
    for path in [shared.config.dir.join(seal::name(base)), shared.config.dir.join(format::segment_name(base))] {
        match shared.host.remove(&path) {
            Ok(()) => tracing::debug!(path = %path.display(), "expired"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "an expired file cannot be deleted; it is tried again at the next start")
            }
        }
    }
}

/// Has a segment closed that was begun long ago, so that a quiet log still gets its proofs and forgets what is old.
fn roll_aged(shared: &Shared) {
    let limit = shared.limits.seal_after.min(shared.config.max_age / 2).as_nanos();
    let now = shared.host.now();
    let mut log = locked(&shared.log);
    let aged = |s: &&Segment| {
        let age = u128::try_from(now.saturating_sub(s.first_at));
        s.phase == Phase::Open && s.records > 0 && age.is_ok_and(|age| age > limit)
    };
    let Some(base) = log.segments.back().filter(aged).map(|s| s.base).filter(|b| log.rolling != Some(*b)) else { return };
    log.rolling = Some(base);
    drop(log);
    // Refused only when the log closes, which seals nothing more anyway.
    let _ = shared.queue.push_roll();
}

/// Starts the thread.
pub(crate) fn spawn(shared: Arc<Shared>) -> Result<std::thread::JoinHandle<()>, BusError> {
    let dir = shared.config.dir.clone();
    std::thread::Builder::new().name("bus-keep".to_owned()).spawn(move || run(&shared)).map_err(BusError::io("start the keeper of", &dir))
}
