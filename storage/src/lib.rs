//! Keep, find, expire: the event store (Tantivy), the state store (SQLite), retention and the query language.
//!
//! Invariants:
//! - [`EventStore`] answers exactly what [`fansipan_model::Predicate::matches`] defines, whatever index it used;
//! - every call that touches an agency's data takes a [`fansipan_model::Scope`];
//! - depends on `model` alone: no bus, no clock (callers pass "now"), no knowledge of rules or of HTTP.
//!
//! Callers see the traits [`EventStore`], [`EventWriter`] and [`StateStore`]; the engines behind them are
//! `engine::TantivyStore`, `clickhouse::ClickHouseStore` and `sqlite::SqliteState`.

pub mod cases;
pub mod clickhouse;
pub mod engine;
pub mod error;
pub mod events;
pub mod exceptions;
pub mod handover;
pub mod identity;
pub mod planner;
pub mod query;
pub mod reached;
mod reading;
pub mod response;
pub mod rules;
pub mod sqlite;
pub mod state;
pub mod table;

pub use cases::CaseStore;
pub use error::StoreError;
pub use events::{
    AggregateRequest, Cursor, EventStore, EventWriter, Explanation, Facet, FacetValue, GroupBy, Histogram, Hold, IndexInfo, Measure,
    MeasureKind, Progress, Quarantined, RetentionPolicy, SearchPage, SearchRequest, StoreStatus, TimeRange, Total,
};
pub use exceptions::{ExceptionChange, ExceptionStore};
pub use handover::{Handover, HandoverStore};
pub use identity::{IdentityStore, NewWallDevice, OpenSession, SecondFactor, WallDevice};
pub use response::{ResponseFilter, ResponseKind, ResponseRow, ResponseStep, ResponseStore};
pub use rules::{OwnRule, RuleStore};
pub use state::{
    AlertBatch, AlertChange, AlertCounts, AlertFilter, AlertPage, AlertRepeat, AlertSort, ApiToken, Applied, AuditEntry, AuditFilter,
    AuditPage, AuditRecord, IncidentAct, IncidentFilter, NewSession, NewToken, NewUser, RuleActivity, RuleCount, Session, StateStore,
    Suppressed, User, UserChange,
};
pub use table::{Cell, Table};
