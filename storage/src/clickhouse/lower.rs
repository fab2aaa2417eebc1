//! A predicate as SQL over the table of events.

use fansipan_model::{FieldId, Op, Predicate, Scope, Target, Test, fields, pattern::Shape, predicate::field_in_any};

use super::{
    columns::{COLUMNS, Kind},
    row::{FOREIGN, SLOT},
    sql::{self, Condition},
    values,
};
use crate::{
    engine::candidates::{pieces, whole_words},
    events::TimeRange,
};

/// The whole condition of a request.
pub(crate) fn request(scope: &Scope, filter: &Predicate, range: TimeRange) -> Condition {
    Condition::all([self::range(range), self::scope(scope), predicate(filter)])
}

/// Which instants.
fn range(range: TimeRange) -> Condition {
    let mut parts = Vec::new();
    if range.from != i64::MIN {
        parts.push(format!("(slot >= {} AND toUnixTimestamp64Nano(time) >= {})", range.from.div_euclid(SLOT), range.from));
    }
    if range.to != i64::MAX {
        parts.push(format!("(slot <= {} AND toUnixTimestamp64Nano(time) < {})", range.to.div_euclid(SLOT), range.to));
    }
    Condition::all(parts.into_iter().map(Condition::exact))
}

/// Whose events.
fn scope(scope: &Scope) -> Condition {
    match scope {
        Scope::All => Condition::constant(true),
        Scope::Agencies(list) if list.is_empty() => Condition::constant(false),
        Scope::Agencies(list) => {
            let names: Vec<String> = list.iter().map(|a| sql::text(a.as_str())).collect();
            Condition::exact(format!("agency IN ({})", names.join(", ")))
        }
    }
}

/// A filter.
pub(crate) fn predicate(predicate: &Predicate) -> Condition {
    match predicate {
        Predicate::True => Condition::constant(true),
        Predicate::False => Condition::constant(false),
        Predicate::And(list) => Condition::all(list.iter().map(self::predicate)),
        Predicate::Or(list) => Condition::any(list.iter().map(self::predicate)),
        Predicate::Not(inner) => self::predicate(inner).not(),
        Predicate::Test(test) => self::test(test),
    }
}

fn test(test: &Test) -> Condition {
    let list = match &test.target {
        Target::Any => return any(&test.op),
        Target::Field(list) => list,
    };
    // the first field the event has decides
    let (mut alternatives, mut earlier) = (Vec::new(), Condition::constant(true));
    for f in list {
        let there = has_entry(*f);
        alternatives.push(Condition::all([earlier.clone(), there.clone(), field(*f, &test.op)]));
        earlier = earlier.and(there.not());
    }
    match test.op {
        // none is there, or the first one has no value
        Op::Absent => Condition::any(alternatives.into_iter().chain([earlier])),
        _ if list.len() == 1 => list.first().map_or(Condition::constant(false), |f| field(*f, &test.op)),
        _ => Condition::any(alternatives),
    }
}

/// The SQL of a field's values in columns and maps.
enum Home {
    Header,
    Message,
    Column(String, Kind),
    Maps(String),
}

fn home(field: FieldId) -> Home {
    match field {
        fields::TIMESTAMP | fields::EVENT_ID | fields::EVENT_INGESTED => Home::Header,
        fields::MESSAGE => Home::Message,
        field => match COLUMNS.of(field) {
            Some(column) => Home::Column(column.name.clone(), column.kind),
            None => Home::Maps(sql::text(field.name())),
        },
    }
}

/// Whether a value of the field is in its column or a map.
pub(crate) fn held(field: FieldId) -> String {
    match home(field) {
        Home::Header => "1".into(),
        Home::Message => "message != ''".into(),
        Home::Column(c, Kind::Text) => format!("{c} != ''"),
        Home::Column(c, Kind::Texts) => format!("notEmpty({c})"),
        Home::Column(c, _) => format!("isNotNull({c})"),
        Home::Maps(name) => {
            format!("(mapContains(texts, {name}) OR mapContains(longs, {name}) OR mapContains(addresses, {name}))")
        }
    }
}

/// Whether a value of the field is elsewhere.
pub(crate) fn odd(field: FieldId) -> String {
    format!("has(odd, {})", sql::text(field.name()))
}

/// Whether the event has the field, null or not.
fn has_entry(field: FieldId) -> Condition {
    match (home(field), field) {
        (Home::Header, _) => Condition::constant(true),
        // the record stands outside columns and maps
        (_, fields::EVENT_ORIGINAL) => Condition::perhaps("1"),
        _ => Condition::exact(format!("({} OR {})", held(field), odd(field))),
    }
}

fn field(field: FieldId, op: &Op) -> Condition {
    if field == fields::EVENT_ORIGINAL {
        return Condition::perhaps("1");
    }
    let (held, odd) = (self::held(field), self::odd(field));
    match (home(field), op) {
        (Home::Header, op) => header(field, op),
        (_, Op::Exists) => Condition::new(format!("({held} OR {odd})"), held),
        (_, Op::Absent) => Condition::new(format!("NOT {held}"), format!("(NOT {held} AND NOT {odd})")),
        (Home::Message, op) => with_odd(guarded(message(op), op), &odd),
        (Home::Column(column, kind), op) => with_odd(by_column(&column, kind, op), &odd),
        (Home::Maps(name), op) => {
            let found = with_odd(by_maps(&name, op), &odd);
            match narrowed(field, op) {
                Some(words) => Condition::new(format!("({words} AND {})", found.may), found.must),
                None => found,
            }
        }
    }
}

fn with_odd(found: Condition, odd: &str) -> Condition {
    Condition::new(format!("({} OR {odd})", found.may), found.must)
}

/// Where the server may see text otherwise than we do, it does not decide.
fn guarded(found: Condition, op: &Op) -> Condition {
    if !values::folds(op) {
        return found;
    }
    let foreign = format!("hasToken(extra, {})", sql::text(FOREIGN));
    Condition::new(format!("({} OR {foreign})", found.may), format!("({} AND NOT foreign_text)", found.must))
}

fn header(field: FieldId, op: &Op) -> Condition {
    match (field, op) {
        (_, Op::Exists) => Condition::constant(true),
        (_, Op::Absent | Op::Number(..) | Op::Cidr(_)) => Condition::constant(false),
        (fields::EVENT_ID, Op::Like(pattern)) => match pattern.shape() {
            Shape::Anything => Condition::constant(true),
            Shape::Exact(text) => match uuid::Uuid::try_parse(text) {
                Ok(id) if id.to_string() == text => {
                    let (high, low) = id.as_u64_pair();
                    Condition::exact(format!("(id_hi = {high} AND id_lo = {low})"))
                }
                _ => Condition::constant(false),
            },
            _ => Condition::perhaps("1"),
        },
        _ => Condition::perhaps("1"),
    }
}

fn message(op: &Op) -> Condition {
    let found = values::text(op, "message").and(match op {
        Op::Like(pattern) if !pattern.matches("") => Condition::constant(true),
        _ => Condition::exact("message != ''"),
    });
    match op {
        // quicker by the index: a word of the message is one the server found there, or in `extra`
        Op::Word(w) if values::is_word(w) => Condition::new(format!("({} AND {})", token(w), found.may), found.must),
        Op::Like(_) => match words_of(op) {
            Some(words) => Condition::new(format!("({words} AND {})", found.may), found.must),
            None => found,
        },
        _ => found,
    }
}

fn by_column(column: &str, kind: Kind, op: &Op) -> Condition {
    // never null, since `0 AND NULL` is 0; a function around the comparison would hide it from the Bloom filters
    let present = |c: Condition| Condition::exact(format!("isNotNull({column})")).and(c);
    match kind {
        Kind::Text => {
            let found = guarded(values::text(op, column), op);
            match op {
                Op::Like(pattern) if !pattern.matches("") => found,
                Op::Word(_) => found,
                _ => Condition::exact(format!("{column} != ''")).and(found),
            }
        }
        Kind::Texts => {
            let found = values::text(op, "x");
            guarded(each(&found, "x", &[column]), op)
        }
        Kind::Long => present(values::long(op, column)),
        Kind::Bool => present(values::boolean(op, column)),
        Kind::Ip => present(values::address(op, column)),
    }
}

/// An element of the arrays satisfies the condition.
fn each(found: &Condition, names: &str, arrays: &[&str]) -> Condition {
    let lambda = |c: &str| match c {
        "0" => "0".to_owned(),
        c => format!("arrayExists(({names}) -> {c}, {})", arrays.join(", ")),
    };
    Condition::new(lambda(&found.may), lambda(&found.must))
}

fn by_maps(name: &str, op: &Op) -> Condition {
    let of = |map: &str, found: Condition| {
        let here = Condition::exact(format!("k = {name}")).and(found);
        each(&here, "k, v", &[&format!("mapKeys({map})"), &format!("mapValues({map})")])
    };
    let texts = guarded(of("texts", values::text(op, "v")), op);
    Condition::any([texts, of("longs", values::long(op, "v")), of("addresses", values::address(op, "v"))])
}

/// What the words of an event must be for any of its values to satisfy the operation; for use in `may`.
fn narrowed(field: FieldId, op: &Op) -> Option<String> {
    if !field_in_any(field) {
        return None;
    }
    words_of(op)
}

fn words_of(op: &Op) -> Option<String> {
    let words = match op {
        Op::Like(pattern) => whole_words(pattern),
        Op::Word(word) if values::is_word(word) => vec![word.to_string()],
        _ => return None,
    };
    let tokens: Vec<String> = words.iter().filter(|w| values::is_word(w)).map(|w| token(w)).collect();
    if tokens.is_empty() {
        return None;
    }
    Some(format!("({} OR hasToken(extra, {}))", tokens.join(" AND "), sql::text(FOREIGN)))
}

/// The message without its numbers: what the text index holds. As in the schema, to the letter.
const WORDS: &str = r"replaceRegexpAll(lowerUTF8(message), '\\b[0-9]+\\b', ' ')";

/// Whether a word stands in some value.
fn token(word: &str) -> String {
    // beside characters beyond ASCII a number may be a part of a word, so only plain words are sought without numbers
    let lettered = word.is_ascii() && word.bytes().any(|b| b.is_ascii_alphabetic());
    let within = if lettered { WORDS } else { "lowerUTF8(message)" };
    let word = sql::text(word);
    format!("(hasToken({within}, {word}) OR hasToken(extra, {word}))")
}

/// Any field that says what the log says.
fn any(op: &Op) -> Condition {
    match op {
        Op::Word(word) if !values::is_word(word) => Condition::constant(false),
        Op::Word(word) => guarded(Condition::exact(token(word)), op),
        Op::Cidr(_) => {
            let columns = COLUMNS.list.iter().filter(|c| c.kind == Kind::Ip && field_in_any(c.field));
            let columns = columns.map(|c| by_column(&c.name, Kind::Ip, op));
            let maps = ["mapValues(addresses)", "other_addresses"].map(|array| each(&values::address(op, "x"), "x", &[array]));
            Condition::any(columns.chain(maps))
        }
        Op::Like(pattern) => {
            let must = guarded(message(op), op).must;
            let may = words_of(op).or_else(|| {
                let parts: Vec<String> = pieces(pattern).iter().map(|p| piece(p)).collect();
                (!parts.is_empty()).then(|| format!("({} OR hasToken(extra, {}))", parts.join(" AND "), sql::text(FOREIGN)))
            });
            Condition::new(may.unwrap_or_else(|| "1".into()), must)
        }
        op => Condition::new("1", guarded(message(op), op).must),
    }
}

/// Whether a piece of a word stands in some value.
fn piece(piece: &str) -> String {
    let pattern = sql::text(&format!("%{}%", sql::like_escaped(piece)));
    format!("(lowerUTF8(message) LIKE {pattern} OR extra LIKE {pattern})")
}
