//! Packets made by hand, and running them through the sensor.

use std::path::{Path, PathBuf};

use fansipan_collector::tap::{Sensor, Settings, decode::link::LinkType, files::CaptureFile};
use fansipan_model::{Event, json};

/// A segment of a made-up connection: who sends, at which place of its stream, flags and bytes.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) client: bool,
    pub(crate) offset: u32,
    pub(crate) flags: u8,
    pub(crate) bytes: Vec<u8>,
}

const CLIENT_ISN: u32 = 0xffff_ff00; // so that sequence numbers wrap
const SERVER_ISN: u32 = 5000;

impl Segment {
    /// The segment as an IPv4 packet without a link layer.
    pub(crate) fn packet(&self) -> Vec<u8> {
        let (source, destination) = ([10, 0, 0, 1], [192, 0, 2, 80]);
        let (from, to, ports, isn) =
            if self.client { (source, destination, [40_000u16, 80], CLIENT_ISN) } else { (destination, source, [80, 40_000], SERVER_ISN) };
        let syn = self.flags & 2 != 0;
        let sequence = if syn { isn } else { isn.wrapping_add(1).wrapping_add(self.offset) };
        let mut tcp = Vec::new();
        tcp.extend(ports[0].to_be_bytes());
        tcp.extend(ports[1].to_be_bytes());
        tcp.extend(sequence.to_be_bytes());
        tcp.extend([0; 4]);
        tcp.extend([0x50, self.flags, 0x20, 0, 0, 0, 0, 0]);
        tcp.extend(&self.bytes);
        let total = (20 + tcp.len()) as u16;
        let mut ip = vec![0x45, 0];
        ip.extend(total.to_be_bytes());
        ip.extend([0, 1, 0, 0, 64, 6, 0, 0]);
        ip.extend(from);
        ip.extend(to);
        ip.extend(tcp);
        ip
    }
}

/// The events of frames that all come at the same time, as JSON.
pub(crate) fn events(packets: &[Vec<u8>]) -> Vec<serde_json::Value> {
    let mut sensor = Sensor::new(Settings::default());
    for packet in packets {
        sensor.packet(LinkType::RAW, 1_700_000_000_000_000_000, packet.len() as u32, packet);
    }
    sensor.finish();
    sensor.events().map(|e| parsed(&e)).collect()
}

/// The events of a capture file, as JSON.
pub(crate) fn file(path: &Path) -> Vec<serde_json::Value> {
    let mut file = CaptureFile::open(path).expect("a capture");
    let mut sensor = Sensor::new(Settings::default());
    let mut out = Vec::new();
    while let Some(p) = file.next_packet() {
        sensor.packet(p.link, p.at, p.wire, p.data);
        out.extend(sensor.events().map(|e| parsed(&e)));
    }
    sensor.finish();
    out.extend(sensor.events().map(|e| parsed(&e)));
    out
}

fn parsed(event: &Event) -> serde_json::Value {
    serde_json::from_str(&json::to_string(event)).expect("JSON")
}

/// Those of one dataset.
pub(crate) fn of<'a>(events: &'a [serde_json::Value], dataset: &str) -> Vec<&'a serde_json::Value> {
    events.iter().filter(|e| e["event.dataset"] == dataset).collect()
}

/// The folder of real traces, if it is there.
pub(crate) fn traces() -> Option<PathBuf> {
    let root = std::env::var_os("FANSIPAN_TEST_DATA").map(PathBuf::from);
    let candidates =
        [root, Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data")), Some(PathBuf::from("/work/shared/data"))];
    let found = candidates.into_iter().flatten().map(|p| p.join("pcap")).find(|p| p.is_dir());
    if found.is_none() {
        println!("skipped: no traces at ../shared/data/pcap (set FANSIPAN_TEST_DATA)");
    }
    found
}

/// The captures of a folder, in order.
pub(crate) fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("traces").map(|e| e.expect("entry").path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "pcap" || e == "pcapng"));
    paths.sort();
    paths
}

/// The values of a field, one or several.
pub(crate) fn list(value: &serde_json::Value) -> Vec<&str> {
    match value {
        serde_json::Value::Array(all) => all.iter().filter_map(serde_json::Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}
