//! Where each field of an event lies in an index, and the Tantivy schema that follows from it.
//!
//! - `e`, `b` stored: the whole event, see [`super::packed`];
//! - `w` inverted: the words ([`fansipan_model::text::words`]) of every value that [`fansipan_model::Target::Any`] looks at, except
//!   values held by a profile and words named by `u`;
//! - `x` inverted: 17-byte terms for addresses (`i` + 16 bytes) and 3-byte marks (`o` + field number) for events with a value
//!   of a core field that its column cannot hold exactly;
//! - `t`, `d` columns: `@timestamp`, and the first eight bytes of `event.id`;
//! - `p0`, `p1` dictionary columns: *profiles*. Fields that vary by device or by kind of record, not by record, are kept
//!   together: one dictionary entry holds all their values. A test on them is decided once per entry, with the same code that
//!   decides it for an event;
//! - `u` dictionary column: sets of usual words, see [`super::usual`];
//! - a column for each other core field.
//!
//! The profile members are written beside each index (`layout.json`), so that a newer program reads older indexes.

use std::{path::Path, sync::Arc};

use fansipan_model::{FieldId, FieldType, fields};
use serde::{Deserialize, Serialize};
use tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, IpAddrOptions, NumericOptions, STORED, Schema, TextFieldIndexing, TextOptions,
};

use crate::error::{Result, StoreError};

/// Format version of an index directory.
pub(crate) const VERSION: u32 = 1;

/// Number of profiles.
pub(crate) const PROFILES: usize = 2;

/// Fields that vary by device.
const ORIGIN: [FieldId; 10] = [
    fields::FANSIPAN_AGENCY,
    fields::FANSIPAN_CLASS,
    fields::FANSIPAN_SOURCE,
    fields::FANSIPAN_TRANSPORT,
    fields::FANSIPAN_PEER_IP,
    fields::OBSERVER_NAME,
    fields::OBSERVER_VENDOR,
    fields::OBSERVER_PRODUCT,
    fields::OBSERVER_TYPE,
    fields::HOST_OS_FAMILY,
];

/// Fields that vary by kind of record.
const KIND: [FieldId; 28] = [
    fields::FANSIPAN_PARSER,
    fields::FANSIPAN_LEVEL,
    fields::FANSIPAN_DRILL,
    fields::EVENT_KIND,
    fields::EVENT_CATEGORY,
    fields::EVENT_TYPE,
    fields::EVENT_ACTION,
    fields::EVENT_OUTCOME,
    fields::EVENT_CODE,
    fields::EVENT_DATASET,
    fields::EVENT_MODULE,
    fields::EVENT_PROVIDER,
    fields::EVENT_SEVERITY,
    fields::NETWORK_TRANSPORT,
    fields::NETWORK_PROTOCOL,
    fields::NETWORK_APPLICATION,
    fields::NETWORK_DIRECTION,
    fields::LOG_LEVEL,
    fields::LOG_SYSLOG_SEVERITY_CODE,
    fields::LOG_SYSLOG_SEVERITY_NAME,
    fields::LOG_SYSLOG_FACILITY_NAME,
    fields::WINLOG_CHANNEL,
    fields::WINLOG_PROVIDER_NAME,
    fields::HTTP_REQUEST_METHOD,
    fields::HTTP_RESPONSE_STATUS_CODE,
    fields::DNS_QUESTION_TYPE,
    fields::DNS_RESPONSE_CODE,
    fields::TAGS,
];

/// Where an index holds a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `@timestamp`, `event.id`, `event.ingested`, `event.original`: part of the event's header.
    Header,
    /// In this profile.
    Profile(usize),
    /// Dictionary column of texts, exactly as they are.
    Text(Field),
    /// Column of integers.
    Long(Field),
    /// Column of addresses (IPv4 as IPv4-mapped).
    Ip(Field),
    /// Column of booleans.
    Bool(Field),
    /// Nowhere but in the stored event and, as words, in `w`.
    Words,
}

/// The schema of an index and the place of every field in it.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) schema: Schema,
    pub(crate) event: Field,
    pub(crate) base: Field,
    pub(crate) words: Field,
    pub(crate) exact: Field,
    pub(crate) time: Field,
    pub(crate) id: Field,
    pub(crate) profiles: [Field; PROFILES],
    pub(crate) usual: Field,
    places: Arc<[Place]>,
}

#[derive(Serialize, Deserialize)]
struct OnDisk {
    version: u32,
    profiles: [Vec<String>; PROFILES],
}

const FILE: &str = "layout.json";

impl Layout {
    /// The layout new indexes get.
    pub(crate) fn current() -> Layout {
        let mut b = Schema::builder();
        let words = TextFieldIndexing::default()
            .set_tokenizer(super::words::TOKENIZER)
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        b.add_bytes_field("e", STORED);
        b.add_text_field("b", TextOptions::default().set_stored());
        b.add_text_field("w", TextOptions::default().set_indexing_options(words));
        b.add_bytes_field("x", BytesOptions::default().set_indexed());
        b.add_i64_field("t", NumericOptions::default().set_fast());
        b.add_u64_field("d", NumericOptions::default().set_fast());
        b.add_bytes_field("p0", FAST);
        b.add_bytes_field("p1", FAST);
        b.add_bytes_field("u", FAST);
        let profiled = |f: &FieldId| ORIGIN.contains(f) || KIND.contains(f);
        for field in FieldId::core().filter(|f| !profiled(f)) {
            match field.kind() {
                FieldType::Long => b.add_i64_field(field.name(), NumericOptions::default().set_fast()),
                FieldType::Ip => b.add_ip_addr_field(field.name(), IpAddrOptions::default().set_fast()),
                FieldType::Boolean => b.add_bool_field(field.name(), NumericOptions::default().set_fast()),
                // dates, doubles and UUIDs among the core fields would be kept as text: exact in either case
                _ => b.add_text_field(field.name(), TextOptions::default().set_fast("raw")),
            };
        }
        let names = |list: &[FieldId]| list.iter().map(|f| f.name().to_owned()).collect();
        Self::of(b.build(), &[names(&ORIGIN), names(&KIND)])
    }

    fn of(schema: Schema, profiles: &[Vec<String>; PROFILES]) -> Layout {
        // the nine fields are those of `current`; `open` refuses a schema without them
        let get = |name: &str| schema.get_field(name).unwrap_or(Field::from_field_id(u32::MAX));
        let places = (0..FieldId::STATIC_COUNT)
            .map(|n| {
                let Some(field) = FieldId::from_static(n) else { return Place::Words };
                if matches!(field, fields::TIMESTAMP | fields::EVENT_ID | fields::EVENT_INGESTED | fields::EVENT_ORIGINAL) {
                    return Place::Header;
                }
                if let Some(p) = profiles.iter().position(|list| list.iter().any(|name| name == field.name())) {
                    return Place::Profile(p);
                }
                let Ok(column) = schema.get_field(field.name()) else { return Place::Words };
                match schema.get_field_entry(column).field_type() {
                    tantivy::schema::FieldType::I64(_) => Place::Long(column),
                    tantivy::schema::FieldType::IpAddr(_) => Place::Ip(column),
                    tantivy::schema::FieldType::Bool(_) => Place::Bool(column),
                    tantivy::schema::FieldType::Str(_) => Place::Text(column),
                    _ => Place::Words,
                }
            })
            .collect();
        Layout {
            event: get("e"),
            base: get("b"),
            words: get("w"),
            exact: get("x"),
            time: get("t"),
            id: get("d"),
            profiles: [get("p0"), get("p1")],
            usual: get("u"),
            places,
            schema,
        }
    }

    /// Where the field lies.
    pub(crate) fn place(&self, field: FieldId) -> Place {
        self.places.get(field.index()).copied().unwrap_or(Place::Words)
    }

    /// Writes the profile members beside an index.
    pub(crate) fn save(&self, dir: &Path) -> Result<()> {
        let members = |p| {
            let all = (0..FieldId::STATIC_COUNT).filter_map(FieldId::from_static);
            all.filter(|f| self.place(*f) == Place::Profile(p)).map(|f| f.name().to_owned()).collect()
        };
        let text = serde_json::to_string(&OnDisk { version: VERSION, profiles: [members(0), members(1)] }).unwrap_or_default();
        std::fs::write(dir.join(FILE), text).map_err(StoreError::io("cannot write", dir.join(FILE)))
    }

    /// The layout of an existing index.
    pub(crate) fn load(dir: &Path, schema: Schema) -> Result<Layout> {
        let path = dir.join(FILE);
        let damaged = |reason: String| StoreError::Damaged { what: "index layout", reason };
        let text = std::fs::read_to_string(&path).map_err(StoreError::io("cannot read", &path))?;
        let on_disk: OnDisk = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
        if on_disk.version != VERSION {
            return Err(damaged(format!("version {} is not one this program reads ({VERSION})", on_disk.version)));
        }
        if let Some(missing) = ["e", "b", "w", "x", "t", "d", "p0", "p1", "u"].into_iter().find(|f| schema.get_field(f).is_err()) {
            return Err(damaged(format!("no field `{missing}`")));
        }
        Ok(Self::of(schema, &on_disk.profiles))
    }
}
