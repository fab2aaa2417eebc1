//! Instants: `i64` nanoseconds since 1970-01-01T00:00:00Z; text is RFC 3339 in UTC.

use jiff::Timestamp;

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;

/// RFC 3339 text in UTC with as many digits of the second as needed: `2026-11-23T10:00:00.5Z`.
pub fn to_rfc3339(nanos: i64) -> String {
    match Timestamp::from_nanosecond(i128::from(nanos)) {
        Ok(t) => t.to_string(),
        Err(_) => String::new(), // no i64 of nanoseconds lies outside jiff's range
    }
}

/// Reads RFC 3339 with any offset. `None` if it is not one or lies outside 1677–2262.
pub fn from_rfc3339(text: &str) -> Option<i64> {
    let t: Timestamp = text.parse().ok()?;
    i64::try_from(t.as_nanosecond()).ok()
}
