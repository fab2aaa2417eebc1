//! The text of a query, read character by character, with places for errors.

use super::{Fault, Piece, QueryError, names};

/// Reads on from a place.
pub(super) struct Input<'q> {
    text: &'q str,
    at: usize,
    depth: usize,
}

/// Parentheses and `not` one inside another.
const DEEPEST: usize = 64;

/// Characters that `\` takes the meaning from; blanks besides.
pub(super) const SPECIAL: &str = "*?\\\"()[]{}|:<>=~,";

/// Whether a character ends unquoted text.
pub(super) fn ends_text(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '|' | '"' | '[' | ']' | '{' | '}')
}

impl<'q> Input<'q> {
    pub(super) fn new(text: &'q str) -> Self {
        let mut this = Self { text, at: 0, depth: 0 };
        this.skip_blanks();
        this
    }

    /// Bytes before the place.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// Goes back to a place that [`Input::place`] gave.
    pub(super) fn back(&mut self, place: usize) {
        self.at = place;
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'q str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The next character.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the next character.
    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Takes this text if it comes next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text);
        if there {
            self.at += text.len();
        }
        there
    }

    /// Goes on behind blanks.
    pub(super) fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// The run of characters for which `holds`.
    pub(super) fn run(&mut self, holds: impl Fn(char) -> bool) -> &'q str {
        let rest = self.rest();
        let end = rest.find(|c| !holds(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or("")
    }

    /// The word of letters that comes next, not taken.
    pub(super) fn peek_word(&self) -> &'q str {
        let rest = self.rest();
        rest.get(..rest.find(|c: char| ends_text(c) || matches!(c, ',' | ':' | '=' | '<' | '>')).unwrap_or(rest.len())).unwrap_or("")
    }

    /// Takes a keyword (any case, whole word) and blanks behind it, if it comes next.
    pub(super) fn keyword(&mut self, word: &str) -> bool {
        let next = self.peek_word();
        // `and:x` is a field, `and` is not
        let follows = self.rest().get(next.len()..).and_then(|r| r.chars().next());
        if !next.eq_ignore_ascii_case(word) || follows.is_some_and(|c| !ends_text(c)) {
            return false;
        }
        self.at += next.len();
        self.skip_blanks();
        true
    }

    /// A field name; an error if there is none.
    pub(super) fn field(&mut self) -> Result<fansipan_model::FieldId, QueryError> {
        let place = self.at;
        let name = self.run(names::is_name);
        names::field(name).map_err(|fault| self.error(place, fault))
    }

    /// Goes one level deeper.
    pub(super) fn deeper(&mut self) -> Result<(), QueryError> {
        self.depth += 1;
        match self.depth > DEEPEST {
            true => Err(self.error(self.at, Fault::TooDeep { most: DEEPEST })),
            false => Ok(()),
        }
    }

    /// Comes one level back.
    pub(super) fn shallower(&mut self) {
        self.depth -= 1;
    }

    /// An error at a place in bytes.
    pub(super) fn error(&self, place: usize, fault: Fault) -> QueryError {
        let position = self.text.get(..place).map_or(0, |before| before.chars().count());
        QueryError { position, fault }
    }

    /// What comes next, for messages.
    pub(super) fn shown(&self) -> Piece {
        match self.peek() {
            None => Piece::End,
            Some(_) => Piece::Text(self.rest().chars().take(12).collect::<String>().trim_end().to_owned()),
        }
    }
}
