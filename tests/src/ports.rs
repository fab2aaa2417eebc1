//! Free loopback ports.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    net::{TcpListener, UdpSocket},
};

/// Ports below those that the kernel gives to connections going out (32768 and on): none of these takes one before it is used.
const PORTS: std::ops::Range<u16> = 10_000..32_000;

/// A port that was free for TCP and UDP a moment ago. Drawn anew each time, since tests run beside each other.
pub fn free() -> u16 {
    loop {
        let drawn = RandomState::new().build_hasher().finish() % PORTS.len() as u64;
        let port = PORTS.start + drawn as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
