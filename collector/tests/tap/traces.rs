//! Real traces, whole, cut and damaged.

use crate::kit;

#[test]
fn every_trace_gives_flows() {
    let Some(folder) = kit::traces() else { return };
    for path in kit::captures(&folder) {
        let events = kit::file(&path);
        assert!(!kit::of(&events, "network.flow").is_empty(), "no flow in {}", path.display());
    }
}

#[test]
fn bits_that_flip_do_no_harm() {
    use std::io::Cursor;

    use fansipan_collector::tap::{Sensor, Settings, files::CaptureFile};
    let Some(folder) = kit::traces() else { return };
    let rounds = if std::env::var_os("FANSIPAN_SOAK").is_some() { 500 } else { 2 };
    let mut random = random(0x2545_f491_4f6c_dd1d);
    for entry in std::fs::read_dir(folder).expect("traces") {
        let path = entry.expect("entry").path();
        let bytes = std::fs::read(&path).expect("a file");
        for _ in 0..rounds {
            let mut bytes = bytes.clone();
            for _ in 0..bytes.len() / 200 + 1 {
                let at = 24 + (random() as usize) % bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (random() % 8);
                }
            }
            bytes.truncate(bytes.len() - (random() as usize) % (bytes.len() / 4 + 1));
            let Ok(mut file) = CaptureFile::new("damaged", Box::new(Cursor::new(bytes))) else { continue };
            let mut sensor = Sensor::new(Settings::default());
            while let Some(p) = file.next_packet() {
                sensor.packet(p.link, p.at, p.wire, p.data);
            }
            sensor.finish();
        }
    }
}

fn random(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// Files whose packets are well framed and wrong within: what is read of a protocol goes on to its parser, where damage to the file
/// itself would end the reading. Ten minutes with `FANSIPAN_SOAK` (`FANSIPAN_SOAK_SECONDS`), else once over every trace.
#[test]
fn contents_that_change_do_no_harm() {
    use std::{
        io::Cursor,
        time::{Duration, Instant},
    };

    use fansipan_collector::tap::{Sensor, Settings, files::CaptureFile};
    let Some(folder) = kit::traces() else { return };
    let seconds = std::env::var("FANSIPAN_SOAK_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(600);
    let until = std::env::var_os("FANSIPAN_SOAK").map(|_| Instant::now() + Duration::from_secs(seconds));
    let read = |e: std::io::Result<std::fs::DirEntry>| std::fs::read(e.expect("entry").path()).expect("a file");
    let traces: Vec<Vec<u8>> = std::fs::read_dir(folder).expect("traces").map(read).collect();
    let mut random = random(0x9e37_79b9_7f4a_7c15);
    let (mut packets, mut longest, mut changed) = (0u64, Duration::ZERO, Vec::new());
    loop {
        for trace in &traces {
            let Ok(mut file) = CaptureFile::new("changed", Box::new(Cursor::new(trace.clone()))) else { continue };
            let mut sensor = Sensor::new(Settings::default());
            while let Some(p) = file.next_packet() {
                changed.clear();
                changed.extend_from_slice(p.data);
                // headers change now and then, contents often: a parser must be reached to be tried
                let from = if random() % 16 == 0 { 0 } else { 54 };
                for _ in 0..random() % 5 {
                    let at = from + random() as usize % changed.len().max(1);
                    if let Some(byte) = changed.get_mut(at) {
                        *byte = if random() % 2 == 0 {
                            *byte ^ 1 << (random() % 8)
                        } else {
                            [0, 0xff, 0x7f, 0x80, random() as u8][random() as usize % 5]
                        };
                    }
                }
                if random() % 32 == 0 {
                    changed.truncate(random() as usize % (changed.len() + 1));
                }
                let begun = Instant::now();
                for _ in 0..if random() % 32 == 0 { 2 } else { 1 } {
                    sensor.packet(p.link, p.at, p.wire, &changed);
                }
                longest = longest.max(begun.elapsed());
                packets += 1;
            }
            sensor.finish();
        }
        if until.is_none_or(|until| Instant::now() > until) {
            break;
        }
    }
    println!("{packets} packets changed, the longest took {longest:?}");
    assert!(longest < Duration::from_secs(5), "a packet took {longest:?}");
}
