//! Streams to records: every framing seen in the field, mixed, cut anywhere, too large, hostile.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test says what went wrong by ending")]

use fansipan_collector::sources::framing::{Framer, Framing};
use proptest::prelude::*;

type Records = Vec<(Vec<u8>, bool)>;

/// Feeds the pieces one after the other, in as many reads as the framer's room asks for.
fn frames<'a>(framing: Framing, limit: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Records, u64) {
    let mut framer = Framer::new(framing, limit);
    let mut out = Records::new();
    for mut piece in pieces {
        while !piece.is_empty() {
            let space = framer.space();
            let n = space.len().min(piece.len());
            space[..n].copy_from_slice(&piece[..n]);
            framer.filled(n);
            piece = &piece[n..];
            while let Some(frame) = framer.next_frame() {
                out.push((frame.record.to_vec(), frame.truncated));
            }
        }
    }
    while let Some(frame) = framer.last_frame() {
        out.push((frame.record.to_vec(), frame.truncated));
    }
    (out, framer.skipped())
}

#[track_caller]
fn check(framing: Framing, stream: &[u8], expected: &[&str]) {
    let expected: Records = expected
        .iter()
        .map(|e| match e.strip_suffix("…") {
            Some(cut) => (cut.as_bytes().to_vec(), true),
            None => (e.as_bytes().to_vec(), false),
        })
        .collect();
    assert_eq!(frames(framing, 64, [stream]).0, expected, "in one piece");
    assert_eq!(frames(framing, 64, stream.chunks(1)).0, expected, "byte by byte");
}

#[test]
fn framings_seen_in_the_field() {
    let cases: &[(&[u8], &[&str])] = &[
        (b"<13>a\n<13>b\n", &["<13>a", "<13>b"]),
        (b"<13>a\r\n<13>b\r\n", &["<13>a", "<13>b"]),
        (b"<13>a\0<13>b\0", &["<13>a", "<13>b"]),
        (b"<13>a\n\0<13>b\n\0", &["<13>a", "<13>b"]),
        (b"5 <13>a6 <13>bc", &["<13>a", "<13>bc"]),
        (b"6 <13>a\n7 <13>bc\n", &["<13>a", "<13>bc"]),
        // an LF outside the count, as some devices send
        (b"5 <13>a\n6 <13>bc\n", &["<13>a", "<13>bc"]),
        // a counted record may span lines
        (b"9 <13>a\nb\nc5 <13>d", &["<13>a\nb\nc", "<13>d"]),
        // all on one connection
        (b"<13>lf\n5 <13>a<13>nul\0<13>crlf\r\n7 <13>ab\n<13>end\n", &["<13>lf", "<13>a", "<13>nul", "<13>crlf", "<13>ab", "<13>end"]),
        // JSON counted without a priority
        (b"7 {\"a\":1}8 {\"a\":22}", &["{\"a\":1}", "{\"a\":22}"]),
        // numbers that are no counts
        (b"404 not found\n2026 Nov 23 x\n", &["404 not found", "2026 Nov 23 x"]),
        (b"000123: *Mar 1: x\n17: y\n", &["000123: *Mar 1: x", "17: y"]),
        (b"0 <13>a\n", &["0 <13>a"]),
        (b"99999999999 <13>a\nb\n", &["99999999999 <13>a", "b"]),
        (b"2147483648 <13>a\nb\n", &["2147483648 <13>a", "b"]),
        // a line that begins like a count does not swallow the lines after it
        (
            b"x\n60 <13>a\n<13>b\n<13>c\n<13>d\n<13>e\n<13>f\n<13>g\n<13>h\n<13>i\n",
            &["x", "60 <13>a", "<13>b", "<13>c", "<13>d", "<13>e", "<13>f", "<13>g", "<13>h", "<13>i"],
        ),
        // ends without a delimiter
        (b"<13>a\n<13>b", &["<13>a", "<13>b"]),
        (b"9 <13>a", &["<13>a…"]),
        (b"12", &["12"]),
        (b"\n\n\0\r\n", &[]),
        (b"", &[]),
    ];
    for (stream, expected) in cases {
        check(Framing::Auto, stream, expected);
    }
    check(Framing::Lf, b"5 <13>a\n<13>a\0b\n", &["5 <13>a", "<13>a\0b"]);
    check(Framing::Nul, b"<13>a\nb\0<13>c\0", &["<13>a\nb", "<13>c"]);
    check(Framing::OctetCount, b"5 hello3 abcplain\n", &["hello", "abc", "plain"]);
}

#[test]
fn a_record_above_the_limit_is_cut_and_the_next_is_whole() {
    let cut = "a".repeat(64);
    for (long, skipped) in [(64, 0), (65, 1), (66, 2), (67, 3), (5000, 4936)] {
        let expected = if skipped == 0 { cut.clone() } else { format!("{cut}…") };
        for end in ["\n", "\r\n", "\0"] {
            let stream = format!("{}{end}<13>next\n", "a".repeat(long));
            check(Framing::Auto, stream.as_bytes(), &[&expected, "<13>next"]);
        }
        let stream = format!("{} <1>{}5 <13>b", long, "a".repeat(long - 3));
        let expected = format!("<1>{}{}", "a".repeat(61), if skipped == 0 { "" } else { "…" });
        check(Framing::Auto, stream.as_bytes(), &[&expected, "<13>b"]);
        assert_eq!(frames(Framing::Auto, 64, [stream.as_bytes()]).1, skipped);
    }
}

#[test]
fn a_cut_never_splits_a_character() {
    let stream = format!("{}Lai Châu ở trên cao\n", "x".repeat(58));
    let (records, skipped) = frames(Framing::Auto, 64, [stream.as_bytes()]);
    assert_eq!(std::str::from_utf8(&records[0].0).unwrap(), format!("{}Lai Ch", "x".repeat(58)));
    assert!(records[0].1);
    assert_eq!(skipped, (stream.len() - 1 - 64) as u64);
    let stream = format!("{}Lai Châu ở trên cao\n", "x".repeat(57));
    let (records, skipped) = frames(Framing::Auto, 64, stream.as_bytes().chunks(3));
    assert_eq!(std::str::from_utf8(&records[0].0).unwrap(), format!("{}Lai Ch", "x".repeat(57)));
    assert_eq!(skipped, (stream.len() - 1 - 63) as u64);
}

#[test]
fn a_line_of_two_gibibytes_costs_one_limit_of_memory() {
    let (limit, total) = (64 << 10, 2u64 << 30);
    for head in ["<13>", "16777216 <13>"] {
        let mut framer = Framer::new(Framing::Auto, limit);
        let (mut sent, mut largest, mut records) = (0u64, 0, Vec::new());
        let head = head.as_bytes();
        framer.space()[..head.len()].copy_from_slice(head);
        framer.filled(head.len());
        while sent < total {
            let space = framer.space();
            largest = largest.max(space.len());
            space.fill(b'a');
            let n = space.len();
            framer.filled(n);
            sent += n as u64;
            while let Some(frame) = framer.next_frame() {
                records.push((frame.record.len(), frame.truncated));
            }
        }
        assert!(largest <= limit + (256 << 10), "{largest}");
        assert!(records.iter().all(|(n, _)| *n <= limit));
        assert_eq!(records.iter().filter(|(_, cut)| *cut).count(), if head.len() == 4 { 1 } else { 2 }, "{records:?}");
        let space = framer.space();
        space[..7].copy_from_slice(b"\n<13>z\n");
        framer.filled(7);
        let mut last = None;
        while let Some(frame) = framer.next_frame() {
            last = Some(frame.record.to_vec());
        }
        assert_eq!(last.as_deref(), Some(&b"<13>z"[..]));
    }
}

/// Streams that look like what devices send, with damage.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let body = prop_oneof![
        "<[0-9]{1,3}>[a-z {}]{0,40}".prop_map(String::into_bytes),
        "[0-9]{1,9} <13>[a-z]{0,20}".prop_map(String::into_bytes),
        "\\{\"[a-zâở]{0,90}\":1\\}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..100),
    ];
    let framed = (body, 0..6u8, any::<prop::sample::Index>()).prop_map(|(body, how, at)| match how {
        0 => [body, b"\n".to_vec()].concat(),
        1 => [body, b"\r\n".to_vec()].concat(),
        2 => [body, b"\0".to_vec()].concat(),
        3 => [format!("{} ", body.len()).into_bytes(), body].concat(),
        4 => [format!("{} ", body.len() + 1).into_bytes(), body, b"\n".to_vec()].concat(),
        _ => body.get(at.index(body.len() + 1)..).unwrap_or_default().to_vec(),
    });
    proptest::collection::vec(framed, 0..20).prop_map(|f| f.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_cut_of_the_same_bytes_gives_the_same_records(
        bytes in stream(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        limit in 1..80usize,
        framing in prop_oneof![Just(Framing::Auto), Just(Framing::OctetCount), Just(Framing::Lf), Just(Framing::Nul)],
    ) {
        let whole = frames(framing, limit, [&bytes[..]]);
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len() + 1)).collect();
        at.sort_unstable();
        at.insert(0, 0);
        at.push(bytes.len());
        let pieces: Vec<&[u8]> = at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
        prop_assert_eq!(&frames(framing, limit, pieces), &whole);
        prop_assert_eq!(&frames(framing, limit, bytes.chunks(1)), &whole);
        for (record, _) in &whole.0 {
            prop_assert!(!record.is_empty() && record.len() <= limit);
        }
    }

    #[test]
    fn lines_come_out_as_they_went_in(lines in proptest::collection::vec("<[0-9]{1,3}>[^\u{0}\r\n]{0,60}", 0..20), end in prop_oneof![Just("\n"), Just("\r\n"), Just("\0")]) {
        let stream: String = lines.iter().map(|l| format!("{l}{end}")).collect();
        let records = frames(Framing::Auto, 1 << 16, stream.as_bytes().chunks(7)).0;
        prop_assert_eq!(records, lines.iter().map(|l| (l.clone().into_bytes(), false)).collect::<Records>());
    }

    #[test]
    fn counted_records_come_out_as_they_went_in(records in proptest::collection::vec("<[0-9]{1,3}>(?s:.){0,60}x", 0..20)) {
        let stream: String = records.iter().map(|r| format!("{} {r}", r.len())).collect();
        let out = frames(Framing::Auto, 1 << 16, stream.as_bytes().chunks(7)).0;
        prop_assert_eq!(out, records.iter().map(|r| (r.clone().into_bytes(), false)).collect::<Records>());
    }
}
