//! Reading ASN.1 in BER and DER: tags, lengths and what is in them, never deeper than asked for.

/// An element: tag with class and form, and its content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) body: &'a [u8],
}

/// How long the element at the beginning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Head and whole length.
    Known(usize, usize),
    /// The head goes on.
    More,
    /// No definite length of a sensible size.
    Invalid,
}

/// Head and length of the first element.
pub(crate) fn extent(bytes: &[u8]) -> Extent {
    let Some(&first) = bytes.get(1) else { return Extent::More };
    if bytes.first().is_some_and(|t| t & 0x1f == 0x1f) {
        return Extent::Invalid; // tags of several bytes do not occur
    }
    if first < 0x80 {
        return Extent::Known(2, 2 + usize::from(first));
    }
    let n = usize::from(first & 0x7f);
    if n == 0 || n > 4 {
        return Extent::Invalid;
    }
    let Some(digits) = bytes.get(2..2 + n) else { return Extent::More };
    let length = digits.iter().fold(0usize, |l, b| l << 8 | usize::from(*b));
    if length > 64 << 20 { Extent::Invalid } else { Extent::Known(2 + n, 2 + n + length) }
}

/// The elements of a content, one after another; ends where none can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let Extent::Known(head, whole) = extent(self.0) else { return None };
        let (element, rest) = self.0.split_at_checked(whole)?;
        self.0 = rest;
        Some(Element { tag: *element.first()?, body: element.get(head..)? })
    }
}

impl<'a> Elements<'a> {
    /// The next element, if it has this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|e| e.tag == tag).map(|e| e.body)
    }

    /// The first element with this tag, wherever it is.
    pub(crate) fn find(self, tag: u8) -> Option<&'a [u8]> {
        let mut all = self;
        all.find_map(|e| (e.tag == tag).then_some(e.body))
    }
}

/// What is at the end of a path of tags.
pub(crate) fn path<'a>(bytes: &'a [u8], tags: &[u8]) -> Option<&'a [u8]> {
    tags.iter().try_fold(bytes, |b, tag| Elements(b).find(*tag))
}

/// A number of at most eight bytes.
pub(crate) fn integer(body: &[u8]) -> Option<i64> {
    if body.is_empty() || body.len() > 8 {
        return None;
    }
    let start = if body.first()? & 0x80 != 0 { -1 } else { 0 };
    Some(body.iter().fold(start, |n: i64, b| n << 8 | i64::from(*b)))
}

/// An object identifier in figures and dots.
pub(crate) fn identifier(body: &[u8]) -> Option<String> {
    use std::fmt::Write as _;
    let mut out = String::new();
    let mut number = 0u64;
    for byte in body.iter().take(128) {
        number = number.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 != 0 {
            continue;
        }
        if out.is_empty() {
            let first = (number / 40).min(2);
            let _ = write!(out, "{first}.{}", number - first * 40);
        } else {
            let _ = write!(out, ".{number}");
        }
        number = 0;
    }
    (!out.is_empty()).then_some(out)
}
