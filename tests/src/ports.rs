//! Free loopback ports.

use std::net::{TcpListener, UdpSocket};

/// A port that was free for TCP and UDP a moment ago.
pub fn free() -> u16 {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a TCP port");
        let port = tcp.local_addr().expect("an address").port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
