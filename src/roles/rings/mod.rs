//! The packet rings of collectors, within the console's reach without a listener at the collector.
//!
//! The console puts a question on the control topic: flows, how many bytes at the most, whose data may be given. Every collector
//! answers on the packets topic, which keeps an hour: it has heard, then its part of the file piece by piece, then what the part
//! holds and its SHA-256. Who may ask is decided and recorded at the console's API; a collector logs what it gave.

mod collector;
mod console;
mod gathering;
mod known;
mod wire;

pub(super) use collector::{Answering, Asked};
pub(super) use console::FarRings;
pub(super) use known::Known;
pub(super) use wire::Ask;
