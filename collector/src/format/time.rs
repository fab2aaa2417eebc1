//! Time texts as a format describes them, compiled to a list of steps.

use fansipan_model::time::SECOND;

use crate::clock::{Civil, Zone, offset, zone_name};

#[derive(Clone, Debug)]
pub(super) enum Step {
    Literal(u8),
    Blank,
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    Weekday,
    Hour,
    Hour12,
    Meridiem,
    Minute,
    Second,
    Fraction,
    Offset,
    ZoneName,
    DayOfYear,
    Epoch,
}

/// How a time is written.
#[derive(Clone, Debug)]
pub(super) enum TimeFormat {
    /// Seconds, milli-, micro- or nanoseconds since 1970.
    Epoch,
    /// ISO 8601, zone optional, `T` or blank.
    Iso,
    /// strftime's letters.
    Steps(Vec<Step>),
}

/// Since 1970, by magnitude: below 10^11 seconds, then milli-, micro-, nanoseconds. A fraction counts for seconds only.
pub(super) fn epoch(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let number: i64 = whole.parse().ok().filter(|n| *n >= 0)?;
    if !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match number {
        0..100_000_000_000 => {
            let nanos = (0..9).fold(0i64, |n, i| n * 10 + part.as_bytes().get(i).map_or(0, |b| i64::from(b - b'0')));
            number.checked_mul(SECOND)?.checked_add(nanos)
        }
        100_000_000_000..100_000_000_000_000 => number.checked_mul(1_000_000),
        100_000_000_000_000..100_000_000_000_000_000 => number.checked_mul(1000),
        _ => Some(number),
    }
}

impl TimeFormat {
    /// Compiles `epoch`, `rfc3339` or a pattern.
    pub(super) fn compile(text: &str) -> Result<TimeFormat, String> {
        match text {
            "epoch" => return Ok(TimeFormat::Epoch),
            "rfc3339" | "iso8601" => return Ok(TimeFormat::Iso),
            _ => {}
        }
        let mut steps = Vec::new();
        let mut bytes = text.bytes();
        while let Some(b) = bytes.next() {
            steps.push(match b {
                b' ' => Step::Blank,
                b'%' => match bytes.next() {
                    Some(b'Y') => Step::Year,
                    Some(b'y') => Step::ShortYear,
                    Some(b'm') => Step::Month,
                    Some(b'b' | b'B') => Step::MonthName,
                    Some(b'd' | b'e') => Step::Day,
                    Some(b'a' | b'A') => Step::Weekday,
                    Some(b'H' | b'k') => Step::Hour,
                    Some(b'I' | b'l') => Step::Hour12,
                    Some(b'p') => Step::Meridiem,
                    Some(b'M') => Step::Minute,
                    Some(b'S') => Step::Second,
                    Some(b'f') => Step::Fraction,
                    Some(b'z') => Step::Offset,
                    Some(b'Z') => Step::ZoneName,
                    Some(b'j') => Step::DayOfYear,
                    Some(b's') => Step::Epoch,
                    Some(b'%') => Step::Literal(b'%'),
                    other => return Err(format!("unknown time letter `%{}`", other.map_or(String::new(), |b| char::from(b).to_string()))),
                },
                b => Step::Literal(b),
            });
        }
        Ok(TimeFormat::Steps(steps))
    }

    /// UTC nanoseconds; `zone` where the text names none, `near` where it names no year.
    pub(super) fn read(&self, text: &str, zone: &Zone, near: i64) -> Option<i64> {
        match self {
            TimeFormat::Epoch => epoch(text.trim()),
            TimeFormat::Iso => {
                let text = text.trim();
                let (civil, used) = crate::decode::syslog::iso(text, true)?;
                (used == text.len()).then(|| civil.resolve(zone, near)).flatten()
            }
            TimeFormat::Steps(steps) => steps_read(steps, text.trim().as_bytes(), zone, near),
        }
    }
}

/// Up to `max` digits at `at`.
fn digits(bytes: &[u8], at: &mut usize, max: usize) -> Option<i64> {
    let count = bytes.get(*at..)?.iter().take(max).take_while(|b| b.is_ascii_digit()).count();
    let number = bytes.get(*at..*at + count)?.iter().fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
    *at += count;
    (count > 0).then_some(number)
}

fn word<'b>(bytes: &'b [u8], at: &mut usize) -> Option<&'b str> {
    let count = bytes.get(*at..)?.iter().take_while(|b| b.is_ascii_alphabetic() || **b == b'-').count();
    let text = std::str::from_utf8(bytes.get(*at..*at + count)?).ok()?;
    *at += count;
    (count > 0).then_some(text)
}

fn steps_read(steps: &[Step], bytes: &[u8], zone: &Zone, near: i64) -> Option<i64> {
    let mut civil = Civil { month: 1, day: 1, ..Civil::default() };
    let mut at = 0;
    let mut afternoon = None;
    let small = |n: i64| u8::try_from(n).ok();
    for step in steps {
        match step {
            Step::Literal(b) => {
                if bytes.get(at) != Some(b) {
                    return None;
                }
                at += 1;
            }
            Step::Blank => at += bytes.get(at..)?.iter().take_while(|b| **b == b' ').count(),
            Step::Year => civil.year = Some(i32::try_from(digits(bytes, &mut at, 4)?).ok()?),
            Step::ShortYear => civil.year = Some(2000 + i32::try_from(digits(bytes, &mut at, 2)?).ok()?),
            Step::Month => civil.month = small(digits(bytes, &mut at, 2)?)?,
            Step::MonthName => {
                civil.month = crate::decode::syslog::month(bytes.get(at..)?)?;
                word(bytes, &mut at)?;
            }
            Step::Day => {
                at += usize::from(bytes.get(at) == Some(&b' '));
                civil.day = small(digits(bytes, &mut at, 2)?)?;
            }
            Step::Weekday => {
                word(bytes, &mut at)?;
            }
            Step::Hour | Step::Hour12 => civil.hour = small(digits(bytes, &mut at, 2)?)?,
            Step::Meridiem => afternoon = Some(word(bytes, &mut at)?.eq_ignore_ascii_case("PM")),
            Step::Minute => civil.minute = small(digits(bytes, &mut at, 2)?)?,
            Step::Second => civil.second = small(digits(bytes, &mut at, 2)?)?,
            Step::Fraction => {
                if matches!(bytes.get(at), Some(b'.' | b',')) {
                    let count = bytes.get(at + 1..)?.iter().take_while(|b| b.is_ascii_digit()).count();
                    civil.nanos = crate::decode::syslog::fraction(bytes.get(at + 1..at + 1 + count)?);
                    at += 1 + count;
                }
            }
            Step::Offset => civil.offset = Some(read_offset(bytes, &mut at)?),
            Step::ZoneName => civil.offset = word(bytes, &mut at).and_then(zone_name),
            Step::DayOfYear => day_of_year(&mut civil, digits(bytes, &mut at, 3)?)?,
            Step::Epoch => return epoch(std::str::from_utf8(bytes.get(at..)?).ok()?),
        }
    }
    match afternoon {
        Some(true) if civil.hour < 12 => civil.hour += 12,
        Some(false) if civil.hour == 12 => civil.hour = 0,
        _ => {}
    }
    (at == bytes.len() && civil.is_valid()).then(|| civil.resolve(zone, near)).flatten()
}

fn read_offset(bytes: &[u8], at: &mut usize) -> Option<i32> {
    let count = bytes.get(*at..)?.iter().take_while(|b| !matches!(b, b' ' | b']' | b',' | b';' | b')')).count();
    let text = std::str::from_utf8(bytes.get(*at..*at + count)?).ok()?;
    let seconds = offset(text).or_else(|| zone_name(text))?;
    *at += count;
    Some(seconds)
}

fn day_of_year(civil: &mut Civil, number: i64) -> Option<()> {
    let year = civil.year?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut left = number;
    for (month, length) in (1u8..).zip([31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
        if left <= length {
            (civil.month, civil.day) = (month, u8::try_from(left).ok().filter(|d| *d > 0)?);
            return Some(());
        }
        left -= length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use fansipan_model::time::{from_rfc3339, to_rfc3339};

    #[test]
    fn times_as_written() {
        let near = from_rfc3339("2026-11-23T10:00:00Z").unwrap();
        let cases = [
            ("%d/%b/%Y:%H:%M:%S %z", "23/Nov/2026:10:00:00 +0700", "2026-11-23T03:00:00Z"),
            ("%a %b %d %H:%M:%S%f %Y", "Mon Nov 23 10:00:00.250000 2026", "2026-11-23T03:00:00.25Z"),
            ("%Y/%m/%d %H:%M:%S", "2026/11/23 10:00:00", "2026-11-23T03:00:00Z"),
            ("%m/%d/%y %I:%M:%S %p", "11/23/26 01:02:03 PM", "2026-11-23T06:02:03Z"),
            ("%Y-%j %H:%M", "2026-327 10:00", "2026-11-23T03:00:00Z"),
            ("%b %e %H:%M:%S", "Nov  3 10:00:00", "2026-11-03T03:00:00Z"),
            ("%Y-%m-%d %H:%M:%S %Z", "2026-11-23 10:00:00 UTC", "2026-11-23T10:00:00Z"),
            ("epoch", "1795428000", "2026-11-23T10:00:00Z"),
            ("epoch", "1795428000.125", "2026-11-23T10:00:00.125Z"),
            ("epoch", "1795428000125", "2026-11-23T10:00:00.125Z"),
            ("epoch", "1795428000125000000", "2026-11-23T10:00:00.125Z"),
            ("rfc3339", "2026-11-23T10:00:00.5+0700", "2026-11-23T03:00:00.5Z"),
            ("rfc3339", "2026-11-23 10:00:00", "2026-11-23T03:00:00Z"),
            ("%d/%b/%Y", "23/Nov/2026 x", ""),
            ("%Y-%m-%d", "2026-13-01", ""),
        ];
        for (pattern, text, expected) in cases {
            let got = TimeFormat::compile(pattern).unwrap().read(text, &Zone::default(), near).map(to_rfc3339).unwrap_or_default();
            assert_eq!(got, expected, "{pattern} {text}");
        }
        assert!(TimeFormat::compile("%Q").is_err());
    }
}
