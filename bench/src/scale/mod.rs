//! Beyond one machine: what the distributed deployment's parts carry.

#[path = "../../../tests/src/clickhouse.rs"]
pub mod clickhouse;
pub mod store;
