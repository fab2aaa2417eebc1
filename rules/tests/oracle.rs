//! The plan answers as the definition does: random rules over random events, and every shared rule over every recording.

mod testkit;

use fansipan_model::{Event, FieldId, Value};
use fansipan_rules::{RuleIndex, RuleSet, Scratch, Taxonomy, parse};
use proptest::{collection::vec, prelude::*, sample::select};

/// What the definition answers.
fn definition(set: &RuleSet, event: &Event) -> Vec<RuleIndex> {
    (0u32..).zip(set.rules()).filter(|(_, r)| r.matches(event)).map(|(i, _)| RuleIndex(i)).collect()
}

const FIELDS: &[&str] = &["Image", "CommandLine", "User", "EventID", "Port", "odd.name"];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[aAbB*?\\\\.é-]{0,5}".prop_map(|s| format!("'{s}'")),
        select(vec!["null", "''", "'*'", "4688", "1", "true", "'İs'", "'ſ'", "'a*b'", "'?b'", "'\\\\'", "'\\*'"]).prop_map(str::to_owned),
    ]
}

fn item() -> impl Strategy<Value = String> {
    let plain = (
        select(FIELDS),
        select(vec!["", "|contains", "|startswith", "|endswith", "|cased", "|contains|cased", "|neq", "|contains|windash"]),
    );
    let strings = (plain, vec(value(), 1..9), any::<bool>()).prop_map(|((field, modifier), values, all)| {
        let values: Vec<String> =
            values.into_iter().map(|v| if v == "null" && modifier.contains('s') { "'n'".to_owned() } else { v }).collect();
        let all = if all && values.len() > 1 { "|all" } else { "" };
        format!("{field}{modifier}{all}: [{}]", values.join(", "))
    });
    let others = select(vec![
        "Port|gt: 5",
        "Port|lte: 5",
        "Image|re: 'a+b'",
        "Image|re|i: 'ab.?A'",
        "CommandLine|re: '^(a|bab)'",
        "CommandLine|re: '(?=a)ab'",
        "User|exists: true",
        "User|exists: false",
        "User|fieldref: Image",
        "User|fieldref|endswith: Image",
        "User: null",
        "odd.name|cidr: 10.0.0.0/8",
        "Image|base64offset|contains: 'abc'",
    ]);
    prop_oneof![4 => strings, 1 => others.prop_map(str::to_owned)]
}

fn selection() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => vec(item(), 1..4).prop_map(|items| {
            let mut seen = std::collections::BTreeSet::new();
            let items: Vec<String> = items.into_iter().filter(|i| seen.insert(i.split(':').next().map(str::to_owned))).collect();
            format!("{{{}}}", items.join(", "))
        }),
        1 => vec(item(), 1..3).prop_map(|items| format!("[{}]", items.iter().map(|i| format!("{{{i}}}")).collect::<Vec<_>>().join(", "))),
        1 => vec("[aAbB.]{1,3}", 1..3).prop_map(|words| format!("[{}]", words.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(", "))),
    ]
}

const SOURCES: &[&str] = &[
    "{product: windows, category: process_creation}",
    "{product: windows, service: security}",
    "{product: windows}",
    "{category: registry_add, product: windows}",
    "{product: something, service: odd}",
    "{category: webserver}",
];

const CONDITIONS: &[&str] = &[
    "a",
    "a and b",
    "a or b",
    "a and not b",
    "not a",
    "not (a and b)",
    "1 of them",
    "all of them",
    "a and not 1 of b*",
    "(a or b) and not c",
    "not a or (b and not c)",
];

fn rule() -> impl Strategy<Value = String> {
    (select(SOURCES), selection(), selection(), selection(), select(CONDITIONS)).prop_map(|(source, a, b, c, condition)| {
        format!("title: t\nlogsource: {source}\ndetection:\n  a: {a}\n  b: {b}\n  c: {c}\n  condition: {condition}\n")
    })
}

fn event() -> impl Strategy<Value = Vec<(&'static str, Val)>> {
    let names = select(vec![
        "winlog.event_data.Image",
        "winlog.event_data.NewProcessName",
        "winlog.event_data.CommandLine",
        "winlog.event_data.User",
        "winlog.event_data.Port",
        "process.executable",
        "Image",
        "CommandLine",
        "User",
        "Port",
        "odd.name",
        "never.named",
        "fansipan.error",
        "message",
    ]);
    let values = prop_oneof![
        4 => "[aAbB.é-]{0,6}".prop_map(Val::Text),
        1 => select(vec!["İs", "ſ", "\\", "10.1.2.3", "/ab", "YWJj"]).prop_map(|s| Val::Text(s.to_owned())),
        1 => (0i64..12).prop_map(Val::Number),
        1 => Just(Val::Null),
    ];
    let heads = vec(
        select(vec![
            ("winlog.channel", "Security"),
            ("winlog.channel", "Microsoft-Windows-Sysmon/Operational"),
            ("event.code", "4688"),
            ("event.code", "1"),
            ("event.code", "12"),
            ("winlog.event_data.EventType", "CreateKey"),
            ("event.module", "odd"),
            ("event.dataset", "something.else"),
            ("event.module", "Nginx"),
        ]),
        0..5,
    );
    (heads, vec((names, values), 0..8))
        .prop_map(|(heads, fields)| heads.into_iter().map(|(n, v)| (n, Val::Text(v.to_owned()))).chain(fields).collect())
}

#[derive(Clone, Debug)]
enum Val {
    Text(String),
    Number(i64),
    Null,
}

fn build(fields: &[(&'static str, Val)], before: bool) -> Event {
    let mut event = Event::default();
    for (name, value) in fields {
        let value = match value {
            Val::Text(s) => Value::Str(s),
            Val::Number(n) => Value::Int(*n),
            Val::Null => Value::Null,
        };
        // some names travel in the event as if no rule had named them yet
        match FieldId::lookup(name) {
            Some(id) if !before => event.push(id, value),
            _ => event.push_named(name, value),
        }
    }
    event
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn random_rules_over_random_events(rules in vec(rule(), 1..12), events in vec(event(), 1..12)) {
        let before: Vec<Event> = events.iter().map(|e| build(e, true)).collect();
        let taxonomy = Taxonomy::builtin().expect("the shipped taxonomy");
        let mut parsed = Vec::new();
        for (i, text) in rules.iter().enumerate() {
            let (rules, found) = parse(text, &format!("{i}"));
            prop_assert!(rules.len() == 1 || found.iter().any(|f| f.severity == fansipan_rules::Severity::Error), "{text}: {found:?}");
            parsed.extend(rules);
        }
        let (set, _) = RuleSet::compile(parsed, &taxonomy);
        let mut scratch = Scratch::default();
        for event in before.iter().chain(&events.iter().map(|e| build(e, false)).collect::<Vec<_>>()) {
            let mut found = Vec::new();
            set.evaluate(event, &mut scratch, &mut found);
            let want = definition(&set, event);
            if found != want {
                let texts: Vec<&str> = found.iter().chain(&want).map(|&i| &*set.rule(i).rule.text).collect();
                prop_assert!(false, "plan {found:?}, definition {want:?}: {event:?}\n{}", texts.join("\n---\n"));
            }
        }
    }
}

#[test]
fn shared_rules_over_shared_recordings() {
    let Some(data) = testkit::data() else { return };
    let set = testkit::shared_set(&data);
    let mut paths = Vec::new();
    testkit::files(&data.join("sigma/regression_data"), "json", &mut paths);
    let (mut scratch, mut count, mut hits) = (Scratch::default(), 0, 0);
    for path in &paths {
        for event in testkit::windows_events(path) {
            let mut found = Vec::new();
            set.evaluate(&event, &mut scratch, &mut found);
            assert_eq!(found, definition(&set, &event), "{}", path.display());
            count += 1;
            hits += found.len();
        }
    }
    println!("{count} events, {hits} matches; {:?}", set.stats());
}
