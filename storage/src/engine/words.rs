//! Text to words for the index: the same words as [`fansipan_model::text::words`], by a faster road for ASCII.

use fansipan_model::text::WORD_LIMIT;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Name under which the tokenizer is registered with every index.
pub(crate) const TOKENIZER: &str = "fansipan";

/// Cuts texts into words. Has no state but a buffer.
#[derive(Clone, Default)]
pub(crate) struct Words {
    token: Token,
}

pub(crate) struct Stream<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for Words {
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
        let (word, rest) = split(self.rest);
        self.rest = rest;
        if word.is_empty() {
            return false;
        }
        self.token.text.clear();
        push_folded(word, &mut self.token.text);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// The first maximal run of alphanumeric characters, and what follows it. An empty run: there is none.
fn split(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let Some(start) = bytes.iter().position(|b| b.is_ascii_alphanumeric() || *b >= 0x80) else { return ("", "") };
    let end = bytes.iter().skip(start).position(|b| !b.is_ascii_alphanumeric()).map_or(bytes.len(), |n| start + n);
    if bytes.get(end).is_none_or(|b| b.is_ascii())
        && let (Some(word), Some(rest)) = (text.get(start..end), text.get(end..))
        && !word.is_empty()
    {
        return (word, rest);
    }
    // beyond ASCII: by characters
    let mut from = None;
    for (i, c) in text.char_indices().skip_while(|(i, _)| *i < start) {
        match (c.is_alphanumeric(), from) {
            (true, None) => from = Some(i),
            (false, Some(f)) => return (text.get(f..i).unwrap_or(""), text.get(i..).unwrap_or("")),
            _ => {}
        }
    }
    (from.and_then(|f| text.get(f..)).unwrap_or(""), "")
}

/// Appends the folded word, cut to [`WORD_LIMIT`] bytes on a character boundary.
fn push_folded(word: &str, out: &mut String) {
    if word.is_ascii() {
        out.push_str(word.get(..WORD_LIMIT).unwrap_or(word));
        out.make_ascii_lowercase();
        return;
    }
    for c in word.chars().flat_map(char::to_lowercase) {
        if out.len() + c.len_utf8() > WORD_LIMIT {
            break;
        }
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ours(text: &str) -> Vec<String> {
        let mut words = Words::default();
        let mut stream = words.token_stream(text);
        let mut out = Vec::new();
        while stream.advance() {
            out.push(stream.token().text.clone());
        }
        out
    }

    fn theirs(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        fansipan_model::text::words(text, &mut String::new(), |w| out.push(w.to_owned()));
        out
    }

    #[test]
    fn words_of_real_lines() {
        for text in [
            "",
            "  --  ",
            "srcip=10.0.0.1 user=\"Nguyễn Văn Ánh\"",
            "Đăng nhập THẤT BẠI: ổ C:\\Windows\\System32",
            "İstanbul ǅ ß ﬁ 漢字テスト٣",
            &"a".repeat(200),
            &"ắ".repeat(100),
            "x\u{301}y",
        ] {
            assert_eq!(ours(text), theirs(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn same_words_as_the_model(text in "(\\PC|[a-zA-Z0-9=., ẮđĐ]){0,120}") {
            prop_assert_eq!(ours(&text), theirs(&text));
        }
    }
}
