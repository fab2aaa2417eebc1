//! One definition of case folding and of words, shared by matching, indexing and search, so that all agree.

use std::borrow::Cow;

/// Longest text of a query that is read, bytes.
pub const LONGEST_QUERY: usize = 16_384;

/// Lower-cases character by character (`char::to_lowercase`, no context rules), so that folding commutes with slicing.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    fold_into(text, &mut out);
    Cow::Owned(out)
}

/// Appends the folded text to `out`.
pub fn fold_into(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        if let Some(new) = out.get_mut(start..) {
            new.make_ascii_lowercase();
        }
    } else {
        out.extend(text.chars().flat_map(char::to_lowercase));
    }
}

/// Words longer than this many bytes (folded) are cut into the index as this many bytes only.
pub const WORD_LIMIT: usize = 64;

/// The words of a text: maximal runs of alphanumeric characters, folded, each cut to at most [`WORD_LIMIT`] bytes
/// (on a character boundary). Calls `each` once per occurrence.
pub fn words(text: &str, scratch: &mut String, mut each: impl FnMut(&str)) {
    for run in text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        scratch.clear();
        fold_into(run, scratch);
        each(cut(scratch));
    }
}

fn cut(word: &str) -> &str {
    if word.len() <= WORD_LIMIT {
        return word;
    }
    let mut end = WORD_LIMIT;
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    word.get(..end).unwrap_or(word)
}
