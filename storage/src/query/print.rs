//! A filter back to text. What [`super::parse`] reads from it is the same predicate.

use fansipan_model::{Cmp, Op, Part, Pattern, Predicate, Target, pattern::Shape};

use super::{filter::single_word, names, text::SPECIAL, value::network};

/// The text of a filter; `None` if the language has no words for it (rules can say more than queries).
pub fn print(filter: &Predicate) -> Option<String> {
    let mut out = String::new();
    write(filter, &mut out)?;
    Some(out)
}

/// The text of a filter that finds the same events, though parsed it is another tree: a field with several homes becomes a choice
/// between them. `None` as for [`print`]. Differs for events that hold an explicit null in a home before the one that decides.
pub fn print_equivalent(filter: &Predicate) -> Option<String> {
    print(&plain(filter))
}

/// Without what only rules say: several homes of a field, absence, lists of one.
fn plain(filter: &Predicate) -> Predicate {
    match filter {
        Predicate::True | Predicate::False => filter.clone(),
        Predicate::Not(inner) => match plain(inner) {
            Predicate::True => Predicate::False,
            Predicate::False => Predicate::True,
            Predicate::Not(twice) => *twice,
            inner => Predicate::Not(Box::new(inner)),
        },
        Predicate::And(list) => {
            let parts: Vec<Predicate> = list.iter().map(plain).filter(|p| *p != Predicate::True).collect();
            match parts.len() {
                _ if parts.contains(&Predicate::False) => Predicate::False,
                0 => Predicate::True,
                1 => parts.into_iter().next().unwrap_or(Predicate::True),
                _ => Predicate::And(parts),
            }
        }
        Predicate::Or(list) => {
            let parts: Vec<Predicate> = list.iter().map(plain).filter(|p| *p != Predicate::False).collect();
            match parts.len() {
                _ if parts.contains(&Predicate::True) => Predicate::True,
                0 => Predicate::False,
                1 => parts.into_iter().next().unwrap_or(Predicate::False),
                _ => Predicate::Or(parts),
            }
        }
        Predicate::Test(test) => {
            let Target::Field(homes) = &test.target else { return filter.clone() };
            let missing = |field| Predicate::Not(Box::new(Predicate::test(field, Op::Exists)));
            let absent = matches!(test.op, Op::Absent);
            let op = match &test.op {
                Op::Like(pattern) if pattern.shape() == Shape::Anything => Op::Exists,
                op => op.clone(),
            };
            let asked = |field| if absent { missing(field) } else { Predicate::test(field, op.clone()) };
            let Some((last, before)) = homes.split_last() else { return filter.clone() };
            // from the last home to the first: this one, or, where it is missing, the ones after it
            before.iter().rev().fold(asked(*last), |rest, &field| match absent {
                true => Predicate::And(vec![missing(field), rest]),
                false => Predicate::Or(vec![asked(field), Predicate::And(vec![missing(field), rest])]),
            })
        }
    }
}

fn write(predicate: &Predicate, out: &mut String) -> Option<()> {
    match predicate {
        Predicate::True => out.push('*'),
        Predicate::False => return None,
        Predicate::And(list) => join(list, " and ", out)?,
        Predicate::Or(list) => join(list, " or ", out)?,
        Predicate::Not(inner) => {
            out.push_str("not ");
            nested(inner, out)?;
        }
        Predicate::Test(test) => match &test.target {
            Target::Any => any(&test.op, out)?,
            Target::Field(list) => {
                let [field] = list.as_slice() else { return None };
                let name = field.name();
                if !name.chars().next().is_some_and(names::begins_name) || !name.chars().all(names::is_name) {
                    return None;
                }
                out.push_str(name);
                out.push(':');
                value(&test.op, out)?;
            }
        },
    }
    Some(())
}

fn nested(predicate: &Predicate, out: &mut String) -> Option<()> {
    if let Predicate::And(_) | Predicate::Or(_) = predicate {
        out.push('(');
        write(predicate, out)?;
        out.push(')');
        return Some(());
    }
    write(predicate, out)
}

fn join(list: &[Predicate], word: &str, out: &mut String) -> Option<()> {
    if list.len() < 2 {
        return None;
    }
    for (i, part) in list.iter().enumerate() {
        if i > 0 {
            out.push_str(word);
        }
        nested(part, out)?;
    }
    Some(())
}

fn any(op: &Op, out: &mut String) -> Option<()> {
    match op {
        Op::Word(word) => {
            // keywords are words too
            if single_word(word).as_deref() != Some(word) {
                return None;
            }
            quote(word, out);
        }
        Op::Cidr(net) if net.prefix_len() == net.max_prefix_len() && network(&net.addr().to_string()) == Some(*net) => {
            out.push_str(&net.addr().to_string());
        }
        Op::Cidr(net) => out.push_str(&net.to_string()),
        Op::Like(pattern) if !pattern.cased() => match pattern.shape() {
            Shape::Contains(text) if single_word(text).is_none() => quote(text, out),
            _ => match pattern.parts() {
                [Part::Many, inner @ .., Part::Many] if !inner.is_empty() => {
                    out.push('*');
                    parts(inner, out);
                    out.push('*');
                }
                _ => {
                    out.push_str("*:");
                    value(op, out)?;
                }
            },
        },
        Op::Regex(_) | Op::Number(..) => {
            out.push_str("*:");
            value(op, out)?;
        }
        Op::Like(_) | Op::Exists | Op::Absent | Op::Field(_) | Op::Time(..) => return None,
    }
    Some(())
}

fn value(op: &Op, out: &mut String) -> Option<()> {
    match op {
        Op::Exists => out.push('*'),
        Op::Like(pattern) if !pattern.cased() => like(pattern, out)?,
        Op::Cidr(net) => out.push_str(&net.to_string()),
        Op::Number(cmp, n) => {
            out.push_str(match cmp {
                Cmp::Eq => "=",
                Cmp::Lt => "<",
                Cmp::Le => "<=",
                Cmp::Gt => ">",
                Cmp::Ge => ">=",
            });
            out.push_str(&n.to_string());
        }
        Op::Regex(re) => {
            out.push('~');
            quote(re.source(), out);
        }
        Op::Like(_) | Op::Absent | Op::Word(_) | Op::Field(_) | Op::Time(..) => return None,
    }
    Some(())
}

fn like(pattern: &Pattern, out: &mut String) -> Option<()> {
    match pattern.shape() {
        Shape::Anything => return None,
        Shape::Exact(text) => quote(text, out),
        _ => parts(pattern.parts(), out),
    }
    Some(())
}

fn quote(text: &str, out: &mut String) {
    let plain = text.chars().all(names::is_name) && text.chars().any(char::is_alphanumeric);
    let keyword = ["and", "or", "not", "to"].iter().any(|k| text.eq_ignore_ascii_case(k));
    if plain && !keyword && network(text).is_none() {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

fn parts(parts: &[Part], out: &mut String) {
    for part in parts {
        match part {
            Part::One => out.push('?'),
            Part::Many => out.push('*'),
            Part::Literal(text) => {
                for c in text.chars() {
                    if SPECIAL.contains(c) || c.is_whitespace() {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fansipan_model::{Event, Op, Pattern, Predicate, Target, Test, Value, fields};

    use super::super::parse;

    #[test]
    fn a_field_with_two_homes_finds_the_same_as_a_choice() {
        let homes = Target::Field([fields::USER_NAME, fields::USER_TARGET_NAME].into_iter().collect());
        for op in [Op::Like(Pattern::parse("ad*", false)), Op::Absent, Op::Exists] {
            let rule = Predicate::And(vec![Predicate::Test(Test { target: homes.clone(), op })]);
            let text = super::print_equivalent(&rule).unwrap();
            let query = parse(&text).unwrap().filter;
            for names in [[None, None], [Some("admin"), None], [None, Some("adam")], [Some("lan"), Some("admin")]] {
                let mut event = Event::default();
                for (field, name) in [fields::USER_NAME, fields::USER_TARGET_NAME].into_iter().zip(names) {
                    if let Some(name) = name {
                        event.push(field, Value::Str(name));
                    }
                }
                assert_eq!(query.matches(&event), rule.matches(&event), "{text}: {names:?}");
            }
        }
    }
}
