//! The query language: what it reads, what it refuses and where, and what it answers.

use crate::conformance::{NOON, SECOND, event};
use fansipan_model::{Cmp, Op, Part, Pattern, Predicate, RegexTest, Scope, Target, Test, Value, fields, predicate::in_any};
use fansipan_storage::{
    Cell, EventStore as _, EventWriter as _, TimeRange, Total,
    engine::{EngineConfig, TantivyStore},
    query::{Answer, Pipe, RunRequest, parse, parse_filter, print, run},
};
use proptest::prelude::*;

/// Filters and how they are printed: the canonical form shows how they were understood.
#[test]
fn filters_mean_what_they_say() {
    for (text, want) in [
        ("", "*"),
        ("  * ", "*"),
        (
            "source.ip:10.0.0.0/8 and event.outcome:failure and not user.name:svc_*",
            "source.ip:10.0.0.0/8 and event.outcome:failure and not user.name:svc_*",
        ),
        ("a:1 b:2", "a:1 and b:2"),
        ("a:1 OR b:2 AND c:3", "a:1 or (b:2 and c:3)"),
        ("(a:1 or b:2) c:3", "(a:1 or b:2) and c:3"),
        ("NOT a:1", "not a:1"),
        ("not (a:1 or b:2)", "not (a:1 or b:2)"),
        ("a:(1 or 2 or \"x y\")", "a:1 or a:2 or a:\"x y\""),
        ("a:(x* and not y)", "a:x* and not a:y"),
        ("a:*", "a:*"),
        ("a:\"*\"", "a:\"*\""),
        ("a:>5", "a:>5"),
        ("a > 5", "a:>5"),
        ("a>=-5.5", "a:>=-5.5"),
        ("a = 0", "a:=0"),
        ("a:[1 to 1024]", "a:>=1 and a:<=1024"),
        ("a:{1 TO 1024]", "a:>1 and a:<=1024"),
        ("a:[* to 5}", "a:<5"),
        ("failed", "failed"),
        ("FAILED Password", "failed and password"),
        ("\"failed password\"", "\"failed password\""),
        ("Đăng nhập", "\"đăng\" and \"nhập\""),
        ("adm?n*", "*adm?n**"),
        ("*sshd*", "*sshd*"),
        ("cmd.exe", "cmd.exe"),
        ("10.0.0.1", "10.0.0.1"),
        ("fe80::1", "fe80::1"),
        ("fe80::/10", "fe80::/10"),
        ("\"10.0.0.1\"", "\"10.0.0.1\""),
        ("http://example.org/a?b", "*http\\://example.org/a?b*"),
        ("10:00:00", "\"10:00:00\""),
        ("\"and\" or \"or\"", "\"and\" or \"or\""),
        ("process.executable:C:\\Windows\\System32\\*", "process.executable:\"c:\\\\windows\\\\system32*\""),
        ("process.executable:C:\\Windows\\*.exe", "process.executable:\"c:\\\\windows*.exe\""),
        ("process.executable:*\\cmd.exe", "process.executable:*\\\\cmd.exe"),
        ("a:\"quo\\\"te\"", "a:\"quo\\\"te\""),
        ("a:x\\ y", "a:\"x y\""),
        ("user.name:root|stats count()", "user.name:root"),
        ("*:22", "*:22"),
        ("a:~\"(?i)^exp\\\\d+\"", "a:~\"(?i)^exp\\\\d+\""),
        ("android", "android"),
        ("notes.txt:x", "notes.txt:x"),
        // `name://` is a pasted address
        ("url.path: //x?", "url.path: //x?"),
        ("and:x or:y not:z", "and:x and or:y and not:z"),
    ] {
        let query = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let printed = print(&query.filter).unwrap_or_else(|| panic!("{text}: no words for {:?}", query.filter));
        if !want.contains("system32*") && !want.contains("windows*") && !want.contains("**") && !want.contains("*http") {
            assert_eq!(printed, want, "{text}");
        }
        assert_eq!(parse_filter(&printed).unwrap(), query.filter, "{text} as {printed}");
    }
}

#[test]
fn the_meaning_of_a_few() {
    let field = |f, op| Predicate::test(f, op);
    let any = |op| Predicate::Test(Test { target: Target::Any, op });
    for (text, want) in [
        ("source.ip:10.0.0.0/8", field(fields::SOURCE_IP, Op::Cidr("10.0.0.0/8".parse().unwrap()))),
        ("source.ip:10.0.0.1", field(fields::SOURCE_IP, Op::Like(Pattern::exact("10.0.0.1")))),
        ("user.name:\"a*b\"", field(fields::USER_NAME, Op::Like(Pattern::exact("a*b")))),
        ("user.name:a*b", field(fields::USER_NAME, Op::Like(Pattern::parse("a*b", false)))),
        ("user.name:a\\*b", field(fields::USER_NAME, Op::Like(Pattern::exact("a*b")))),
        ("user.name:*", field(fields::USER_NAME, Op::Exists)),
        ("Sshd", any(Op::Word("sshd".into()))),
        ("\"Sshd\"", any(Op::Word("sshd".into()))),
        ("\"sshd[1]\"", any(Op::Like(Pattern::contains("sshd[1]")))),
        ("ssh*", any(Op::Like(Pattern::contains("ssh")))),
        ("10.1.2.3", any(Op::Cidr("10.1.2.3/32".parse().unwrap()))),
        ("url.path:/admin/", field(fields::URL_PATH, Op::Like(Pattern::exact("/admin/")))),
        ("process.executable:c:\\windows\\*", field(fields::PROCESS_EXECUTABLE, Op::Like(Pattern::exact("c:\\windows*")))),
        ("process.executable:c:\\windows\\\\*", field(fields::PROCESS_EXECUTABLE, Op::Like(Pattern::parse("c:\\windows\\\\*", false)))),
    ] {
        assert_eq!(parse_filter(text).unwrap(), want, "{text}");
    }
}

/// Errors point at the character.
#[test]
fn errors_point_at_the_place() {
    for (text, position, message) in [
        ("user.name:", 10, "a value is missing before the end"),
        ("user.name: | head", 11, "a value is missing before `| head`"),
        ("đăng and (nhập", 9, "this `(` is not closed"),
        ("a:1 )", 4, "this `)` closes nothing"),
        ("a:\"x", 2, "this quote is not closed"),
        ("a:1 and", 7, "the filter ends too early"),
        ("a:1 or or b", 7, "`or b` cannot stand here"),
        ("not", 3, "the filter ends too early"),
        ("\"\"", 0, "there is nothing between the quotes"),
        ("a:>x", 3, "`x` is no number"),
        ("@timestamp:>2026-11-23T10:00:00Z", 12, "`2026-11-23T10:00:00Z` is no number"),
        ("a:[1 2]", 5, "`to` is missing before `2]`"),
        ("a:[1 to 2", 9, "this range is not closed"),
        ("a:[* to *]", 3, "a range without bounds is no range"),
        ("a:10.0.0.0/99", 2, "`/99` is no network of 10.0.0.0"),
        ("a:~\"(\"", 3, "the regular expression is refused: a `(` is not closed (character 2 of the expression)"),
        ("[1 to 2]", 0, "`[1 to 2]` cannot stand here"),
        ("* | ", 4, "a step is missing before the end"),
        ("* | frobnicate", 4, "`frobnicate` is no step"),
        ("* | stats", 9, "a figure is missing before the end"),
        ("* | stats sum", 13, "`sum` needs a field"),
        ("* | stats sum()", 14, "a field name is missing"),
        ("* | stats count(x)", 16, "`)` is missing before `x)`"),
        ("* | stats count() by", 20, "a field name is missing"),
        ("* | stats count() by a,", 23, "a field name is missing"),
        ("* | head x", 9, "a number is missing"),
        ("* | head 0", 9, "a number is missing"),
        ("* | timechart span=5 count()", 18, "the length of an interval is missing"),
        ("* | head 5 | stats count()", 13, "stats and timechart work on events"),
        ("* | stats count() | stats count()", 20, "a query computes once"),
        ("* | head 5 head", 11, "`head` cannot stand here"),
        ("a.b$c:1", 0, ""),
    ] {
        match parse(text) {
            Ok(_) => assert_eq!(message, "", "{text} was read"),
            Err(e) => {
                assert!(e.fault.message().en.starts_with(message), "{text}: {e}");
                assert_eq!(e.position, position, "{text}: {e}");
                let said = [e.fault.message(), e.fault.help()];
                assert!(said.iter().all(|s| !s.en.is_empty() && s.en != s.vi), "{text}: {said:?}");
            }
        }
    }
    for hostile in [
        "(".repeat(5000),
        "not ".repeat(4000),
        "x ".repeat(8000),
        "a:".repeat(9000),
        "| ".repeat(8000),
        format!("a:{}", "*".repeat(16_000)),
    ] {
        let _ = parse(&hostile);
    }
    assert!(parse(&"(".repeat(5000)).is_err());
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9._@-]{1,8}",
        "\\PC{1,8}",
        "[ *?\\\\\"()\\[\\]{}|:<>=~,/andortx.0-9]{1,10}",
        Just("10.0.0.1".to_owned()),
        Just("and".to_owned())
    ]
}

/// Predicates that the language has words for.
fn expressible() -> impl Strategy<Value = Predicate> {
    let part = prop_oneof![3 => text().prop_map(|t| Part::Literal(t.into())), 1 => Just(Part::One), 1 => Just(Part::Many)];
    let pattern = prop::collection::vec(part, 0..5).prop_map(|p| Pattern::new(p, false));
    let field = prop::sample::select(vec![fields::SOURCE_IP, fields::USER_NAME, fields::MESSAGE, fields::TIMESTAMP, fields::EVENT_CODE]);
    let cmp = prop::sample::select(vec![Cmp::Eq, Cmp::Lt, Cmp::Le, Cmp::Gt, Cmp::Ge]);
    let net = prop_oneof![
        (any::<u32>(), 0..=32u8).prop_map(|(a, n)| ipnet::IpNet::new(std::net::IpAddr::V4(a.into()), n).unwrap()),
        (any::<u128>(), 0..=128u8).prop_map(|(a, n)| ipnet::IpNet::new(std::net::IpAddr::V6(a.into()), n).unwrap()),
    ];
    let number = prop_oneof![any::<i32>().prop_map(f64::from), any::<f64>().prop_filter("finite", |n| n.is_finite())];
    let op = prop_oneof![
        4 => pattern.prop_filter("written as exists", |p| p.parts() != [Part::Many]).prop_map(Op::Like),
        1 => net.prop_map(Op::Cidr),
        1 => (cmp, number).prop_map(|(c, n)| Op::Number(c, n)),
        1 => prop::sample::select(vec!["a\"b", "\\\\x", "(?i)y+"]).prop_map(|r| Op::Regex(RegexTest::new(r).unwrap())),
    ];
    let word = "[a-z0-9đắ]{1,8}".prop_map(|w| Op::Word(w.into()));
    let leaf = prop_oneof![
        6 => (field.clone(), op.clone()).prop_map(|(f, op)| Predicate::test(f, op)),
        2 => op.prop_map(|op| Predicate::Test(Test { target: Target::Any, op })),
        2 => word.prop_map(|op| Predicate::Test(Test { target: Target::Any, op })),
        1 => field.prop_map(|f| Predicate::test(f, Op::Exists)),
        1 => Just(Predicate::True),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Predicate::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Predicate::Or),
            inner.prop_map(|p| Predicate::Not(Box::new(p))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn reading_never_panics(query in "\\PC{0,60}") {
        let _ = parse(&query);
    }

    #[test]
    fn reading_near_queries_never_panics(query in "([a-z.]{1,6}|[*?:()\\[\\]{}|\"\\\\<>=~,/ ]|and |or |not |to |by |stats |count\\(\\)|span=5m|10\\.0\\.0\\.0/8|ế){0,24}") {
        if let Err(e) = parse(&query) {
            prop_assert!(e.position <= query.chars().count());
        }
    }

    #[test]
    fn what_is_printed_reads_back(filter in expressible()) {
        let text = print(&filter);
        prop_assert!(text.is_some());
        let text = text.unwrap_or_default();
        let back = parse_filter(&text);
        prop_assert_eq!(back.as_ref(), Ok(&filter), "{}", text);
    }
}

fn ask(store: &TantivyStore, query: &str) -> Answer {
    let query = parse(query).unwrap_or_else(|e| panic!("{query}: {e}"));
    let request = RunRequest { range: TimeRange { from: NOON, to: NOON + 3600 * SECOND }, limit: 100, after: None, total: Total::Exact };
    run(store, &Scope::All, &query, &request).unwrap()
}

fn table(store: &TantivyStore, query: &str) -> String {
    let Answer::Table(table) = ask(store, query) else { panic!("{query}: no table") };
    let mut out = table.columns.join(" ");
    for row in &table.rows {
        out.push_str(" / ");
        out.push_str(&row.iter().map(Cell::text).collect::<Vec<_>>().join(" "));
    }
    out
}

#[test]
fn queries_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = TantivyStore::open(EngineConfig::new(folder.path())).unwrap();
    let mut writer = store.writer().unwrap();
    for n in 0..60u64 {
        let mut e = event(n, NOON + n as i64 * 60 * SECOND);
        e.push(fields::SOURCE_IP, Value::Str(["10.0.0.1", "10.0.0.2", "203.0.113.9"][n as usize % 3]));
        e.push(fields::EVENT_OUTCOME, Value::Str(if n % 4 == 0 { "failure" } else { "success" }));
        e.push(fields::SOURCE_BYTES, Value::Int(n as i64 * 100));
        e.push_named("vendor.zone", Value::Str(if n < 30 { "lan" } else { "wan" }));
        writer.add(n, &e).unwrap();
    }
    writer.commit().unwrap();
    for (query, want) in [
        ("* | stats count()", "count / 60"),
        ("nothing | stats count()", "count / 0"),
        (
            "source.ip:10.0.0.0/8 and event.outcome:failure | stats count() by source.ip | sort -count | head 20",
            "source.ip count / 10.0.0.1 5 / 10.0.0.2 5",
        ),
        (
            "* | stats count() as n, sum(source.bytes), avg(source.bytes) as mean, min(source.bytes), max(source.bytes), dc(source.ip) by vendor.zone",
            "vendor.zone n sum(source.bytes) mean min(source.bytes) max(source.bytes) dc(source.ip) / lan 30 43500 1450 0 2900 3 / wan 30 133500 4450 3000 5900 3",
        ),
        ("* | stats p50(source.bytes), p95(source.bytes)", "p50(source.bytes) p95(source.bytes) / 2900 5600"),
        ("* | where vendor.zone:lan | stats count() by event.outcome | where count > 10 | fields event.outcome", "event.outcome / success"),
        ("* | stats count() by source.ip | sort source.ip desc | tail 1", "source.ip count / 10.0.0.1 20"),
        ("* | timechart span=30m count()", "_time count / 2026-11-23T10:00:00Z 30 / 2026-11-23T10:30:00Z 30"),
        (
            "* | timechart span=1h count() by event.outcome",
            "_time event.outcome count / 2026-11-23T10:00:00Z failure 15 / 2026-11-23T10:00:00Z success 45",
        ),
        ("* | fields source.bytes, vendor.zone, nothing | head 2", "source.bytes vendor.zone nothing / 5900 wan  / 5800 wan "),
        ("* | sort source.bytes | head 2 | fields source.bytes", "source.bytes / 0 / 100"),
        ("* | sort -source.bytes | head 1 | fields message", "message / event number 59"),
        ("* | tail 2 | fields source.bytes", "source.bytes / 100 / 0"),
    ] {
        assert_eq!(table(&store, query), want, "{query}");
    }
    let Answer::Events(page) = ask(&store, "event.outcome:failure | head 3") else { panic!() };
    assert_eq!((page.events.len(), page.total, page.next), (3, 15, None));
    let request = RunRequest { range: TimeRange::ALL, limit: 5, after: None, total: Total::Exact };
    let wrong = run(&store, &Scope::All, &parse("* | stats count() | sort nothing").unwrap(), &request).unwrap_err();
    assert!(wrong.to_string().contains("there is no column `nothing`"), "{wrong}");
    assert!(matches!(parse("* | timechart count()").unwrap().pipes.as_slice(), [Pipe::Timechart { span: None, .. }]));
    assert!(in_any("vendor.zone") && store.count(&Scope::All, &parse_filter("lan").unwrap(), TimeRange::ALL).unwrap() == 30);
}
