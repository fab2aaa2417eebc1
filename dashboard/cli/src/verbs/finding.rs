//! The line of a hunt for an alert over several events, up to its `events`.

use anyhow::Result;
use fansipan_model::{Alert, Event, json};

/// A JSON object left open: the rule, where the event stands that speaks for the alert, what matched, and that event.
pub(super) fn begin(alert: &Alert, (input, record): (&str, u64), event: &Event) -> Result<Vec<u8>> {
    let mut line = serde_json::json!({"rule.id": alert.rule.id, "rule.title": alert.rule.title, "rule.level": alert.rule.level,
        "input": input, "record": record, "count": alert.count})
    .to_string()
    .into_bytes();
    line.pop();
    line.extend_from_slice(b",\"matched\":{");
    for (i, matched) in alert.matched.iter().enumerate() {
        line.extend_from_slice(if i > 0 { b"," } else { b"" });
        serde_json::to_writer(&mut line, &matched.field)?;
        line.push(b':');
        serde_json::to_writer(&mut line, &matched.value)?;
    }
    line.extend_from_slice(b"},\"event\":");
    json::write(event, &mut line);
    Ok(line)
}

/// The event that an alert names by `id`, where events were numbered from 1 as they came.
pub(super) fn place<'a, T>(events: &'a [T], id: &uuid::Uuid) -> Option<&'a T> {
    events.get(usize::try_from(id.as_u128()).ok()?.checked_sub(1)?)
}
