//! Civil times, zones and how device times become instants. Reads no clock: "now" is when a record arrived.

use fansipan_model::time::SECOND;
use jiff::{civil::DateTime, tz::TimeZone};

/// Nanoseconds in a day.
pub const DAY: i64 = 86_400 * SECOND;

/// A date and time of day as written, with whatever it says of year and zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Civil {
    /// Year, when written.
    pub year: Option<i32>,
    /// 1–12.
    pub month: u8,
    /// 1–31.
    pub day: u8,
    /// 0–23.
    pub hour: u8,
    /// 0–59.
    pub minute: u8,
    /// 0–60.
    pub second: u8,
    /// Fraction of the second.
    pub nanos: u32,
    /// Seconds east of Greenwich, when written.
    pub offset: Option<i32>,
}

/// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days(year: i32, month: u8, day: u8) -> i64 {
    let y = i64::from(year) - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let yoe = y - era * 400;
    let m = i64::from(month);
    let doy = (153 * (m + if m > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(day) - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    era * 146_097 + doe - 719_468
}

/// Year of an instant, in UTC.
fn year_of(nanos: i64) -> i32 {
    // the inverse of `days`, for the year alone
    let z = nanos.div_euclid(DAY) + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let y = yoe + era * 400;
    (y + i64::from(doy >= 306)) as i32
}

fn month_length(year: i32, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The zone of times that name none.
#[derive(Clone, Debug)]
pub enum Zone {
    /// Seconds east of Greenwich.
    Fixed(i32),
    /// An IANA zone with its daylight-saving rules.
    Named(TimeZone),
}

impl Default for Zone {
    /// Việt Nam: UTC+7 all year.
    fn default() -> Self {
        Zone::Fixed(7 * 3600)
    }
}

impl Zone {
    /// Reads `+07:00`, `UTC+7`, `ICT` or an IANA name (`Asia/Ho_Chi_Minh`, when the system has the zone database).
    pub fn parse(text: &str) -> Option<Zone> {
        if let Some(offset) = offset(text).or_else(|| zone_name(text)) {
            return Some(Zone::Fixed(offset));
        }
        if matches!(text, "Asia/Ho_Chi_Minh" | "Asia/Saigon" | "Asia/Bangkok") {
            return Some(Zone::Fixed(7 * 3600)); // known without a zone database
        }
        TimeZone::get(text).ok().map(Zone::Named)
    }

    /// The instant of a civil time in this zone; a time that daylight saving skips or repeats takes the earlier offset.
    fn instant(&self, civil: &Civil, year: i32) -> Option<i64> {
        match self {
            Zone::Fixed(seconds) => civil.instant(year, *seconds),
            Zone::Named(zone) => {
                let (month, day) = (i8::try_from(civil.month).ok()?, i8::try_from(civil.day).ok()?);
                let (hour, minute) = (i8::try_from(civil.hour).ok()?, i8::try_from(civil.minute).ok()?);
                let second = i8::try_from(civil.second.min(59)).ok()?;
                let nanos = i32::try_from(civil.nanos).ok()?;
                let local = DateTime::new(i16::try_from(year).ok()?, month, day, hour, minute, second, nanos).ok()?;
                let instant = zone.to_ambiguous_timestamp(local).compatible().ok()?;
                i64::try_from(instant.as_nanosecond()).ok()
            }
        }
    }
}

impl Civil {
    /// Whether every part is in its range (the day against the month, February 29 when the year is not written).
    pub fn is_valid(&self) -> bool {
        (1..=12).contains(&self.month)
            && self.day >= 1
            && self.day <= month_length(self.year.unwrap_or(2000), self.month)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60
            && self.nanos < 1_000_000_000
            && self.year.is_none_or(|y| (1678..=2261).contains(&y))
            && self.offset.is_none_or(|o| o.abs() <= 18 * 3600)
    }

    fn instant(&self, year: i32, offset: i32) -> Option<i64> {
        if self.day > month_length(year, self.month) || !(1678..=2261).contains(&year) {
            return None;
        }
        let seconds = days(year, self.month, self.day) * 86_400
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second.min(59))
            - i64::from(offset);
        seconds.checked_mul(SECOND)?.checked_add(i64::from(self.nanos))
    }

    /// The instant, UTC nanoseconds. A missing year is the latest that does not put the time more than a
    /// day after `near`: records of the past are kept, clocks a little ahead are understood; a missing offset is `zone`'s.
    pub fn resolve(&self, zone: &Zone, near: i64) -> Option<i64> {
        let in_year = |year: i32| match self.offset {
            Some(offset) => self.instant(year, offset),
            None => zone.instant(self, year),
        };
        match self.year {
            Some(year) => in_year(year),
            None => {
                let (year, latest) = (year_of(near), near.saturating_add(DAY));
                match in_year(year) {
                    // the common case: no later year can be right
                    Some(t) if t <= latest && near.saturating_sub(t) < 180 * DAY => Some(t),
                    _ => [year + 1, year, year - 1].into_iter().filter_map(in_year).find(|t| *t <= latest),
                }
            }
        }
    }
}

/// Reads a numeric offset: `Z`, `+07`, `+0700`, `+07:00`, `UTC+2:00`, `GMT-5`. Seconds east of Greenwich.
pub fn offset(text: &str) -> Option<i32> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let text = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")).unwrap_or(text);
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, text.get(1..)?),
        b'-' => (-1, text.get(1..)?),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some((h, m)) => (h, m),
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let number = |s: &str| if s.is_empty() || s.len() > 2 || !s.bytes().all(|b| b.is_ascii_digit()) { None } else { s.parse::<i32>().ok() };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Zone abbreviations seen in device logs, as seconds east of Greenwich. Those that mean several zones (`CST`, `IST`) take the
/// reading common on network equipment.
pub fn zone_name(text: &str) -> Option<i32> {
    let minutes = match text {
        "UTC" | "GMT" | "WET" | "UCT" | "Z" => 0,
        "CET" | "MET" | "BST" | "WEST" => 60,
        "CEST" | "MEST" | "MET-DST" | "METDST" | "CET-DST" | "EET" | "SAST" => 120,
        "EEST" | "EET-DST" | "MSK" => 180,
        "GST" => 240,
        "PKT" => 300,
        "IST" => 330,
        "ICT" | "WIB" => 420,
        "SGT" | "HKT" | "WITA" | "MYT" | "PHT" | "AWST" => 480,
        "JST" | "KST" | "WIT" => 540,
        "AEST" => 600,
        "AEDT" => 660,
        "NZST" => 720,
        "NZDT" => 780,
        "EST" | "CDT" => -300,
        "EDT" => -240,
        "CST" | "MDT" => -360,
        "MST" | "PDT" => -420,
        "PST" => -480,
        _ => return None,
    };
    Some(minutes * 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fansipan_model::time::{from_rfc3339, to_rfc3339};

    fn civil(year: Option<i32>, month: u8, day: u8) -> Civil {
        Civil { year, month, day, hour: 12, minute: 30, second: 15, nanos: 0, offset: None }
    }

    #[test]
    fn year_comes_from_arrival() {
        let cases = [
            // (month, day, arrival, expected)
            (11, 23, "2026-11-23T05:30:20Z", "2026-11-23T05:30:15Z"),
            (12, 31, "2027-01-01T00:00:05Z", "2026-12-31T05:30:15Z"),
            (1, 1, "2026-12-31T23:00:00Z", "2027-01-01T05:30:15Z"),
            (3, 5, "2026-11-23T05:30:20Z", "2026-03-05T05:30:15Z"),
            (12, 20, "2026-11-23T05:30:20Z", "2025-12-20T05:30:15Z"), // an old file, not a clock a month ahead
            (2, 29, "2026-03-01T00:00:00Z", ""),                      // no leap year within reach: not a time at all
            (2, 29, "2028-03-01T00:00:00Z", "2028-02-29T05:30:15Z"),
        ];
        for (month, day, arrival, expected) in cases {
            let near = from_rfc3339(arrival).unwrap();
            let got = civil(None, month, day).resolve(&Zone::default(), near).map(to_rfc3339).unwrap_or_default();
            assert_eq!(got, expected, "{month}-{day} at {arrival}");
        }
    }

    #[test]
    fn offsets_and_names() {
        for (text, seconds) in [("Z", 0), ("+0700", 25200), ("+07:00", 25200), ("-5", -18000), ("UTC+2:00", 7200), ("GMT-0330", -12600)] {
            assert_eq!(offset(text), Some(seconds), "{text}");
        }
        for text in ["", "+", "+7x", "07:00", "+25", "+07:0a", "UTC"] {
            assert_eq!(offset(text), None, "{text}");
        }
        assert_eq!(zone_name("MET-DST"), Some(7200));
    }

    #[test]
    fn leap_years_and_bounds() {
        assert_eq!(civil(Some(2000), 2, 29).resolve(&Zone::Fixed(0), 0).map(to_rfc3339).unwrap(), "2000-02-29T12:30:15Z");
        assert_eq!(civil(Some(1900), 2, 29).resolve(&Zone::Fixed(0), 0), None);
        assert_eq!(civil(Some(9999), 1, 1).resolve(&Zone::Fixed(0), 0), None);
    }
}
