//! Groups and their figures, whatever they are read from.

use std::collections::HashSet;

use fansipan_model::{Event, FieldId, FieldType, Value, Word};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::{record::integer, samples::Samples};
use crate::{
    error::{Result, StoreError},
    events::{AggregateRequest, GroupBy, Measure, MeasureKind},
    table::{Cell, Table},
};

/// Numbers, intervals and distinct values that all groups of one request may keep together.
const BUDGET: usize = 16_000_000;

/// A group's value in one dimension. Two values of a field are the same if their text forms are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Bool(bool),
    Int(i64),
    Float(u64),
    Time(i64),
    Text(Box<str>),
}

impl Part {
    /// What a value counts as; `None` for null.
    pub(crate) fn of(field: FieldId, value: Value<'_>) -> Option<Part> {
        let numbers = field.kind() == FieldType::Long || !field.is_static();
        Some(match (field.kind(), value) {
            (_, Value::Int(v)) if numbers => Part::Int(v),
            (FieldType::Boolean, Value::Bool(v)) => Part::Bool(v),
            (FieldType::Double, Value::Float(v)) => Part::Float(v.to_bits()),
            (FieldType::Date, Value::Time(v)) => Part::Time(v),
            (kind, value) => {
                let text = value.text()?;
                match kind {
                    _ if numbers && let Some(v) = integer(&text) => Part::Int(v),
                    FieldType::Boolean if text == "true" || text == "false" => Part::Bool(text == "true"),
                    FieldType::Double if let Some(v) = double(&text) => Part::Float(v.to_bits()),
                    _ => Part::Text(text.into()),
                }
            }
        })
    }

    fn cell(self) -> Cell {
        match self {
            Part::Bool(v) => Cell::Bool(v),
            Part::Int(v) => Cell::Int(v),
            Part::Float(v) => Cell::Float(f64::from_bits(v)),
            Part::Time(v) => Cell::Time(v),
            Part::Text(v) => Cell::Text(v.into()),
        }
    }
}

/// The double whose text form this is.
fn double(text: &str) -> Option<f64> {
    let v: f64 = text.parse().ok()?;
    (v.is_finite() && Value::Float(v).text()? == text).then_some(v)
}

/// A number out of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    /// The number a value is, read from text where necessary.
    pub(crate) fn of(value: Value<'_>) -> Option<Number> {
        match value {
            Value::Int(v) => Some(Number::Int(v)),
            Value::Str(s) if let Some(v) = integer(s.trim()) => Some(Number::Int(v)),
            value => value.as_number().map(Number::Float),
        }
    }

    fn double(self) -> f64 {
        match self {
            Number::Int(v) => v as f64,
            Number::Float(v) => v,
        }
    }

    fn cell(self) -> Cell {
        match self {
            Number::Int(v) => Cell::Int(v),
            Number::Float(v) => Cell::Float(v),
        }
    }
}

/// The field a measure reads.
pub(crate) fn measured(kind: &MeasureKind) -> Option<FieldId> {
    match kind {
        MeasureKind::Count => None,
        MeasureKind::Sum(f)
        | MeasureKind::Avg(f)
        | MeasureKind::Min(f)
        | MeasureKind::Max(f)
        | MeasureKind::Distinct(f)
        | MeasureKind::Percentile(f, _) => Some(*f),
    }
}

/// A figure on its way. `D`: how distinct values are told apart.
#[derive(Clone, Debug)]
pub(crate) enum Figure<D> {
    Count(u64),
    Sum { whole: i128, part: f64, floats: bool, seen: u64 },
    Least(Option<Number>),
    Most(Option<Number>),
    Distinct(HashSet<D>),
    Samples(Samples),
}

impl<D: std::hash::Hash + Eq> Figure<D> {
    pub(crate) fn new(kind: &MeasureKind) -> Self {
        match kind {
            MeasureKind::Count => Figure::Count(0),
            MeasureKind::Sum(_) | MeasureKind::Avg(_) => Figure::Sum { whole: 0, part: 0.0, floats: false, seen: 0 },
            MeasureKind::Min(_) => Figure::Least(None),
            MeasureKind::Max(_) => Figure::Most(None),
            MeasureKind::Distinct(_) => Figure::Distinct(HashSet::new()),
            MeasureKind::Percentile(..) => Figure::Samples(Samples::default()),
        }
    }

    /// Counts an event.
    pub(crate) fn event(&mut self) {
        if let Figure::Count(n) = self {
            *n += 1;
        }
    }

    /// Takes a distinct value; how much more is kept.
    pub(crate) fn distinct(&mut self, value: D) -> usize {
        match self {
            Figure::Distinct(set) => usize::from(set.insert(value)),
            _ => 0,
        }
    }

    /// The distinct values so far.
    pub(crate) fn values(&self) -> impl Iterator<Item = &D> {
        let set = if let Figure::Distinct(set) = self { Some(set) } else { None };
        set.into_iter().flatten()
    }

    /// Takes a number; how much more is kept.
    pub(crate) fn number(&mut self, v: Number) -> usize {
        match self {
            Figure::Sum { whole, part, floats, seen } => {
                *seen += 1;
                match v {
                    Number::Int(v) => *whole += i128::from(v),
                    Number::Float(v) => {
                        *part += v;
                        *floats = true;
                    }
                }
            }
            Figure::Least(least) if least.is_none_or(|l| v.double() < l.double()) => *least = Some(v),
            Figure::Most(most) if most.is_none_or(|m| v.double() > m.double()) => *most = Some(v),
            Figure::Samples(samples) => return samples.push(v.double()),
            _ => {}
        }
        0
    }

    /// Adds another part of the same figure, whose distinct values are told apart otherwise.
    fn merge<E>(&mut self, other: Figure<E>, value: &mut dyn FnMut(E) -> Option<D>) -> usize {
        match (self, other) {
            (Figure::Count(a), Figure::Count(b)) => *a += b,
            (Figure::Sum { whole, part, floats, seen }, Figure::Sum { whole: w, part: p, floats: f, seen: s }) => {
                *whole += w;
                *part += p;
                *floats |= f;
                *seen += s;
            }
            (this @ Figure::Least(_), Figure::Least(Some(v))) | (this @ Figure::Most(_), Figure::Most(Some(v))) => {
                this.number(v);
            }
            (Figure::Distinct(a), Figure::Distinct(b)) => {
                let before = a.len();
                a.extend(b.into_iter().filter_map(value));
                return a.len() - before;
            }
            (Figure::Samples(a), Figure::Samples(b)) => a.merge(b),
            _ => {}
        }
        0
    }

    fn cell(self, kind: &MeasureKind) -> Cell {
        match self {
            Figure::Count(n) => Cell::Int(n as i64),
            Figure::Sum { seen: 0, .. } => Cell::Null,
            Figure::Sum { whole, part, seen, .. } if matches!(kind, MeasureKind::Avg(_)) => {
                Cell::Float((whole as f64 + part) / seen as f64)
            }
            Figure::Sum { whole, floats: false, .. } if i64::try_from(whole).is_ok() => Cell::Int(whole as i64),
            Figure::Sum { whole, part, .. } => Cell::Float(whole as f64 + part),
            Figure::Least(v) | Figure::Most(v) => v.map_or(Cell::Null, Number::cell),
            Figure::Distinct(set) => Cell::Int(set.len() as i64),
            Figure::Samples(mut samples) => match kind {
                MeasureKind::Percentile(_, p) => samples.percentile(*p).map_or(Cell::Null, Cell::Float),
                _ => Cell::Null,
            },
        }
    }
}

type Key = SmallVec<[Part; 2]>;

/// All groups of a request.
pub(crate) struct Accumulator<'r> {
    request: &'r AggregateRequest,
    groups: HashMap<Key, Vec<Figure<Part>>, foldhash::fast::RandomState>,
    complete: bool,
    kept: usize,
}

impl<'r> Accumulator<'r> {
    pub(crate) fn new(request: &'r AggregateRequest) -> Self {
        let mut this = Self { request, groups: HashMap::default(), complete: true, kept: 0 };
        if request.by.is_empty() {
            this.group(Key::new());
        }
        this
    }

    fn fresh(measures: &[Measure]) -> Vec<Figure<Part>> {
        measures.iter().map(|m| Figure::new(&m.kind)).collect()
    }

    /// The figures of a group; `None`: there are too many groups already.
    fn group(&mut self, key: Key) -> Option<&mut Vec<Figure<Part>>> {
        let most = self.request.max_groups.clamp(1, AggregateRequest::MAX_GROUPS);
        if self.groups.len() >= most && !self.groups.contains_key(&key) {
            self.complete = false;
            return None;
        }
        Some(self.groups.entry(key).or_insert_with(|| Self::fresh(&self.request.measures)))
    }

    /// Events that count without being looked at: only for requests without groups whose measures all count.
    pub(crate) fn add_count(&mut self, n: u64) {
        for figure in self.groups.values_mut().flatten() {
            if let Figure::Count(count) = figure {
                *count += n;
            }
        }
    }

    /// Takes an event.
    pub(crate) fn add_event(&mut self, event: &Event) -> Result<()> {
        let mut keys: SmallVec<[Key; 2]> = SmallVec::from_elem(Key::new(), 1);
        for by in &self.request.by {
            let parts: SmallVec<[Part; 2]> = match by {
                GroupBy::Time(step) => SmallVec::from_elem(Part::Time(bucket(event.timestamp(), *step)), 1),
                GroupBy::Field(field) => {
                    let mut parts = SmallVec::new();
                    for part in event.values(*field).filter_map(|v| Part::of(*field, v)) {
                        if !parts.contains(&part) {
                            parts.push(part);
                        }
                    }
                    parts
                }
            };
            keys = keys
                .iter()
                .flat_map(|key| {
                    parts.iter().map(move |part| {
                        let mut key = key.clone();
                        key.push(part.clone());
                        key
                    })
                })
                .collect();
        }
        let request = self.request;
        for key in keys {
            let Some(figures) = self.group(key) else { continue };
            let mut more = 0;
            for (figure, measure) in figures.iter_mut().zip(&request.measures) {
                figure.event();
                let Some(field) = measured(&measure.kind) else { continue };
                for value in event.values(field) {
                    if let MeasureKind::Distinct(_) = measure.kind {
                        more += Part::of(field, value).map_or(0, |part| figure.distinct(part));
                    } else if let Some(number) = Number::of(value) {
                        more += figure.number(number);
                    }
                }
            }
            self.keep(more)?;
        }
        Ok(())
    }

    /// Takes the figures of a group that were computed elsewhere. `value`: what a distinct value of a measure is.
    pub(crate) fn add_group<E>(
        &mut self,
        key: Key,
        figures: Vec<Figure<E>>,
        value: &mut dyn FnMut(usize, E) -> Option<Part>,
    ) -> Result<()> {
        let Some(into) = self.group(key) else { return Ok(()) };
        let mut more = 0;
        for (i, (a, b)) in into.iter_mut().zip(figures).enumerate() {
            more += a.merge(b, &mut |e| value(i, e));
        }
        self.keep(more)
    }

    fn keep(&mut self, more: usize) -> Result<()> {
        self.kept += more;
        if self.kept > BUDGET {
            return Err(too_much(TOO_MUCH_MEMORY));
        }
        Ok(())
    }

    /// The answer.
    pub(crate) fn finish(self) -> Table {
        let name = |by: &GroupBy| match by {
            GroupBy::Field(field) => field.name().to_owned(),
            GroupBy::Time(_) => "_time".to_owned(),
        };
        let columns = self.request.by.iter().map(name).chain(self.request.measures.iter().map(|m| m.name.clone())).collect();
        let width = self.request.by.len();
        let mut rows: Vec<Vec<Cell>> = self
            .groups
            .into_iter()
            .map(|(key, figures)| {
                let figures = figures.into_iter().zip(&self.request.measures).map(|(f, m)| f.cell(&m.kind));
                key.into_iter().map(Part::cell).chain(figures).collect()
            })
            .collect();
        rows.sort_by(|a, b| {
            let pairs = a.iter().zip(b).take(width);
            pairs.map(|(x, y)| x.compare(y)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        Table { columns, rows, complete: self.complete }
    }
}

/// More groups than a request may make.
pub(crate) const TOO_MANY_GROUPS: Word = Word::new("this query makes too many groups", "câu truy vấn này tạo ra quá nhiều nhóm");
/// More memory than a request may take.
pub(crate) const TOO_MUCH_MEMORY: Word =
    Word::new("the figures of this query need too much memory", "các phép tính của câu truy vấn này cần quá nhiều bộ nhớ");

/// The request is larger than a request may be.
pub(crate) fn too_much(what: Word) -> StoreError {
    let help = Word::new(
        "narrow the time range or the filter, or group by fewer fields",
        "hãy thu hẹp khoảng thời gian hoặc bộ lọc, hoặc nhóm theo ít trường hơn",
    );
    StoreError::TooMuch { what: what.into(), help }
}

/// Start of the interval an instant lies in.
pub(crate) fn bucket(t: i64, step: i64) -> i64 {
    let step = step.max(1);
    t.div_euclid(step).saturating_mul(step)
}
