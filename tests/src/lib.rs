//! The kit of the whole-product tests: a real appliance as a child process, real shippers beside it, all on loopback.

pub mod appliance;
pub mod clickhouse;
pub mod deployment;
pub mod kafka;
pub mod packets;
pub mod ports;
pub mod receiver;
pub mod shippers;
pub mod terminal;
pub mod transcript;
