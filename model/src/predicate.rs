//! One condition tree for live detection, Tantivy, ClickHouse and the search bar.
//!
//! [`Predicate::matches`] defines what every back end must answer. A field with several values satisfies a test if any of
//! its values does. An absent field satisfies only [`Op::Absent`]; negation is plain negation.

use std::{
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use ipnet::IpNet;
use smallvec::SmallVec;

use crate::{
    event::Event,
    field::{FieldId, fields},
    pattern::Pattern,
    regex_error::RegexError,
    text,
    value::Value,
};

/// A condition over one event.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicate {
    /// Holds for every event.
    True,
    /// Holds for none.
    False,
    /// All hold.
    And(Vec<Predicate>),
    /// At least one holds.
    Or(Vec<Predicate>),
    /// The inner one does not hold.
    Not(Box<Predicate>),
    /// One test.
    Test(Test),
}

/// One test of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// Where to look.
    pub target: Target,
    /// What must hold.
    pub op: Op,
}

/// Where a test looks.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The first of these fields that the event has (Sigma field names with several homes).
    Field(SmallVec<[FieldId; 2]>),
    /// Every value of every field except `event.original`, the header and `fansipan.*`.
    Any,
}

/// What must hold of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The field is there and not null.
    Exists,
    /// The field is absent, or null.
    Absent,
    /// The whole text form matches.
    Like(Pattern),
    /// The word stands in the text form (see [`text::words`]); already folded and cut.
    Word(Box<str>),
    /// The regular expression finds something in the text form.
    Regex(RegexTest),
    /// The address lies in the network; text that is an address counts.
    Cidr(IpNet),
    /// The number compares; text that is a number counts.
    Number(Cmp, f64),
    /// The text form relates to that of another field of the same event; absent other: no match.
    Field(Reference),
    /// A part of the instant (UTC) compares; text that is RFC 3339 counts.
    Time(TimePart, Cmp, i64),
}

/// A comparison with another field.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The other field: the first of these that the event has.
    pub other: SmallVec<[FieldId; 2]>,
    /// How the tested value relates to the other's.
    pub relation: Relation,
    /// Whether case matters.
    pub cased: bool,
}

/// How the tested text relates to the other text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Equal.
    Equals,
    /// Starts with it.
    StartsWith,
    /// Ends with it.
    EndsWith,
    /// Contains it.
    Contains,
}

/// Comparison of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cmp {
    /// =
    Eq,
    /// <
    Lt,
    /// ≤
    Le,
    /// >
    Gt,
    /// ≥
    Ge,
}

impl Cmp {
    /// Whether `a cmp b`.
    pub fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Cmp::Eq => a == b,
            Cmp::Lt => a < b,
            Cmp::Le => a <= b,
            Cmp::Gt => a > b,
            Cmp::Ge => a >= b,
        }
    }
}

/// Sigma's time modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePart {
    /// 0–59
    Minute,
    /// 0–23
    Hour,
    /// 1–31
    Day,
    /// ISO 8601 week, 1–53
    Week,
    /// 1–12
    Month,
    /// 1970…
    Year,
}

impl TimePart {
    /// The part of an instant, UTC.
    pub fn of(self, nanos: i64) -> Option<i64> {
        let t = jiff::Timestamp::from_nanosecond(i128::from(nanos)).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
        Some(match self {
            TimePart::Minute => i64::from(t.minute()),
            TimePart::Hour => i64::from(t.hour()),
            TimePart::Day => i64::from(t.day()),
            TimePart::Week => i64::from(t.date().iso_week_date().week()),
            TimePart::Month => i64::from(t.month()),
            TimePart::Year => i64::from(t.year()),
        })
    }
}

/// A compiled regular expression: linear-time where possible, bounded backtracking for look-around.
#[derive(Clone)]
pub struct RegexTest {
    source: Box<str>,
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    Linear(Arc<regex::Regex>),
    Bounded(Arc<fancy_regex::Regex>),
}

impl RegexTest {
    /// Compiled size above which an expression is refused, bytes.
    const SIZE_LIMIT: usize = 4 << 20;
    /// Steps after which look-around gives up (and does not match).
    const BACKTRACK_LIMIT: usize = 100_000;

    /// Compiles. `source` carries its flags inline: `(?i)…`.
    pub fn new(source: &str) -> Result<Self, RegexError> {
        let engine = match regex::RegexBuilder::new(source).size_limit(Self::SIZE_LIMIT).build() {
            Ok(re) => Engine::Linear(Arc::new(re)),
            Err(regex::Error::CompiledTooBig(n)) => return Err(RegexError::too_big(n)),
            Err(_) => fancy_regex::RegexBuilder::new(source)
                .backtrack_limit(Self::BACKTRACK_LIMIT)
                .delegate_size_limit(Self::SIZE_LIMIT)
                .build()
                .map(|re| Engine::Bounded(Arc::new(re)))
                .map_err(|e| RegexError::of(source, &e))?,
        };
        Ok(Self { source: source.into(), engine })
    }

    /// The expression's text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it is matched in linear time.
    pub fn is_linear(&self) -> bool {
        matches!(self.engine, Engine::Linear(_))
    }

    /// Whether it finds something in `text`.
    pub fn is_match(&self, text: &str) -> bool {
        match &self.engine {
            Engine::Linear(re) => re.is_match(text),
            Engine::Bounded(re) => re.is_match(text).unwrap_or(false),
        }
    }
}

impl PartialEq for RegexTest {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl std::fmt::Debug for RegexTest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{}/", self.source)
    }
}

impl Predicate {
    /// A test of one field.
    pub fn test(field: FieldId, op: Op) -> Predicate {
        Predicate::Test(Test { target: Target::Field(SmallVec::from_slice(&[field])), op })
    }

    /// Whether the event satisfies it. Straightforward and slow: the definition, and the oracle of every fast matcher.
    pub fn matches(&self, event: &Event) -> bool {
        match self {
            Predicate::True => true,
            Predicate::False => false,
            Predicate::And(list) => list.iter().all(|p| p.matches(event)),
            Predicate::Or(list) => list.iter().any(|p| p.matches(event)),
            Predicate::Not(inner) => !inner.matches(event),
            Predicate::Test(test) => test.matches(event),
        }
    }
}

/// The first of `candidates` that the event has.
pub fn resolve(event: &Event, candidates: &[FieldId]) -> Option<FieldId> {
    candidates.iter().copied().find(|&f| event.get(f).is_some())
}

/// Words of the normalizer about an event, which nobody wrote into the log: a search for `format` must not find `information`, and
/// one for 20 neither every event of a facility nor durations in nanoseconds.
const COINED: [FieldId; 12] = [
    fields::EVENT_KIND,
    fields::EVENT_CATEGORY,
    fields::EVENT_TYPE,
    fields::EVENT_OUTCOME,
    fields::EVENT_DURATION,
    fields::LOG_LEVEL,
    fields::LOG_SYSLOG_FACILITY_CODE,
    fields::LOG_SYSLOG_FACILITY_NAME,
    fields::LOG_SYSLOG_SEVERITY_CODE,
    fields::LOG_SYSLOG_SEVERITY_NAME,
    fields::OBSERVER_TYPE,
    fields::HOST_OS_FAMILY,
];

/// Whether [`Target::Any`] looks at this field: what the log says, not how the product files it.
pub fn in_any(name: &str) -> bool {
    name != fields::EVENT_ORIGINAL.name() && !name.starts_with("fansipan.") && !COINED.iter().any(|f| f.name() == name)
}

/// As [`in_any`], of a field by its number.
#[inline]
pub fn field_in_any(field: FieldId) -> bool {
    static KNOWN: LazyLock<Box<[bool]>> =
        LazyLock::new(|| (0..FieldId::STATIC_COUNT).map(|n| FieldId::from_static(n).is_some_and(|f| in_any(f.name()))).collect());
    KNOWN.get(field.index()).copied().unwrap_or_else(|| in_any(field.name()))
}

/// As [`in_any`], of the entry at a place of [`Event::entry_fields`].
#[inline]
pub fn entry_in_any(event: &Event, place: usize) -> bool {
    event.entry_field(place).map_or_else(|| in_any(event.entry_key(place)), field_in_any)
}

impl Test {
    /// Whether the event satisfies it.
    pub fn matches(&self, event: &Event) -> bool {
        match &self.target {
            Target::Any => event.iter().filter(|(name, _)| in_any(name)).any(|(_, v)| self.op.holds(v, event)),
            Target::Field(candidates) => match resolve(event, candidates) {
                None => matches!(self.op, Op::Absent),
                Some(field) if matches!(self.op, Op::Absent) => event.values(field).all(|v| v == Value::Null),
                Some(field) => event.values(field).any(|v| self.op.holds(v, event)),
            },
        }
    }
}

impl Op {
    /// Whether one value of `event` satisfies it.
    pub fn holds(&self, value: Value<'_>, event: &Event) -> bool {
        let Some(text) = value.text() else { return matches!(self, Op::Absent) };
        match self {
            Op::Exists => true,
            Op::Absent => false,
            Op::Like(pattern) => pattern.matches(&text),
            Op::Word(word) => {
                let mut found = false;
                text::words(&text, &mut String::new(), |w| found |= w == &**word);
                found
            }
            Op::Regex(re) => re.is_match(&text),
            Op::Cidr(net) => value.as_ip().is_some_and(|ip| net.contains(&unmapped(ip))),
            Op::Number(cmp, n) => value.as_number().is_some_and(|v| cmp.holds(v, *n)),
            Op::Field(reference) => reference.holds(&text, event),
            Op::Time(part, cmp, n) => {
                let instant = match value {
                    Value::Time(t) => Some(t),
                    _ => crate::time::from_rfc3339(&text),
                };
                instant.and_then(|t| part.of(t)).is_some_and(|v| cmp.holds(v, *n))
            }
        }
    }
}

/// IPv4-mapped IPv6 addresses count as IPv4.
pub fn unmapped(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

impl Reference {
    fn holds(&self, text: &str, event: &Event) -> bool {
        let Some(field) = resolve(event, &self.other) else { return false };
        let folded = |s: &str| if self.cased { s.to_owned() } else { text::fold(s).into_owned() };
        let text = folded(text);
        event.values(field).filter_map(Value::text).any(|other| {
            let other = folded(&other);
            match self.relation {
                Relation::Equals => text == other,
                Relation::StartsWith => text.starts_with(&other),
                Relation::EndsWith => text.ends_with(&other),
                Relation::Contains => text.contains(&other),
            }
        })
    }
}
