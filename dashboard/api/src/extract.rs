//! Reading requests: JSON bodies, queries and path parameters, refused as problems.

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Query},
    response::{IntoResponse, Response},
};
use fansipan_model::{said, time};
use fansipan_storage::TimeRange;

use crate::problem::Problem;

/// A JSON body; as an answer: JSON.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: serde::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The query string.
#[derive(FromRequestParts)]
#[from_request(via(Query), rejection(Problem))]
pub(crate) struct Params<T>(pub(crate) T);

/// Parameters in the path.
#[derive(FromRequestParts)]
#[from_request(via(Path), rejection(Problem))]
pub(crate) struct InPath<T>(pub(crate) T);

/// Nanoseconds in `90s`, `15m`, `24h`, `7d`, `2w`.
pub(crate) fn duration(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|n| *n > 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    number.checked_mul(seconds)?.checked_mul(time::SECOND)
}

/// How far back a page looks: `text`, or what is usual, such as `24h`; from a minute to 31 days, nanoseconds.
pub(crate) fn since(text: Option<&str>, usual: &str) -> Result<i64, Problem> {
    const LONGEST: i64 = 31 * 86_400 * time::SECOND;
    duration(text.filter(|t| !t.is_empty()).unwrap_or(usual)).filter(|d| (60 * time::SECOND..=LONGEST).contains(d)).ok_or_else(|| {
        Problem::bad_request(said!(
            "since is a duration from 1m to 31d, such as {usual}",
            "since là khoảng thời gian từ 1m đến 31d, ví dụ {usual}"
        ))
    })
}

/// An instant: RFC 3339, or that long before `now`.
pub(crate) fn instant(name: &str, text: &str, now: i64) -> Result<i64, Problem> {
    match duration(text) {
        Some(ago) => Ok(now.saturating_sub(ago)),
        None => time::from_rfc3339(text).ok_or_else(|| {
            Problem::bad_request(said!(
                "{name} is neither a duration such as 24h nor a time such as 2026-11-23T10:00:00Z",
                "{name} không phải là khoảng thời gian như 24h, cũng không phải thời điểm như 2026-11-23T10:00:00Z"
            ))
        }),
    }
}

/// How far past now a search looks: devices' clocks run ahead, and what they date a little into the future happened.
pub(crate) const AHEAD: i64 = 5 * 60 * time::SECOND;

/// The range of a search: `since`, or `from`, until `to` or `ahead` of now. Without a begin: the last 24 hours.
pub(crate) fn range(since: Option<&str>, from: Option<&str>, to: Option<&str>, now: i64, ahead: i64) -> Result<TimeRange, Problem> {
    let given = |text: Option<&'_ str>| text.filter(|s| !s.is_empty()).map(ToOwned::to_owned);
    let from = match (given(since), given(from)) {
        (Some(_), Some(_)) => {
            return Err(Problem::bad_request(said!("give since or from, not both", "chỉ dùng since hoặc from, không dùng cả hai")));
        }
        (Some(since), None) => instant("since", &since, now)?,
        (None, Some(from)) => instant("from", &from, now)?,
        (None, None) => now.saturating_sub(24 * 3600 * time::SECOND),
    };
    let to = match given(to) {
        Some(to) => instant("to", &to, now)?,
        None => now.saturating_add(ahead),
    };
    if from >= to {
        Err(Problem::bad_request(said!("the range ends before it begins", "khoảng thời gian kết thúc trước khi bắt đầu")))
    } else {
        Ok(TimeRange { from, to })
    }
}

/// Days until something expires: `asked` or `usual`, 1 to `most`.
pub(crate) fn days(asked: Option<u32>, (usual, most): (u32, u32)) -> Result<u32, Problem> {
    let days = asked.unwrap_or(usual);
    if (1..=most).contains(&days) {
        return Ok(days);
    }
    Err(Problem::bad_request(said!("expires_in_days is 1 to {most}", "expires_in_days từ 1 đến {most}")))
}

/// A page size: `asked` or `usual`, at least 1, at most `most`.
pub(crate) fn limit(asked: Option<usize>, usual: usize, most: usize) -> usize {
    asked.unwrap_or(usual).clamp(1, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_ranges() {
        let h = 3600 * time::SECOND;
        let cases = [("24h", Some(24 * h)), ("90s", Some(90 * time::SECOND)), ("1w", Some(168 * h)), ("0h", None), ("-1h", None)];
        for (text, expected) in cases {
            assert_eq!(duration(text), expected, "{text}");
        }
        for text in ["", "h", "1", "1é", "99999999999999w", "1 h"] {
            assert_eq!(duration(text), None, "{text}");
        }
        let now = 1_000 * h;
        assert_eq!(range(None, None, None, now, AHEAD).unwrap().from, now - 24 * h);
        assert_eq!(
            range(None, Some("1970-01-02T00:00:00Z"), Some("1970-01-03T00:00:00Z"), now, AHEAD).unwrap(),
            TimeRange { from: 24 * h, to: 48 * h }
        );
        assert!(range(Some("1h"), Some("1970-01-02T00:00:00Z"), None, now, AHEAD).is_err());
        assert!(range(None, Some("1970-01-03T00:00:00Z"), Some("1970-01-02T00:00:00Z"), now, AHEAD).is_err());
        assert!(range(Some("yesterday"), None, None, now, AHEAD).is_err());
    }
}
