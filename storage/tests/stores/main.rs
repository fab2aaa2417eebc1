//! The stores behind the traits, and the query language over them. `conformance` is what every back end must pass.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail as tests do"
)]

mod clickhouse;
mod conformance;
#[allow(unreachable_pub, dead_code, reason = "shared with the whole-product tests and the measurements, which use more of it")]
#[path = "../../../tests/src/clickhouse.rs"]
mod engine;
mod planner;
mod query;
mod sqlite;
mod tantivy;
