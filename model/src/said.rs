//! What is said to a person, in the two languages of the product, side by side where it is said.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A sentence or a word in English and Vietnamese. `{}` writes the English, `{:#}` the Vietnamese, so that it can stand in another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// In English.
    pub en: String,
    /// In Vietnamese.
    pub vi: String,
}

impl Said {
    /// A name, a number, a piece of what was written: the same in both.
    pub fn same(text: impl Into<String>) -> Self {
        let en = text.into();
        Self { vi: en.clone(), en }
    }

    /// In Vietnamese, or in English.
    pub fn in_language(&self, vietnamese: bool) -> &str {
        if vietnamese { &self.vi } else { &self.en }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_language(f.alternate()))
    }
}

/// The name of a thing or of a piece of work, to stand in a sentence: `{}` in English, `{:#}` in Vietnamese, as [`Said`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// In English.
    pub en: &'static str,
    /// In Vietnamese.
    pub vi: &'static str,
}

impl Word {
    /// The same thing in both languages.
    pub const fn new(en: &'static str, vi: &'static str) -> Self {
        Self { en, vi }
    }
}

impl From<Word> for Said {
    fn from(word: Word) -> Self {
        Self { en: word.en.to_owned(), vi: word.vi.to_owned() }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if f.alternate() { self.vi } else { self.en })
    }
}

/// Both sentences with what is in scope: `said!("there is no `{word}`", "không có `{word}`")`. A [`Said`] within is `{it}` in the
/// first and `{it:#}` in the second.
#[macro_export]
macro_rules! said {
    ($en:literal, $vi:literal $(,)?) => {
        $crate::Said { en: ::std::format_args!($en).to_string(), vi: ::std::format_args!($vi).to_string() }
    };
}

/// A table of faults as an enum: each with a stable code that never changes its meaning, what is wrong and what to do instead, in both
/// languages, with the fault's values in the sentences. `{}` writes `CODE: what is wrong; what to do`, `{:#}` the same in Vietnamese.
///
/// `Name { value: Type } "CODE": "what is wrong", "có gì sai"; "what to do", "làm gì tiếp".`
#[macro_export]
macro_rules! faults {
    ($(#[$about:meta])* $fault:ident: $($name:ident $({ $($value:ident: $type:ty),* })? $code:literal: $en:literal, $vi:literal; $help:literal, $help_vi:literal.)*) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $fault {
            $(#[doc = $en] #[allow(missing_docs, reason = "values are named as in the sentence")] $name $({ $($value: $type),* })?,)*
        }

        impl $fault {
            /// The stable code.
            pub fn code(&self) -> &'static str {
                match self { $($fault::$name $({ $($value: _),* })? => $code,)* }
            }

            /// What is wrong.
            #[allow(unused_variables, reason = "some values are for the sentence about what to do")]
            pub fn message(&self) -> $crate::Said {
                match self { $($fault::$name $({ $($value),* })? => $crate::said!($en, $vi),)* }
            }

            /// What to do instead.
            #[allow(unused_variables, reason = "not every sentence about what to do names what was given")]
            pub fn help(&self) -> $crate::Said {
                match self { $($fault::$name $({ $($value),* })? => $crate::said!($help, $help_vi),)* }
            }

            /// What is wrong, and what to do instead.
            pub fn said(&self) -> $crate::Said {
                let (message, help) = (self.message(), self.help());
                $crate::said!("{message}; {help}", "{message:#}; {help:#}")
            }

            /// The codes, for documentation.
            pub const CODES: &'static [&'static str] = &[$($code),*];
        }

        impl ::std::fmt::Display for $fault {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let (code, said) = (self.code(), self.said());
                if f.alternate() { ::std::write!(f, "{code}: {said:#}") } else { ::std::write!(f, "{code}: {said}") }
            }
        }

        impl ::std::error::Error for $fault {}
    };
}

#[cfg(test)]
mod tests {
    use super::{Said, Word};

    #[test]
    fn one_sentence_stands_in_another() {
        let what = said!("the end", "cuối câu");
        let most = 3;
        let things = Word::new("tests", "điều kiện");
        let whole = said!("more than {most} {things} before {what}", "quá {most} {things:#} trước {what:#}");
        assert_eq!(whole, Said { en: "more than 3 tests before the end".into(), vi: "quá 3 điều kiện trước cuối câu".into() });
    }
}
