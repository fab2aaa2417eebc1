//! Words on their way into the index: they come split and folded (see [`super::usual`]), one a line.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Name under which the tokenizer is registered with every index.
pub(crate) const TOKENIZER: &str = "fansipan";

/// Cuts at line ends. Has no state but a buffer.
#[derive(Clone, Default)]
pub(crate) struct Lines {
    token: Token,
}

/// The lines of one text.
pub(crate) struct Stream<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for Lines {
    type TokenStream<'a> = Stream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream<'a> {
        self.token.reset();
        // positions are not indexed, and the default is one that overflows
        self.token.position = 0;
        Stream { rest: text, token: &mut self.token }
    }
}

impl TokenStream for Stream<'_> {
    fn advance(&mut self) -> bool {
        let Some((line, rest)) = self.rest.split_once('\n') else { return false };
        self.rest = rest;
        self.token.text.clear();
        self.token.text.push_str(line);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
