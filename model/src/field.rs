//! Field ids: small numbers for field names, so that events carry no names and rules compare integers.
//!
//! Names from `data/fields.txt` have fixed numbers (written to disk). Names that rules and formats mention are
//! interned at load ([`FieldId::intern`], bounded). Names that only strangers' records mention are never interned:
//! the event carries them itself (see [`crate::event`]), so hostile input cannot grow any table here.

use std::sync::LazyLock;

use crate::names::Names;

/// Constants of the registered fields, `source.ip` being [`fields::SOURCE_IP`], and the table of all of them.
pub mod fields {
    use super::{FieldDef, FieldId, FieldType};
    include!(concat!(env!("OUT_DIR"), "/fields.rs"));
}

/// The type a field's JSON text is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Exact string.
    Keyword,
    /// Prose; searched by word.
    Text,
    /// Signed 64-bit integer.
    Long,
    /// IEEE 754 double.
    Double,
    /// true or false.
    Boolean,
    /// IPv4 or IPv6 address.
    Ip,
    /// Instant; UTC nanoseconds since 1970.
    Date,
    /// RFC 9562 UUID.
    Uuid,
}

/// One line of the registry.
#[derive(Clone, Copy, Debug)]
pub struct FieldDef {
    /// Dotted ECS name.
    pub name: &'static str,
    /// How its text is read.
    pub kind: FieldType,
    /// Whether stores index it by exact term and as a column.
    pub core: bool,
}

/// A field name as a number. Below [`FieldId::STATIC_COUNT`] fixed for ever, above it valid in this process only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(pub(crate) u32);

/// More names than this are never interned: rules and formats of a whole province need a few thousand.
const DYNAMIC_LIMIT: usize = 60_000;

static NAMES: LazyLock<Names> =
    LazyLock::new(|| Names::new(fields::STATIC.len() + DYNAMIC_LIMIT, fields::STATIC.iter().map(|field| field.name)));

impl FieldId {
    /// Number of fields in `data/fields.txt`.
    pub const STATIC_COUNT: u32 = fields::STATIC.len() as u32;

    /// The id of a registered or interned name. `None`: no rule or format has ever named it.
    pub fn lookup(name: &str) -> Option<FieldId> {
        NAMES.number(name).map(FieldId)
    }

    /// The id of a name that a rule, format or query mentions, made on first use.
    /// `None` once 60,000 names were made: the caller reports the rule or format as refused.
    /// Each new name is kept until the process ends; never call this with names from log records.
    pub fn intern(name: &str) -> Option<FieldId> {
        let known = NAMES.number(name).or_else(|| NAMES.add(name, |name| Box::leak(name.to_owned().into_boxed_str())));
        known.map(FieldId)
    }

    /// The dotted name.
    pub fn name(self) -> &'static str {
        if let Some(def) = fields::STATIC.get(self.0 as usize) {
            return def.name;
        }
        NAMES.name(self.0).unwrap_or("")
    }

    /// The type of the field; interned names are keywords of open type (numbers stay numbers).
    pub fn kind(self) -> FieldType {
        fields::STATIC.get(self.0 as usize).map_or(FieldType::Keyword, |d| d.kind)
    }

    /// Whether stores keep an exact-term index and a column for it.
    pub fn is_core(self) -> bool {
        fields::STATIC.get(self.0 as usize).is_some_and(|d| d.core)
    }

    /// Whether the number is fixed for ever.
    pub fn is_static(self) -> bool {
        self.0 < Self::STATIC_COUNT
    }

    /// The number, for table look-ups.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The registered field with this number.
    pub fn from_static(number: u32) -> Option<FieldId> {
        (number < Self::STATIC_COUNT).then_some(FieldId(number))
    }

    /// All fields marked `core`, in registry order.
    pub fn core() -> impl Iterator<Item = FieldId> {
        (0u32..).zip(fields::STATIC.iter()).filter(|(_, d)| d.core).map(|(i, _)| FieldId(i))
    }
}

impl std::fmt::Debug for FieldId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl serde::Serialize for FieldId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}
