//! What predicates and patterns mean, as tables.

use fansipan_model::{Cmp, Event, FieldId, Op, Pattern, Predicate, RegexTest, Target, Test, TimePart, json};
use proptest::prelude::*;

fn event(text: &str) -> Event {
    json::read(text).expect("test event")
}

fn field(name: &str) -> FieldId {
    FieldId::intern(name).expect("room")
}

#[test]
fn patterns() {
    for (pattern, text, expected) in [
        ("abc", "ABC", true),
        ("abc", "abcd", false),
        ("a*c", "abbbc", true),
        ("a*c", "abbbcd", false),
        (r"*\Temp\\*", r"c:\temp\x", true),
        (r"*\Temp\*", r"c:\temp*", true),
        ("a?c", "aăc", true),
        ("a?c", "ac", false),
        (r"a\*c", "a*c", true),
        (r"a\*c", "abc", false),
        (r"a\\*", r"a\b", true),
        (r"c:\windows\?", r"C:\Windows?", true),
        ("*", "", true),
        ("", "", true),
        ("", "x", false),
        ("?*", "", false),
        ("*ab*ab", "abab", true),
        ("*ab*ab", "ab", false),
        ("ĐĂNG*", "đăng nhập", true),
    ] {
        assert_eq!(Pattern::parse(pattern, false).matches(text), expected, "{pattern:?} against {text:?}");
    }
    assert!(!Pattern::parse("abc", true).matches("ABC"));
}

proptest! {
    /// The matcher agrees with the textbook recursion.
    #[test]
    fn glob_is_the_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
        fn slow(p: &[u8], t: &[u8]) -> bool {
            match p.split_first() {
                None => t.is_empty(),
                Some((b'*', rest)) => (0..=t.len()).any(|i| slow(rest, &t[i..])),
                Some((b'?', rest)) => !t.is_empty() && slow(rest, &t[1..]),
                Some((c, rest)) => t.first() == Some(c) && slow(rest, &t[1..]),
            }
        }
        prop_assert_eq!(Pattern::parse(&pattern, true).matches(&text), slow(pattern.as_bytes(), text.as_bytes()));
    }
}

#[test]
fn tests_of_fields() {
    let e = event(
        r#"{"@timestamp":"2026-11-23T22:15:00Z","source.ip":"10.1.2.3","event.code":4624,"user.name":["An","bình"],"none":null,"text":"7.5","when":"2026-01-05T01:00:00Z"}"#,
    );
    let cases: Vec<(&str, Op, bool)> = vec![
        ("event.code", Op::Like(Pattern::exact("4624")), true),
        ("user.name", Op::Like(Pattern::exact("AN")), true),
        ("user.name", Op::Like(Pattern::exact("BÌNH")), true),
        ("source.ip", Op::Cidr("10.0.0.0/8".parse().expect("net")), true),
        ("source.ip", Op::Cidr("10.2.0.0/16".parse().expect("net")), false),
        ("text", Op::Number(Cmp::Gt, 7.0), true),
        ("missing", Op::Absent, true),
        ("none", Op::Absent, true),
        ("none", Op::Exists, false),
        ("user.name", Op::Exists, true),
        ("user.name", Op::Regex(RegexTest::new("^b").expect("regex")), true),
        ("user.name", Op::Regex(RegexTest::new("(?<![Aì])n").expect("look-around")), false),
        ("@timestamp", Op::Time(TimePart::Hour, Cmp::Ge, 22), true),
        ("when", Op::Time(TimePart::Week, Cmp::Eq, 2), true),
    ];
    for (name, op, expected) in cases {
        assert_eq!(Predicate::test(field(name), op.clone()).matches(&e), expected, "{name} {op:?}");
    }
    let any = Predicate::Test(Test { target: Target::Any, op: Op::Word("bình".into()) });
    assert!(any.matches(&e));
    assert!(Predicate::Not(Box::new(Predicate::test(field("missing"), Op::Exists))).matches(&e));
}
