//! Hostile input: random, truncated and bit-flipped records through every decoder and format. Nothing may panic, the record must be
//! kept byte for byte, and the event must survive the log and JSON unchanged.
//! `FANSIPAN_CASES` sets how many cases of each kind are tried.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test whose case cannot be set up has failed")]

mod cases;

use std::{fs, path::Path, sync::LazyLock};

use cases::cases;
use fansipan_collector::{
    Normalizer, Received, SourceState, Transport,
    decode::{self, kv::KvSpec, syslog},
    records::Records,
};
use fansipan_model::{codec, json};
use proptest::prelude::*;

static NORMALIZER: LazyLock<Normalizer> = LazyLock::new(|| Normalizer::load_builtin().unwrap());

/// Every sample of every format.
static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("formats");
    let mut files: Vec<_> = fs::read_dir(root).unwrap().map(|e| e.unwrap().path().join("samples.log")).filter(|p| p.is_file()).collect();
    files.sort();
    files.iter().flat_map(|f| Records::new(&*fs::read(f).unwrap()).map(|r| r.unwrap().bytes).collect::<Vec<_>>()).collect()
});

fn survives(raw: &[u8]) -> Result<(), TestCaseError> {
    let mut state = SourceState::default();
    let received = Received {
        raw,
        peer: Some("192.0.2.1:514".parse().unwrap()),
        transport: Transport::Udp,
        tls_identity: None,
        at: 1_795_428_000_000_000_000,
        path: None,
    };
    let event = NORMALIZER.normalize(&mut state, &received);
    let kept = event.raw().unwrap_or_default();
    prop_assert_eq!(&*kept, raw);
    prop_assert!(event.get_by_name("event.kind").is_some());
    let mut bytes = Vec::new();
    codec::encode(&event, &mut bytes);
    let back = codec::decode(&bytes).map_err(|e| TestCaseError::fail(e.to_string()))?;
    prop_assert_eq!(&back, &event);
    let text = json::to_string(&event);
    let back = json::read(&text).map_err(|e| TestCaseError::fail(format!("{e}: {text}")))?;
    prop_assert_eq!(&back, &event, "{}", text);
    Ok(())
}

/// Changes to a record that a network or an attacker makes.
#[derive(Clone, Debug)]
enum Harm {
    Cut(prop::sample::Index),
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Repeat(prop::sample::Index, u8),
    Splice(prop::sample::Index, prop::sample::Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    use prop::sample::Index;
    let odd = prop_oneof![
        Just(b"\"".to_vec()),
        Just(b"\\".to_vec()),
        Just(b"=".to_vec()),
        Just(b"|".to_vec()),
        Just(b"<".to_vec()),
        Just(b"]".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"\n".to_vec()),
        Just("đ".as_bytes().to_vec()),
        Just(b"\xff\xfe".to_vec()),
        Just(b"99999999999999999999".to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop_oneof![
        any::<Index>().prop_map(Harm::Cut),
        (any::<Index>(), 0u8..8).prop_map(|(i, b)| Harm::Flip(i, b)),
        (any::<Index>(), odd).prop_map(|(i, v)| Harm::Insert(i, v)),
        (any::<Index>(), 1u8..20).prop_map(|(i, n)| Harm::Repeat(i, n)),
        (any::<Index>(), any::<Index>()).prop_map(|(i, s)| Harm::Splice(i, s)),
    ]
}

fn suffer(record: &mut Vec<u8>, harm: &Harm) {
    if record.is_empty() {
        return;
    }
    match harm {
        Harm::Cut(at) => record.truncate(at.index(record.len())),
        Harm::Flip(at, bit) => {
            let at = at.index(record.len());
            record[at] ^= 1 << bit;
        }
        Harm::Insert(at, bytes) => {
            let at = at.index(record.len());
            record.splice(at..at, bytes.iter().copied());
        }
        Harm::Repeat(at, times) => {
            let tail = record[at.index(record.len())..].to_vec();
            (0..*times).for_each(|_| record.extend_from_slice(&tail));
            record.truncate(65_536);
        }
        Harm::Splice(at, other) => {
            let other = &SAMPLES[other.index(SAMPLES.len())];
            let at = at.index(record.len());
            record.truncate(at);
            record.extend_from_slice(&other[at.min(other.len())..]);
        }
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn damaged_samples(which in any::<prop::sample::Index>(), harms in prop::collection::vec(harm(), 1..5)) {
        let mut record = SAMPLES[which.index(SAMPLES.len())].clone();
        harms.iter().for_each(|h| suffer(&mut record, h));
        survives(&record)?;
    }

    #[test]
    fn random_bytes(record in prop::collection::vec(any::<u8>(), 0..300)) {
        survives(&record)?;
    }

    #[test]
    fn random_text(record in "(<[0-9]{0,4}>)?([A-Z][a-z]{2} [ 0-9]{2} [0-9:]{0,8} )?[ -~đ\"=|\\[\\]{}<>:;\\\\]{0,200}") {
        survives(record.as_bytes())?;
    }

    #[test]
    fn decoders_alone(text in "(CEF:0\\||LEEF:[12].0\\||type=[A-Z]{1,9} msg=audit\\(1.2:3\\): |\\{|<Event>)?[ -~\\t\\n\u{1d}đ\"'=|\\\\]{0,300}") {
        for decoder in decode::DECODERS {
            decoder.sniff(&text);
            let _ = decoder.decode(&text, &mut |_, _| ());
        }
        for (pair, value) in [(None, "="), (Some(" ; "), "="), (Some(", "), ": ")] {
            let spec = KvSpec { pair: pair.map(Into::into), value: value.into(), ..KvSpec::default() };
            spec.decode(&text, &mut |_, _| ());
        }
        let header = syslog::parse(&text);
        prop_assert!(text.contains(header.body));
        syslog::parameters(&text, |_, _, _| ());
    }
}

#[test]
fn sixty_four_kibibytes_of_one_thing_take_no_time() {
    let all = [
        "a=b ",
        "a",
        "=",
        "\"",
        "\\",
        "<",
        "[",
        "{",
        "[a ",
        "a=\"",
        "x: ",
        "- ",
        "|",
        "type=PATH msg=audit(1.2:3): name=\"",
        "%ASA-6-302013: ",
        "\u{1d}",
        "{\"a\":",
    ];
    let heads = [
        "",
        "<13>",
        "<13>Nov 23 10:00:00 h sshd[1]: ",
        "<13>1 - - - - - ",
        "CEF:0|a|b|c|d|e|1|",
        "LEEF:2.0|a|b|c|d|^|",
        "date=1 devid=1 logid=1 type=1 vd=1 ",
        "type=EXECVE msg=audit(1.2:3): ",
        "2026/11/23 10:00:00 [error] 1#1: ",
    ];
    for head in heads {
        for piece in all {
            let mut record = head.to_owned();
            while record.len() + piece.len() <= 65_536 {
                record.push_str(piece);
            }
            let begin = std::time::Instant::now();
            survives(record.as_bytes()).unwrap();
            // generous: what matters is that nothing grows with the square of the length
            assert!(begin.elapsed().as_secs_f64() < 5.0, "{head}{piece}… took {:?}", begin.elapsed());
        }
    }
}
