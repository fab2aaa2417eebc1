//! What a Sigma document says, checked and typed, with places. Field names are the rule's own; nothing here knows an event.

use std::sync::Arc;

use fansipan_model::{Level, Op, Relation, RuleRef, Said, said};

use crate::{diagnostic::Position, formula::Formula};

/// One document: a detection, a filter or a correlation.
#[derive(Clone, Debug)]
pub struct Rule {
    /// File name as given to [`crate::parse`].
    pub file: String,
    /// Where the document begins.
    pub at: Position,
    /// The document's text.
    pub text: Arc<str>,
    /// SHA-256 of the text, hexadecimal.
    pub hash: String,
    /// Who and what it is.
    pub meta: Meta,
    /// What it looks for.
    pub body: Body,
}

/// The descriptive attributes of a rule.
#[derive(Clone, Debug, Default)]
pub struct Meta {
    /// `id`, or the file name where there is none.
    pub id: String,
    /// `name`: how correlations may refer to it.
    pub name: Option<String>,
    /// `title`.
    pub title: String,
    /// `title_vi` or `custom.title_vi`.
    pub title_vi: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `advice` or `custom.advice`.
    pub advice: Option<String>,
    /// `advice_vi` or `custom.advice_vi`.
    pub advice_vi: Option<String>,
    /// `status`.
    pub status: Status,
    /// `level`; medium where there is none.
    pub level: Level,
    /// `tags`, in order, lower case.
    pub tags: Vec<String>,
    /// `author`.
    pub author: Option<String>,
    /// `date`, as written.
    pub date: Option<String>,
    /// `modified`, as written.
    pub modified: Option<String>,
    /// `license`.
    pub license: Option<String>,
    /// `taxonomy`; `sigma` where there is none.
    pub taxonomy: Option<String>,
    /// `references`.
    pub references: Vec<String>,
    /// `falsepositives`.
    pub falsepositives: Vec<String>,
    /// `fields` an analyst wants to see.
    pub fields: Vec<String>,
    /// `scope`.
    pub scope: Vec<String>,
    /// `related`.
    pub related: Vec<Related>,
    /// `logsource`; empty for correlations.
    pub logsource: LogSource,
}

impl Meta {
    /// What alerts say about the rule.
    pub fn reference(&self, hash: &str) -> RuleRef {
        RuleRef {
            id: self.id.clone(),
            title: self.title.clone(),
            title_vi: self.title_vi.clone(),
            level: self.level,
            hash: hash.to_owned(),
            tags: self.tags.clone(),
            advice: self.advice.clone(),
            advice_vi: self.advice_vi.clone(),
        }
    }
}

/// Maturity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Few false positives.
    Stable,
    /// Needs tuning at times.
    Test,
    /// May be noisy.
    #[default]
    Experimental,
    /// Replaced.
    Deprecated,
    /// Cannot be used as it is.
    Unsupported,
}

impl Status {
    /// Sigma's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Stable => "stable",
            Status::Test => "test",
            Status::Experimental => "experimental",
            Status::Deprecated => "deprecated",
            Status::Unsupported => "unsupported",
        }
    }

    /// Reads Sigma's word.
    pub fn parse(word: &str) -> Option<Status> {
        [Status::Stable, Status::Test, Status::Experimental, Status::Deprecated, Status::Unsupported]
            .into_iter()
            .find(|s| s.as_str() == word)
    }
}

/// A link to another rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The other rule's `id`.
    pub id: String,
    /// derived, obsolete, merged, renamed, similar.
    pub kind: String,
}

/// `logsource`, lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogSource {
    /// `product`.
    pub product: Option<String>,
    /// `category`.
    pub category: Option<String>,
    /// `service`.
    pub service: Option<String>,
}

impl std::fmt::Display for LogSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [&self.product, &self.category, &self.service];
        let words: Vec<&str> = parts.into_iter().map(|p| p.as_deref().unwrap_or("*")).collect();
        f.write_str(&words.join("/"))
    }
}

/// What a document looks for.
#[derive(Clone, Debug)]
pub enum Body {
    /// Single events.
    Detection(Detection),
    /// Changes detections: their condition and its own must hold.
    Filter(Filter),
    /// Several events.
    Correlation(Correlation),
}

/// Selections and the condition over them.
#[derive(Clone, Debug)]
pub struct Detection {
    /// The named selections, in order.
    pub selections: Vec<Selection>,
    /// The condition; several conditions of the document are joined by or.
    pub condition: Condition,
}

/// A named part of a detection.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub at: Position,
    /// What must hold.
    pub search: Search,
}

/// What a selection wants.
#[derive(Clone, Debug)]
pub enum Search {
    /// All of these (a map).
    All(Vec<Search>),
    /// Any of these (a list).
    Any(Vec<Search>),
    /// One field, or any value for keywords.
    Item(Item),
}

/// One `field|modifiers: values`.
#[derive(Clone, Debug)]
pub struct Item {
    /// Where it stands.
    pub at: Position,
    /// Sigma field name; `None` for keywords.
    pub field: Option<String>,
    /// Whether all values must match (`|all`) rather than one.
    pub all: bool,
    /// Whether the whole item is negated (`|neq`).
    pub negated: bool,
    /// For each value of the document the tests that stand for it, one of which must hold.
    pub values: Vec<Vec<ItemTest>>,
}

/// A test of one value.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemTest {
    /// Ready to use.
    Op(Op),
    /// Compares with another field, by its Sigma name.
    SameAs {
        /// The other field.
        field: String,
        /// How the value relates to the other's.
        relation: Relation,
        /// Whether case matters.
        cased: bool,
    },
    /// A string with `%placeholders%`, to be read once they are known.
    Expand(Template),
}

/// A string value whose `%placeholders%` are not yet replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The value as written.
    pub text: String,
    /// Where it must stand in the field's value.
    pub anchor: Relation,
    /// Whether case matters.
    pub cased: bool,
}

/// The condition over selections, which are named by their index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All hold.
    And(Vec<Condition>),
    /// One holds.
    Or(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
    /// The selection holds.
    Selection(usize),
}

/// A filter document.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Ids or names of the rules it applies to; empty: every rule of its log source.
    pub rules: Vec<String>,
    /// What must hold besides the rule.
    pub detection: Detection,
}

/// A correlation document.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// What is counted or ordered.
    pub kind: CorrelationKind,
    /// Ids or names of the rules it is about.
    pub rules: Vec<String>,
    /// Sigma fields whose values must be the same, `group-by`.
    pub group_by: Vec<String>,
    /// `timespan`, nanoseconds.
    pub timespan: i64,
    /// The threshold; temporal correlations need none.
    pub condition: Option<Threshold>,
    /// For temporal correlations with a condition over rules: the condition, rules named by their place in `rules`.
    pub expression: Option<Condition>,
    /// Field aliases: name → (rule, field) pairs.
    pub aliases: Vec<Alias>,
    /// Whether the rules it is about raise alerts themselves as well.
    pub generate: bool,
    /// Extension `window: session` with `gap`: the window is a chain of events no further apart than this, nanoseconds,
    /// and no longer than `timespan`. `None`: a sliding window.
    pub gap: Option<i64>,
    /// Extension `minimum`: a ratio of fewer events than this says nothing.
    pub minimum: u32,
    /// Extension `learning`: how long after the first event a first sighting is no news, nanoseconds.
    pub learning: i64,
}

/// What a correlation counts or orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrelationKind {
    /// Number of events.
    EventCount,
    /// Number of distinct values of a field.
    ValueCount,
    /// Sum of a field.
    ValueSum,
    /// Average of a field.
    ValueAverage,
    /// Median of a field.
    ValueMedian,
    /// A percentile of a field.
    ValuePercentile,
    /// All rules within the timespan, in any order.
    Temporal,
    /// All rules within the timespan, in the order of `rules`.
    TemporalOrdered,
    /// Extension: the first rule, and none of the others within the timespan after it.
    Absence,
    /// Extension: the share of the first rule's events among those of all rules, 0 to 1.
    Ratio,
    /// Extension: a value of a field that its group has not shown within the timespan before.
    FirstSeen,
}

impl CorrelationKind {
    /// Sigma's word.
    pub fn as_str(self) -> &'static str {
        match self {
            CorrelationKind::EventCount => "event_count",
            CorrelationKind::ValueCount => "value_count",
            CorrelationKind::ValueSum => "value_sum",
            CorrelationKind::ValueAverage => "value_avg",
            CorrelationKind::ValueMedian => "value_median",
            CorrelationKind::ValuePercentile => "value_percentile",
            CorrelationKind::Temporal => "temporal",
            CorrelationKind::TemporalOrdered => "temporal_ordered",
            CorrelationKind::Absence => "absence",
            CorrelationKind::Ratio => "ratio",
            CorrelationKind::FirstSeen => "first_seen",
        }
    }

    /// Reads Sigma's word.
    pub fn parse(word: &str) -> Option<CorrelationKind> {
        use CorrelationKind as K;
        let sigma = [K::EventCount, K::ValueCount, K::ValueSum, K::ValueAverage, K::ValueMedian, K::ValuePercentile];
        let ours = [K::Temporal, K::TemporalOrdered, K::Absence, K::Ratio, K::FirstSeen];
        sigma.into_iter().chain(ours).find(|k| k.as_str() == word)
    }

    /// Whether it looks at the values of a field, which its condition must name.
    pub fn needs_field(self) -> bool {
        use CorrelationKind as K;
        matches!(self, K::ValueCount | K::ValueSum | K::ValueAverage | K::ValueMedian | K::ValuePercentile | K::FirstSeen)
    }

    /// Whether its condition needs bounds.
    fn needs_bounds(self) -> bool {
        !self.is_temporal() && !matches!(self, CorrelationKind::Absence | CorrelationKind::FirstSeen)
    }

    /// Whether a condition of these bounds and fields is enough for it; the text says what is missing.
    pub fn missing(self, threshold: Option<&Threshold>) -> Option<Said> {
        let fields = threshold.is_some_and(|t| !t.fields.is_empty());
        let bounds = threshold.is_some_and(|t| !t.bounds.is_empty() || t.formula.is_some());
        match threshold {
            None if self.needs_bounds() || self.needs_field() => Some(said!("the condition is missing", "thiếu điều kiện")),
            _ if self.needs_bounds() && !bounds => Some(said!("the condition has no bound", "điều kiện không có giới hạn")),
            Some(t) if t.formula.is_some() && !self.needs_bounds() && !self.is_temporal() => {
                Some(said!("a condition of this type takes no formula", "điều kiện của loại này không nhận công thức"))
            }
            _ if self.needs_field() && !fields => {
                Some(said!("the condition names no field to count", "điều kiện không nêu trường nào để đếm"))
            }
            _ => None,
        }
    }

    /// Whether it orders rules rather than counting.
    pub fn is_temporal(self) -> bool {
        matches!(self, CorrelationKind::Temporal | CorrelationKind::TemporalOrdered)
    }
}

/// When a count fires: every bound given must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Threshold {
    /// The fields whose values are counted, for `value_*`.
    pub fields: Vec<String>,
    /// For `value_percentile`: which.
    pub percentile: Option<f64>,
    /// Comparisons with numbers, in document order.
    pub bounds: Vec<(Bound, f64)>,
    /// Extension `formula`: must hold besides.
    pub formula: Option<Formula>,
}

/// A comparison of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// >
    Gt,
    /// ≥
    Gte,
    /// <
    Lt,
    /// ≤
    Lte,
    /// =
    Eq,
    /// ≠
    Neq,
}

/// A name for fields that are called differently in different rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The alias, used in `group-by`.
    pub name: String,
    /// For each rule (id or name) its Sigma field.
    pub fields: Vec<(String, String)>,
}
