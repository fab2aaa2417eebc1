//! Files full of anything: the readers of every format say no, and never fall over.

use std::path::Path;

use proptest::prelude::*;

use super::{append, config, drain, sim::Sim};
use crate::{
    EmbeddedBus, Limits,
    format::{BatchHead, SegmentHead},
    host::{Host as _, write_full},
    scan::{Bounds, scan},
    seal::Seal,
};

/// Noise, zeros, and pieces of the real thing.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let real = SegmentHead { salt: 3, base: 0, created_at: 1 }.encode().to_vec();
    let mut batch = Vec::new();
    BatchHead { base: 0, at: 1, key: None, count: u32::MAX / 8, body_len: u32::MAX / 2, body_crc: 0, group_before: 9 }
        .encode(3, &mut batch);
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        Just(real),
        Just(batch),
        Just(3u64.to_le_bytes().to_vec()),
        Just(b"FSPNSEAL\x01\0".to_vec()),
        Just(b"FSPC\x01\0".to_vec()),
        (0usize..300).prop_map(|n| vec![0; n]),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// With a checksum that fits, so that what is behind it is reached.
fn checked(mut bytes: Vec<u8>, fits: bool) -> Vec<u8> {
    if fits {
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
    }
    bytes
}

fn write(sim: &Sim, name: &str, bytes: &[u8]) {
    let file = sim.create(&Path::new("/bus").join(name)).unwrap();
    write_full(&*file, bytes, 0).unwrap();
    file.sync().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoders_take_anything(bytes in anything(), fits in any::<bool>(), salt in 0u64..4, below in any::<u64>()) {
        let _ = SegmentHead::decode(&bytes);
        let _ = BatchHead::decode(&bytes, salt).map(|h| h.vouches_for(&bytes));
        let sim = Sim::default();
        write(&sim, "file.seg", &bytes);
        let file = sim.open(Path::new("/bus/file.seg")).unwrap();
        let found = scan(&*file, &Bounds { salt, base: 0, below, end: bytes.len() as u64 }, |_, _| {}).unwrap();
        prop_assert!(found.records == 0, "nothing in there is a sound batch");
        let _ = Seal::decode(&checked(bytes, fits), Path::new("x"));
    }

    #[test]
    fn a_folder_of_garbage_opens_or_says_why(segments in prop::collection::vec(anything(), 0..3), seal in anything(), position in anything()) {
        let sim = Sim::default();
        for (i, bytes) in segments.iter().enumerate() {
            write(&sim, &crate::format::segment_name(i as u64 * 10), bytes);
        }
        write(&sim, &crate::seal::name(0), &checked(seal, true));
        write(&sim, "consumers/reader.pos", &position);
        write(&sim, "notes.txt", b"somebody's");
        let opened = EmbeddedBus::open_on(std::sync::Arc::new(sim.clone()), config(), Limits::default());
        match opened {
            Err(error) => prop_assert!(error.to_string().contains("/bus/"), "{}", error),
            Ok((bus, recovery)) => {
                prop_assert_eq!(append(&bus, &["works"]), recovery.head);
                let read = drain(&mut bus.consumer("reader").unwrap());
                prop_assert_eq!(read, [(recovery.head, b"works".to_vec())]);
            }
        }
    }
}
