//! One operation on one value as SQL, by the type the value is kept in.
//!
//! Of text these conditions are right where it has native characters only (see [`super::row`]); the caller sees to the rest.

use std::net::IpAddr;

use fansipan_model::{Cmp, Event, Op, Part, Pattern, RegexTest, Value, pattern::Shape};

use super::sql::{self, Condition};
use crate::engine::{
    candidates::{number_range, octets},
    record::{integer, v6},
};

/// Longest regular expression that is given to the server, bytes.
const LONGEST_REGEX: usize = 2_000;
/// Product of all repetitions in one.
const MOST_REPEATS: u64 = 1_000;
/// Words of at least this many bytes may stand for longer ones, cut.
const LONG_WORD: usize = 61;

/// Whether an operation looks at text in a way that the server's idea of case or words matters.
pub(crate) fn folds(op: &Op) -> bool {
    match op {
        Op::Like(pattern) => !pattern.cased() && !matches!(pattern.shape(), Shape::Anything),
        Op::Word(_) => true,
        _ => false,
    }
}

/// Of a text.
pub(crate) fn text(op: &Op, x: &str) -> Condition {
    match op {
        Op::Exists => Condition::constant(true),
        Op::Absent => Condition::constant(false),
        Op::Like(pattern) => like(pattern, x),
        Op::Word(word) => self::word(word, x),
        Op::Regex(regex) => self::regex(regex, x),
        Op::Cidr(net) => text_in_network(net, x),
        Op::Number(cmp, n) => text_as_number(*cmp, *n, x),
        Op::Field(_) | Op::Time(..) => Condition::perhaps("1"),
    }
}

/// Of an integer.
pub(crate) fn long(op: &Op, x: &str) -> Condition {
    match op {
        Op::Exists => Condition::constant(true),
        Op::Number(cmp, n) => between(*cmp, *n, x),
        Op::Like(pattern) => match pattern.shape() {
            Shape::Exact(text) => match integer(text) {
                Some(v) => Condition::exact(format!("{x} = {v}")),
                None => Condition::constant(false),
            },
            _ => like(pattern, &format!("toString({x})")),
        },
        // the minus sign is no part of the word
        Op::Word(word) => match integer(word) {
            Some(v) if v >= 0 => Condition::exact(format!("{x} IN ({v}, -{v})")),
            None if **word == *"9223372036854775808" => Condition::exact(format!("{x} = {}", i64::MIN)),
            _ => Condition::constant(false),
        },
        Op::Regex(regex) => self::regex(regex, &format!("toString({x})")),
        Op::Field(_) => Condition::perhaps("1"),
        Op::Absent | Op::Cidr(_) | Op::Time(..) => Condition::constant(false),
    }
}

/// Of true or false.
pub(crate) fn boolean(op: &Op, x: &str) -> Condition {
    if let Op::Field(_) = op {
        return Condition::perhaps("1");
    }
    match [true, false].map(|v| op.holds(Value::Bool(v), &Event::default())) {
        [true, true] => Condition::constant(true),
        [true, false] => Condition::exact(x),
        [false, true] => Condition::exact(format!("NOT {x}")),
        [false, false] => Condition::constant(false),
    }
}

/// Of an address.
pub(crate) fn address(op: &Op, x: &str) -> Condition {
    match op {
        Op::Exists => Condition::constant(true),
        Op::Cidr(net) => in_network(net, x),
        Op::Like(pattern) => match pattern.shape() {
            Shape::Anything => Condition::constant(true),
            Shape::Exact(text) => match text.parse::<IpAddr>() {
                Ok(ip) if ip.to_string() == text && ip == ip.to_canonical() => Condition::exact(format!("{x} = {}", literal(ip))),
                _ => Condition::constant(false),
            },
            Shape::Prefix(text) if let Some((from, to)) = octets(text) => Condition::exact(range(x, from.into(), to.into())),
            _ => as_text(op, x),
        },
        Op::Word(_) | Op::Regex(_) => as_text(op, x),
        Op::Field(_) => Condition::perhaps("1"),
        Op::Absent | Op::Number(..) | Op::Time(..) => Condition::constant(false),
    }
}

/// Of an address as text: how the server writes IPv4 is how we do, of IPv6 we do not rely on it.
fn as_text(op: &Op, x: &str) -> Condition {
    let inner = text(op, &format!("substring(toString({x}), 8)"));
    let v4 = is_v4(x);
    Condition::new(format!("if({v4}, {}, 1)", inner.may), format!("({v4} AND {})", inner.must))
}

fn literal(ip: IpAddr) -> String {
    format!("toIPv6('{}')", v6(ip))
}

/// One address is asked for as equal: that is what the Bloom filters answer.
fn range(x: &str, from: IpAddr, to: IpAddr) -> String {
    if from == to {
        return format!("{x} = {}", literal(from));
    }
    format!("({x} >= {} AND {x} <= {})", literal(from), literal(to))
}

fn is_v4(x: &str) -> String {
    range(x, IpAddr::from([0, 0, 0, 0]), IpAddr::from([255, 255, 255, 255]))
}

/// Of an address in a network.
fn in_network(net: &ipnet::IpNet, x: &str) -> Condition {
    let inside = range(x, net.network(), net.broadcast());
    Condition::exact(match net {
        ipnet::IpNet::V4(_) => inside,
        // IPv4 addresses are kept inside IPv6 but are not part of its networks
        ipnet::IpNet::V6(_) => format!("({inside} AND NOT {})", is_v4(x)),
    })
}

fn text_in_network(net: &ipnet::IpNet, x: &str) -> Condition {
    const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    let ipv6 = format!("position({x}, ':') > 0");
    match net {
        ipnet::IpNet::V6(_) => Condition::perhaps(ipv6),
        ipnet::IpNet::V4(net) => {
            let shape = sql::text(&format!("^{OCTET}[.]{OCTET}[.]{OCTET}[.]{OCTET}$"));
            let (from, to) = (u32::from(net.network()), u32::from(net.broadcast()));
            let must = format!("(match({x}, {shape}) AND IPv4StringToNumOrDefault({x}) BETWEEN {from} AND {to})");
            // text may also be an IPv4 address mapped into IPv6
            Condition::new(format!("({must} OR {ipv6})"), must)
        }
    }
}

fn between(cmp: Cmp, n: f64, x: &str) -> Condition {
    match number_range(cmp, n) {
        Some((from, to)) if from == to => Condition::exact(format!("{x} = {from}")),
        Some((from, to)) => Condition::exact(format!("({x} >= {from} AND {x} <= {to})")),
        None => Condition::constant(false),
    }
}

fn text_as_number(cmp: Cmp, n: f64, x: &str) -> Condition {
    let simple = format!("match({x}, '^-?[0-9]{{1,15}}$')");
    let inside = between(cmp, n, &format!("toInt64OrZero({x})")).must;
    Condition::new(format!("if({simple}, {inside}, match({x}, '[0-9]'))"), format!("({simple} AND {inside})"))
}

/// A pattern on a text.
fn like(pattern: &Pattern, x: &str) -> Condition {
    let y = if pattern.cased() { x.to_owned() } else { format!("lowerUTF8({x})") };
    Condition::exact(match pattern.shape() {
        Shape::Anything => return Condition::constant(true),
        Shape::Exact(s) => format!("{y} = {}", sql::text(s)),
        Shape::Prefix(s) => format!("startsWith({y}, {})", sql::text(s)),
        Shape::Suffix(s) => format!("endsWith({y}, {})", sql::text(s)),
        Shape::Contains(s) => format!("{y} LIKE {}", sql::text(&format!("%{}%", sql::like_escaped(s)))),
        Shape::Glob(parts) => {
            let glob: String = parts
                .iter()
                .map(|part| match part {
                    Part::Literal(s) => sql::like_escaped(s),
                    Part::One => "_".to_owned(),
                    Part::Many => "%".to_owned(),
                })
                .collect();
            format!("{y} LIKE {}", sql::text(&glob))
        }
    })
}

/// Whether a word can be one that [`fansipan_model::text::words`] finds.
pub(crate) fn is_word(word: &str) -> bool {
    !word.is_empty() && !word.chars().any(|c| c.is_ascii() && !c.is_ascii_alphanumeric())
}

fn word(word: &str, x: &str) -> Condition {
    if !is_word(word) {
        return Condition::constant(false);
    }
    let there = format!("position(lowerUTF8({x}), {}) > 0", sql::text(word));
    if word.len() >= LONG_WORD {
        return Condition::perhaps(there);
    }
    let alone = sql::text(&format!(r"(?:^|[^\p{{L}}\p{{N}}]){word}(?:$|[^\p{{L}}\p{{N}}])"));
    Condition::exact(format!("({there} AND match(lowerUTF8({x}), {alone}))"))
}

/// A regular expression: on ASCII text the server's engine and ours agree about what both know.
fn regex(regex: &RegexTest, x: &str) -> Condition {
    match portable(regex) {
        Some(pattern) => {
            let (ascii, found) = (format!("isValidASCII({x})"), format!("match({x}, {})", sql::text(&pattern)));
            Condition::new(format!("if({ascii}, {found}, 1)"), format!("({ascii} AND {found})"))
        }
        None => Condition::perhaps("1"),
    }
}

/// The expression in words of RE2 that mean the same on ASCII text; `None`: there are none, or it is not worth it.
fn portable(regex: &RegexTest) -> Option<String> {
    let source = regex.source();
    if !regex.is_linear() || !source.is_ascii() || source.len() > LONGEST_REGEX {
        return None;
    }
    let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(source).ok()?;
    let printed = hir.to_string();
    // how a class of nothing is printed; RE2 reads it as a class of three characters
    if printed.contains("[a&&b]") {
        return None;
    }
    let mut repeats = 1u64;
    for after in printed.split('{').skip(1) {
        for number in after.split('}').next().unwrap_or("").split(',').filter_map(|n| n.parse::<u64>().ok()) {
            repeats = repeats.saturating_mul(number.max(1));
        }
    }
    // classes of bytes beyond ASCII do not matter for ASCII text
    let plain = printed.replace("(?-u:", "(?:").replace("(?s-u:", "(?:");
    let known = ["(?:", "(?P<", "(?m:^", "(?m:$"];
    let plain_groups = plain.match_indices("(?").all(|(i, _)| plain.get(i..).is_some_and(|rest| known.iter().any(|k| rest.starts_with(k))));
    (repeats <= MOST_REPEATS && printed.len() <= LONGEST_REGEX && plain_groups).then(|| format!("(?-s){plain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_that_mean_the_same_to_the_server() {
        for (source, printed) in [
            (r"(?i)root", Some(r"(?-s)[Rr][Oo][Oo][Tt]")),
            (r"^\d+$", Some(r"(?-s)\A[0-9]+\z")),
            (r"a.*b", Some(r"(?-s)a[\x00-\x09\x0B-\xFF]*b")),
            (r"\bcmd\b", Some(r"(?-s)\bcmd\b")),
            (r"đ", None),
            (r"\p{L}", None),
            (r"(?=a)b", None),
            (r"(a{40}){40}", None),
            (r"[a&&b]", None),
        ] {
            let found = portable(&RegexTest::new(source).unwrap());
            let bare = found.map(|f| f.replace("(?:", "").replace(')', "").replace("(?-s", "(?-s)"));
            assert_eq!(bare.as_deref(), printed, "{source}");
        }
    }
}
