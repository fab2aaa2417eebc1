//! What only the writer can show: a disk that is nearly full.

use super::*;

const SETTINGS: Settings = Settings { bytes: 1 << 20, age: i64::MAX, flow_bytes: u64::MAX, free_bytes: 1000, segment_bytes: 4096 };

#[test]
fn the_ring_gives_way_when_others_need_the_disk_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut ring = Ring::open(&folder.path().join("r"), "t1", SETTINGS).unwrap();
    let frame = [7u8; 1000];
    for at in 0..20 {
        ring.frame(LinkType::ETHERNET, at, 1000, &frame);
        ring.commit();
    }
    let before = ring.kept();
    assert_eq!((before.packets, before.unwritten, before.trouble), (20, 0, None));
    assert!(before.bytes > 20_000);
    // others fill the disk: everything that is done goes, nothing new is written, and each frame is counted
    ring.free = |_| Some(999);
    for at in 20..40 {
        ring.frame(LinkType::ETHERNET, at, 1000, &frame);
        ring.commit();
    }
    let full = ring.kept();
    assert!(full.bytes < 5000 && full.unwritten > 10, "{full:?}");
    assert_eq!(full.packets + full.unwritten, 40);
    assert!(full.trouble.as_ref().is_some_and(|t| t.contains("min_free_mib")), "{full:?}");
    // there is room again: a second later it goes on
    ring.free = |_| Some(1000);
    ring.frame(LinkType::ETHERNET, 2 * PAUSE, 1000, &frame);
    ring.commit();
    let again = ring.kept();
    assert_eq!((again.packets, again.trouble), (full.packets + 1, None));
}
