//! The `fansipan` binary: parses arguments, loads configuration, wires roles, shuts down; nothing else.
fn main() {}
