//! The packet ring: what goes in is found again by its flow and nothing else is; it stays within its bounds; whatever happens to its
//! files, what is whole is given.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{fs, net::IpAddr, path::Path};

use fansipan_collector::tap::{
    decode::link::LinkType,
    files::{CaptureFile, Ending},
    ring::{FlowName, Limits, Place, Ring, Settings, Wanted, find},
};
use fansipan_model::PacketsFound;
use proptest::prelude::*;

const SECOND: i64 = 1_000_000_000;
const START: i64 = 1_700_000_000 * SECOND;
const ALL: Limits = Limits { bytes: u64::MAX, packets: usize::MAX };
const SETTINGS: Settings =
    Settings { bytes: 1 << 30, age: 1000 * 3600 * SECOND, flow_bytes: u64::MAX, free_bytes: 0, segment_bytes: 16 << 10 };

fn ip(last: u8) -> IpAddr {
    [10, 0, 0, last].into()
}

/// An IPv4 datagram; `place`: the field of identification, flags and offset.
fn ipv4(from: u8, to: u8, protocol: u8, place: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x45, 0];
    out.extend((20 + payload.len() as u16).to_be_bytes());
    out.extend(place);
    out.extend([64, protocol, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
    out.extend(payload);
    out
}

fn ethernet(kind: &[u8], packet: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], kind, packet].concat()
}

fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(ports.0.to_be_bytes());
    out.extend(ports.1.to_be_bytes());
    out.extend((8 + payload.len() as u16).to_be_bytes());
    out.extend([0, 0]);
    out.extend(payload);
    out
}

/// A frame of the flow between port 1000 + `flow` of 10.0.0.1 and port 53 of 10.0.0.2, there or back.
fn frame(flow: u16, back: bool, payload: &[u8]) -> Vec<u8> {
    let (ends, ports) = if back { ((2, 1), (53, 1000 + flow)) } else { ((1, 2), (1000 + flow, 53)) };
    ethernet(&[8, 0], &ipv4(ends.0, ends.1, 17, [0, 1, 0, 0], &udp(ports, payload)))
}

fn name(flow: u16) -> FlowName {
    FlowName::of(17, (ip(2), 53), (ip(1), 1000 + flow))
}

fn wanted(name: FlowName, at: i64) -> Wanted {
    Wanted { name, from: at, to: at, around: 900 * SECOND }
}

fn open(folder: &Path, settings: Settings) -> Ring {
    Ring::open(folder, "t1", settings).unwrap()
}

fn put(ring: &mut Ring, at: i64, frame: &[u8]) {
    ring.frame(LinkType::ETHERNET, at, frame.len() as u32, frame);
}

/// What is found, and the packets as our own reader of captures sees them.
fn read(folder: &Path, wanted: &[Wanted], limits: Limits) -> (PacketsFound, Vec<(i64, Vec<u8>)>) {
    let (found, packets) = read_damaged(folder, wanted, limits);
    assert!(packets.iter().all(|p| (p.2, p.3 as usize) == (LinkType::ETHERNET, p.1.len())));
    (found, packets.into_iter().map(|p| (p.0, p.1)).collect())
}

/// The same, with link and length on the wire, which may be anything.
fn read_damaged(folder: &Path, wanted: &[Wanted], limits: Limits) -> (PacketsFound, Vec<(i64, Vec<u8>, LinkType, u32)>) {
    let place = Place { folder: folder.to_owned(), interface: "t1".into() };
    let mut out = Vec::new();
    let found = find(&[place], wanted, limits, &mut out).unwrap();
    assert_eq!(found.bytes, out.len() as u64);
    let mut file = CaptureFile::new("out", Box::new(std::io::Cursor::new(out))).unwrap();
    let mut packets = Vec::new();
    while let Some(p) = file.next_packet() {
        packets.push((p.at, p.data.to_vec(), p.link, p.wire));
    }
    assert_eq!(*file.ending(), Ending::Whole);
    assert_eq!(packets.len() as u64, found.packets);
    (found, packets)
}

fn files(folder: &Path, extension: &str) -> Vec<std::path::PathBuf> {
    let mut all: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == extension));
    all.sort();
    all
}

#[test]
fn a_flow_is_found_among_others_in_both_directions_while_it_is_written_and_after() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("packets/t1");
    let mut ring = open(&folder, SETTINGS);
    let mut expected = Vec::new();
    for n in 0..600u16 {
        let (flow, at) = (n % 20, START + i64::from(n) * SECOND / 10 + 7);
        let data = frame(flow, n % 3 == 0, &n.to_be_bytes().repeat(50));
        put(&mut ring, at, &data);
        if flow == 5 {
            expected.push((at, data));
        }
    }
    ring.commit();
    let at = START + 30 * SECOND;
    assert_eq!(read(&folder, &[wanted(name(5), at)], ALL).1, expected, "while it is written");
    assert!(files(&folder, "pcapng").len() > 4, "several segments");
    ring.close();
    assert_eq!(files(&folder, "pcapng").len(), files(&folder, "index").len());
    assert_eq!(read(&folder, &[wanted(name(5), at)], ALL).1, expected, "after it was closed");
    assert_eq!(read(&folder, &[wanted(name(99), at)], ALL).0.packets, 0);
    // the name is what every tool calls a community id
    assert_eq!(
        FlowName::parse("1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        Some(FlowName::of(6, ([128, 232, 110, 120].into(), 34855), ([66, 35, 250, 204].into(), 80)))
    );
    // nobody else may read it
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for path in files(&folder, "pcapng").iter().chain(&files(&folder, "index")) {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    // bounds of an answer are kept, and what is beyond is told
    let (found, packets) = read(&folder, &[wanted(name(5), at)], Limits { bytes: u64::MAX, packets: 7 });
    assert_eq!((packets.as_slice(), found.beyond), (&expected[..7], expected.len() as u64 - 7));
    let (found, _) = read(&folder, &[wanted(name(5), at)], Limits { bytes: 1000, packets: 1000 });
    assert!(found.bytes <= 1000 && found.packets > 0 && found.packets + found.beyond == expected.len() as u64, "{found:?}");
}

#[test]
fn tags_tunnels_and_pieces_belong_to_the_flow_they_carry() {
    let dir = tempfile::tempdir().unwrap();
    let datagram = udp((1003, 53), &[9; 40]);
    let (first, rest) = datagram.split_at(24);
    let whole = ipv4(1, 2, 17, [0, 1, 0, 0], &datagram);
    let vxlan = udp((4000, 4789), &[&[8, 0, 0, 0, 0, 0, 5, 0][..], &ethernet(&[8, 0], &whole)].concat());
    let tunnelled = ethernet(&[8, 0], &ipv4(8, 9, 17, [0, 1, 0, 0], &vxlan));
    let frames = [
        ethernet(&[0x81, 0, 0, 7, 8, 0], &whole),
        tunnelled.clone(),
        // the last piece comes first, then the one with the ports; others carry the same number between other ends
        ethernet(&[8, 0], &ipv4(1, 2, 17, [0, 77, 0, 3], rest)),
        ethernet(&[8, 0], &ipv4(3, 2, 17, [0, 77, 0, 3], rest)),
        ethernet(&[8, 0], &ipv4(1, 2, 17, [0, 77, 0x20, 0], first)),
        // a piece whose others never come
        ethernet(&[8, 0], &ipv4(1, 2, 17, [0, 78, 0x20, 0], first)),
    ];
    let mut ring = open(dir.path(), SETTINGS);
    for (n, f) in frames.iter().enumerate() {
        put(&mut ring, START + n as i64, f);
    }
    ring.commit();
    let numbers = |name| -> Vec<i64> { read(dir.path(), &[wanted(name, START)], ALL).1.iter().map(|p| p.0 - START).collect() };
    for closed in [false, true] {
        assert_eq!(numbers(name(3)), [0, 1, 2, 4, 5], "closed: {closed}");
        assert_eq!(numbers(FlowName::of(17, (ip(8), 4000), (ip(9), 4789))), [1], "the tunnel is a flow too");
        if !closed {
            std::mem::replace(&mut ring, open(&dir.path().join("other"), SETTINGS)).close();
        }
    }
}

#[test]
fn it_stays_within_its_bytes_and_its_age() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { bytes: 200 << 10, age: 3600 * SECOND, ..SETTINGS };
    let mut ring = open(dir.path(), settings);
    for n in 0..2000u16 {
        put(&mut ring, START + i64::from(n) * SECOND / 100, &frame(n % 7, false, &[1; 500]));
        ring.commit();
        assert!(ring.kept().bytes <= (200 << 10) + (64 << 10), "{:?}", ring.kept());
    }
    let kept = ring.kept();
    let on_disk: u64 = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    assert_eq!((kept.packets, kept.bytes, kept.unwritten), (2000, on_disk, 0));
    // the latest are there, the oldest not
    let (found, packets) = read(dir.path(), &[wanted(name(2), START + 19 * SECOND)], ALL);
    assert_eq!(packets.last().unwrap().0, START + 1997 * SECOND / 100);
    assert!(packets[0].0 > START + 10 * SECOND && found.oldest == kept.oldest, "{found:?}");
    // an hour later all of it goes, without a frame coming
    ring.clock(START + 3590 * SECOND);
    assert!(ring.kept().bytes > 0);
    ring.clock(START + 3700 * SECOND);
    assert_eq!((ring.kept().bytes, ring.kept().oldest), (0, None));
    assert_eq!(read(dir.path(), &[wanted(name(2), START + 19 * SECOND)], ALL).0.packets, 0);
}

#[test]
fn long_flows_are_kept_to_a_bound_and_what_is_left_out_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = open(dir.path(), Settings { flow_bytes: 10_000, ..SETTINGS });
    for n in 0..100 {
        put(&mut ring, START + n, &frame(1, n % 2 == 0, &[1; 958]));
        put(&mut ring, START + n, &frame(2, false, &[1; 8]));
    }
    ring.commit();
    assert_eq!(ring.kept().cut, 90);
    ring.close();
    let (found, _) = read(dir.path(), &[wanted(name(1), START)], ALL);
    assert_eq!((found.packets, found.cut), (10, 90));
    let (found, _) = read(dir.path(), &[wanted(name(2), START)], ALL);
    assert_eq!((found.packets, found.cut), (100, 0));
    // the same ends much later are another flow, which gets its own share, and its own answer
    let mut ring = open(dir.path(), Settings { flow_bytes: 10_000, ..SETTINGS });
    put(&mut ring, START + 600 * SECOND, &frame(1, false, &[3; 958]));
    ring.close();
    let (found, packets) = read(dir.path(), &[wanted(name(1), START + 599 * SECOND)], ALL);
    assert_eq!((found.packets, packets[0].0), (1, START + 600 * SECOND));
    assert_eq!(read(dir.path(), &[wanted(name(1), START)], ALL).0.packets, 10);
}

#[test]
fn what_a_crash_left_is_kept_as_far_as_it_is_whole_and_the_ring_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut ring = open(dir.path(), Settings { segment_bytes: 1 << 20, ..SETTINGS });
    for n in 0..10 {
        put(&mut ring, START + n, &frame(1, false, &[n as u8; 100]));
    }
    ring.commit();
    // no farewell: the segment has no index, and the last frame got through half
    std::mem::forget(ring);
    let segment = files(dir.path(), "pcapng").remove(0);
    let length = fs::metadata(&segment).unwrap().len();
    fs::OpenOptions::new().write(true).open(&segment).unwrap().set_len(length - 70).unwrap();
    assert_eq!(read(dir.path(), &[wanted(name(1), START)], ALL).0.packets, 9, "before anything repairs it");
    let mut ring = open(dir.path(), SETTINGS);
    put(&mut ring, START + 10, &frame(1, true, &[10; 100]));
    ring.close();
    let (found, packets) = read(dir.path(), &[wanted(name(1), START)], ALL);
    assert_eq!((found.packets, found.damaged), (10, 0));
    assert_eq!(packets.iter().map(|p| p.0 - START).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 10]);
    // a capture by any reader: the repaired segment ends whole
    let mut file = CaptureFile::open(&segment).unwrap();
    while file.next_packet().is_some() {}
    assert_eq!(*file.ending(), Ending::Whole);
}

#[test]
fn a_full_disk_costs_packets_that_are_counted_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("small");
    fs::create_dir(&folder).unwrap();
    let mount = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(&folder).status();
    if !mount.is_ok_and(|s| s.success()) {
        println!("skipped: a file system of its own cannot be mounted here");
        return;
    }
    let mut ring = open(&folder.join("t1"), Settings { segment_bytes: 64 << 10, ..SETTINGS });
    for n in 0..2000u16 {
        // a frame a second: after a refusal it is tried again
        put(&mut ring, START + i64::from(n) * SECOND, &frame(n % 7, false, &[1; 1000]));
        ring.commit();
    }
    let kept = ring.kept();
    assert!(kept.unwritten > 0, "256 KiB were not enough for 2 MB: {kept:?}");
    assert_eq!(kept.packets + kept.unwritten, 2000);
    ring.close();
    let (found, _) = read(&folder.join("t1"), &[wanted(name(3), START + 1990 * SECOND)], ALL);
    assert!(found.packets > 0 && found.damaged == 0, "the latest are there: {found:?}");
    let unmounted = std::process::Command::new("umount").arg(&folder).status().unwrap();
    assert!(unmounted.success());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(8), ..ProptestConfig::default() })]

    /// Bytes flipped and cut anywhere, in segments and in indexes: reading and opening again never fail, every packet that is given is
    /// as it was captured and when, and every other is counted as damaged.
    #[test]
    fn damage_costs_what_is_damaged(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<Option<prop::sample::Index>>(), index in any::<bool>(), which in any::<prop::sample::Index>()) {
        let dir = tempfile::tempdir().unwrap();
        let mut ring = open(dir.path(), Settings { segment_bytes: 4096, ..SETTINGS });
        let sent: Vec<Vec<u8>> = (0..60u16).map(|n| frame(n % 3, n % 2 == 0, &[n as u8; 120])).collect();
        for (n, data) in sent.iter().enumerate() {
            put(&mut ring, START + n as i64, data);
        }
        ring.close();
        let all = files(dir.path(), if index { "index" } else { "pcapng" });
        let path = which.get(&all);
        let mut bytes = fs::read(path).unwrap();
        for (at, flip) in &flips {
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        fs::write(path, &bytes).unwrap();
        for _ in 0..2 {
            let (found, packets) = read_damaged(dir.path(), &[wanted(name(1), START)], ALL);
            for (at, data, link, wire) in &packets {
                let n = (at - START) as usize;
                prop_assert_eq!((sent.get(n), *link, *wire as usize), (Some(data), LinkType::ETHERNET, data.len()), "frame {}", n);
            }
            prop_assert_eq!((packets.len() as u64, found.packets + found.damaged), (found.packets, 20));
            if index {
                prop_assert_eq!(found.packets, 20, "a segment needs no index");
            }
            open(dir.path(), SETTINGS).close();
        }
    }

    /// Whatever stands in the folder.
    #[test]
    fn anything_may_lie_there(bytes in prop::collection::vec(any::<u8>(), 0..400), named in "[0-9]{1,24}-[0-9]{1,24}") {
        let dir = tempfile::tempdir().unwrap();
        for extension in ["pcapng", "index", "draft", "txt"] {
            fs::write(dir.path().join(&named).with_extension(extension), &bytes).unwrap();
        }
        read_damaged(dir.path(), &[wanted(name(1), START)], ALL);
        let mut ring = open(dir.path(), SETTINGS);
        put(&mut ring, START, &frame(1, true, &[1]));
        ring.close();
        prop_assert_eq!(read(dir.path(), &[wanted(name(1), START)], ALL).0.packets, 1);
    }
}
