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

/// Both sentences with what is in scope: `said!("there is no `{word}`", "không có `{word}`")`. A [`Said`] within is `{it}` in the
/// first and `{it:#}` in the second.
#[macro_export]
macro_rules! said {
    ($en:literal, $vi:literal $(,)?) => {
        $crate::Said { en: ::std::format_args!($en).to_string(), vi: ::std::format_args!($vi).to_string() }
    };
}

#[cfg(test)]
mod tests {
    use super::Said;

    #[test]
    fn one_sentence_stands_in_another() {
        let what = said!("the end", "cuối câu");
        let most = 3;
        let whole = said!("more than {most} before {what}", "quá {most} trước {what:#}");
        assert_eq!(whole, Said { en: "more than 3 before the end".into(), vi: "quá 3 trước cuối câu".into() });
    }
}
