//! Full disks, failing disks, consumers that do not read: nothing acknowledged is lost, and people are told.

use std::{
    future::Future as _,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use super::{SEGMENT, SOON, append, batch, config, drain, eventually, numbered, open, open_with, send, sim::Sim};
use crate::{AlarmKind, BusConfig, BusError, EmbeddedBus, Limits, Patience, format, host::Host as _, status::Alarm};

const BRIEF: Patience = Patience::AtMost(Duration::from_millis(250));

fn alarm(bus: &EmbeddedBus) -> Option<AlarmKind> {
    bus.status().alarm().map(|a| a.kind)
}

/// Appends, one batch each, with whatever is broken now; all must be there in the end.
fn survives(sim: &Sim, bus: &EmbeddedBus, broken: impl FnOnce(&Sim), mended: impl FnOnce(&Sim), kind: AlarmKind) {
    let first = append(bus, &["before"]);
    broken(sim);
    let waiting: Vec<_> = (0..5).map(|i| bus.append(batch(&[format!("during {i}")]).patient(Patience::Forever)).unwrap()).collect();
    eventually("the alarm", || alarm(bus) == Some(kind));
    thread::sleep(Duration::from_millis(30));
    assert!(waiting.iter().all(|t| t.peek().is_none()), "nothing is acknowledged");
    let refused = bus.append(batch(&["impatient"]).keyed([7; 16]).patient(BRIEF)).unwrap().wait().unwrap_err();
    assert!(matches!(refused, BusError::Full { .. }), "{refused}");
    mended(sim);
    let offsets: Vec<_> = waiting.into_iter().map(|t| t.wait().unwrap().first_offset()).collect();
    assert_eq!(offsets, (first + 1..first + 6).collect::<Vec<_>>());
    assert_eq!(alarm(bus), None, "the alarm ends by itself");
    // The refused batch was not kept, so its key is free.
    let again = bus.append(batch(&["patient"]).keyed([7; 16])).unwrap().wait().unwrap();
    assert!(!again.is_duplicate());
    let mut reader = bus.consumer("reader").unwrap();
    reader.seek(first).unwrap();
    let texts: Vec<_> = drain(&mut reader).into_iter().map(|(_, r)| String::from_utf8(r).unwrap()).collect();
    assert_eq!(texts, ["before", "during 0", "during 1", "during 2", "during 3", "during 4", "patient"]);
    drop(reader);
    bus.forget_consumer("reader").unwrap();
}

#[test]
fn a_full_disk_holds_senders_back_and_writing_resumes_by_itself() {
    for space in [0, 1, 63, 64, 79] {
        let sim = Sim::default();
        let (bus, _) = open(&sim);
        survives(&sim, &bus, |s| s.set(|f| f.space = space), |s| s.set(|f| f.space = u64::MAX), AlarmKind::DiskFull);
        let (_, recovery) = open(&sim.power_lost(space));
        assert!(recovery.is_clean() && recovery.head == 7, "{recovery:?}");
    }
}

#[test]
fn the_reserve_of_free_space_is_not_touched() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    survives(&sim, &bus, |s| s.set(|f| f.free = 1050), |s| s.set(|f| f.free = 5000), AlarmKind::DiskFull);
}

#[test]
fn a_disk_that_cannot_write_is_left_for_a_new_segment() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    survives(&sim, &bus, |s| s.set(|f| f.writes = u32::MAX), |s| s.set(|f| f.writes = 0), AlarmKind::WriteFailed);
    assert!(bus.status().segments.len() > 1 && bus.status().counters.write_errors > 0);
}

#[test]
fn a_failed_sync_is_never_believed_later() {
    for (seed, truncate) in [(1, false), (2, true), (3, false), (4, true)] {
        let sim = Sim::default();
        let (bus, _) = open(&sim);
        let broken = |s: &Sim| {
            s.set(|f| {
                f.syncs = u32::MAX;
                f.truncate = truncate;
            });
        };
        let mended = |s: &Sim| {
            s.set(|f| {
                f.syncs = 0;
                f.truncate = false;
            });
        };
        survives(&sim, &bus, broken, mended, AlarmKind::WriteFailed);
        assert!(bus.status().counters.sync_errors > 0);
        // The machine forgets whatever was written to a file after its sync failed once.
        let (bus, recovery) = open(&sim.power_lost(seed));
        assert!(recovery.is_clean() && recovery.head == 7, "{recovery:?}");
        assert_eq!(drain(&mut bus.consumer("reader").unwrap()).len(), 7);
    }
}

#[test]
fn what_is_read_after_a_restart_is_durable_though_its_sync_had_failed() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    append(&bus, &["synced"]);
    let synced = bus.status().bytes as usize;
    append(&bus, &numbered(30, 100));
    drop(bus);
    sim.never_synced(&sim.files("seg")[0], synced);
    let (bus, recovery) = open(&sim);
    assert_eq!(recovery.head, 31, "what the system's memory holds is good, if it comes to last");
    drop(bus);
    for seed in 0..20 {
        assert_eq!(open(&sim.power_lost(seed)).1.head, 31);
    }
}

#[test]
fn a_single_failed_sync_costs_a_moment_and_leaves_what_follows_readable_at_once() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    let mut reader = bus.consumer("reader").unwrap();
    for i in 0..20u8 {
        if i % 4 == 1 {
            sim.set(|f| f.syncs = 1);
        }
        assert_eq!(append(&bus, &[[i], [i]]), 2 * u64::from(i));
        assert_eq!(reader.poll(10, 100, SOON).unwrap().map(|(_, r)| r[0]).collect::<Vec<_>>(), [i, i]);
    }
}

#[test]
fn a_refused_group_does_not_come_back_from_behind_a_shorter_one() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    append(&bus, &["first"]);
    // Hold the disk, so that what is sent meanwhile becomes one group; let it take two of the three batches of that group.
    sim.set(|f| f.permits = 0);
    let head = send(&bus, &["head"]);
    eventually("the write", || sim.bytes(&sim.files("seg")[0]).len() > 64 + 2 * 72);
    let refused = [100, 50, 900].map(|n| bus.append(batch(&numbered(1, n)).patient(BRIEF)).unwrap());
    sim.set(|f| (f.space, f.permits) = (400, u32::MAX));
    assert!(refused.into_iter().all(|t| t.wait().is_err()));
    head.wait().unwrap();
    sim.set(|f| f.space = u64::MAX);
    append(&bus, &["short"]);
    let (bus, recovery) = open(&sim.killed());
    assert_eq!((recovery.head, recovery.torn_bytes), (3, 0));
    let texts: Vec<_> = drain(&mut bus.consumer("reader").unwrap()).into_iter().map(|(_, r)| r).collect();
    assert_eq!(texts, [&b"first"[..], b"head", b"short"]);
}

#[test]
fn holes_that_a_power_failure_leaves_in_the_last_write_are_told_from_losses() {
    let sim = Sim::default();
    let (bus, _) = open_with(&sim, BusConfig { segment_bytes: 16 * SEGMENT, ..config() }, Limits::default());
    append(&bus, &["before"]);
    sim.set(|f| f.permits = 0);
    let head = send(&bus, &["head"]);
    eventually("the write", || sim.bytes(&sim.files("seg")[0]).len() > 64 + 80);
    let group: Vec<_> = (0..5).map(|_| send(&bus, &numbered(1, 1500))).collect();
    sim.set(|f| f.permits = 1);
    head.wait().unwrap();
    eventually("the write", || sim.bytes(&sim.files("seg")[0]).len() > 5 * 1500);
    let mut holes = 0;
    for seed in 0..200 {
        let crashed = sim.power_lost(seed);
        let (bus, recovery) = open(&crashed);
        assert!(recovery.is_clean() && recovery.head >= 2, "{recovery:?}");
        holes += usize::from(!recovery.lost.is_empty());
        let read = drain(&mut bus.consumer("reader").unwrap()).len() as u64;
        let missing: u64 = recovery.lost.iter().map(|l| l.to - l.from).sum();
        assert_eq!(read + missing, recovery.head);
        assert_eq!(bus.status().alarm(), None, "nothing acknowledged is missing");
    }
    assert!(holes > 0, "some crash left a hole");
    assert!(group.iter().all(|t| t.peek().is_none()));
    sim.set(|f| f.permits = u32::MAX);
}

#[test]
fn what_a_failed_attempt_left_behind_is_not_in_the_way() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    append(&bus, &["first"]);
    bus.seal().unwrap();
    drop(sim.create(&std::path::Path::new("/bus").join(format::segment_name(1))).unwrap());
    assert_eq!(append(&bus, &["second"]), 1);
    assert_eq!(drain(&mut bus.consumer("reader").unwrap()).len(), 2);
    assert_eq!(alarm(&bus), None);
}

#[test]
fn short_writes_are_continued() {
    let sim = Sim::default();
    sim.set(|f| f.most = 7);
    let (bus, _) = open(&sim);
    append(&bus, &numbered(50, 20));
    let (bus, recovery) = open(&sim.power_lost(5));
    assert!(recovery.is_clean());
    assert_eq!(drain(&mut bus.consumer("reader").unwrap()).len(), 50);
}

#[test]
fn senders_wait_while_the_queue_is_full_and_are_refused_in_time() {
    let sim = Sim::default();
    let limits = Limits { queue_bytes: 2000, patience: BRIEF, ..Limits::default() };
    let (bus, _) = open_with(&sim, config(), limits);
    sim.set(|f| f.free = 0);
    let start = Instant::now();
    let mut refused = 0;
    for i in 0..8 {
        match bus.append(batch(&numbered(1, 400 + i))) {
            Ok(ticket) => drop(ticket),
            Err(BusError::Full { reason, waited }) => {
                assert!(reason.contains("disk is full") && waited >= Duration::from_millis(250), "{reason}");
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0 && start.elapsed() >= Duration::from_millis(250));
    assert!(bus.status().queued_bytes <= 2000);
    assert!(bus.status().counters.refused > 0);
    // Closing does not wait for the disk: what was not acknowledged is refused.
    let ticket = bus.append(batch(&["last"]).patient(Patience::Forever)).unwrap();
    bus.close();
    assert!(matches!(ticket.wait(), Err(BusError::Closed)));
}

#[test]
fn an_async_sender_is_refused_in_time_too() {
    let sim = Sim::default();
    let (bus, _) = open_with(&sim, config(), Limits { queue_bytes: 1000, ..Limits::default() });
    sim.set(|f| f.free = 0);
    let waiting = bus.append(batch(&numbered(1, 900)).patient(Patience::Forever)).unwrap();
    let mut refused = pin!(bus.append_async(batch(&["a"]).patient(BRIEF)));
    let mut dropped = Box::pin(bus.append_async(batch(&["b"]).patient(Patience::Forever)));
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(refused.as_mut().poll(&mut cx).is_pending() && dropped.as_mut().poll(&mut cx).is_pending());
    drop(dropped);
    eventually("the waker", || woken.0.load(Ordering::SeqCst));
    assert!(matches!(refused.as_mut().poll(&mut cx), Poll::Ready(Err(BusError::Full { .. }))));
    let mut accepted = pin!(bus.append_async(batch(&["c"]).patient(Patience::Forever)));
    assert!(accepted.as_mut().poll(&mut cx).is_pending());
    woken.0.store(false, Ordering::SeqCst);
    sim.set(|f| f.free = u64::MAX);
    assert_eq!(waiting.wait().unwrap().first_offset(), 0);
    eventually("the waker", || woken.0.load(Ordering::SeqCst));
    let Poll::Ready(Ok(ticket)) = accepted.as_mut().poll(&mut cx) else { panic!("there is room") };
    assert_eq!(ticket.wait().unwrap().first_offset(), 1);
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_lagging_consumer_holds_senders_back_and_loses_nothing() {
    let sim = Sim::default();
    let (bus, _) = open_with(&sim, BusConfig { max_bytes: 4 * SEGMENT, ..config() }, Limits::default());
    let mut slow = bus.consumer("slow").unwrap();
    let mut fast = bus.consumer("fast").unwrap();
    let mut sent = 0u64;
    let held = loop {
        let ticket = bus.append(batch(&numbered(5, 100)).patient(Patience::AtMost(Duration::from_millis(400)))).unwrap();
        match ticket.wait() {
            Ok(_) => sent += 5,
            Err(error) => break error,
        }
        let next = fast.poll(100, 10_000, SOON).unwrap().next_offset();
        fast.commit(next).unwrap();
    };
    assert!(held.to_string().contains("slow has not done"), "{held}");
    assert!(matches!(bus.status().alarm(), Some(Alarm { kind: AlarmKind::LogFull, message, .. }) if !message.contains("fast")));
    assert_eq!((bus.status().oldest, bus.head()), (0, sent), "nothing unread is deleted");
    let waiting = send(&bus, &numbered(5, 100));
    let read = drain(&mut slow);
    assert_eq!(read.len() as u64, sent);
    let next = slow.position();
    slow.commit(next).unwrap();
    fast.commit(next).unwrap();
    assert_eq!(waiting.wait().unwrap().first_offset(), sent);
    assert_eq!(alarm(&bus), None);
    let status = bus.status();
    assert!(status.oldest > 0 && status.bytes <= 4 * SEGMENT, "{status:?}");
    slow.seek(0).unwrap_err();
}

#[test]
fn expired_segments_go_when_all_consumers_have_passed_them() {
    let sim = Sim::default();
    let day = Duration::from_secs(24 * 3600);
    let (bus, _) = open_with(&sim, BusConfig { max_age: day, ..config() }, Limits::default());
    let (mut a, mut b) = (bus.consumer("a").unwrap(), bus.consumer("b").unwrap());
    let keyed = bus.append(batch(&["keyed"]).keyed([1; 16])).unwrap().wait().unwrap();
    for _ in 0..10 {
        append(&bus, &numbered(10, 100));
    }
    let (mut end, segments) = (bus.head(), bus.status().segments);
    a.commit(end).unwrap();
    sim.advance(day.as_nanos() as i64 + 1);
    thread::sleep(Duration::from_millis(250));
    assert_eq!(bus.status().oldest, 0, "b has not read anything");
    b.commit(segments[1].end_offset).unwrap();
    eventually("retention", || bus.status().oldest == segments[2].first_offset || bus.status().oldest == segments[1].end_offset);
    b.commit(end).unwrap();
    end += 1;
    append(&bus, &["fresh"]);
    bus.seal().unwrap();
    eventually("retention", || bus.status().segments.len() <= 1);
    assert_eq!((bus.status().oldest + bus.status().segments[0].records, bus.head()), (end, end), "the newest segment stays");
    assert_eq!(sim.files("seg").len(), 1);
    assert_eq!(sim.files("seal").len(), 1);
    // An expired batch is no longer known by its key, and a restart does not start over.
    let again = bus.append(batch(&["keyed"]).keyed([1; 16])).unwrap().wait().unwrap();
    assert!(keyed.first_offset() == 0 && !again.is_duplicate() && again.first_offset() == end);
    assert!(matches!(a.seek(0), Err(BusError::Expired { wanted: 0, .. })));
    drop((a, b));
    drop(bus);
    let (bus, recovery) = open_with(&sim, BusConfig { max_age: day, ..config() }, Limits::default());
    assert!(recovery.is_clean() && recovery.head == end + 1);
    assert_eq!(append(&bus, &["next"]), end + 1);
}

#[test]
fn a_quiet_log_is_sealed_by_age() {
    let sim = Sim::default();
    let (bus, _) = open(&sim);
    append(&bus, &["lonely"]);
    sim.advance(2 * 3600 * 1_000_000_000);
    eventually("the seal", || bus.status().segments[0].root.is_some());
    assert_eq!(append(&bus, &["next"]), 1);
}
