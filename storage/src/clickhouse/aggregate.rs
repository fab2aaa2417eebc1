//! Figures over matching events: computed by the server over rows it can judge and whose values it holds, from events otherwise.
//!
//! Rows are split in two by one condition: those of which the server knows that they match and of which every value asked for
//! is in columns or maps, and the others. The server groups the first, the second are read; both meet in the accumulator.

use std::ops::ControlFlow;

use fansipan_model::{FieldId, Scope, Value, fields};
use smallvec::SmallVec;

use super::{
    Shared,
    binary::Reader,
    columns::{COLUMNS, Kind},
    lower::{held, odd},
    search::{Ask, each_event},
    sql::{self, Condition},
};
use crate::{
    engine::{
        accumulate::{Accumulator, Figure, Number, Part, TOO_MANY_GROUPS, TOO_MUCH_MEMORY, measured, too_much},
        samples::Samples,
    },
    error::{Result, StoreError},
    events::{AggregateRequest, GroupBy, MeasureKind},
    reading::Reading,
    table::Table,
};

/// Groups the server may answer with.
const MOST_GROUPS: usize = 4_000_000;
/// Numbers of one percentile.
const MOST_NUMBERS: usize = 16_000_000;

/// Answers a request.
pub(crate) fn table(shared: &Shared, scope: &Scope, request: &AggregateRequest) -> Result<Table> {
    let ask = Ask { scope, filter: &request.filter, range: request.range };
    let condition = ask.condition();
    let mut groups = Accumulator::new(request);
    if condition.may == "0" {
        return Ok(groups.finish());
    }
    let mut rest = format!("WHERE {}", condition.may);
    if let Some(plan) = Plan::new(request) {
        let sure = Condition::all([Condition::exact(condition.must.clone()), Condition::exact(plan.held.clone())]).must;
        if sure != "0" {
            plan.run(shared, &sure, &mut groups)?;
        }
        if sure == condition.may {
            return Ok(groups.finish());
        }
        rest = format!("{rest} AND NOT {sure}");
    }
    let mut reading = Reading::new(shared.config.read_limit);
    each_event(shared, &condition.must, &rest, &mut |event, sure| {
        reading.one()?;
        if sure || ask.holds(event) {
            groups.add_event(event)?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(groups.finish())
}

/// How a group's value comes back.
#[derive(Clone, Copy)]
enum Key {
    /// Intervals of this length since 1970.
    Interval(i64),
    Time,
    Text(FieldId),
    Long,
    Bool,
    Ip(FieldId),
}

/// What the server is asked to compute.
struct Plan<'r> {
    request: &'r AggregateRequest,
    keys: Vec<(String, Key)>,
    figures: Vec<String>,
    /// What an event must satisfy to be in a group at all.
    grouped: Vec<String>,
    /// Whether a row's values are all where the server sees them.
    held: String,
}

/// A map's values under a name.
fn under(map: &str, field: FieldId) -> String {
    format!("mapValues(mapFilter((k, v) -> k = {}, {map}))", sql::text(field.name()))
}

/// The distinct values of a field as texts, an SQL array; `None`: the server does not see them.
fn texts(field: FieldId) -> Option<String> {
    Some(match (field, COLUMNS.of(field)) {
        (fields::TIMESTAMP | fields::EVENT_ID | fields::EVENT_INGESTED | fields::EVENT_ORIGINAL, _) => return None,
        (fields::MESSAGE, _) => "if(message = '', [], [message])".into(),
        (_, Some(column)) => match column.kind {
            Kind::Text => format!("if({0} = '', [], [toString({0})])", column.name),
            Kind::Texts => format!("arrayDistinct(arrayMap(x -> toString(x), {}))", column.name),
            _ => format!("if(isNull({0}), [], [toString(assumeNotNull({0}))])", column.name),
        },
        (field, None) => {
            format!("arrayDistinct(arrayConcat({}, arrayMap(x -> toString(x), {})))", under("texts", field), under("longs", field))
        }
    })
}

/// Text that is an integer as it prints.
fn integer_text(x: &str) -> String {
    format!("match({x}, '^(0|-?[1-9][0-9]{{0,17}})$')")
}

/// The numbers of a field, an SQL array of Int64, and what must hold for these to be all.
fn numbers(field: FieldId) -> Option<(String, Vec<String>)> {
    let of_texts = |array: String| {
        let (simple, part) = (integer_text("x"), "match(x, '[0-9]')");
        let numbers = format!("arrayMap(x -> toInt64OrZero(x), arrayFilter(x -> {simple}, {array}))");
        (numbers, format!("NOT arrayExists(x -> {part} AND NOT {simple}, {array})"))
    };
    Some(match (field, COLUMNS.of(field)) {
        (fields::TIMESTAMP | fields::EVENT_ID | fields::EVENT_INGESTED | fields::EVENT_ORIGINAL | fields::MESSAGE, _) => return None,
        (_, Some(column)) => match column.kind {
            Kind::Long => (format!("if(isNull({0}), [], [assumeNotNull({0})])", column.name), vec![]),
            Kind::Bool | Kind::Ip => ("CAST([], 'Array(Int64)')".into(), vec![]),
            Kind::Text => {
                let (numbers, held) = of_texts(format!("[toString({})]", column.name));
                (numbers, vec![held])
            }
            Kind::Texts => {
                let (numbers, held) = of_texts(format!("arrayMap(x -> toString(x), {})", column.name));
                (numbers, vec![held])
            }
        },
        (field, None) => {
            let (numbers, held) = of_texts(under("texts", field));
            (format!("arrayConcat({}, {numbers})", under("longs", field)), vec![held])
        }
    })
}

impl<'r> Plan<'r> {
    /// `None`: the server cannot compute any of it.
    fn new(request: &'r AggregateRequest) -> Option<Plan<'r>> {
        let mut plan = Plan { request, keys: Vec::new(), figures: Vec::new(), grouped: Vec::new(), held: String::new() };
        let mut conditions: Vec<String> = Vec::new();
        for (i, by) in request.by.iter().enumerate() {
            // the same field twice would be one array to the server
            if request.by.iter().take(i).any(|b| b == by) {
                return None;
            }
            plan.key(by, &mut conditions)?;
        }
        for measure in &request.measures {
            plan.measure(&measure.kind, &mut conditions)?;
        }
        conditions.dedup();
        plan.held = Condition::all(conditions.into_iter().map(Condition::exact)).must;
        Some(plan)
    }

    fn key(&mut self, by: &GroupBy, conditions: &mut Vec<String>) -> Option<()> {
        let time = "toUnixTimestamp64Nano(time)";
        let field = match by {
            GroupBy::Time(step) => {
                let step = (*step).max(1);
                let floor = format!("if({time} >= 0, intDiv({time}, {step}), -1 - intDiv(-({time} + 1), {step}))");
                self.keys.push((floor, Key::Interval(step)));
                return Some(());
            }
            GroupBy::Field(fields::TIMESTAMP) => {
                self.keys.push((time.into(), Key::Time));
                return Some(());
            }
            GroupBy::Field(field) => *field,
        };
        self.sees(field, conditions)?;
        self.keys.push(match COLUMNS.of(field) {
            Some(column) if column.kind != Kind::Texts => {
                self.grouped.push(held(field));
                match column.kind {
                    Kind::Long => (format!("assumeNotNull({})", column.name), Key::Long),
                    Kind::Bool => (format!("assumeNotNull({})", column.name), Key::Bool),
                    Kind::Ip => (format!("assumeNotNull({})", column.name), Key::Ip(field)),
                    _ => (format!("toString({})", column.name), Key::Text(field)),
                }
            }
            _ => (format!("arrayJoin({})", texts(field)?), Key::Text(field)),
        });
        Some(())
    }

    /// Demands that the values of a field are in sight.
    fn sees(&self, field: FieldId, conditions: &mut Vec<String>) -> Option<()> {
        texts(field)?;
        conditions.push(format!("NOT {}", odd(field)));
        if COLUMNS.of(field).is_none() && field != fields::MESSAGE {
            // how the server writes an address is not how we do
            conditions.push(format!("NOT mapContains(addresses, {})", sql::text(field.name())));
        }
        Some(())
    }

    fn measure(&mut self, kind: &MeasureKind, conditions: &mut Vec<String>) -> Option<()> {
        let Some(field) = measured(kind) else {
            self.figures.push("count()".into());
            return Some(());
        };
        self.sees(field, conditions)?;
        if let MeasureKind::Distinct(_) = kind {
            self.figures.push(format!("groupUniqArrayArray({})", texts(field)?));
            return Some(());
        }
        let (numbers, held) = numbers(field)?;
        conditions.extend(held);
        self.figures.push(match kind {
            MeasureKind::Sum(_) | MeasureKind::Avg(_) => {
                format!("sum(arraySum(arrayMap(x -> toInt128(x), {numbers}))), sum(toUInt64(length({numbers})))")
            }
            MeasureKind::Min(_) => format!("minArray({numbers}), sum(toUInt64(length({numbers})))"),
            MeasureKind::Max(_) => format!("maxArray({numbers}), sum(toUInt64(length({numbers})))"),
            _ => format!("groupArrayArray({})({numbers})", MOST_NUMBERS + 1),
        });
        Some(())
    }

    fn run(&self, shared: &Shared, sure: &str, groups: &mut Accumulator<'_>) -> Result<()> {
        let names: Vec<String> = (0..self.keys.len()).map(|i| format!("key_{i}")).collect();
        let keys = self.keys.iter().zip(&names).map(|((sql, _), name)| format!("{sql} AS {name}"));
        let selected: Vec<String> = keys.chain(self.figures.iter().cloned()).collect();
        let wanted = Condition::all([sure.to_owned()].into_iter().chain(self.grouped.iter().cloned()).map(Condition::exact)).must;
        let by = if names.is_empty() { String::new() } else { format!(" GROUP BY {}", names.join(", ")) };
        let events = shared.names.table("events");
        let query = format!("SELECT {} FROM {events} WHERE {wanted}{by} LIMIT {}", selected.join(", "), MOST_GROUPS + 1);
        if selected.is_empty() {
            return Ok(());
        }
        let mut stream = shared.link.stream("computing figures", &query)?;
        let (mut buffer, mut count) = (Vec::new(), 0usize);
        while let Some(piece) = stream.next()? {
            buffer.extend_from_slice(&piece);
            let mut done = 0;
            loop {
                let mut r = Reader::new(buffer.get(done..).unwrap_or_default());
                if r.is_done() {
                    break;
                }
                let Some((key, figures)) = self.row(&mut r) else { break };
                done += r.at();
                count += 1;
                if count > MOST_GROUPS {
                    return Err(too_much(TOO_MANY_GROUPS));
                }
                groups.add_group(key, figures?, &mut |_, part| Some(part))?;
            }
            buffer.drain(..done);
        }
        if buffer.is_empty() {
            return Ok(());
        }
        Err(StoreError::Damaged { what: "answer of ClickHouse", reason: format!("{} bytes too many", buffer.len()) })
    }

    /// A group and its figures; `None`: the row is not complete.
    fn row(&self, r: &mut Reader<'_>) -> Option<(SmallVec<[Part; 2]>, Result<Vec<Figure<Part>>>)> {
        let mut key = SmallVec::new();
        for (_, kind) in &self.keys {
            key.push(match kind {
                Key::Interval(step) => Part::Time(r.i64()?.saturating_mul(*step)),
                Key::Time => Part::Time(r.i64()?),
                Key::Long => Part::Int(r.i64()?),
                Key::Bool => Part::Bool(r.u8()? == 1),
                Key::Ip(field) => Part::of(*field, Value::Ip(std::net::IpAddr::V6(r.address()?).to_canonical()))?,
                Key::Text(field) => Part::of(*field, Value::Str(r.text()?))?,
            });
        }
        let mut figures = Vec::new();
        let mut problem = None;
        for measure in &self.request.measures {
            figures.push(match &measure.kind {
                MeasureKind::Count => Figure::Count(r.u64()?),
                MeasureKind::Sum(_) | MeasureKind::Avg(_) => Figure::Sum { whole: r.i128()?, seen: r.u64()?, part: 0.0, floats: false },
                MeasureKind::Min(_) | MeasureKind::Max(_) => {
                    let (v, seen) = (r.i64()?, r.u64()?);
                    let number = (seen > 0).then_some(Number::Int(v));
                    if let MeasureKind::Min(_) = measure.kind { Figure::Least(number) } else { Figure::Most(number) }
                }
                MeasureKind::Distinct(field) => {
                    let mut set = std::collections::HashSet::new();
                    for _ in 0..r.size()? {
                        set.extend(distinct(*field, r.text()?));
                    }
                    Figure::Distinct(set)
                }
                MeasureKind::Percentile(..) => {
                    let mut samples = Samples::default();
                    let n = r.size()?;
                    if n > MOST_NUMBERS {
                        problem = Some(too_much(TOO_MUCH_MEMORY));
                    }
                    for _ in 0..n {
                        samples.push(r.i64()? as f64);
                    }
                    Figure::Samples(samples)
                }
            });
        }
        Some((key, problem.map_or(Ok(figures), Err)))
    }
}

/// A distinct value as we tell them apart: the server writes IPv6 its own way.
fn distinct(field: FieldId, text: &str) -> Option<Part> {
    if COLUMNS.of(field).is_some_and(|c| c.kind == Kind::Ip) {
        return Part::of(field, Value::Ip(text.parse::<std::net::IpAddr>().ok()?.to_canonical()));
    }
    Part::of(field, Value::Str(text))
}
