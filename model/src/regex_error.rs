//! Why a regular expression is refused, in words of ours: those of the engines are English and go over several lines.

use fancy_regex::{CompileError, Error, ParseError};

use crate::{Said, said};

/// Why a regular expression was refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("regular expression refused: {0}")]
pub struct RegexError(pub Said);

impl RegexError {
    /// Its compiled form would be larger than `bytes`.
    pub(crate) fn too_big(bytes: usize) -> Self {
        RegexError(said!("larger than {bytes} bytes when compiled", "khi biên dịch lớn hơn {bytes} byte"))
    }

    /// What the engine for look-around says of `source`.
    pub(crate) fn of(source: &str, error: &Error) -> Self {
        RegexError(match error {
            Error::ParseError(at, error) => {
                let why = match (error, source.get(*at..).and_then(|rest| rest.chars().next())) {
                    (ParseError::GeneralParseError(_), Some(')')) => said!("a `)` closes nothing", "dấu `)` không đóng dấu nào"),
                    _ => parse(error),
                };
                let at = source.get(..*at).map_or(0, |before| before.chars().count()) + 1;
                said!("{why} (character {at} of the expression)", "{why:#} (ký tự {at} của biểu thức)")
            }
            Error::CompileError(error) => compile(error),
            other => unknown(other),
        })
    }
}

fn unknown(error: &dyn std::fmt::Display) -> Said {
    said!("it cannot be compiled: {error}", "không biên dịch được: {error}")
}

fn parse(error: &ParseError) -> Said {
    match error {
        ParseError::UnclosedOpenParen => said!("a `(` is not closed", "dấu `(` chưa được đóng"),
        ParseError::InvalidRepeat => said!("a repetition is written wrongly", "phép lặp viết sai"),
        ParseError::RecursionExceeded => said!("it is nested too deeply", "lồng nhau quá sâu"),
        ParseError::TrailingBackslash => said!("nothing follows the last `\\`", "sau dấu `\\` cuối không có gì"),
        ParseError::InvalidEscape(text) => said!("`{text}` is no escape", "`{text}` không phải là ký hiệu thoát"),
        ParseError::UnclosedUnicodeName => said!("a Unicode escape is not closed", "ký hiệu Unicode chưa được đóng"),
        ParseError::InvalidHex => said!("a hexadecimal escape is written wrongly", "ký hiệu thập lục phân viết sai"),
        ParseError::InvalidCodepointValue => said!("an escape names no character", "ký hiệu thoát không ứng với ký tự nào"),
        ParseError::InvalidClass => said!("a class `[…]` is not closed or empty", "lớp ký tự `[…]` chưa đóng hoặc rỗng"),
        ParseError::UnknownFlag(flag) => said!("there is no flag `{flag}`", "không có cờ `{flag}`"),
        ParseError::ChangingUnicodeModeUnsupported => said!("the flag `u` cannot be changed inside", "không đổi được cờ `u` ở giữa"),
        ParseError::InvalidBackref => said!("a back-reference names no group", "tham chiếu ngược không ứng với nhóm nào"),
        ParseError::TargetNotRepeatable => said!("there is nothing to repeat", "không có gì để lặp"),
        ParseError::InvalidGroupName => said!("the name of a group is written wrongly", "tên nhóm viết sai"),
        ParseError::InvalidGroupNameBackref(name) => said!("no group is called `{name}`", "không có nhóm nào tên `{name}`"),
        other => unknown(other),
    }
}

fn compile(error: &CompileError) -> Said {
    match error {
        CompileError::InnerError(inner) => match inner.size_limit() {
            Some(bytes) => RegexError::too_big(bytes).0,
            None => inner.syntax_error().map_or_else(|| unknown(inner), syntax),
        },
        CompileError::LookBehindNotConst | CompileError::VariableLookBehindRequiresFeature => {
            said!("what a look-behind looks for must have one length", "phần nhìn lại phía sau phải có độ dài cố định")
        }
        CompileError::InvalidGroupName => said!("the name of a group is written wrongly", "tên nhóm viết sai"),
        CompileError::InvalidGroupNameBackref(name) => said!("no group is called `{name}`", "không có nhóm nào tên `{name}`"),
        CompileError::InvalidBackref(number) => said!("there is no group {number}", "không có nhóm số {number}"),
        CompileError::NamedBackrefOnly => said!("groups have names: refer to them by name", "nhóm đã có tên: hãy tham chiếu bằng tên"),
        CompileError::SubroutineCallTargetNotFound(name, _) => said!("no group is called `{name}`", "không có nhóm nào tên `{name}`"),
        CompileError::LeftRecursiveSubroutineCall(_) | CompileError::NeverEndingRecursion => {
            said!("a group calls itself without end", "một nhóm gọi chính nó không dừng")
        }
        CompileError::PatternTooComplex => said!("it is too complex", "quá phức tạp"),
        other => unknown(other),
    }
}

/// Faults that the linear engine finds in a part of the expression; places within that part would mislead.
fn syntax(error: &regex_syntax::Error) -> Said {
    use regex_syntax::{ast::ErrorKind as Ast, hir::ErrorKind as Hir};
    match error {
        regex_syntax::Error::Parse(error) => match error.kind() {
            Ast::ClassRangeInvalid => said!("a range in `[…]` runs backwards", "khoảng trong `[…]` viết ngược"),
            Ast::ClassRangeLiteral => {
                said!("a range in `[…]` needs a character at both ends", "khoảng trong `[…]` cần một ký tự ở mỗi đầu")
            }
            Ast::ClassUnclosed => said!("a class `[…]` is not closed", "lớp ký tự `[…]` chưa được đóng"),
            Ast::ClassEscapeInvalid | Ast::EscapeUnrecognized => said!("there is no such escape", "không có ký hiệu thoát này"),
            Ast::EscapeUnexpectedEof => said!("nothing follows the last `\\`", "sau dấu `\\` cuối không có gì"),
            Ast::EscapeHexEmpty | Ast::EscapeHexInvalid | Ast::EscapeHexInvalidDigit => {
                said!("a hexadecimal escape is written wrongly", "ký hiệu thập lục phân viết sai")
            }
            Ast::FlagDanglingNegation
            | Ast::FlagDuplicate { .. }
            | Ast::FlagRepeatedNegation { .. }
            | Ast::FlagUnexpectedEof
            | Ast::FlagUnrecognized => said!("flags are written wrongly", "cờ viết sai"),
            Ast::GroupNameDuplicate { .. } => said!("two groups have one name", "hai nhóm trùng tên"),
            Ast::GroupNameEmpty | Ast::GroupNameInvalid | Ast::GroupNameUnexpectedEof => {
                said!("the name of a group is written wrongly", "tên nhóm viết sai")
            }
            Ast::GroupUnclosed => said!("a `(` is not closed", "dấu `(` chưa được đóng"),
            Ast::GroupUnopened => said!("a `)` closes nothing", "dấu `)` không đóng dấu nào"),
            Ast::NestLimitExceeded(_) => said!("it is nested too deeply", "lồng nhau quá sâu"),
            Ast::RepetitionCountInvalid => said!("the numbers of a repetition run backwards", "hai số của phép lặp viết ngược"),
            Ast::DecimalEmpty | Ast::DecimalInvalid | Ast::RepetitionCountDecimalEmpty => {
                said!("the number of a repetition is missing or too large", "số của phép lặp thiếu hoặc quá lớn")
            }
            Ast::RepetitionCountUnclosed => said!("a `{{` is not closed", "dấu `{{` chưa được đóng"),
            Ast::RepetitionMissing => said!("there is nothing to repeat", "không có gì để lặp"),
            Ast::UnicodeClassInvalid => said!("a class `\\p` is written wrongly", "lớp ký tự `\\p` viết sai"),
            other => unknown(other),
        },
        regex_syntax::Error::Translate(error) => match error.kind() {
            Hir::UnicodePropertyNotFound | Hir::UnicodePropertyValueNotFound => {
                said!("there is no such class `\\p`", "không có lớp ký tự `\\p` này")
            }
            Hir::UnicodeNotAllowed | Hir::InvalidUtf8 => {
                said!("it could match what is no text; leave the flag `u` on", "có thể khớp thứ không phải chữ; hãy giữ cờ `u`")
            }
            other => unknown(other),
        },
        other => unknown(other),
    }
}

#[cfg(test)]
mod tests {
    use crate::RegexTest;

    #[test]
    fn each_mistake_is_told_in_both_languages() {
        for (source, vi) in [
            ("(a", "dấu `(` chưa được đóng"),
            ("a)", "dấu `)`"),
            ("[a", "lớp ký tự"),
            ("[z-a]", "viết ngược"),
            ("*a", "không có gì để lặp"),
            ("a\\", "dấu `\\` cuối"),
            (r"\p{Xyz}", "`\\p`"),
            (r"(?<=a+)b\1", ""),
            (r"(?:(?:a{1000}){1000}){1000}", "byte"),
        ] {
            let said = RegexTest::new(source).unwrap_err().0;
            assert!(said.vi.contains(vi) && said.en != said.vi && !said.en.contains('\n'), "{source}: {said:?}");
        }
    }
}
