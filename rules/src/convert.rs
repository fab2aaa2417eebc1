//! A rule's predicate in the languages of the stores: the product's search language, which runs on Tantivy, and ClickHouse SQL.
//!
//! What is printed selects what [`Predicate::matches`] selects; where a language has no words for a test, the rule is refused
//! rather than bent.

use fansipan_model::{
    Cmp, FieldId, Op, Part, Pattern, Predicate, Reference, Relation, Said, Target, Test, TimePart, faults, pattern::Shape, said,
    text::LONGEST_QUERY,
};

/// A language to convert to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The search box: `field:value and not …`; answered by Tantivy.
    Query,
    /// The condition of a `SELECT` over ClickHouse's table `events`, one column a field.
    ClickHouse,
}

faults! {
    /// The language cannot say it.
    Unsayable:
    Rule { why: Said } "FSP-R090": "the rule cannot be converted: {why}", "không chuyển đổi được luật: {why:#}";
        "run it as it is with `fansipan hunt --since`", "hãy chạy nguyên luật bằng `fansipan hunt --since`".
}

/// The predicate in a language.
pub fn convert(predicate: &Predicate, dialect: Dialect) -> Result<String, Unsayable> {
    let mut out = String::new();
    write(predicate, dialect, &mut out)?;
    if dialect == Dialect::Query && out.len() > LONGEST_QUERY {
        let bytes = out.len();
        return Err(unsayable(said!(
            "its query would have {bytes} bytes, more than the {LONGEST_QUERY} that are read",
            "truy vấn của nó dài {bytes} byte, trong khi chỉ đọc tối đa {LONGEST_QUERY}"
        )));
    }
    Ok(out)
}

fn write(predicate: &Predicate, dialect: Dialect, out: &mut String) -> Result<(), Unsayable> {
    match predicate {
        Predicate::True => out.push_str(if dialect == Dialect::Query { "*" } else { "true" }),
        Predicate::False => out.push_str(if dialect == Dialect::Query { "not *" } else { "false" }),
        Predicate::And(list) if list.is_empty() => write(&Predicate::True, dialect, out)?,
        Predicate::Or(list) if list.is_empty() => write(&Predicate::False, dialect, out)?,
        Predicate::And(list) => join(list, " and ", dialect, out)?,
        Predicate::Or(list) => match together(list).filter(|_| dialect == Dialect::Query) {
            Some((fields, values)) => out.push_str(&homes(fields, &values)?),
            None => join(list, " or ", dialect, out)?,
        },
        Predicate::Not(inner) => {
            out.push_str("not (");
            write(inner, dialect, out)?;
            out.push(')');
        }
        Predicate::Test(test) => out.push_str(&match dialect {
            Dialect::Query => query(test)?,
            Dialect::ClickHouse => sql(test)?,
        }),
    }
    Ok(())
}

fn join(list: &[Predicate], word: &str, dialect: Dialect, out: &mut String) -> Result<(), Unsayable> {
    for (i, part) in list.iter().enumerate() {
        if i > 0 {
            out.push_str(word);
        }
        let nested = matches!(part, Predicate::And(l) | Predicate::Or(l) if l.len() > 1);
        if nested {
            out.push('(');
        }
        write(part, dialect, out)?;
        if nested {
            out.push(')');
        }
    }
    Ok(())
}

fn unsayable(why: Said) -> Unsayable {
    Unsayable::Rule { why }
}

/// A comparison as both languages write it.
pub(crate) fn symbol(cmp: Cmp) -> &'static str {
    match cmp {
        Cmp::Eq => "=",
        Cmp::Lt => "<",
        Cmp::Le => "<=",
        Cmp::Gt => ">",
        Cmp::Ge => ">=",
    }
}

/// The search language. Of several homes of a field the first that the event has counts, so later ones are asked only where the
/// earlier are missing.
fn query(test: &Test) -> Result<String, Unsayable> {
    let Target::Field(fields) = &test.target else {
        return match &test.op {
            Op::Like(pattern) => match pattern.shape() {
                Shape::Contains(text) if !pattern.cased() => Ok(format!("*:*{}*", escaped(text))),
                _ if !pattern.cased() => Ok(format!("*:{}", glob(pattern))),
                _ => Err(unsayable(said!("a keyword minds case", "một từ khoá phân biệt chữ hoa chữ thường"))),
            },
            Op::Regex(re) => Ok(format!("*:~{}", quoted(re.source()))),
            _ => Err(unsayable(said!(
                "this test of all fields at once has no form in the search language",
                "phép thử trên mọi trường cùng lúc này không viết được bằng ngôn ngữ tìm kiếm"
            ))),
        };
    };
    if let Op::Absent = test.op {
        let there: Vec<String> = fields.iter().map(|f| Ok(format!("not {}:*", name(*f)?))).collect::<Result<_, Unsayable>>()?;
        return Ok(format!("({})", there.join(" and ")));
    }
    homes(fields, &value(&test.op)?)
}

/// The values of alternatives that all concern the same field, as `field` takes them: `(one or two)`.
fn together(list: &[Predicate]) -> Option<(&[FieldId], String)> {
    let mut target = None;
    let mut values = Vec::with_capacity(list.len());
    for part in list {
        let Predicate::Test(Test { target: Target::Field(fields), op: op @ (Op::Like(_) | Op::Cidr(_)) }) = part else { return None };
        if *target.get_or_insert(fields) != fields {
            return None;
        }
        values.push(value(op).ok().filter(|v| v != "*")?);
    }
    target.map(|fields| (fields.as_slice(), format!("({})", values.join(" or "))))
}

/// What stands after `field:`.
fn value(op: &Op) -> Result<String, Unsayable> {
    Ok(match op {
        Op::Exists => "*".to_owned(),
        Op::Like(pattern) if pattern.cased() => {
            return Err(unsayable(said!(
                "a value minds case, and the search language never does",
                "một giá trị phân biệt chữ hoa chữ thường, còn ngôn ngữ tìm kiếm thì không"
            )));
        }
        Op::Like(pattern) => match pattern.shape() {
            Shape::Exact(text) => quoted(text),
            Shape::Anything => "*".to_owned(),
            _ => glob(pattern),
        },
        Op::Regex(re) => format!("~{}", quoted(re.source())),
        Op::Cidr(net) => net.to_string(),
        Op::Number(cmp, n) => format!("{}{n}", symbol(*cmp)),
        Op::Field(_) => {
            return Err(unsayable(said!(
                "it compares two fields, which the search language cannot",
                "nó so sánh hai trường, điều ngôn ngữ tìm kiếm không làm được"
            )));
        }
        Op::Time(..) => {
            return Err(unsayable(said!(
                "it asks for a part of a time, which the search language cannot",
                "nó hỏi một phần của thời gian, điều ngôn ngữ tìm kiếm không làm được"
            )));
        }
        Op::Word(word) => word.to_string(),
        Op::Absent => String::new(),
    })
}

/// A value asked of the first of a field's homes that the event has.
fn homes(fields: &[FieldId], value: &str) -> Result<String, Unsayable> {
    let mut homes = Vec::new();
    for (i, field) in fields.iter().enumerate() {
        let mut parts: Vec<String> = Vec::new();
        for earlier in fields.iter().take(i) {
            parts.push(format!("not {}:*", name(*earlier)?));
        }
        parts.push(format!("{}:{value}", name(*field)?));
        homes.push(parts.join(" and "));
    }
    match homes.as_slice() {
        [one] => Ok(one.clone()),
        _ => Ok(format!("({})", homes.iter().map(|h| format!("({h})")).collect::<Vec<_>>().join(" or "))),
    }
}

fn name(field: FieldId) -> Result<&'static str, Unsayable> {
    let name = field.name();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@' | '-');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '@'));
    if begins && name.chars().all(plain) {
        return Ok(name);
    }
    Err(unsayable(said!(
        "the search language has no way to name the field `{name}`",
        "ngôn ngữ tìm kiếm không có cách gọi tên trường `{name}`"
    )))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "*?\\\"()[]{}|:<>=~,".contains(c) || c.is_whitespace() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn glob(pattern: &Pattern) -> String {
    let part = |p: &Part| match p {
        Part::One => "?".to_owned(),
        Part::Many => "*".to_owned(),
        Part::Literal(text) => escaped(text),
    };
    pattern.parts().iter().map(part).collect()
}

/// ClickHouse.
fn sql(test: &Test) -> Result<String, Unsayable> {
    let column = match &test.target {
        Target::Field(fields) => first(fields),
        Target::Any => {
            // the row as JSON holds every value; so the strings looked for are written as JSON writes them
            let row = "lowerUTF8(formatRow('JSONEachRow', * EXCEPT(`event.original`)))";
            return match &test.op {
                Op::Like(pattern) if !pattern.cased() => match pattern.shape() {
                    Shape::Contains(text) => {
                        let json = serde_json::Value::from(text).to_string();
                        Ok(format!("position({row}, {}) > 0", literal(json.trim_matches('"'))))
                    }
                    _ => Err(unsayable(said!(
                        "a keyword with wildcards has no form in SQL",
                        "từ khoá có ký tự đại diện không viết được bằng SQL"
                    ))),
                },
                _ => Err(unsayable(said!(
                    "this test of all fields at once has no form in SQL",
                    "phép thử trên mọi trường cùng lúc này không viết được bằng SQL"
                ))),
            };
        }
    };
    let text = format!("toString({column})");
    Ok(match &test.op {
        Op::Exists => format!("{column} IS NOT NULL"),
        Op::Absent => format!("{column} IS NULL"),
        Op::Like(pattern) => {
            let text = if pattern.cased() { text } else { format!("lowerUTF8({text})") };
            match pattern.shape() {
                Shape::Anything => format!("{column} IS NOT NULL"),
                Shape::Exact(s) => format!("ifNull({text} = {}, false)", literal(s)),
                _ => format!("ifNull({text} LIKE {}, false)", literal(&like(pattern))),
            }
        }
        Op::Word(word) => format!("ifNull(hasToken(lowerUTF8({text}), {}), false)", literal(word)),
        Op::Regex(re) if !re.is_linear() => {
            return Err(unsayable(said!(
                "ClickHouse's regular expressions know no look-around",
                "biểu thức chính quy của ClickHouse không có look-around"
            )));
        }
        Op::Regex(re) => format!("ifNull(match({text}, {}), false)", literal(re.source())),
        Op::Cidr(net) => format!("ifNull(isIPAddressInRange({text}, {}), false)", literal(&net.to_string())),
        Op::Number(cmp, n) => format!("ifNull(toFloat64OrNull({text}) {} {n}, false)", symbol(*cmp)),
        Op::Field(reference) => relation(&text, reference),
        Op::Time(part, cmp, n) => {
            let part = match part {
                TimePart::Minute => "toMinute",
                TimePart::Hour => "toHour",
                TimePart::Day => "toDayOfMonth",
                TimePart::Week => "toISOWeek",
                TimePart::Month => "toMonth",
                TimePart::Year => "toYear",
            };
            format!("ifNull({part}(parseDateTime64BestEffortOrNull({text}, 9, 'UTC')) {} {n}, false)", symbol(*cmp))
        }
    })
}

fn relation(text: &str, reference: &Reference) -> String {
    let fold = |text: String| if reference.cased { text } else { format!("lowerUTF8({text})") };
    let (one, two) = (fold(text.to_owned()), fold(format!("toString({})", first(&reference.other))));
    let test = match reference.relation {
        Relation::Equals => format!("{one} = {two}"),
        Relation::StartsWith => format!("startsWith({one}, {two})"),
        Relation::EndsWith => format!("endsWith({one}, {two})"),
        Relation::Contains => format!("position({one}, {two}) > 0"),
    };
    format!("ifNull({test}, false)")
}

/// The first home of a field that the event has.
fn first(fields: &[FieldId]) -> String {
    let column = |f: &FieldId| format!("`{}`", f.name().replace('\\', "\\\\").replace('`', "\\`"));
    match fields {
        [one] => column(one),
        _ => format!("coalesce({})", fields.iter().map(column).collect::<Vec<_>>().join(", ")),
    }
}

/// A string literal of SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A pattern of LIKE, where `%`, `_` and `\` have meanings of their own.
fn like(pattern: &Pattern) -> String {
    let part = |p: &Part| match p {
        Part::One => "_".to_owned(),
        Part::Many => "%".to_owned(),
        Part::Literal(text) => text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"),
    };
    pattern.parts().iter().map(part).collect()
}
