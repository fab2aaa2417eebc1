//! What an event is about: the things an analyst pivots on.

use fansipan_model::{Entity, EntityKind, Event, FieldId, Value, fields};

/// Fields that name entities, in the order alerts list them.
const NAMING: &[(FieldId, EntityKind)] = &[
    (fields::HOST_NAME, EntityKind::Host),
    (fields::USER_NAME, EntityKind::User),
    (fields::USER_TARGET_NAME, EntityKind::User),
    (fields::USER_EFFECTIVE_NAME, EntityKind::User),
    (fields::SOURCE_IP, EntityKind::Address),
    (fields::DESTINATION_IP, EntityKind::Address),
    (fields::PROCESS_EXECUTABLE, EntityKind::Process),
    (fields::FILE_PATH, EntityKind::File),
    (fields::FILE_HASH_SHA256, EntityKind::Hash),
    (fields::PROCESS_HASH_SHA256, EntityKind::Hash),
    (fields::DNS_QUESTION_NAME, EntityKind::Domain),
    (fields::DESTINATION_DOMAIN, EntityKind::Domain),
    (fields::TLS_CLIENT_SERVER_NAME, EntityKind::Domain),
];

/// An entity list longer than this says nothing more.
pub(crate) const LIMIT: usize = 24;

/// Place of a field among those that name entities.
pub(crate) fn place(field: FieldId) -> Option<u8> {
    NAMING.iter().position(|&(f, _)| f == field).map(|p| p as u8)
}

/// The field at a place, and what it names.
pub(crate) fn naming(place: u8) -> Option<(FieldId, EntityKind)> {
    NAMING.get(usize::from(place)).copied()
}

/// The entities of an event, sorted, each once.
pub fn of(event: &Event) -> Vec<Entity> {
    let mut list: Vec<Entity> = NAMING
        .iter()
        .flat_map(|&(field, kind)| event.values(field).filter_map(Value::text).map(move |v| (field, kind, v)))
        .filter(|(_, _, value)| !value.is_empty() && value != "-")
        .take(LIMIT)
        .map(|(field, kind, value)| Entity { kind, field: field.name().to_owned(), value: value.into_owned() })
        .collect();
    list.sort();
    list.dedup();
    list
}

/// What repeats of a rule must share to be the same alert: the host, and who came from where (address, else account).
pub fn group(event: &Event) -> Vec<String> {
    let text = |field: FieldId| event.get(field).and_then(Value::text).map(|v| v.into_owned());
    let place = text(fields::HOST_NAME).or_else(|| text(fields::OBSERVER_NAME)).or_else(|| text(fields::FANSIPAN_SOURCE));
    let party = text(fields::SOURCE_IP).or_else(|| text(fields::USER_NAME));
    vec![place.unwrap_or_default(), party.unwrap_or_default()]
}
