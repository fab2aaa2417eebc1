//! The generated province: the same bytes for the same seed, in the amounts it promises, all of it understood by the collector.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use fansipan_bench::{
    province::{DAYS, FIRST_MIDNIGHT, Kind, Province},
    quiet,
};
use fansipan_collector::{Normalizer, Received, SourceState, Transport};

const DAY: i64 = 86_400_000_000_000;

#[test]
fn same_seed_same_bytes() {
    let text = |seed, day| {
        Province::thinned(seed, 0.002).day(day).fold(String::new(), |mut out, line| {
            let _ = writeln!(out, "{} {} {}", line.at, line.peer, line.text);
            out
        })
    };
    assert_eq!(text(7, 3), text(7, 3));
    assert_ne!(text(7, 3), text(8, 3));
    assert_ne!(text(7, 3), text(7, 4));
}

#[test]
fn lines_arrive_in_order_within_their_day() {
    for number in [0, 5, 8] {
        let midnight = FIRST_MIDNIGHT + i64::from(number) * DAY;
        let mut last = midnight;
        for line in Province::thinned(1, 0.002).day(number) {
            assert!(line.at >= last, "{line:?}");
            last = line.at;
        }
        // what was on its way at midnight arrives within half an hour
        assert!(last < midnight + DAY + 1_800_000_000_000);
    }
}

/// Counts are measured on thinned days: what follows the share is scaled, jobs and mistakes are added as they are.
#[test]
fn two_weeks_hold_about_twenty_eight_million_lines() {
    let count = |share: f64, number| {
        let mut kinds: BTreeMap<Kind, u64> = BTreeMap::new();
        for line in Province::thinned(20_261_123, share).day(number) {
            *kinds.entry(line.kind).or_default() += 1;
        }
        kinds
    };
    let share = 0.01;
    let mut total = 0.0;
    let mut kinds: BTreeMap<Kind, f64> = BTreeMap::new();
    for number in 0..DAYS {
        let (jobs, thinned) = (count(0.0, number), count(share, number));
        let mut day = 0.0;
        for (kind, n) in thinned {
            let fixed = jobs.get(&kind).copied().unwrap_or(0) as f64;
            let scaled = (n as f64 - fixed) / share + fixed;
            *kinds.entry(kind).or_default() += scaled;
            day += scaled;
        }
        let rest = number % 7 >= 5 || number == 8;
        let band = if rest { 700_000.0..1_100_000.0 } else { 2_200_000.0..2_800_000.0 };
        assert!(band.contains(&day), "day {number}: {day}");
        total += day;
    }
    println!("{total} lines: {kinds:?}");
    assert!((27e6..29e6).contains(&total), "{total}");
    let part = |kind| kinds.get(&kind).copied().unwrap_or(0.0) / total;
    assert!((0.38..0.60).contains(&part(Kind::Firewall)), "{kinds:?}");
    assert!((0.18..0.35).contains(&part(Kind::Windows)), "{kinds:?}");
    assert!((0.06..0.20).contains(&part(Kind::Web)), "{kinds:?}");
    assert!((0.005..0.06).contains(&part(Kind::Linux)), "{kinds:?}");
    assert!((0.06..0.20).contains(&part(Kind::Sensor)), "{kinds:?}");
}

#[test]
fn the_collector_understands_every_line() {
    let normalizer = Normalizer::load_builtin().expect("built-in formats");
    let mut sources: HashMap<std::net::Ipv4Addr, SourceState> = HashMap::new();
    let mut late = 0;
    let mut seen = 0_u64;
    for number in [2, 3, 5] {
        for line in Province::thinned(3, 0.003).day(number) {
            let peer = Some(std::net::SocketAddr::from((line.peer, 514)));
            let raw = line.text.as_bytes();
            let received = Received { raw, peer, transport: Transport::Udp, tls_identity: None, at: line.at, path: None };
            let event = normalizer.normalize(sources.entry(line.peer).or_default(), &received);
            let json = fansipan_model::json::to_string(&event);
            assert!(!json.contains("pipeline_error") && !json.contains("fansipan.error"), "{}\n{json}", line.text);
            let flat: serde_json::Value = serde_json::from_str(&json).expect("JSON");
            let time = flat["@timestamp"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("RFC 3339");
            let behind = line.at - i64::try_from(time.as_nanosecond()).expect("this century");
            assert!((-1_000_000_000..5_000_000_000).contains(&behind), "{behind} ns: {}\n{json}", line.text);
            late = late.max(behind);
            seen += 1;
        }
    }
    assert!(seen > 20_000, "{seen}");
    assert!(late > 1_000_000_000, "no line is late: {late}");
}

/// A Monday with a part of its traffic and all of its mistakes; both weeks in full with `FANSIPAN_SOAK=1` (an hour and more).
#[test]
fn ordinary_work_raises_few_alerts() {
    let soak = std::env::var_os("FANSIPAN_SOAK").is_some();
    let (days, share) = if soak { (DAYS, 1.0) } else { (1, 0.01) };
    let result = quiet::measure(&quiet::Plan { seed: 20_261_123, first: 0, days, share }).expect("a day");
    for day in result["days"].as_array().expect("days") {
        println!("{day}");
        assert!(day["alerts"].as_u64().expect("a number") <= 20, "{day}");
    }
}
