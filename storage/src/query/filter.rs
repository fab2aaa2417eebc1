//! Filters: and, or, not, parentheses, fields with values, free words.

use fansipan_model::{Op, Part, Pattern, Predicate, Target, Test, text::fold};
use smallvec::SmallVec;

use super::{
    Fault, QueryError, names,
    text::{Input, ends_text},
    value::{self, Text},
};

/// Tests in one filter.
const MOST: usize = 2_000;

/// What values stand for: a field's, or those of free text.
#[derive(Clone)]
pub(super) enum Context {
    /// No field was named.
    Free,
    /// Inside `field:( … )`.
    Of(Target),
}

/// A filter up to `|`, `)` or the end.
pub(super) fn read(input: &mut Input<'_>) -> Result<Predicate, QueryError> {
    let mut reader = Reader { tests: 0 };
    let filter = reader.either(input, &Context::Free)?;
    match input.peek() {
        None | Some('|') => Ok(filter),
        Some(')') => Err(input.error(input.place(), Fault::ClosesNothing)),
        Some(_) => Err(input.error(input.place(), Fault::NotInFilter { what: input.shown() })),
    }
}

struct Reader {
    tests: usize,
}

type Read = Result<Predicate, QueryError>;

impl Reader {
    /// One or more joined by `or`.
    fn either(&mut self, input: &mut Input<'_>, context: &Context) -> Read {
        let first = self.both(input, context)?;
        let mut list = vec![first];
        while input.keyword("or") {
            list.push(self.both(input, context)?);
        }
        Ok(joined(list, Predicate::Or))
    }

    /// One or more joined by `and`, or by nothing.
    fn both(&mut self, input: &mut Input<'_>, context: &Context) -> Read {
        let first = self.one(input, context)?;
        let mut list = vec![first];
        loop {
            let and = input.keyword("and");
            let ended = matches!(input.peek(), None | Some('|' | ')')) || next_is_or(input);
            if ended && !and {
                return Ok(joined(list, Predicate::And));
            }
            list.push(self.one(input, context)?);
        }
    }

    fn one(&mut self, input: &mut Input<'_>, context: &Context) -> Read {
        if input.keyword("not") {
            input.deeper()?;
            let inner = self.one(input, context)?;
            input.shallower();
            return Ok(Predicate::Not(Box::new(inner)));
        }
        if input.peek() == Some('(') {
            return self.group(input, context);
        }
        let place = input.place();
        if input.keyword("or") || input.keyword("and") {
            input.back(place);
            return Err(input.error(place, Fault::BareOperator { what: input.shown() }));
        }
        self.tests += 1;
        if self.tests > MOST {
            return Err(input.error(input.place(), Fault::TooManyTests { most: MOST }));
        }
        let test = match context {
            Context::Of(target) => self.value(input, target)?,
            Context::Free => match target(input)? {
                Some(target) => self.value(input, &target)?,
                None => free(input)?,
            },
        };
        input.skip_blanks();
        Ok(test)
    }

    /// `( … )`
    fn group(&mut self, input: &mut Input<'_>, context: &Context) -> Read {
        let place = input.place();
        input.take("(");
        input.skip_blanks();
        input.deeper()?;
        let inner = self.either(input, context)?;
        input.shallower();
        if !input.take(")") {
            return Err(match input.peek() {
                None => input.error(place, Fault::OpenGroup),
                Some(_) => input.error(input.place(), Fault::NotInGroup { what: input.shown() }),
            });
        }
        input.skip_blanks();
        Ok(inner)
    }

    fn value(&mut self, input: &mut Input<'_>, target: &Target) -> Read {
        if input.peek() == Some('(') {
            return self.group(input, &Context::Of(target.clone()));
        }
        value::read(input, target)
    }
}

fn joined(mut list: Vec<Predicate>, join: impl Fn(Vec<Predicate>) -> Predicate) -> Predicate {
    match list.pop() {
        Some(only) if list.is_empty() => only,
        Some(last) => {
            list.push(last);
            join(list)
        }
        None => Predicate::True,
    }
}

fn next_is_or(input: &mut Input<'_>) -> bool {
    let place = input.place();
    let or = input.keyword("or");
    input.back(place);
    or
}

/// `name:`, `*:`, or a name right before a comparison. `None`: what comes next is free text, and nothing was taken.
fn target(input: &mut Input<'_>) -> Result<Option<Target>, QueryError> {
    let place = input.place();
    let rest = input.rest();
    if rest.starts_with("*:") {
        input.take("*:");
        input.skip_blanks();
        return Ok(Some(Target::Any));
    }
    let name = input.run(names::is_name);
    let (separator, after) = (input.peek(), input.rest());
    let compares = matches!(separator, Some('<' | '>' | '='));
    let spaced = input.rest().trim_start();
    let compares_later = matches!(spaced.chars().next(), Some('<' | '>' | '='));
    let named = name.chars().next().is_some_and(names::begins_name);
    let whole = rest.get(..rest.find(ends_text).unwrap_or(rest.len())).unwrap_or("");
    if !named || after.starts_with("://") || value::network(whole).is_some() || !(separator == Some(':') || compares || compares_later) {
        input.back(place);
        return Ok(None);
    }
    let field = names::field(name).map_err(|fault| input.error(place, fault))?;
    input.take(":");
    input.skip_blanks();
    Ok(Some(Target::Field(SmallVec::from_elem(field, 1))))
}

fn any(op: Op) -> Predicate {
    Predicate::Test(Test { target: Target::Any, op })
}

/// A free word, phrase or address.
fn free(input: &mut Input<'_>) -> Result<Predicate, QueryError> {
    let place = input.place();
    if matches!(input.peek(), Some('[' | ']' | '{' | '}' | ')')) {
        return Err(input.error(place, Fault::RangeWithoutField { what: input.shown() }));
    }
    let Text { parts, quoted, .. } = value::text(input)?;
    let parts: Vec<Part> = parts;
    if !quoted && parts.iter().all(|p| *p == Part::Many) && !parts.is_empty() {
        return Ok(Predicate::True);
    }
    let literal = match parts.as_slice() {
        [] => "",
        [Part::Literal(text)] => text,
        _ => {
            let around = [Part::Many].into_iter().chain(parts).chain([Part::Many]);
            return Ok(any(Op::Like(Pattern::new(around, false))));
        }
    };
    if literal.is_empty() {
        return Err(match input.peek() {
            None if !quoted => input.error(place, Fault::EndsEarly),
            _ if quoted => input.error(place, Fault::EmptyQuotes),
            _ => input.error(place, Fault::NoTest { what: input.shown() }),
        });
    }
    if !quoted && let Some(net) = value::network(literal) {
        return Ok(any(Op::Cidr(net)));
    }
    Ok(any(match single_word(literal) {
        Some(word) => Op::Word(word.into()),
        None => Op::Like(Pattern::contains(literal)),
    }))
}

/// The text as an indexed word, if it is one and nothing else.
pub(super) fn single_word(literal: &str) -> Option<String> {
    if !literal.chars().all(char::is_alphanumeric) {
        return None;
    }
    let mut found = None;
    fansipan_model::text::words(literal, &mut String::new(), |word| found = Some(word.to_owned()));
    // a longer word is cut in the index; the whole of it is asked for
    found.filter(|word| *word == fold(literal))
}
