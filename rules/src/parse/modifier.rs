//! The part of a Sigma key after `|`: which modifiers there are and which may stand together.

use fansipan_model::{Cmp, Relation, Said, TimePart, said};

/// A step that rewrites a string value, in the order written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Windash,
    Utf16Le,
    Utf16Be,
    /// With a byte order mark.
    Utf16,
    Base64,
    Base64Offset,
}

/// How values are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Strings with wildcards.
    #[default]
    Text,
    /// Strings with placeholders.
    Expand,
    Regex,
    Cidr,
    Exists,
    FieldRef,
    Number(Cmp),
}

/// The modifiers of a key, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Modifiers {
    pub(crate) reading: Reading,
    pub(crate) encodings: Vec<Encoding>,
    /// contains, startswith, endswith.
    pub(crate) anchor: Option<Relation>,
    pub(crate) time: Option<TimePart>,
    pub(crate) all: bool,
    pub(crate) negated: bool,
    pub(crate) cased: bool,
    /// Inline flags of a regular expression, a subset of `ims`.
    pub(crate) flags: String,
}

/// Why a key was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Unknown(String),
    Clash(Said),
}

impl Modifiers {
    /// Reads the modifiers of `field|a|b`, field name apart.
    pub(crate) fn parse<'k>(words: impl Iterator<Item = &'k str>) -> Result<Modifiers, Refused> {
        let mut m = Modifiers::default();
        for word in words {
            m.take(word)?;
        }
        m.check()?;
        Ok(m)
    }

    fn take(&mut self, word: &str) -> Result<(), Refused> {
        match word {
            "contains" => self.set_anchor(Relation::Contains)?,
            "startswith" => self.set_anchor(Relation::StartsWith)?,
            "endswith" => self.set_anchor(Relation::EndsWith)?,
            "all" => self.all = true,
            "neq" => self.negated = true,
            "cased" => self.cased = true,
            "windash" => self.encodings.push(Encoding::Windash),
            "wide" | "utf16le" => self.encodings.push(Encoding::Utf16Le),
            "utf16be" => self.encodings.push(Encoding::Utf16Be),
            "utf16" => self.encodings.push(Encoding::Utf16),
            "base64" => self.encodings.push(Encoding::Base64),
            "base64offset" => self.encodings.push(Encoding::Base64Offset),
            "re" => self.read_as(Reading::Regex)?,
            "cidr" => self.read_as(Reading::Cidr)?,
            "exists" => self.read_as(Reading::Exists)?,
            "fieldref" => self.read_as(Reading::FieldRef)?,
            "expand" => self.read_as(Reading::Expand)?,
            "lt" => self.read_as(Reading::Number(Cmp::Lt))?,
            "lte" => self.read_as(Reading::Number(Cmp::Le))?,
            "gt" => self.read_as(Reading::Number(Cmp::Gt))?,
            "gte" => self.read_as(Reading::Number(Cmp::Ge))?,
            "i" | "ignorecase" => self.flag('i')?,
            "m" | "multiline" => self.flag('m')?,
            "s" | "dotall" => self.flag('s')?,
            "minute" => self.set_time(TimePart::Minute)?,
            "hour" => self.set_time(TimePart::Hour)?,
            "day" => self.set_time(TimePart::Day)?,
            "week" => self.set_time(TimePart::Week)?,
            "month" => self.set_time(TimePart::Month)?,
            "year" => self.set_time(TimePart::Year)?,
            other => return Err(Refused::Unknown(other.to_owned())),
        }
        Ok(())
    }

    fn set_anchor(&mut self, anchor: Relation) -> Result<(), Refused> {
        match self.anchor.replace(anchor) {
            Some(old) if old != anchor => Err(clash(said!(
                "only one of contains, startswith and endswith can hold",
                "contains, startswith, endswith chỉ dùng được một"
            ))),
            _ => Ok(()),
        }
    }

    fn set_time(&mut self, part: TimePart) -> Result<(), Refused> {
        match self.time.replace(part) {
            Some(old) if old != part => {
                Err(clash(said!("a value is compared with one part of the time", "một giá trị chỉ so với một phần của thời gian")))
            }
            _ => Ok(()),
        }
    }

    fn read_as(&mut self, reading: Reading) -> Result<(), Refused> {
        if self.reading != Reading::Text && self.reading != reading {
            return Err(clash(said!(
                "a value is read in one way: re, cidr, exists, fieldref, expand or a comparison",
                "một giá trị chỉ đọc theo một cách: re, cidr, exists, fieldref, expand hoặc một phép so sánh"
            )));
        }
        self.reading = reading;
        Ok(())
    }

    fn flag(&mut self, flag: char) -> Result<(), Refused> {
        if self.reading != Reading::Regex {
            return Err(clash(said!("i, m and s stand after re", "i, m và s đứng sau re")));
        }
        if !self.flags.contains(flag) {
            self.flags.push(flag);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Refused> {
        let text = matches!(self.reading, Reading::Text | Reading::Expand);
        if !text && !self.encodings.is_empty() {
            return Err(clash(said!(
                "windash, wide and base64 change strings, not other kinds of values",
                "windash, wide và base64 biến đổi chuỗi, không dùng cho loại giá trị khác"
            )));
        }
        if self.anchor.is_some() && !text && self.reading != Reading::FieldRef {
            return Err(clash(said!(
                "contains, startswith and endswith go with strings and fieldref",
                "contains, startswith và endswith đi với chuỗi và fieldref"
            )));
        }
        if self.time.is_some() && (!matches!(self.reading, Reading::Text | Reading::Number(_)) || !self.encodings.is_empty()) {
            return Err(clash(said!("a part of the time is compared as a number", "phần của thời gian được so như một số")));
        }
        if self.time.is_some() && self.anchor.is_some() {
            return Err(clash(said!("a part of the time is compared as a number", "phần của thời gian được so như một số")));
        }
        if self.reading == Reading::Expand && !self.encodings.is_empty() {
            return Err(clash(said!("expand cannot stand with windash, wide or base64", "expand không đi cùng windash, wide hay base64")));
        }
        if self.reading == Reading::Exists && self.all {
            return Err(clash(said!(
                "a field exists or not; all has no meaning here",
                "trường chỉ có hoặc không; all không có nghĩa ở đây"
            )));
        }
        if self.cased && !(text || self.reading == Reading::FieldRef) {
            return Err(clash(said!(
                "cased goes with strings and fieldref; regular expressions mind case by themselves",
                "cased đi với chuỗi và fieldref; biểu thức chính quy tự phân biệt hoa thường"
            )));
        }
        Ok(())
    }
}

fn clash(message: Said) -> Refused {
    Refused::Clash(message)
}
