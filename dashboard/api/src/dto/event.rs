//! Events, tables, histograms and facets as the API shows them.

use fansipan_model::{Event, json};
use fansipan_storage::Cell;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{AdditionalProperties, ObjectBuilder, Schema, Type},
    },
};

use crate::problem::QueryFault;

/// One event as flat ECS JSON, written once and copied from then on.
#[derive(Debug)]
pub struct EventJson(Box<RawValue>);

impl EventJson {
    /// The event's flat JSON.
    pub(crate) fn new(event: &Event) -> Option<Self> {
        RawValue::from_string(json::to_string(event)).ok().map(Self)
    }
}

impl Serialize for EventJson {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(s)
    }
}

impl PartialSchema for EventJson {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("A flat ECS event: dotted names to scalars, or to arrays of scalars where a field has several values."))
            .property("@timestamp", ObjectBuilder::new().schema_type(Type::String))
            .property("event.id", ObjectBuilder::new().schema_type(Type::String))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl ToSchema for EventJson {
    fn name() -> std::borrow::Cow<'static, str> {
        "Event".into()
    }
}

/// A scalar of a table: null, boolean, number or text.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct CellJson(pub(crate) Cell);

impl PartialSchema for CellJson {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("null, true, false, a number, or text (times as RFC 3339)"))
            .schema_type(utoipa::openapi::schema::SchemaType::AnyValue)
            .into()
    }
}

impl ToSchema for CellJson {
    fn name() -> std::borrow::Cow<'static, str> {
        "Cell".into()
    }
}

/// A page of events, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// The events.
    pub items: Vec<EventJson>,
    /// What to pass as `after` for the next page; null: this was the last.
    pub next: Option<String>,
    /// Matching events; at least this many when `total_exact` is false.
    pub total: u64,
    /// Whether `total` is exact.
    pub total_exact: bool,
    /// Milliseconds the search took.
    pub took_ms: u64,
}

/// What a query with `stats`, `timechart` or `fields` answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventTable {
    /// Names, in order.
    pub columns: Vec<String>,
    /// Rows of as many cells.
    pub rows: Vec<Vec<CellJson>>,
    /// False when a limit left rows out: the rows shown are exact.
    pub complete: bool,
    /// Milliseconds the search took.
    pub took_ms: u64,
}

/// Events, or a table where the query makes one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum SearchAnswer {
    /// No pipe that makes a table.
    Events(EventPage),
    /// A table.
    Table(EventTable),
}

/// A search.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchParams {
    /// The query; everything when absent.
    pub q: Option<String>,
    /// Begin: `15m`, `24h`, `7d` back from now, or RFC 3339. 24 hours unless given. Not with `from`.
    pub since: Option<String>,
    /// Begin, RFC 3339, inclusive.
    pub from: Option<String>,
    /// End, RFC 3339, exclusive; now unless given.
    pub to: Option<String>,
    /// `next` of the previous page.
    pub after: Option<String>,
    /// Events a page, at most 1000; 100 unless given.
    pub limit: Option<usize>,
    /// Whether `total` is counted; true unless given. Without it the answer comes as soon as the page is full, and `total` is what was seen until then.
    pub count: Option<bool>,
}

/// A histogram.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistogramParams {
    /// The query; pipes are ignored.
    pub q: Option<String>,
    /// Begin, as in a search.
    pub since: Option<String>,
    /// Begin, RFC 3339, inclusive.
    pub from: Option<String>,
    /// End, RFC 3339, exclusive.
    pub to: Option<String>,
    /// About how many buckets, at most 500; 60 unless given.
    pub buckets: Option<usize>,
}

/// A search to explain.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainParams {
    /// The query; pipes that compute are ignored.
    pub q: Option<String>,
    /// Begin, as in a search.
    pub since: Option<String>,
    /// Begin, RFC 3339, inclusive.
    pub from: Option<String>,
    /// End, RFC 3339, exclusive.
    pub to: Option<String>,
}

/// Facets.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FacetParams {
    /// The query; pipes are ignored.
    pub q: Option<String>,
    /// Begin, as in a search.
    pub since: Option<String>,
    /// Begin, RFC 3339, inclusive.
    pub from: Option<String>,
    /// End, RFC 3339, exclusive.
    pub to: Option<String>,
    /// Dotted names, comma-separated, at most 20.
    pub fields: String,
    /// Values a field, at most 100; 10 unless given.
    pub top: Option<usize>,
}

/// An export.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportParams {
    /// `jsonl` (a line of JSON each, the default), `csv` or `parquet`.
    pub format: Option<String>,
    /// Events: the query; alerts: words that stand in them.
    pub q: Option<String>,
    /// Alerts and incidents: as in their lists; `all` unless given.
    pub status: Option<String>,
    /// Begin: `24h`, `7d` back from now, or RFC 3339.
    pub since: Option<String>,
    /// Events: begin, RFC 3339, inclusive.
    pub from: Option<String>,
    /// Events: end, RFC 3339, exclusive.
    pub to: Option<String>,
    /// CSV and Parquet: columns, comma-separated; the usual ones unless given.
    pub columns: Option<String>,
}

/// A query to check.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ValidateParams {
    /// The query.
    pub q: String,
}

/// Events in one interval.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Bucket {
    /// Begin, UTC milliseconds since 1970.
    pub t: i64,
    /// Events.
    pub count: u64,
}

/// How a search is answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplanationList {
    /// One for each index that is looked at, newest first.
    pub items: Vec<ExplanationDto>,
}

/// How one store, or one of its indexes, answers a search.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplanationDto {
    /// Which engine.
    pub store: &'static str,
    /// Which of its indexes; empty: all.
    pub index: String,
    /// Why it is asked.
    pub why: String,
    /// The same in Vietnamese.
    pub why_vi: String,
    /// What the filter becomes there.
    pub lowered: String,
    /// Whether that decides every event; otherwise candidates are read and decided one by one.
    pub exact: bool,
    /// Events that pass what the filter becomes.
    pub candidates: u64,
    /// Events in this index; only for callers who may see every agency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
}

/// Events over time.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistogramDto {
    /// Length of a bucket, milliseconds.
    pub interval_ms: i64,
    /// Every bucket of the range, empty ones too.
    pub buckets: Vec<Bucket>,
}

/// A value and how often it occurs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ValueCount {
    /// The value as text.
    pub value: String,
    /// Events.
    pub count: u64,
}

/// The commonest values of a field.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetDto {
    /// Dotted name.
    pub field: String,
    /// Commonest first.
    pub values: Vec<ValueCount>,
}

/// Facets of several fields.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetList {
    /// One per field, as asked.
    pub facets: Vec<FacetDto>,
}

/// Whether a query parses.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum QueryCheck {
    /// It does.
    Parses(QueryParses),
    /// It does not.
    Refused(QueryRefused),
}

/// A query that parses.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryParses {
    /// true
    pub ok: bool,
}

/// A query that does not parse: what is wrong, and where.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueryRefused {
    /// false
    pub ok: bool,
    /// What is wrong, and where.
    #[serde(flatten)]
    pub fault: QueryFault,
}
