//! Stores answer what [`Predicate::matches`] says, for random events and random predicates.

use std::{collections::BTreeMap, ops::ControlFlow};

use fansipan_model::{
    Agency, Cmp, Event, Op, Part, Pattern, Predicate, Reference, RegexTest, Relation, Scope, Target, Test, TimePart, Value, fields,
};
use fansipan_storage::{AggregateRequest, Cell, GroupBy, Measure, MeasureKind, SearchRequest, TimeRange, Total};
use proptest::prelude::*;
use smallvec::SmallVec;

use super::{Bench, NOON, SECOND, event, field, search};

/// Texts that are words, addresses, numbers, instants, and everything that is nearly one of these.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(vec![
            "root", "Root", "admin", "svc_backup", "svc-web", "failed password for root", "Đăng nhập THẤT BẠI", "đăng", "İstanbul",
            "10.0.0.1", "10.0.0.2", "10.0.1.1", "192.168.1.10", "::1", "2001:DB8::1", "2001:db8::1", "::ffff:10.0.0.1", "22", "-22", "022", " 22 ",
            "22.0", "4625", "443", "true", "false", "TRUE", "2026-11-23T10:00:00Z", "2026-11-23", "C:\\Windows\\System32\\cmd.exe", "cmd.exe",
            "", "*", "a*b", "?", "fw-01", "network", "failure", "success", "default", "so", "x", "0", "-0", "9223372036854775807", "1e3",
        ]).prop_map(str::to_owned),
        1 => "[a-cA-C .:-]{0,8}",
        1 => "[a-z]{60,70}",
        1 => prop::sample::select(vec!["w".repeat(300), "v ".repeat(700)]),
    ]
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "event.action",
        "event.outcome",
        "event.code",
        "event.severity",
        "observer.name",
        "fansipan.peer.ip",
        "fansipan.source",
        "tags",
        "user.name",
        "host.name",
        "process.command_line",
        "url.path",
        "source.ip",
        "destination.ip",
        "source.port",
        "source.bytes",
        "process.pid",
        "source.nat.ip",
        "winlog.event_data.IpAddress",
        "winlog.event_data.TargetUserName",
        "vendor.field",
        "fansipan.error",
        "message",
        "event.created",
        "event.id",
        "@timestamp",
        "event.original",
        "file.code_signature.signed",
    ])
}

fn value() -> impl Strategy<Value = (u8, String, i64)> {
    (0..8u8, text(), prop_oneof![-30..30i64, Just(22), Just(443), any::<i64>()])
}

fn push(e: &mut Event, name: &str, (kind, text, number): &(u8, String, i64)) {
    let value = match kind {
        0 => Value::Null,
        1 => Value::Int(*number),
        2 => Value::Bool(number % 2 == 0),
        3 => Value::Float(*number as f64 / 2.0),
        _ => Value::Str(text),
    };
    e.push_named(name, value);
}

/// The events again and again under other ids, in turn: stores may learn from what they have seen.
pub(crate) fn again(events: &[Event], times: u64) -> Vec<Event> {
    let all = (0..times).flat_map(|_| events.iter().cloned());
    all.zip(0u64..)
        .map(|(mut e, n)| {
            e.set_id(super::id(n));
            e
        })
        .collect()
}

pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    let one = (
        prop::option::of(text()),
        prop::collection::vec((name(), value()), 0..8),
        0..4i64,
        prop::sample::select(vec!["default", "so-y-te", ""]),
        prop::sample::select(vec!["default", "long"]),
        0..3i64,
    );
    prop::collection::vec(one, 0..24).prop_map(|list| {
        let mut out = Vec::new();
        for (n, (message, fields_of, second, agency, class, day)) in list.into_iter().enumerate() {
            let mut e = Event::default();
            e.set_id(super::id(n as u64));
            e.set_timestamp(NOON + second * SECOND);
            e.set_ingested(NOON + day * super::DAY);
            if let Some(m) = &message {
                e.push(fields::MESSAGE, Value::Str(m));
            }
            if !agency.is_empty() {
                e.push(fields::FANSIPAN_AGENCY, Value::Str(agency));
            }
            e.push(fields::FANSIPAN_CLASS, Value::Str(class));
            for (name, value) in &fields_of {
                push(&mut e, name, value);
            }
            out.push(e);
        }
        out
    })
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let part = prop_oneof![4 => text().prop_map(|t| Part::Literal(t.into())), 1 => Just(Part::One), 2 => Just(Part::Many)];
    let parts = prop_oneof![
        text().prop_map(|t| vec![Part::Literal(t.into())]),
        text().prop_map(|t| vec![Part::Many, Part::Literal(t.chars().take(4).collect::<String>().into()), Part::Many]),
        (text(), 0..6usize).prop_map(|(t, n)| vec![Part::Literal(t.chars().take(n).collect::<String>().into()), Part::Many]),
        prop::collection::vec(part, 0..4),
    ];
    (parts, prop::bool::weighted(0.2)).prop_map(|(parts, cased)| Pattern::new(parts, cased))
}

fn op() -> impl Strategy<Value = Op> {
    let cmp = prop::sample::select(vec![Cmp::Eq, Cmp::Lt, Cmp::Le, Cmp::Gt, Cmp::Ge]);
    let word = text().prop_map(|t| {
        let mut word = "x".to_owned();
        fansipan_model::text::words(&t, &mut String::new(), |w| word = w.to_owned());
        Op::Word(word.into())
    });
    let nets = ["10.0.0.0/8", "10.0.0.0/24", "10.0.0.1/32", "::/0", "2001:db8::/32", "0.0.0.0/0", "::1/128", "::ffff:0:0/96"];
    let relation = prop::sample::select(vec![Relation::Equals, Relation::StartsWith, Relation::EndsWith, Relation::Contains]);
    prop_oneof![
        1 => Just(Op::Exists),
        1 => Just(Op::Absent),
        8 => pattern().prop_map(Op::Like),
        3 => word,
        1 => prop::sample::select(vec!["(?i)root", "^\\d+$", "a.*b"]).prop_map(|r| Op::Regex(RegexTest::new(r).unwrap())),
        2 => prop::sample::select(nets.to_vec()).prop_map(|n| Op::Cidr(n.parse().unwrap())),
        2 => (cmp.clone(), prop_oneof![Just(22.0), -30.0..30.0f64, Just(443.0)]).prop_map(|(c, n)| Op::Number(c, n)),
        1 => (name(), relation, any::<bool>())
            .prop_map(|(n, relation, cased)| Op::Field(Reference { other: SmallVec::from_elem(field(n), 1), relation, cased })),
        1 => (cmp, prop::sample::select(vec![TimePart::Hour, TimePart::Year, TimePart::Day])).prop_map(|(c, p)| Op::Time(p, c, 10)),
    ]
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        6 => name().prop_map(|n| Target::Field(SmallVec::from_elem(field(n), 1))),
        1 => prop::collection::vec(name(), 0..3).prop_map(|l| Target::Field(l.into_iter().map(field).collect())),
        2 => Just(Target::Any),
    ]
}

pub(crate) fn predicate() -> impl Strategy<Value = Predicate> {
    let leaf = prop_oneof![
        12 => (target(), op()).prop_map(|(target, op)| Predicate::Test(Test { target, op })),
        1 => Just(Predicate::True),
        1 => Just(Predicate::False),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::Or),
            inner.prop_map(|p| Predicate::Not(Box::new(p))),
        ]
    })
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        3 => Just(Scope::All),
        1 => Just(Scope::Agencies(vec![Agency::default()])),
        1 => Just(Scope::Agencies(vec![Agency::new("so-y-te")])),
        1 => Just(Scope::Agencies(vec![])),
    ]
}

fn range() -> impl Strategy<Value = TimeRange> {
    prop_oneof![
        2 => Just(TimeRange::ALL),
        1 => (0..4i64, 0..4i64).prop_map(|(a, b)| TimeRange { from: NOON + a * SECOND, to: NOON + b * SECOND }),
    ]
}

/// Groups computed the plain way: counts by a field, and sums of another.
fn by_hand(events: &[&Event], by: &str, of: &str) -> BTreeMap<String, (u64, f64, usize)> {
    let mut out: BTreeMap<String, (u64, f64, Vec<String>)> = BTreeMap::new();
    for e in events {
        let mut groups: Vec<String> = e.values(field(by)).filter_map(|v| v.text().map(|t| t.into_owned())).collect();
        groups.sort();
        groups.dedup();
        for group in groups {
            let entry = out.entry(group).or_default();
            entry.0 += 1;
            entry.1 += e.values(field(of)).filter_map(|v| v.as_number()).sum::<f64>();
            entry.2.extend(e.values(field(of)).filter_map(|v| v.text().map(|t| t.into_owned())));
        }
    }
    out.into_iter()
        .map(|(k, (n, sum, mut values))| {
            values.sort();
            values.dedup();
            (k, (n, sum, values.len()))
        })
        .collect()
}

/// Stores the events in two commits, then checks search, scan, count and groups against the definition.
pub(crate) fn check(bench: &dyn Bench, events: &[Event], queries: &[(Predicate, Scope, TimeRange, &'static str, &'static str)]) {
    let (store, mut writer) = bench.open();
    for (n, e) in events.iter().enumerate() {
        writer.add(n as u64, e).unwrap();
        if n == events.len() / 2 {
            writer.commit().unwrap();
        }
    }
    writer.commit().unwrap();
    for (predicate, scope, range, by, of) in queries {
        let mut want: Vec<&Event> =
            events.iter().filter(|e| predicate.matches(e) && range.contains(e.timestamp()) && scope.allows(e.agency())).collect();
        want.sort_by_key(|e| std::cmp::Reverse((e.timestamp(), e.id())));
        let mut request = search(predicate.clone(), 10_000);
        request.range = *range;
        for total in [Total::Exact, Total::Bounded] {
            request.total = total;
            let page = store.search(scope, &request).unwrap();
            assert_eq!(page.events.iter().collect::<Vec<_>>(), want, "{predicate:?}");
            assert_eq!((page.total, page.total_exact, page.next), (want.len() as u64, true, None), "{predicate:?}");
        }
        // the first page alone, not counted
        let first = SearchRequest { limit: 3, total: Total::Skip, ..request.clone() };
        let page = store.search(scope, &first).unwrap();
        assert_eq!(page.events.iter().collect::<Vec<_>>(), want.get(..3).unwrap_or(&want), "{predicate:?}");
        assert_eq!(page.next.is_some(), want.len() > 3, "{predicate:?}");
        assert!(page.total <= want.len() as u64 && (!page.total_exact || page.total == want.len() as u64), "{predicate:?}: {}", page.total);
        let mut scanned = 0;
        store
            .scan(scope, predicate, *range, &mut |_| {
                scanned += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(scanned, want.len(), "{predicate:?}");
        assert_eq!(store.count(scope, predicate, *range).unwrap(), want.len() as u64, "{predicate:?}");
        let measure = |name: &str, kind| Measure { name: name.into(), kind };
        let table = store
            .aggregate(
                scope,
                &AggregateRequest {
                    filter: predicate.clone(),
                    range: *range,
                    by: vec![GroupBy::Field(field(by))],
                    measures: vec![
                        measure("n", MeasureKind::Count),
                        measure("sum", MeasureKind::Sum(field(of))),
                        measure("dc", MeasureKind::Distinct(field(of))),
                    ],
                    max_groups: 100_000,
                },
            )
            .unwrap();
        let mut got: BTreeMap<String, (u64, f64, usize)> = BTreeMap::new();
        for row in &table.rows {
            let [key, Cell::Int(n), sum, Cell::Int(distinct)] = row.as_slice() else { panic!("{row:?}") };
            let sum = match sum {
                Cell::Int(v) => *v as f64,
                Cell::Float(v) => *v,
                _ => 0.0,
            };
            let text = if let Cell::Float(v) = key { Value::Float(*v).text().unwrap().into_owned() } else { key.text() };
            assert!(got.insert(text, (*n as u64, sum, *distinct as usize)).is_none(), "{table:?}");
        }
        let want = by_hand(&want, by, of);
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0);
        assert!(
            got.len() == want.len() && got.iter().zip(&want).all(|((k, g), (l, w))| k == l && g.0 == w.0 && close(g.1, w.1) && g.2 == w.2),
            "{predicate:?} by {by} of {of}: {got:?}, not {want:?}"
        );
    }
}

type Query = (Predicate, Scope, TimeRange, &'static str, &'static str);

pub(crate) fn queries() -> impl Strategy<Value = Vec<Query>> {
    prop::collection::vec((predicate(), scope(), range(), name(), name()), 20..40)
}

/// The events of [`super::event`], whatever they are asked, by hand-picked questions.
pub(crate) fn picked(bench: &dyn Bench) {
    let mut list = Vec::new();
    for n in 0..40u64 {
        let mut e = event(n, NOON + n as i64 * SECOND);
        e.push(fields::SOURCE_IP, Value::Str(&format!("10.0.{}.{n}", n % 3)));
        e.push(fields::USER_NAME, Value::Str(if n % 4 == 0 { "Nguyễn Văn Ánh" } else { "root" }));
        e.push(fields::DESTINATION_PORT, Value::Int(n as i64 % 5));
        e.push(fields::EVENT_OUTCOME, Value::Str(if n % 2 == 0 { "failure" } else { "success" }));
        list.push(e);
    }
    let like = |f, p: &str| Predicate::test(f, Op::Like(Pattern::parse(p, false)));
    let asked = [
        like(fields::SOURCE_IP, "10.0.0.*"),
        like(fields::SOURCE_IP, "10.0.1.1"),
        Predicate::test(fields::SOURCE_IP, Op::Cidr("10.0.2.0/24".parse().unwrap())),
        like(fields::USER_NAME, "NGUYỄN VĂN ÁNH"),
        like(fields::USER_NAME, "*văn*"),
        Predicate::Test(Test { target: Target::Any, op: Op::Word("ánh".into()) }),
        Predicate::Not(Box::new(like(fields::EVENT_OUTCOME, "failure"))),
        Predicate::And(vec![like(fields::EVENT_OUTCOME, "failure"), Predicate::test(fields::DESTINATION_PORT, Op::Number(Cmp::Ge, 3.0))]),
    ];
    let asked: Vec<Query> = asked.into_iter().map(|p| (p, Scope::All, TimeRange::ALL, "event.outcome", "destination.port")).collect();
    check(bench, &list, &asked);
}
