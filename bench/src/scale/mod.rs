//! Beyond one machine: what the distributed deployment's parts carry.

#[path = "../../../tests/src/clickhouse.rs"]
pub mod clickhouse;
#[path = "../../../tests/src/kafka.rs"]
pub mod kafka;
pub mod roles;
pub mod store;
