//! Pipes: what happens to the events a filter lets through.

use fansipan_model::{FieldId, Predicate, time::SECOND};

use super::{Fault, Pipe, QueryError, SortKey, filter, names, text::Input};
use crate::events::{Measure, MeasureKind};

/// Pipes of one query.
const MOST: usize = 32;
/// Columns, groups or keys of one pipe.
const MOST_ITEMS: usize = 32;

type Read<T> = Result<T, QueryError>;

/// All pipes up to the end.
pub(super) fn read(input: &mut Input<'_>) -> Read<Vec<Pipe>> {
    let mut pipes = Vec::new();
    while input.peek().is_some() {
        let bar = input.place();
        if !input.take("|") {
            return Err(input.error(bar, Fault::NoPipe { what: input.shown() }));
        }
        input.skip_blanks();
        if pipes.len() == MOST {
            return Err(input.error(bar, Fault::TooManySteps { most: MOST }));
        }
        let place = input.place();
        let pipe = one(input)?;
        check_order(&pipes, &pipe).map_err(|fault| input.error(place, fault))?;
        pipes.push(pipe);
        input.skip_blanks();
    }
    Ok(pipes)
}

fn check_order(before: &[Pipe], pipe: &Pipe) -> Result<(), Fault> {
    let computes = |p: &Pipe| matches!(p, Pipe::Stats { .. } | Pipe::Timechart { .. });
    if computes(pipe) && before.iter().any(computes) {
        return Err(Fault::ComputesTwice);
    }
    if computes(pipe) && before.iter().any(|p| !matches!(p, Pipe::Where(_))) {
        return Err(Fault::ComputesLate);
    }
    let shapes = before.iter().any(|p| !matches!(p, Pipe::Where(_)));
    if matches!(pipe, Pipe::Where(_)) && shapes && !before.iter().any(computes) {
        return Err(Fault::FiltersLate);
    }
    Ok(())
}

fn one(input: &mut Input<'_>) -> Read<Pipe> {
    let place = input.place();
    let word = input.run(|c| c.is_ascii_alphanumeric());
    input.skip_blanks();
    Ok(match word.to_ascii_lowercase().as_str() {
        "stats" => {
            let measures = list(input, measure)?;
            Pipe::Stats { measures, by: if input.keyword("by") { list(input, Input::field)? } else { Vec::new() } }
        }
        "timechart" => {
            let span = span(input)?;
            let measures = if done(input) || input.peek_word().eq_ignore_ascii_case("by") { vec![count()] } else { list(input, measure)? };
            Pipe::Timechart { span, measures, by: if input.keyword("by") { Some(input.field()?) } else { None } }
        }
        "sort" => Pipe::Sort(list(input, sort_key)?),
        "head" => Pipe::Head(number(input, 10)?),
        "tail" => Pipe::Tail(number(input, 10)?),
        "fields" => Pipe::Fields(list(input, column)?),
        "where" => Pipe::Where(match input.peek() {
            None | Some('|') => Predicate::True,
            Some(_) => filter::read(input)?,
        }),
        _ => {
            let none = word.is_empty();
            let fault = if none { Fault::NoStep { what: input.shown() } } else { Fault::UnknownStep { word: word.to_owned() } };
            return Err(input.error(place, fault));
        }
    })
}

fn done(input: &Input<'_>) -> bool {
    matches!(input.peek(), None | Some('|'))
}

/// One or more separated by commas.
fn list<'q, T>(input: &mut Input<'q>, mut read: impl FnMut(&mut Input<'q>) -> Read<T>) -> Read<Vec<T>> {
    let mut out = Vec::new();
    loop {
        if out.len() == MOST_ITEMS {
            return Err(input.error(input.place(), Fault::TooManyItems { most: MOST_ITEMS }));
        }
        out.push(read(input)?);
        input.skip_blanks();
        if !input.take(",") {
            return Ok(out);
        }
        input.skip_blanks();
    }
}

fn count() -> Measure {
    Measure { name: "count".into(), kind: MeasureKind::Count }
}

/// `count()`, `sum(field)`… with an optional `as name`.
fn measure(input: &mut Input<'_>) -> Read<Measure> {
    let place = input.place();
    let word = input.run(|c| c.is_ascii_alphanumeric()).to_ascii_lowercase();
    let kind: Box<dyn Fn(FieldId) -> MeasureKind> = match word.as_str() {
        "count" => Box::new(|_| MeasureKind::Count),
        "sum" => Box::new(MeasureKind::Sum),
        "avg" => Box::new(MeasureKind::Avg),
        "min" => Box::new(MeasureKind::Min),
        "max" => Box::new(MeasureKind::Max),
        "dc" => Box::new(MeasureKind::Distinct),
        _ => match word.strip_prefix('p').and_then(|p| p.parse::<u8>().ok()).filter(|p| (1..=100).contains(p)) {
            Some(p) => Box::new(move |field| MeasureKind::Percentile(field, f64::from(p))),
            None => {
                let none = word.is_empty();
                let fault = if none { Fault::NoFigure { what: input.shown() } } else { Fault::UnknownFigure { word: word.clone() } };
                return Err(input.error(place, fault));
            }
        },
    };
    let counts = word == "count";
    let mut name = word.clone();
    let mut field = None;
    if input.take("(") {
        input.skip_blanks();
        if !counts {
            let f = input.field()?;
            name = format!("{word}({})", f.name());
            field = Some(f);
        }
        input.skip_blanks();
        if !input.take(")") {
            let what = input.shown();
            return Err(input.error(input.place(), if counts { Fault::CountOfField { what } } else { Fault::OpenFigure { what } }));
        }
    } else if !counts {
        return Err(input.error(input.place(), Fault::NeedsField { word }));
    }
    input.skip_blanks();
    if input.keyword("as") {
        let place = input.place();
        name = input.run(names::is_name).to_owned();
        names::check(&name).map_err(|fault| input.error(place, fault))?;
    }
    // a field is needed where the kind is made, and counting ignores it
    let kind = kind(field.unwrap_or(fansipan_model::fields::EVENT_ID));
    Ok(Measure { name, kind })
}

/// `span=5m`
fn span(input: &mut Input<'_>) -> Read<Option<i64>> {
    if !input.peek_word().eq_ignore_ascii_case("span") {
        return Ok(None);
    }
    input.run(|c| c.is_ascii_alphabetic());
    let place = input.place();
    input.skip_blanks();
    let signed = input.take("=");
    input.skip_blanks();
    let digits = input.run(|c| c.is_ascii_digit());
    let unit = match input.run(|c| c.is_ascii_alphabetic()).to_ascii_lowercase().as_str() {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        "w" => Some(7 * 86_400),
        _ => None,
    };
    let length = digits.parse::<i64>().ok().filter(|n| *n > 0).zip(unit).and_then(|(n, unit)| n.checked_mul(unit)?.checked_mul(SECOND));
    input.skip_blanks();
    match length {
        Some(length) if signed => Ok(Some(length)),
        _ => Err(input.error(place, Fault::NoSpan)),
    }
}

/// `-name`, `+name`, `name`, `name desc`, `name asc`
fn sort_key(input: &mut Input<'_>) -> Read<SortKey> {
    let mut descending = input.take("-");
    if !descending {
        input.take("+");
    }
    let name = column(input)?;
    input.skip_blanks();
    if input.keyword("desc") {
        descending = true;
    } else {
        input.keyword("asc");
    }
    Ok(SortKey { name, descending })
}

/// A column or field by name; a computed column may be called as it was written, `sum(source.bytes)`.
fn column(input: &mut Input<'_>) -> Read<String> {
    let place = input.place();
    let mut name = input.run(names::is_name).to_owned();
    let checked = names::check(&name);
    if checked.is_ok() && input.take("(") {
        let inner = input.run(names::is_name);
        name = format!("{name}({inner})");
        if !input.take(")") {
            return Err(input.error(input.place(), Fault::OpenColumn { what: input.shown() }));
        }
        // `count()` is the column `count`
        if inner.is_empty() {
            name.truncate(name.len() - 2);
        }
    }
    match checked {
        Ok(()) => Ok(name),
        Err(fault) => Err(input.error(place, fault)),
    }
}

fn number(input: &mut Input<'_>, default: usize) -> Read<usize> {
    if done(input) {
        return Ok(default);
    }
    let place = input.place();
    let digits = input.run(|c| c.is_ascii_alphanumeric());
    match digits.parse::<usize>().ok().filter(|n| *n > 0) {
        Some(n) => Ok(n),
        None => Err(input.error(place, Fault::NoCount { what: input.shown() })),
    }
}
