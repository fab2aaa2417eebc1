//! Datagrams that the kernel dropped, from its own table (`/proc/net/udp`, column `drops`). Zero where there is no such table.

use std::{
    fs,
    net::{SocketAddr, UdpSocket},
};

/// Watches the counter of one socket.
#[derive(Debug)]
pub(crate) struct KernelDrops {
    table: &'static str,
    inode: u64,
    seen: u64,
}

impl KernelDrops {
    pub(crate) fn of(socket: &UdpSocket, address: SocketAddr) -> Self {
        let table = if address.is_ipv4() { "/proc/net/udp" } else { "/proc/net/udp6" };
        let inode = rustix::fs::fstat(socket).map_or(0, |s| s.st_ino);
        Self { table, inode, seen: 0 }
    }

    /// Datagrams dropped since the last call.
    pub(crate) fn since_last(&mut self) -> u64 {
        if self.inode == 0 {
            return 0;
        }
        let Ok(table) = fs::read_to_string(self.table) else { return 0 };
        let Some(drops) = dropped(&table, self.inode) else { return 0 };
        let new = drops.saturating_sub(self.seen);
        self.seen = drops;
        new
    }
}

/// Columns of Documentation/networking/proc_net_tcp.txt; for UDP the last is the number of drops.
fn dropped(table: &str, inode: u64) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_ascii_whitespace();
        let found: u64 = columns.nth(9)?.parse().ok()?;
        if found == inode { columns.last()?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::dropped;

    #[test]
    fn the_counter_of_the_right_socket_is_read() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
             7: 0100007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0\n\
             9: 00000000:0202 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 52341\n";
        assert_eq!(dropped(table, 4712), Some(52_341));
        assert_eq!(dropped(table, 4711), Some(0));
        assert_eq!(dropped(table, 1), None);
    }
}
