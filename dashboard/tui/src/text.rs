//! Text for a terminal: cleaned of everything that could drive it, cut and wrapped by the columns it takes, numbers and instants
//! as people read them.

use std::borrow::Cow;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::words::{Language, Words, fill};

/// Text without control characters: escape sequences in a log become pictures of themselves.
pub fn clean(text: &str) -> Cow<'_, str> {
    fansipan_cli::harmless(text)
}

/// Cleans every text of an answer, names of fields too. Nothing else reaches the state.
pub fn clean_value(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(cleaned) = clean(text) {
                *text = cleaned;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clean_value),
        Value::Object(map) => {
            if map.keys().any(|key| matches!(clean(key), Cow::Owned(_))) {
                *map = std::mem::take(map).into_iter().map(|(key, value)| (clean(&key).into_owned(), value)).collect();
            }
            map.values_mut().for_each(clean_value);
        }
        _ => {}
    }
}

/// Makes a field that holds a file a list of its lines: cleaning takes their ends away.
pub fn split_lines(value: &mut Value, name: &str) {
    if let Some(Value::String(text)) = value.get(name) {
        let lines: Vec<Value> = text.lines().map(Value::from).collect();
        value[name] = Value::Array(lines);
    }
}

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in exactly so many columns: cut with an ellipsis, or filled with blanks.
pub fn fit(text: &str, columns: usize) -> String {
    let mut out = cut(text, columns);
    let taken = out.width();
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(taken)));
    out
}

/// The same with the blanks before it.
pub fn fit_right(text: &str, columns: usize) -> String {
    let cut = cut(text, columns);
    let blanks = columns.saturating_sub(cut.width());
    format!("{}{cut}", " ".repeat(blanks))
}

/// At most so many columns of the text.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut taken = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if taken + w + 1 > columns {
            break;
        }
        out.push(c);
        taken += w;
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The text without its first columns.
pub fn skip(text: &str, columns: usize) -> String {
    let mut passed = 0;
    text.chars()
        .skip_while(|c| {
            let here = passed < columns;
            passed += c.width().unwrap_or(0);
            here
        })
        .collect()
}

/// Lines of at most so many columns, broken between words where there are any.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let (mut line, mut taken) = (String::new(), 0);
    for word in text.split(' ') {
        let w = word.width();
        if taken > 0 && taken + 1 + w > columns {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        if taken > 0 {
            line.push(' ');
            taken += 1;
        }
        for c in word.chars() {
            let w = c.width().unwrap_or(0);
            if taken + w > columns {
                lines.push(std::mem::take(&mut line));
                taken = 0;
            }
            line.push(c);
            taken += w;
        }
    }
    lines.push(line);
    lines
}

/// A number with its thousands apart.
pub fn number(n: u64, language: Language) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + 6);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(if language == Language::Vietnamese { '.' } else { ',' });
        }
        out.push(digit);
    }
    out
}

/// A number in few columns: `12.3k`, `4M`.
pub fn compact(n: u64) -> String {
    let scaled = |by: f64, unit: &str| {
        let value = n as f64 / by;
        if value < 10.0 { format!("{value:.1}{unit}") } else { format!("{value:.0}{unit}") }
    };
    match n {
        0..10_000 => n.to_string(),
        10_000..1_000_000 => scaled(1e3, "k"),
        1_000_000..1_000_000_000 => scaled(1e6, "M"),
        _ => scaled(1e9, "G"),
    }
}

/// A rate: small ones with a fraction.
pub fn rate(n: f64) -> String {
    if n > 0.0 && n < 9.95 { format!("{n:.1}") } else { compact(n.max(0.0).round() as u64) }
}

/// Bytes with a unit.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A share in per cent.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value > 0.0 && value < 9.95 { format!("{value:.1} %") } else { format!("{value:.0} %") }
}

/// A length of time, one unit.
pub fn span(seconds: i64, words: &Words) -> String {
    let size = seconds.abs();
    let (n, unit) = match size {
        0..60 => (size, words.unit_seconds),
        60..3_600 => (size / 60, words.unit_minutes),
        3_600..172_800 => (size / 3_600, words.unit_hours),
        _ => (size / 86_400, words.unit_days),
    };
    format!("{n} {unit}")
}

/// A range such as `24h`.
pub fn range(text: &str, words: &Words) -> String {
    let (n, unit) = text.split_at(text.len().saturating_sub(1));
    let unit = match unit {
        "m" => words.unit_minutes,
        "h" => words.unit_hours,
        "d" => words.unit_days,
        other => other,
    };
    fill(words.range, &[&format!("{n} {unit}")])
}

/// How long ago.
pub fn ago(then: Timestamp, now: Timestamp, words: &Words) -> String {
    match now.as_second() - then.as_second() {
        ..-5 => words.ahead.to_owned(),
        -5..1 => words.just_now.to_owned(),
        seconds => fill(words.ago, &[&span(seconds, words)]),
    }
}

/// An instant: the time of day of today, with the day before that.
pub fn instant(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let pattern = if at.date() == now.date() {
        "%H:%M:%S"
    } else if at.year() == now.year() {
        "%d/%m %H:%M"
    } else {
        "%d/%m/%Y"
    };
    at.strftime(pattern).to_string()
}

/// The zone in use as a number: `UTC+07:00`.
pub fn zone(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("UTC%:z").to_string()
}

/// An instant in full.
pub fn full_instant(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%d/%m/%Y %H:%M:%S").to_string()
}

/// Bars for counts, one column each; as many columns as asked for.
pub fn spark(counts: &[u64], columns: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    if counts.is_empty() || columns == 0 {
        return String::new();
    }
    let columns = columns.min(counts.len());
    let per = |i: usize| -> u64 {
        let (from, to) = (i * counts.len() / columns, (i + 1) * counts.len() / columns);
        counts[from..to].iter().sum()
    };
    let sums: Vec<u64> = (0..columns).map(per).collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    let bar = |n: &u64| if *n == 0 { ' ' } else { BARS[((*n as f64 / most as f64) * 7.0).round() as usize & 7] };
    sums.iter().map(bar).collect()
}

/// A value of an event as text.
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_and_wrapped_by_columns() {
        assert_eq!(fit("Đăng nhập", 12), "Đăng nhập   ");
        assert_eq!(fit("Đăng nhập thất bại", 10), "Đăng nhập…");
        assert_eq!(fit_right("12", 4), "  12");
        assert_eq!(width(&fit("日本語テキスト", 6)), 6, "wide letters never stick out");
        assert_eq!(wrap("một hai ba bốn", 7), ["một hai", "ba bốn"]);
        assert_eq!(wrap("aaaaaaaaaa b", 4), ["aaaa", "aaaa", "aa b"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn numbers_in_few_columns() {
        assert_eq!(number(1_234_567, Language::Vietnamese), "1.234.567");
        assert_eq!([compact(9_999), compact(12_345), compact(1_000_000)], ["9999", "12k", "1.0M"]);
        assert_eq!([bytes(3), bytes(1 << 20), rate(0.25)], ["3 B", "1.0 MiB", "0.2"]);
        assert_eq!(spark(&[0, 1, 4, 8], 4), " ▂▅█");
        assert_eq!(spark(&[1; 100], 10).chars().count(), 10);
    }

    #[test]
    fn names_of_fields_are_cleaned_too() {
        let mut event = serde_json::json!({"a\u{1b}b": ["x\u{9b}2J", {"y": "\u{202e}z"}], "n": 1});
        clean_value(&mut event);
        let text = event.to_string();
        assert!(!text.contains("\\u001b") && !text.contains('\u{9b}') && !text.contains('\u{202e}'), "{text}");
    }
}
