//! Text, names and conditions of SQL. Whatever comes from a person or a record passes through here.

/// A text literal.
pub(crate) fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('\'');
    for c in value.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => out.push_str(&format!("\\x{:02X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// A name in backticks.
pub(crate) fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// Text for use inside a `LIKE` pattern.
pub(crate) fn like_escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// A condition as two: every row for which it holds satisfies `may`, and it holds for every row that satisfies `must`.
/// Where SQL says it exactly the two are the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) may: String,
    pub(crate) must: String,
}

const YES: &str = "1";
const NO: &str = "0";

impl Condition {
    pub(crate) fn exact(sql: impl Into<String>) -> Condition {
        let sql = sql.into();
        Condition { must: sql.clone(), may: sql }
    }

    pub(crate) fn constant(holds: bool) -> Condition {
        Condition::exact(if holds { YES } else { NO })
    }

    /// Nothing surely, `may` perhaps.
    pub(crate) fn perhaps(may: impl Into<String>) -> Condition {
        Condition { may: may.into(), must: NO.into() }
    }

    pub(crate) fn new(may: impl Into<String>, must: impl Into<String>) -> Condition {
        Condition { may: may.into(), must: must.into() }
    }

    pub(crate) fn not(self) -> Condition {
        let turn = |s: &str| match s {
            YES => NO.to_owned(),
            NO => YES.to_owned(),
            s => format!("NOT {s}"),
        };
        Condition { may: turn(&self.must), must: turn(&self.may) }
    }

    pub(crate) fn all(list: impl IntoIterator<Item = Condition>) -> Condition {
        Self::join(list, " AND ", YES, NO)
    }

    pub(crate) fn any(list: impl IntoIterator<Item = Condition>) -> Condition {
        Self::join(list, " OR ", NO, YES)
    }

    /// `neutral` may be left out, `strong` decides.
    fn join(list: impl IntoIterator<Item = Condition>, word: &str, neutral: &str, strong: &str) -> Condition {
        let (mut may, mut must) = (Vec::new(), Vec::new());
        for c in list {
            may.push(c.may);
            must.push(c.must);
        }
        let together = |mut parts: Vec<String>| {
            if parts.iter().any(|p| p == strong) {
                return strong.to_owned();
            }
            parts.retain(|p| p != neutral);
            match parts.len() {
                0 => neutral.to_owned(),
                1 => parts.remove(0),
                _ => format!("({})", parts.join(word)),
            }
        };
        Condition { may: together(may), must: together(must) }
    }

    pub(crate) fn and(self, other: Condition) -> Condition {
        Self::all([self, other])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_cannot_be_left() {
        assert_eq!(text("a'b\\c\n\0"), r"'a\'b\\c\x0A\x00'");
        assert_eq!(text("\\'; DROP TABLE x --"), r"'\\\'; DROP TABLE x --'");
        assert_eq!(identifier("a`b\\"), r"`a\`b\\`");
        assert_eq!(like_escaped(r"50%_\"), r"50\%\_\\");
    }

    #[test]
    fn conditions_bound_what_holds_from_both_sides() {
        let (a, u) = (Condition::exact("a"), Condition::perhaps("u"));
        assert_eq!(a.clone().and(u.clone()), Condition::new("(a AND u)", "0"));
        assert_eq!(Condition::any([a.clone(), u.clone()]), Condition::new("(a OR u)", "a"));
        assert_eq!(u.clone().not(), Condition::new("1", "NOT u"));
        assert_eq!(Condition::all([]), Condition::constant(true));
        assert_eq!(Condition::any([Condition::constant(true), u]), Condition::constant(true));
        assert_eq!(a.clone().not().not().may, "NOT NOT a");
    }
}
