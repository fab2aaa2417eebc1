//! Office hours of a Vietnamese government agency (7:30–11:30, 13:30–17:00, Monday to Friday) and a public holiday.

/// Days there are.
pub const DAYS: u32 = 14;

/// 2026-11-16T00:00:00+07:00, a Monday, nanoseconds since 1970.
pub const FIRST_MIDNIGHT: i64 = 1_794_762_000_000_000_000;

/// How much of the office comes to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayKind {
    /// Everybody.
    Work,
    /// Those on duty: weekends, and 24 November, Vietnam Culture Day.
    Rest,
}

/// What kind of day it is.
pub(super) fn kind(number: u32) -> DayKind {
    if number % 7 >= 5 || number == 8 { DayKind::Rest } else { DayKind::Work }
}

/// The part of the people who are at work at a second of the day, `0.0..=1.0`, on straight lines between the corners.
pub(super) fn activity(kind: DayKind, second: i64) -> f64 {
    const CORNERS: &[(f64, f64)] = &[
        (0.0, 0.008),
        (5.5, 0.008),
        (6.75, 0.05),
        (7.5, 0.8),
        (8.25, 1.0),
        (11.25, 0.95),
        (11.75, 0.25),
        (13.0, 0.2),
        (13.6, 0.9),
        (16.5, 0.95),
        (17.25, 0.4),
        (18.5, 0.08),
        (22.0, 0.03),
        (24.0, 0.008),
    ];
    let hour = second as f64 / 3600.0;
    let part = CORNERS.windows(2).find(|w| hour < w[1].0).map_or(0.0, |w| {
        let ((from, a), (to, b)) = (w[0], w[1]);
        a + (b - a) * (hour - from) / (to - from)
    });
    match kind {
        DayKind::Work => part,
        DayKind::Rest => part * 0.06,
    }
}
