//! Sockets that listen. Nothing else.

use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    time::Duration,
};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use super::error::SourceError;

/// Connections the kernel may hold before they are accepted.
const BACKLOG: i32 = 1024;

/// Whether an IPv6 wildcard must leave IPv4 alone, because IPv4 has an entry of its own for that port.
pub(crate) fn only_v6(address: SocketAddr, all: impl Iterator<Item = SocketAddr>) -> bool {
    address.is_ipv6() && { all }.any(|other| other.is_ipv4() && other.port() == address.port() && other.port() != 0)
}

/// A TCP socket that listens, for tokio.
pub(crate) fn tcp(transport: &'static str, address: SocketAddr, only_v6: bool) -> Result<TcpListener, SourceError> {
    let open = || -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(only_v6)?;
        }
        // connections of an earlier run that linger must not keep the port
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    open().map_err(|e| SourceError::listen(transport, address, e))
}

/// A UDP socket with as large a buffer as the kernel allows, and the size it got.
pub(crate) fn udp(address: SocketAddr, only_v6: bool, buffer: usize) -> Result<(UdpSocket, usize), SourceError> {
    let open = || -> io::Result<(UdpSocket, usize)> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(only_v6)?;
        }
        if rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, buffer).is_err() {
            socket.set_recv_buffer_size(buffer)?;
        }
        let got = socket.recv_buffer_size()?;
        socket.bind(&address.into())?;
        Ok((socket.into(), got))
    };
    open().map_err(|e| SourceError::listen("udp", address, e))
}

/// Lets the kernel find out that a silent sender is gone.
pub(crate) fn keep_alive(stream: &tokio::net::TcpStream) {
    let probes = TcpKeepalive::new().with_time(Duration::from_secs(120)).with_interval(Duration::from_secs(30));
    if let Err(error) = SockRef::from(stream).set_tcp_keepalive(&probes) {
        tracing::debug!(%error, "keep-alive probes are off for a connection");
    }
}

/// The address of a sender; IPv4 inside IPv6 is IPv4.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
