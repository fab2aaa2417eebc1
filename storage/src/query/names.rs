//! Field names in queries. Queries come from strangers, and each new name is kept until the process ends: there is a cap.

use std::sync::atomic::{AtomicUsize, Ordering};

use fansipan_model::FieldId;

use super::Fault;

/// New names that all queries of one process may mention.
const MOST: usize = 10_000;
/// Longest name, bytes.
const LONGEST: usize = 128;

static MADE: AtomicUsize = AtomicUsize::new(0);

/// Whether a character may stand in a field name.
pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '@' | '-')
}

/// Whether a field name may begin with it; digits may not, so that times and addresses are no fields.
pub(super) fn begins_name(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | '@')
}

/// Whether the text is a field or column name, or why not.
pub(super) fn check(name: &str) -> Result<(), Fault> {
    if name.is_empty() {
        return Err(Fault::NoName);
    }
    if name.len() > LONGEST || !name.chars().all(is_name) {
        return Err(Fault::BadName { name: name.chars().take(40).collect() });
    }
    Ok(())
}

/// The field of a name, or why there is none.
pub(super) fn field(name: &str) -> Result<FieldId, Fault> {
    if let Some(known) = FieldId::lookup(name) {
        return Ok(known);
    }
    check(name)?;
    let full = || Fault::TooManyNames { name: name.to_owned() };
    if MADE.fetch_add(1, Ordering::Relaxed) >= MOST {
        MADE.fetch_sub(1, Ordering::Relaxed);
        return Err(full());
    }
    FieldId::intern(name).ok_or_else(full)
}
