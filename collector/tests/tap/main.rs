//! What the network sensor makes of packets.

mod expected;
mod kit;
mod streams;
mod traces;
mod tshark;
