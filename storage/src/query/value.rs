//! Values behind a field: texts with wildcards, networks, numbers, ranges, regular expressions.

use fansipan_model::{Cmp, Op, Part, Pattern, Predicate, RegexError, RegexTest, Target, Test};

use super::{
    Fault, QueryError,
    text::{Input, SPECIAL, ends_text},
};

/// A text as written.
pub(super) struct Text {
    /// Its literals and wildcards.
    pub(super) parts: Vec<Part>,
    /// Whether it stood in quotes.
    pub(super) quoted: bool,
    /// It without quotes and backslashes, wildcards as they are.
    pub(super) plain: String,
}

/// The network or single address a text is.
pub(super) fn network(text: &str) -> Option<ipnet::IpNet> {
    match text.parse::<std::net::IpAddr>() {
        Ok(ip) => Some(ip.into()),
        Err(_) => text.parse().ok(),
    }
}

/// A quoted or unquoted text.
pub(super) fn text(input: &mut Input<'_>) -> Result<Text, QueryError> {
    if input.peek() == Some('"') {
        let plain = quoted(input)?;
        let parts = if plain.is_empty() { vec![] } else { vec![Part::Literal(plain.as_str().into())] };
        return Ok(Text { parts, quoted: true, plain });
    }
    let (mut parts, mut literal, mut plain) = (Vec::new(), String::new(), String::new());
    while let Some(c) = input.peek().filter(|c| !ends_text(*c)) {
        input.next();
        let c = match (c, input.peek()) {
            ('\\', Some(escaped)) if SPECIAL.contains(escaped) || escaped.is_whitespace() => {
                input.next();
                escaped
            }
            ('*' | '?', _) => {
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal).into()));
                }
                parts.push(if c == '*' { Part::Many } else { Part::One });
                plain.push(c);
                continue;
            }
            (c, _) => c,
        };
        literal.push(c);
        plain.push(c);
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.into()));
    }
    Ok(Text { parts, quoted: false, plain })
}

/// What stands between quotes; `\"` and `\\` are escapes, wildcards have no meaning.
fn quoted(input: &mut Input<'_>) -> Result<String, QueryError> {
    let place = input.place();
    input.take("\"");
    let mut out = String::new();
    loop {
        match input.next() {
            None => return Err(input.error(place, Fault::OpenQuote)),
            Some('"') => return Ok(out),
            Some('\\') if matches!(input.peek(), Some('"' | '\\')) => out.extend(input.next()),
            Some(c) => out.push(c),
        }
    }
}

/// A value of a field, up to what follows it.
pub(super) fn read(input: &mut Input<'_>, target: &Target) -> Result<Predicate, QueryError> {
    let test = |op| Predicate::Test(Test { target: target.clone(), op });
    let place = input.place();
    for (sign, cmp) in [(">=", Cmp::Ge), ("<=", Cmp::Le), (">", Cmp::Gt), ("<", Cmp::Lt), ("=", Cmp::Eq)] {
        if input.take(sign) {
            input.skip_blanks();
            return Ok(test(Op::Number(cmp, number(input)?)));
        }
    }
    if input.take("~") {
        return regex(input).map(|re| test(Op::Regex(re)));
    }
    if let Some(open @ ('[' | '{')) = input.peek() {
        input.next();
        return range(input, target, open);
    }
    let Text { parts, quoted, plain } = text(input)?;
    if !quoted {
        if parts.is_empty() {
            return Err(input.error(place, Fault::NoValue { what: input.shown() }));
        }
        if parts.iter().all(|p| *p == Part::Many) {
            return Ok(match target {
                Target::Any => Predicate::True,
                Target::Field(_) => test(Op::Exists),
            });
        }
        if let [Part::Literal(_)] = parts.as_slice()
            && let Some((address, bits)) = plain.split_once('/')
            && let Ok(ip) = address.parse::<std::net::IpAddr>()
        {
            let most = if ip.is_ipv4() { 32 } else { 128 };
            return match plain.parse() {
                Ok(net) => Ok(test(Op::Cidr(net))),
                Err(_) => Err(input.error(place, Fault::NoNetwork { bits: bits.to_owned(), address: address.to_owned(), most })),
            };
        }
    }
    Ok(test(Op::Like(Pattern::new(parts, false))))
}

fn number(input: &mut Input<'_>) -> Result<f64, QueryError> {
    let place = input.place();
    let text = input.run(|c| !ends_text(c));
    match text.parse::<f64>().ok().filter(|n| n.is_finite()) {
        Some(n) => Ok(n),
        None => {
            let is_time = fansipan_model::time::from_rfc3339(text).is_some();
            let text = text.chars().take(40).collect();
            Err(input.error(place, if is_time { Fault::TimeInFilter { text } } else { Fault::NoNumber { text } }))
        }
    }
}

fn regex(input: &mut Input<'_>) -> Result<RegexTest, QueryError> {
    let place = input.place();
    if input.peek() != Some('"') {
        return Err(input.error(place, Fault::BareRegex));
    }
    let source = quoted(input)?;
    RegexTest::new(&source).map_err(|RegexError(why)| input.error(place, Fault::BadRegex { why }))
}

/// `[1 to 9]`, `{1 to 9}`, open ends as `*`; the bracket before was taken.
fn range(input: &mut Input<'_>, target: &Target, open: char) -> Result<Predicate, QueryError> {
    let place = input.place();
    let bound = |input: &mut Input<'_>| -> Result<Option<f64>, QueryError> {
        input.skip_blanks();
        let found = if input.take("*") { None } else { Some(number(input)?) };
        input.skip_blanks();
        Ok(found)
    };
    let from = bound(input)?;
    if !input.keyword("to") {
        return Err(input.error(input.place(), Fault::RangeWithoutTo { what: input.shown() }));
    }
    let to = bound(input)?;
    let inclusive = match (open, input.peek()) {
        (_, Some(']')) => true,
        (_, Some('}')) => false,
        _ => return Err(input.error(input.place(), Fault::OpenRange)),
    };
    input.next();
    let test = |cmp, n| Predicate::Test(Test { target: target.clone(), op: Op::Number(cmp, n) });
    let from = from.map(|n| test(if open == '[' { Cmp::Ge } else { Cmp::Gt }, n));
    let to = to.map(|n| test(if inclusive { Cmp::Le } else { Cmp::Lt }, n));
    match (from, to) {
        (Some(from), Some(to)) => Ok(Predicate::And(vec![from, to])),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (None, None) => Err(input.error(place, Fault::BoundlessRange)),
    }
}
