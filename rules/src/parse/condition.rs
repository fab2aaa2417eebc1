//! Sigma conditions: words → tree. `not` binds before `and`, `and` before `or`.

use fansipan_model::{Said, said};

use crate::{
    ast::{Condition, Selection},
    diagnostic::{Code, Position},
};

/// Words of a condition.
const MAX_WORDS: usize = 4096;
/// Selections named, those that patterns stand for counted each time.
const MAX_NAMED: usize = 65_536;
/// Levels of parentheses and `not`.
const MAX_DEPTH: usize = 64;

/// Why a condition was refused.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    /// Characters from the condition's first.
    pub(crate) offset: u32,
    pub(crate) message: Said,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'c> {
    Open,
    Close,
    Word(&'c str),
}

/// Reads a condition over the selections of a rule; marks in `used` the ones it names.
pub(crate) fn parse(text: &str, selections: &[Selection], used: &mut [bool]) -> Result<Condition, Refused> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, next: 0, selections, used, end: text.chars().count() as u32, named: 0 };
    let condition = parser.or(0)?;
    match parser.peek() {
        None => Ok(condition),
        Some(Token::Close) => Err(parser.wrong(said!("there is a `)` without its `(`", "có dấu `)` mà không có `(`"))),
        Some(_) => Err(parser.wrong(said!("`and` or `or` is missing", "thiếu `and` hoặc `or`"))),
    }
}

fn tokens(text: &str) -> Result<Vec<(Token<'_>, u32)>, Refused> {
    let mut out = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut count = 0u32;
    while let Some((start, c)) = chars.next() {
        let offset = count;
        count += 1;
        let token = match c {
            c if c.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            '|' => {
                let message = said!("the condition has an aggregation after `|`", "điều kiện có phép gộp sau `|`");
                return Err(Refused { code: Code::OldAggregation, offset, message });
            }
            _ => {
                let mut end = start + c.len_utf8();
                while let Some((i, c)) = chars.next_if(|(_, c)| !c.is_whitespace() && !matches!(c, '(' | ')' | '|')) {
                    end = i + c.len_utf8();
                    count += 1;
                }
                Token::Word(text.get(start..end).unwrap_or(""))
            }
        };
        out.push((token, offset));
        if out.len() > MAX_WORDS {
            return Err(Refused {
                code: Code::ConditionTooLong,
                offset,
                message: said!("the condition has more than {MAX_WORDS} words", "điều kiện có quá {MAX_WORDS} từ"),
            });
        }
    }
    Ok(out)
}

struct Parser<'c, 'u> {
    tokens: &'c [(Token<'c>, u32)],
    next: usize,
    selections: &'c [Selection],
    used: &'u mut [bool],
    end: u32,
    named: usize,
}

impl<'c> Parser<'c, '_> {
    fn peek(&self) -> Option<Token<'c>> {
        self.tokens.get(self.next).map(|t| t.0)
    }

    fn keyword(&mut self, words: &[&str]) -> bool {
        let hit = matches!(self.peek(), Some(Token::Word(w)) if words.iter().any(|k| w.eq_ignore_ascii_case(k)));
        self.next += usize::from(hit);
        hit
    }

    fn wrong(&self, message: Said) -> Refused {
        let offset = self.tokens.get(self.next).map_or(self.end, |t| t.1);
        Refused { code: Code::ConditionSyntax, offset, message }
    }

    fn deeper(&self, depth: usize) -> Result<usize, Refused> {
        if depth < MAX_DEPTH {
            return Ok(depth + 1);
        }
        let offset = self.tokens.get(self.next).map_or(self.end, |t| t.1);
        let message = said!("the condition is nested more than {MAX_DEPTH} levels deep", "điều kiện lồng nhau quá {MAX_DEPTH} tầng");
        Err(Refused { code: Code::ConditionTooLong, offset, message })
    }

    fn or(&mut self, depth: usize) -> Result<Condition, Refused> {
        let mut list = vec![self.and(depth)?];
        while self.keyword(&["or"]) {
            list.push(self.and(depth)?);
        }
        Ok(join(list, Condition::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Condition, Refused> {
        let mut list = vec![self.not(depth)?];
        while self.keyword(&["and"]) {
            list.push(self.not(depth)?);
        }
        Ok(join(list, Condition::And))
    }

    fn not(&mut self, depth: usize) -> Result<Condition, Refused> {
        if self.keyword(&["not"]) {
            let depth = self.deeper(depth)?;
            return Ok(Condition::Not(Box::new(self.not(depth)?)));
        }
        self.operand(depth)
    }

    fn operand(&mut self, depth: usize) -> Result<Condition, Refused> {
        match self.peek() {
            Some(Token::Open) => {
                let depth = self.deeper(depth)?;
                self.next += 1;
                let inner = self.or(depth)?;
                if self.peek() != Some(Token::Close) {
                    return Err(self.wrong(said!("a `)` is missing", "thiếu dấu `)`")));
                }
                self.next += 1;
                Ok(inner)
            }
            Some(Token::Word(word)) => {
                let quantified = matches!(self.tokens.get(self.next + 1), Some((Token::Word(of), _)) if of.eq_ignore_ascii_case("of"));
                if quantified { self.quantifier(word) } else { self.selection(word) }
            }
            Some(Token::Close) => Err(self.wrong(said!("a selection is missing before `)`", "thiếu một selection trước `)`"))),
            None => {
                Err(self.wrong(said!("the condition ends where a selection is missing", "điều kiện kết thúc khi còn thiếu một selection")))
            }
        }
    }

    fn quantifier(&mut self, word: &str) -> Result<Condition, Refused> {
        let all = word.eq_ignore_ascii_case("all");
        if !all && word != "1" && !word.eq_ignore_ascii_case("any") {
            return Err(self.wrong(said!("before `of` stands 1, any or all", "trước `of` phải là 1, any hoặc all")));
        }
        self.next += 2;
        let Some(Token::Word(pattern)) = self.peek() else {
            return Err(self.wrong(said!("after `of` stands `them` or a name pattern", "sau `of` phải là `them` hoặc một mẫu tên")));
        };
        let them = pattern.eq_ignore_ascii_case("them");
        let mut list = Vec::new();
        for (i, selection) in self.selections.iter().enumerate() {
            // names that begin with an underscore are for naming them only (Sigma 2.0, "them")
            let hit = if them { !selection.name.starts_with('_') } else { wildcard(pattern, &selection.name) };
            if hit {
                list.push(Condition::Selection(i));
                if let Some(used) = self.used.get_mut(i) {
                    *used = true;
                }
            }
        }
        if list.is_empty() {
            let refused = self.wrong(said!("no selection is named like `{pattern}`", "không có selection nào có tên như `{pattern}`"));
            return Err(Refused { code: Code::EmptyPattern, ..refused });
        }
        self.named += list.len();
        if self.named > MAX_NAMED {
            let message = said!("the condition stands for more than {MAX_NAMED} selections", "điều kiện ứng với quá {MAX_NAMED} selection");
            return Err(Refused { code: Code::ConditionTooLong, ..self.wrong(message) });
        }
        self.next += 1;
        Ok(join(list, if all { Condition::And } else { Condition::Or }))
    }

    fn selection(&mut self, word: &str) -> Result<Condition, Refused> {
        let Some(i) = self.selections.iter().position(|s| s.name == word) else {
            if ["and", "or", "of"].iter().any(|k| word.eq_ignore_ascii_case(k)) {
                return Err(self.wrong(said!("a selection is missing before `{word}`", "thiếu một selection trước `{word}`")));
            }
            let refused = self.wrong(said!("there is no selection named `{word}`", "không có selection nào tên `{word}`"));
            return Err(Refused { code: Code::UnknownSelection, ..refused });
        };
        self.next += 1;
        if let Some(used) = self.used.get_mut(i) {
            *used = true;
        }
        Ok(Condition::Selection(i))
    }
}

fn join(mut list: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    if list.len() == 1 { list.remove(0) } else { many(list) }
}

/// `*` any run of characters; everything else is itself.
fn wildcard(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece) {
            Some(i) => rest = rest.get(i + piece.len()..).unwrap_or(""),
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Where a finding stands, for conditions written on one line.
pub(crate) fn place(condition: Position, offset: u32, one_line: bool) -> Position {
    if one_line { Position { column: condition.column + offset, ..condition } } else { condition }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::Search;

    fn show(c: &Condition) -> String {
        let many = |list: &[Condition], word: &str| format!("({})", list.iter().map(show).collect::<Vec<_>>().join(word));
        match c {
            Condition::And(list) => many(list, "&"),
            Condition::Or(list) => many(list, "|"),
            Condition::Not(inner) => format!("!{}", show(inner)),
            Condition::Selection(i) => i.to_string(),
        }
    }

    fn check(text: &str) -> String {
        let names = ["a", "b", "sel_1", "sel_2", "filter", "_hidden"];
        let selections: Vec<Selection> =
            names.iter().map(|n| Selection { name: (*n).to_owned(), at: Position::default(), search: Search::All(Vec::new()) }).collect();
        match parse(text, &selections, &mut [false; 6]) {
            Ok(c) => show(&c),
            Err(e) => format!("{:?}@{}", e.code, e.offset),
        }
    }

    #[test]
    fn precedence_and_quantifiers() {
        for (text, want) in [
            ("a", "0"),
            ("a or b and filter", "(0|(1&4))"),
            ("not a and b", "(!0&1)"),
            ("not (a and b)", "!(0&1)"),
            ("a AND NOT b", "(0&!1)"),
            ("1 of sel_*", "(2|3)"),
            ("all of sel_* and not filter", "((2&3)&!4)"),
            ("1 of them", "(0|1|2|3|4)"),
            ("all of them", "(0&1&2&3&4)"),
            ("any of s*_1", "2"),
            ("1 of filter*", "4"),
            ("all of _*", "5"),
            ("not not a", "!!0"),
            ("((a))", "0"),
        ] {
            assert_eq!(check(text), want, "{text}");
        }
    }

    #[test]
    fn mistakes_are_placed() {
        for (text, want) in [
            ("", "ConditionSyntax@0"),
            ("a b", "ConditionSyntax@2"),
            ("a and", "ConditionSyntax@5"),
            ("(a", "ConditionSyntax@2"),
            ("a)", "ConditionSyntax@1"),
            ("and a", "ConditionSyntax@0"),
            ("a and nothere", "UnknownSelection@6"),
            ("1 of x*", "EmptyPattern@5"),
            ("2 of them", "ConditionSyntax@0"),
            ("a | count() > 5", "OldAggregation@2"),
        ] {
            assert_eq!(check(text), want, "{text}");
        }
        assert!(check(&"(".repeat(100_000)).starts_with("ConditionTooLong"));
        assert!(check(&format!("{}a{}", "(".repeat(100), ")".repeat(100))).starts_with("ConditionTooLong"));
        assert!(check(&"not ".repeat(100)).starts_with("ConditionTooLong"));
    }
}
