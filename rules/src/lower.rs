//! A detection and the meaning of its log source → [`Predicate`], the definition of what the rule matches.

use fansipan_model::{Op, Pattern, Predicate, Reference, Said, Target, Test, said};

use crate::{
    ast::{Condition, Detection, Item, ItemTest, Search},
    diagnostic::Code,
    parse::value::anchored,
    taxonomy::{Route, Taxonomy},
};

/// Strings one value with placeholders may stand for.
const MAX_EXPANSIONS: usize = 10_000;

/// What the lowering found out besides.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Findings, each with the place of the item.
    pub(crate) found: Vec<(Code, crate::diagnostic::Position, Said)>,
}

/// Lowers with the fields of one log source. `None` if too many field names are in use.
pub(crate) struct Lowering<'a> {
    pub(crate) taxonomy: &'a Taxonomy,
    pub(crate) route: &'a Route<'a>,
    pub(crate) notes: Notes,
}

impl Lowering<'_> {
    /// The detection as a whole.
    pub(crate) fn detection(&mut self, detection: &Detection) -> Option<Predicate> {
        let selections = self.selections(detection)?;
        Some(condition(&detection.condition, &selections))
    }

    /// Each selection by itself, in order.
    pub(crate) fn selections(&mut self, detection: &Detection) -> Option<Vec<Predicate>> {
        detection.selections.iter().map(|s| self.search(&s.search)).collect()
    }

    fn search(&mut self, search: &Search) -> Option<Predicate> {
        Some(match search {
            Search::All(list) => all(list.iter().map(|s| self.search(s)).collect::<Option<_>>()?),
            Search::Any(list) => any(list.iter().map(|s| self.search(s)).collect::<Option<_>>()?),
            Search::Item(item) => self.item(item)?,
        })
    }

    fn item(&mut self, item: &Item) -> Option<Predicate> {
        let target = match &item.field {
            Some(field) => Target::Field(self.route.candidates(field)?),
            None => Target::Any,
        };
        let mut values = Vec::with_capacity(item.values.len());
        for tests in &item.values {
            let mut variants = Vec::with_capacity(tests.len());
            for test in tests {
                self.test(item, test, &target, &mut variants)?;
            }
            values.push(any(variants));
        }
        let whole = match (values.is_empty(), item.all) {
            (true, _) => Predicate::False,
            (false, true) => all(values),
            (false, false) => any(values),
        };
        Some(if item.negated { Predicate::Not(Box::new(whole)) } else { whole })
    }

    fn test(&mut self, item: &Item, test: &ItemTest, target: &Target, out: &mut Vec<Predicate>) -> Option<()> {
        let mut push = |op: Op| out.push(Predicate::Test(Test { target: target.clone(), op }));
        match test {
            ItemTest::Op(op) => push(op.clone()),
            ItemTest::SameAs { field, relation, cased } => {
                push(Op::Field(Reference { other: self.route.candidates(field)?, relation: *relation, cased: *cased }));
            }
            ItemTest::Expand(template) => match expand(&template.text, |name| self.taxonomy.placeholder(name)) {
                Ok(texts) => {
                    for text in texts {
                        push(Op::Like(anchored(Pattern::parse_parts(&text), template.anchor, template.cased)));
                    }
                }
                Err(message) => self.notes.found.push((Code::Placeholder, item.at, message)),
            },
        }
        Some(())
    }
}

/// The strings a text with placeholders stands for, or why there are none.
pub(crate) fn expand<'v>(text: &str, values_of: impl Fn(&str) -> Option<&'v [String]>) -> Result<Vec<String>, Said> {
    let mut texts = vec![String::new()];
    let mut rest = text;
    while let Some((before, name, after)) = placeholder(rest) {
        let Some(values) = values_of(name) else {
            return Err(said!("the placeholder %{name}% has no values", "chỗ trống %{name}% không có giá trị nào"));
        };
        if texts.len().saturating_mul(values.len()) > MAX_EXPANSIONS {
            return Err(said!(
                "the placeholders stand for more than {MAX_EXPANSIONS} values",
                "các chỗ trống ứng với quá {MAX_EXPANSIONS} giá trị"
            ));
        }
        texts = texts.iter().flat_map(|t| values.iter().map(move |v| format!("{t}{before}{v}"))).collect();
        rest = after;
    }
    texts.iter_mut().for_each(|t| t.push_str(rest));
    Ok(texts)
}

/// The first `%name%` of a text: what stands before it, the name, what stands after it.
pub(crate) fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let (before, rest) = (text.get(..from)?, text.get(from..)?);
        let (head, tail) = rest.split_once('%')?;
        if let Some((name, after)) = tail.split_once('%')
            && !name.is_empty()
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        {
            return Some((text.get(..before.len() + head.len())?, name, after));
        }
        from += head.len() + 1;
    }
}

/// The condition over lowered selections.
pub(crate) fn condition(condition: &Condition, selections: &[Predicate]) -> Predicate {
    let each = |list: &[Condition]| list.iter().map(|c| self::condition(c, selections)).collect();
    match condition {
        Condition::And(list) => all(each(list)),
        Condition::Or(list) => any(each(list)),
        Condition::Not(inner) => Predicate::Not(Box::new(self::condition(inner, selections))),
        Condition::Selection(i) => selections.get(*i).cloned().unwrap_or(Predicate::False),
    }
}

/// All of them, one alone as itself.
pub(crate) fn all(mut list: Vec<Predicate>) -> Predicate {
    if list.len() == 1 { list.remove(0) } else { Predicate::And(list) }
}

/// Any of them, one alone as itself.
pub(crate) fn any(mut list: Vec<Predicate>) -> Predicate {
    if list.len() == 1 { list.remove(0) } else { Predicate::Or(list) }
}

#[cfg(test)]
mod tests {
    use super::placeholder;

    #[test]
    fn placeholders() {
        assert_eq!(placeholder("a%x%b"), Some(("a", "x", "b")));
        assert_eq!(placeholder("100% of %x-1%"), Some(("100% of ", "x-1", "")));
        assert_eq!(placeholder("100%"), None);
        assert_eq!(placeholder("%%"), None);
    }
}
