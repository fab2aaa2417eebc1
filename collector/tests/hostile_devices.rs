//! Records from strangers: random, cut short, bits flipped. Nothing panics, nothing grows beyond the record, every record is kept or
//! refused with a reason.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking and says why on standard output")]

mod cases;

use std::path::Path;

use fansipan_collector::{
    Normalizer, Received, SourceState, Transport,
    decode::{Decoder, evtx, windows, zeek::Zeek},
};
use fansipan_model::{Event, fields};
use proptest::prelude::*;

/// Formats whose samples are the seeds.
const FORMATS: &[&str] = &["windows", "winlogbeat", "nxlog", "ecs", "fortigate", "cisco_asa", "paloalto", "suricata", "zeek"];

fn seeds() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("formats");
    let lines = |name: &&str| {
        let bytes = std::fs::read(root.join(name).join("samples.log")).unwrap();
        bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    FORMATS.iter().flat_map(lines).collect()
}

thread_local! {
    static NORMALIZER: (Normalizer, Vec<Vec<u8>>) = (Normalizer::load_builtin().unwrap(), seeds());
}

fn normalize(raw: &[u8]) -> Event {
    NORMALIZER.with(|(normalizer, _)| {
        let received =
            Received { raw, peer: None, transport: Transport::Stdin, tls_identity: None, at: 1_795_428_000_000_000_000, path: None };
        normalizer.normalize(&mut SourceState::default(), &received)
    })
}

fn check(raw: &[u8]) {
    let event = normalize(raw);
    assert_eq!(event.raw().as_deref().unwrap_or_default(), raw, "the record as received is kept");
    let refused = event.str(fields::EVENT_KIND) == Some("pipeline_error");
    assert_eq!(refused, event.get(fields::FANSIPAN_ERROR).is_some(), "a record is flagged and the reason told, or neither");
    // text: the record, its reading, base64, fields of their own; names of fields
    assert!(event.text_len() <= raw.len() * 12 + 8192, "{} bytes of text from {}", event.text_len(), raw.len());
    assert!(event.len() <= raw.len() + 256, "{} fields from {} bytes", event.len(), raw.len());
}

/// What a line suffers on its way.
#[derive(Clone, Debug)]
enum Harm {
    Flip(usize, u8),
    Cut(usize),
    Insert(usize, Vec<u8>),
    Repeat(usize, usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        (any::<usize>(), 0u8..8).prop_map(|(at, bit)| Harm::Flip(at, bit)),
        any::<usize>().prop_map(Harm::Cut),
        (any::<usize>(), prop::collection::vec(any::<u8>(), 0..8)).prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        (any::<usize>(), 0usize..200).prop_map(|(at, n)| Harm::Repeat(at, n)),
    ]
}

fn suffer(bytes: &mut Vec<u8>, harm: &Harm) {
    if bytes.is_empty() {
        return;
    }
    match harm {
        Harm::Flip(at, bit) => {
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
        }
        Harm::Cut(at) => bytes.truncate(at % bytes.len()),
        Harm::Insert(at, more) => {
            let at = at % bytes.len();
            bytes.splice(at..at, more.iter().copied());
        }
        Harm::Repeat(at, n) => {
            let at = at % bytes.len();
            let part = bytes[at..(at + n).min(bytes.len())].to_vec();
            bytes.extend(part);
        }
    }
}

proptest! {
    #![proptest_config(cases::cases())]

    #[test]
    fn damaged_samples(which in any::<prop::sample::Index>(), harms in prop::collection::vec(harm(), 0..6)) {
        let mut bytes = NORMALIZER.with(|(_, seeds)| which.get(seeds).clone());
        harms.iter().for_each(|h| suffer(&mut bytes, h));
        check(&bytes);
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        check(&bytes);
    }

    #[test]
    fn random_json(text in r#"\{("(Event|System|EventData|UserData|winlog|event_data|EventID|Channel|SourceName|_path|ts|uid|conn_state|id\.orig_h|event_type|src_ip)":(\{|\[|"[a-z]{0,4}",?|[0-9]{1,20},?|null,?|true,?|\}|\])){0,12}[\}\]]{0,6}"#) {
        check(text.as_bytes());
        let _ = windows::read(&text, &mut |_, _| {});
        let _ = Zeek.decode(&text, &mut |_, _| {});
    }

    #[test]
    fn random_xml(text in r#"<Event>(</?(System|EventData|UserData|Data|Provider|EventID|a|b)( Name=['"][a-z]{0,3}['"])?/?>|&(amp|lt|x|#0|#65|#xD800|#99999999999);|<!\[CDATA\[x\]\]>|<!--x-->|[a-z ]{0,5}){0,20}(</Event>)?"#) {
        check(text.as_bytes());
        let _ = windows::read(&text, &mut |_, _| {});
    }
}

#[test]
fn nothing_expands_and_nothing_piles_up() {
    let bomb = format!(
        "<!DOCTYPE e [<!ENTITY a0 \"xxxxxxxxxx\">{}]><Event><System><EventID>&a9;</EventID></System></Event>",
        (1..10).map(|i| format!("<!ENTITY a{i} \"{}\">", format!("&a{};", i - 1).repeat(10))).collect::<String>()
    );
    check(bomb.as_bytes());
    assert!(windows::read(&bomb, &mut |_, _| {}).is_err());
    for depth in [100usize, 10_000, 200_000] {
        check("<Event>".repeat(depth).as_bytes());
        check(format!("{{\"Event\":{{\"System\":{}", "{\"a\":".repeat(depth)).as_bytes());
        check(format!("{{\"winlog\":{}", "[".repeat(depth)).as_bytes());
    }
    // as many fields as fit: more than an event keeps, all of them in the record
    let wide: String = (0..50_000).map(|i| format!("\"f{i}\":1,")).collect();
    check(format!("{{\"winlog\":{{\"provider_name\":\"x\",\"event_id\":1,\"event_data\":{{{wide}\"z\":1}}}}}}").as_bytes());
    check(format!("{{\"Event\":{{\"System\":{{\"EventID\":1}},\"EventData\":{{{wide}\"z\":1}}}}}}").as_bytes());
    let named: String = (0..20_000).map(|i| format!("<Data Name='n{i}'>1</Data>")).collect();
    check(format!("<Event><System><Provider Name='x'/><EventID>1</EventID></System><EventData>{named}</EventData></Event>").as_bytes());
}

/// A log of one chunk: header, chunk header, records with the given binary XML.
fn log(records: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0u8; 4096];
    file[..8].copy_from_slice(b"ElfFile\0");
    file[32..36].copy_from_slice(&128u32.to_le_bytes());
    file[36..40].copy_from_slice(&0x0003_0001u32.to_le_bytes());
    file[40..42].copy_from_slice(&4096u16.to_le_bytes());
    file[42..44].copy_from_slice(&1u16.to_le_bytes());
    let mut chunk = vec![0u8; 512];
    chunk[..8].copy_from_slice(b"ElfChnk\0");
    chunk[40..44].copy_from_slice(&128u32.to_le_bytes());
    for (id, xml) in (1u64..).zip(records) {
        let size = (24 + xml.len() + 4) as u32;
        chunk.extend_from_slice(b"\x2a\x2a\0\0");
        chunk.extend_from_slice(&size.to_le_bytes());
        chunk.extend_from_slice(&id.to_le_bytes());
        chunk.extend_from_slice(&133_000_000_000_000_000u64.to_le_bytes());
        chunk.extend_from_slice(xml);
        chunk.extend_from_slice(&size.to_le_bytes());
    }
    let end = chunk.len() as u32;
    chunk[48..52].copy_from_slice(&end.to_le_bytes());
    chunk.resize(65536, 0);
    file.extend(chunk);
    file
}

fn read_log(bytes: Vec<u8>) -> (usize, usize) {
    let Ok(mut file) = evtx::from_bytes(bytes) else { return (0, 0) };
    let (mut good, mut bad) = (0, 0);
    for record in file.records() {
        match record {
            Ok(_) => good += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                bad += 1;
            }
        }
    }
    (good, bad)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_binary_xml(records in prop::collection::vec(prop::collection::vec(prop_oneof![any::<u8>(), 0u8..16, Just(0x0f), Just(1), Just(0)], 0..200), 0..8)) {
        read_log(log(&records));
    }

    #[test]
    fn random_log_files(start in prop::collection::vec(any::<u8>(), 0..200), len in 0usize..140_000) {
        let mut bytes = start;
        bytes.resize(len, 0x2a);
        read_log(bytes);
    }
}

#[test]
fn damaged_real_logs() {
    let data =
        std::env::var_os("FANSIPAN_TEST_DATA").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), Into::into);
    let Ok(entries) = std::fs::read_dir(data.join("evtx")) else {
        println!("skipped: no test data at {} (set FANSIPAN_TEST_DATA)", data.display());
        return;
    };
    let mut state = 0x9e37_79b9_7f4a_7c15u64; // xorshift: the same damage every time
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let mut files: Vec<_> = entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "evtx")).collect();
    files.sort();
    for file in files.iter().filter(|f| f.metadata().is_ok_and(|m| m.len() < 100_000)) {
        let bytes = std::fs::read(file).unwrap();
        for _ in 0..12 {
            let mut damaged = bytes.clone();
            for _ in 0..=next(40) {
                let at = 4096 + next(damaged.len() - 4096);
                damaged[at] ^= 1 << next(8);
            }
            if next(3) == 0 {
                let len = next(damaged.len());
                damaged.truncate(len);
            }
            read_log(damaged);
        }
    }
}
