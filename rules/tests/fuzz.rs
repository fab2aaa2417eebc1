//! Broken, hostile and random rules, and rules over random events: nothing panics, and the plan answers as the definition does.
//!
//! The short form runs with every test. The long one, ten minutes for each target:
//! `FANSIPAN_SOAK=1 cargo nextest run --release -p fansipan-rules --test fuzz` (part of `make soak`); `FANSIPAN_SOAK_SECONDS` changes it.

use std::time::{Duration, Instant};

use fansipan_model::{Event, Value};
use fansipan_rules::{RuleIndex, RuleSet, Scratch, Taxonomy, packs, parse};

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

/// Runs `each` with seeds from 1: a fixed number of times, or for the time of a soak.
fn times(count: u64, mut each: impl FnMut(&mut Rng)) -> u64 {
    let seconds = std::env::var("FANSIPAN_SOAK_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(600);
    let until = std::env::var_os("FANSIPAN_SOAK").map(|_| Instant::now() + Duration::from_secs(seconds));
    let mut seed = 0;
    while until.map_or(seed < count, |until| Instant::now() < until) {
        seed += 1;
        each(&mut Rng(seed));
    }
    seed
}

const SCRAPS: &[&str] = &[
    "\n",
    " ",
    "  ",
    ":",
    ": ",
    "- ",
    "'",
    "\"",
    "|",
    "|re: ",
    "|contains|all: ",
    "|base64offset|contains: ",
    "|windash: ",
    "|cidr: ",
    "*",
    "?",
    "\\",
    "\\*",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "!!str ",
    "---\n",
    "...\n",
    "%",
    "%x%",
    "#",
    "null",
    "~",
    "''",
    "4624",
    "1e9",
    "-",
    "–",
    "é",
    "ſ",
    "\u{feff}",
    "\0",
    "\t",
    "(",
    ")",
    " and ",
    " or not ",
    "1 of them",
    "all of s*",
    "(a+)+$",
    "(?=x)",
    "[^",
    "10.0.0.0/8",
    "condition: ",
    "detection:\n",
    "  s:\n",
    "logsource: {product: windows}\n",
    "title: t\n",
    "correlation:\n",
    "filter:\n",
    "action: global\n",
    "timeframe: 5m\n",
];

/// A shipped rule with pieces cut, repeated, moved and replaced.
fn broken(rng: &mut Rng) -> String {
    let mut text: Vec<char> = packs::SHIPPED[rng.below(packs::SHIPPED.len())].1.chars().collect();
    for _ in 0..1 + rng.below(12) {
        let (at, len) = (rng.below(text.len() + 1), rng.below(24));
        let end = (at + len).min(text.len());
        match rng.below(4) {
            0 => drop(text.drain(at..end)),
            1 => {
                let piece: Vec<char> = text[at..end].repeat(1 + rng.below(4));
                text.splice(at..at, piece);
            }
            2 => drop(text.splice(at..at, rng.pick(SCRAPS).chars().collect::<Vec<_>>())),
            _ => drop(text.splice(at..end, rng.pick(SCRAPS).chars().collect::<Vec<_>>())),
        }
    }
    text.into_iter().collect()
}

#[test]
fn no_rule_text_breaks_the_parser_or_the_compiler() {
    let taxonomy = Taxonomy::builtin().expect("the shipped taxonomy");
    let mut loaded = 0;
    let tried = times(4000, |rng| {
        let text = if rng.below(8) == 0 { (0..rng.below(60)).map(|_| rng.pick(SCRAPS)).collect() } else { broken(rng) };
        let (rules, found) = parse(&text, "fuzz.yml");
        let lines = text.lines().count() as u32 + 1;
        for finding in &found {
            assert!(finding.line <= lines && !finding.help.is_empty(), "{finding}\n{text}");
        }
        loaded += rules.len();
        let (set, _) = RuleSet::compile(rules, &taxonomy);
        let mut out = Vec::new();
        set.evaluate(&Event::default(), &mut Scratch::default(), &mut out);
    });
    println!("{tried} texts, {loaded} rules loaded");
    assert!(loaded > 0);
}

fn value(rng: &mut Rng) -> String {
    const LETTERS: &[&str] = &["a", "b", "A", "B", "*", "?", "\\", ".", "-", "/", "é", "İ", " ", "ab", "\\*", "\\?", "x"];
    (0..rng.below(9)).map(|_| rng.pick(LETTERS)).collect::<String>().replace('\'', "")
}

fn rule(rng: &mut Rng) -> String {
    const FIELDS: &[&str] = &["A", "B", "C"];
    const MODIFIERS: &[&str] = &[
        "",
        "",
        "|contains",
        "|startswith",
        "|endswith",
        "|contains|all",
        "|cased",
        "|neq",
        "|re",
        "|re|i",
        "|windash",
        "|base64offset|contains",
        "|wide|base64offset|contains",
        "|fieldref",
        "|fieldref|startswith",
        "|exists",
        "|gt",
        "|lte",
        "|cidr",
        "|hour",
        "|endswith|cased",
    ];
    const CONDITIONS: &[&str] =
        &["s0", "s0 and s1", "s0 or s1", "s0 and not s1", "not s0", "1 of s*", "all of them", "not (s0 and s1) or s1"];
    let mut text = "title: t\nlogsource: {service: case}\ndetection:\n".to_owned();
    for s in 0..2 {
        text.push_str(&format!("  s{s}:\n"));
        if rng.below(6) == 0 {
            (0..1 + rng.below(3)).for_each(|_| text.push_str(&format!("    - '{}'\n", value(rng))));
            continue;
        }
        for field in FIELDS.iter().take(1 + rng.below(3)) {
            let modifier = rng.pick(MODIFIERS);
            let mut one = || match modifier {
                m if m.contains("fieldref") => "B".to_owned(),
                "|exists" => "true".to_owned(),
                "|gt" | "|lte" | "|hour" => rng.below(30).to_string(),
                "|cidr" => "10.0.0.0/8".to_owned(),
                m if m.contains("|re") => rng.pick(&["a+b", "^ab", "(a|b)*x$", "a.b", "\\.", "[ab]{2}"]).to_owned(),
                _ => value(rng),
            };
            let values: Vec<String> = (0..1 + one().len() % 3).map(|_| format!("'{}'", one())).collect();
            text.push_str(&format!("    {field}{modifier}: [{}]\n", values.join(", ")));
        }
    }
    text.push_str(&format!("  condition: {}\n", rng.pick(CONDITIONS)));
    text
}

fn event(rng: &mut Rng) -> Event {
    let mut event = Event::default();
    for _ in 0..rng.below(7) {
        let name = rng.pick(&["A", "B", "C", "message", "other.field"]);
        let text = match rng.below(6) {
            0 => rng.pick(&["10.1.2.3", "2026-11-23T22:30:59Z", "12", "YWJj", "a-b", "a/b"]).to_owned(),
            // long and uniform: what makes careless matchers slow
            1 => rng.pick(&["a", "ab", "*", "\\", "é"]).repeat(rng.below(400)),
            _ => value(rng),
        };
        match rng.below(8) {
            0 => event.push_named(name, Value::Null),
            1 => event.push_named(name, Value::Int(rng.below(30) as i64)),
            _ => event.push_named(name, Value::Str(&text)),
        }
    }
    event.push_named("event.dataset", Value::Str("case"));
    event
}

#[test]
fn no_rule_and_event_disagree_with_the_definition() {
    let taxonomy = Taxonomy::builtin().expect("the shipped taxonomy");
    let (mut hits, mut judged) = (0u64, 0u64);
    let tried = times(1200, |rng| {
        let texts: Vec<String> = (0..1 + rng.below(8)).map(|_| rule(rng)).collect();
        let rules = texts.iter().zip(0..).flat_map(|(text, i)| parse(text, &format!("{i}.yml")).0).collect();
        let (set, _) = RuleSet::compile(rules, &taxonomy);
        let mut scratch = Scratch::default();
        for _ in 0..8 {
            let event = event(rng);
            let mut found = Vec::new();
            set.evaluate(&event, &mut scratch, &mut found);
            let want: Vec<RuleIndex> = (0u32..).zip(set.rules()).filter(|(_, r)| r.matches(&event)).map(|(i, _)| RuleIndex(i)).collect();
            let texts: Vec<&str> = found.iter().chain(&want).map(|&i| &*set.rule(i).rule.text).collect();
            assert_eq!(found, want, "{event:?}\n{}", texts.join("\n---\n"));
            judged += 1;
            hits += found.len() as u64;
        }
    });
    println!("{tried} rule sets, {judged} events, {hits} matches");
    assert!(hits > judged / 20);
}

/// What would fill memory or time is refused before it does, each with its code and a place.
#[test]
fn bombs_are_refused() {
    let rule = |selection: &str| {
        format!("title: t\nlogsource: {service}\ndetection:\n  s: {selection}\n  condition: s\n", service = "{service: case}")
    };
    let doubling: String = (1..40).map(|i| format!("a{i}: &a{i} [*a{}, *a{}]\n", i - 1, i - 1)).collect();
    for (text, code) in [
        (rule(&format!("{{A: '{}'}}", "x".repeat(10 << 20))), "FSP-R001"),
        (format!("a0: &a0 [x, x]\n{doubling}title: t\n"), "FSP-R003"),
        (rule(&format!("{}x{}", "[".repeat(500), "]".repeat(500))), "FSP-R004"),
        (rule(&format!("{{'A|re': '{}'}}", "(a{500}){500}".repeat(20))), "FSP-R033"),
        (rule(&format!("{{'A|re': '{}'}}", "a|".repeat(10_000))), "FSP-R033"),
        (rule(&format!("{{'A|windash|contains': '{}'}}", " -a".repeat(30))), "FSP-R032"),
        (rule("{A: x}").replace("condition: s", &format!("condition: {}s{}", "(".repeat(5000), ")".repeat(5000))), "FSP-R055"),
        (rule("{A: x}").replace("condition: s", &format!("condition: {}", vec!["s"; 5000].join(" or "))), "FSP-R055"),
    ] {
        let (rules, found) = parse(&text, "bomb.yml");
        assert!(rules.is_empty() && found.iter().any(|d| d.code == code && d.line > 0), "{code}: {found:?}");
    }
}

/// Work grows with the size of a value, not with its square: twenty times the text takes far less than four hundred times as long
/// where the machine is quiet. Printed rather than asserted, since tests assert no times.
#[test]
fn hostile_values_are_judged() {
    let taxonomy = Taxonomy::builtin().expect("the shipped taxonomy");
    let hostile = [
        ("A|re: '(a+)+b$'", "a"),
        ("A|re: '(?=a)(a|aa)+b'", "a"),
        ("A: '*a*a*a*a*a*a*a*b'", "a"),
        ("A: '?*?*?*?*?*b'", "a"),
        ("A|contains: 'aaaaaaaab'", "a"),
        ("A|endswith: ['\\aaaaaaab', 'ab']", "\\a"),
    ];
    for (item, unit) in hostile {
        let text = format!("title: t\nlogsource: {{service: case}}\ndetection:\n  s:\n    {item}\n  condition: s\n");
        let (rules, found) = parse(&text, "hostile.yml");
        assert_eq!(rules.len(), 1, "{found:?}\n{text}");
        let (set, _) = RuleSet::compile(rules, &taxonomy);
        let mut took = Vec::new();
        for size in [5_000, 100_000] {
            let mut event = Event::default();
            event.push_named("event.dataset", Value::Str("case"));
            event.push_named("A", Value::Str(&unit.repeat(size)));
            let started = Instant::now();
            let mut out = Vec::new();
            set.evaluate(&event, &mut Scratch::default(), &mut out);
            took.push(started.elapsed());
            assert!(out.is_empty());
        }
        println!("{item}: {:?} for 5,000 bytes, {:?} for 100,000", took[0], took[1]);
    }
}
