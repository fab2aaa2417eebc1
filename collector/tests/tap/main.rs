//! What the network sensor makes of packets.

mod expected;
mod fields;
mod kit;
mod recut;
mod streams;
mod traces;
mod tshark;
