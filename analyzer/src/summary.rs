//! What happened, in the line that stands under an alert's title.

use fansipan_model::{Event, FieldId, MatchedField, Value, fields};

/// Characters of a summary.
const MOST: usize = 1024;
/// Characters of one value in it.
const MOST_OF_ONE: usize = 240;
/// A shorter value, a code or a port, stands by chance within others.
const LEAST_TO_COMPARE: usize = 4;

/// Fields that tell what happened: what was done, with what, to what, from where to where.
const TELLING: &[FieldId] = &[
    fields::EVENT_ACTION,
    fields::EVENT_OUTCOME,
    fields::RULE_NAME,
    fields::PROCESS_COMMAND_LINE,
    fields::PROCESS_EXECUTABLE,
    fields::PROCESS_PARENT_EXECUTABLE,
    fields::FILE_PATH,
    fields::REGISTRY_PATH,
    fields::SERVICE_NAME,
    fields::DNS_QUESTION_NAME,
    fields::HTTP_REQUEST_METHOD,
    fields::URL_DOMAIN,
    fields::URL_PATH,
    fields::HTTP_RESPONSE_STATUS_CODE,
    fields::USER_NAME,
    fields::SOURCE_IP,
    fields::DESTINATION_IP,
    fields::DESTINATION_PORT,
    fields::EVENT_CODE,
];

/// The device's own sentence. A record without one, all names and values, cannot be read in a hurry and stands behind the alert: of it
/// the summary has what made the rule match and the fields that tell most, as `name=value`.
pub(crate) fn of(event: &Event, matched: &[MatchedField]) -> String {
    let cut = |text: &str| text.chars().take(MOST).collect();
    if let Some(sentence) = event.message() {
        return cut(sentence);
    }
    let mut line = String::new();
    for m in matched {
        // the name as Windows itself has it
        put(&mut line, m.field.strip_prefix("winlog.event_data.").unwrap_or(&m.field), &m.value);
    }
    for field in TELLING {
        if let Some(value) = event.get(*field).and_then(Value::text) {
            put(&mut line, field.name(), &value);
        }
    }
    if line.is_empty() { cut(event.original().unwrap_or_default()) } else { line }
}

/// Adds a value that has not been said yet, if it still fits.
fn put(line: &mut String, name: &str, value: &str) {
    let value = value.split('\n').next().unwrap_or_default().trim();
    let said = value.len() >= LEAST_TO_COMPARE && line.contains(value);
    if value.is_empty() || value == "-" || said {
        return;
    }
    let before = line.len();
    if before > 0 {
        line.push(' ');
    }
    line.push_str(name);
    line.push('=');
    line.extend(value.chars().take(MOST_OF_ONE));
    if line.chars().count() > MOST {
        line.truncate(before);
    }
}

#[cfg(test)]
mod tests {
    use fansipan_model::{Event, EventBuilder, MatchedField, Value, fields};

    use super::of;

    #[test]
    fn a_device_s_own_sentence_stands_as_it_is() {
        let mut event = Event::default();
        event.push(fields::MESSAGE, Value::Str("Failed password for root from 192.0.2.7"));
        event.push(fields::SOURCE_IP, Value::Ip([192, 0, 2, 7].into()));
        assert_eq!(of(&event, &[]), "Failed password for root from 192.0.2.7");
    }

    #[test]
    fn a_record_without_a_sentence_is_told_by_what_matched_and_what_tells_most() {
        let mut event = EventBuilder::new(r#"{"CommandLine":"whoami /all","Image":"C:\\Windows\\whoami.exe","User":"SNN\\lan"}"#).finish();
        event.push(fields::PROCESS_COMMAND_LINE, Value::Str("whoami /all"));
        event.push(fields::PROCESS_EXECUTABLE, Value::Str("C:\\Windows\\whoami.exe"));
        event.push(fields::USER_NAME, Value::Str("lan"));
        event.push(fields::SERVICE_NAME, Value::Str("-"));
        let matched = [MatchedField { field: "winlog.event_data.Image".into(), value: "C:\\Windows\\whoami.exe".into() }];
        let told = "Image=C:\\Windows\\whoami.exe process.command_line=whoami /all user.name=lan";
        assert_eq!(of(&event, &matched), told);
    }

    #[test]
    fn a_summary_is_bounded_and_a_record_that_nobody_understands_is_shown_as_it_came() {
        let long = "đ".repeat(5_000);
        let mut event = Event::default();
        event.push(fields::PROCESS_COMMAND_LINE, Value::Str(&long));
        assert_eq!(of(&event, &[]).chars().count(), "process.command_line=".len() + 240);
        let event = EventBuilder::new(&long).finish();
        assert_eq!(of(&event, &[]).chars().count(), 1024);
    }
}
