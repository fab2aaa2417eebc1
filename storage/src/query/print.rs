//! A filter back to text. What [`super::parse`] reads from it is the same predicate.

use fansipan_model::{Cmp, Op, Part, Pattern, Predicate, Target, pattern::Shape};

use super::{filter::single_word, names, text::SPECIAL, value::network};

/// The text of a filter; `None` if the language has no words for it (rules can say more than queries).
pub fn print(filter: &Predicate) -> Option<String> {
    let mut out = String::new();
    write(filter, &mut out)?;
    Some(out)
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
                let place = out.len();
                value(&test.op, out)?;
                // `name://` is a pasted address, not a field
                if out[place..].starts_with("//") {
                    out.insert(place, ' ');
                }
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
