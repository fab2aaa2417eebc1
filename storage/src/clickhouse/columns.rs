//! Which field has a column of its own, and of which type.

use std::sync::LazyLock;

use fansipan_model::{FieldId, FieldType, fields};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The first value, if it is text and not empty. Absent: empty.
    Text,
    /// All values, where all are text.
    Texts,
    /// The first value, if it is an integer.
    Long,
    /// The first value, if it is true or false.
    Bool,
    /// The first value, if it is an address; IPv4 as mapped into IPv6.
    Ip,
}

impl Kind {
    /// How its types begin in SQL.
    #[cfg(test)]
    pub(crate) fn sql_start(self) -> &'static str {
        match self {
            Kind::Text => "",
            Kind::Texts => "Array(LowCardinality(String))",
            Kind::Long => "Nullable(Int64)",
            Kind::Bool => "Nullable(Bool)",
            Kind::Ip => "Nullable(IPv6)",
        }
    }
}

/// A column of its own.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) field: FieldId,
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// All of them, in registry order.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) list: Vec<Column>,
    /// By field number.
    places: Vec<Option<u16>>,
}

/// The columns of this program's schema.
pub(crate) static COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
    let several = [fields::EVENT_CATEGORY, fields::EVENT_TYPE, fields::TAGS];
    let list: Vec<Column> = FieldId::core()
        .map(|field| Column {
            field,
            name: field.name().replace('.', "_"),
            kind: match field.kind() {
                _ if several.contains(&field) => Kind::Texts,
                FieldType::Long => Kind::Long,
                FieldType::Boolean => Kind::Bool,
                FieldType::Ip => Kind::Ip,
                _ => Kind::Text,
            },
        })
        .collect();
    let mut places = vec![None; FieldId::STATIC_COUNT as usize];
    for (i, column) in list.iter().enumerate() {
        if let Some(place) = places.get_mut(column.field.index()) {
            *place = Some(i as u16);
        }
    }
    Columns { list, places }
});

impl Columns {
    /// Where among the columns a field is.
    pub(crate) fn place(&self, field: FieldId) -> Option<usize> {
        self.places.get(field.index()).copied().flatten().map(usize::from)
    }

    /// The column of a field.
    pub(crate) fn of(&self, field: FieldId) -> Option<&Column> {
        self.place(field).and_then(|i| self.list.get(i))
    }
}
