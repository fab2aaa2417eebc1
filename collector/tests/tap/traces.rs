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
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
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
