//! How long work may wait whose cost is per round, not per event: those who read the log do it less often when they are late.

use std::time::Duration;

/// The part of how late events are already that they may be later by.
const SHARE: u32 = 4;

/// How long the effects of events may be held together. `lag`: records that wait in the log after the one that arrived at
/// `ingested` (UTC nanoseconds).
pub(crate) fn held(lag: u64, ingested: i64, (shortest, longest): (Duration, Duration)) -> Duration {
    let late = match lag {
        0 => 0, // nothing came after it
        _ => crate::live::now().saturating_sub(u64::try_from(ingested).unwrap_or(0)),
    };
    (Duration::from_nanos(late) / SHARE).clamp(shortest, longest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::held;

    #[test]
    fn rounds_are_longer_the_later_events_are() {
        let bounds = (Duration::from_millis(500), Duration::from_secs(5));
        let ago = |seconds: u64| (crate::live::now() - seconds * 1_000_000_000) as i64;
        assert_eq!(held(10, ago(0), bounds), bounds.0);
        assert_eq!(held(10, ago(3600), bounds), bounds.1);
        let between = held(10, ago(8), bounds);
        assert!((Duration::from_secs(2)..Duration::from_secs(3)).contains(&between), "{between:?}");
        assert_eq!(held(0, ago(3600), bounds), bounds.0, "nothing more came: it is not late");
    }
}
