//! What the network sensor makes of packets.

mod kit;
mod streams;
mod traces;
