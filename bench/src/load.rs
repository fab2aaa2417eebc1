//! Lines in memory, and threads that send them over TCP as devices do: a connection and a source address per kind of device.

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use rustix::net::{AddressFamily, SocketType};

use crate::generate::{Generator, Kind};

/// Lines of one kind, one after another with their line feeds.
pub struct Load {
    /// What sends them.
    pub kind: Kind,
    text: String,
    ends: Vec<usize>,
}

impl Load {
    /// `lines` lines of one kind.
    pub fn of(kind: Kind, lines: usize, seed: u64, clock: i64) -> Self {
        let mut generator = Generator::new(seed, clock, (lines as u64 / 60).max(1));
        let mut text = String::new();
        let mut ends = Vec::with_capacity(lines);
        for _ in 0..lines {
            generator.line_of(kind, &mut text);
            text.push('\n');
            ends.push(text.len());
        }
        Self { kind, text, ends }
    }

    /// Lines.
    pub fn lines(&self) -> usize {
        self.ends.len()
    }

    /// Bytes, line feeds included.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The mix: 40 % Windows JSON, 40 % firewall, 20 % Linux, each spread over two senders.
pub fn mix(lines: usize, seed: u64) -> Vec<Load> {
    let clock = jiff::Timestamp::now().as_second() - 60;
    [(Kind::Windows, 4), (Kind::Firewall, 4), (Kind::Linux, 2)]
        .into_iter()
        .flat_map(|(kind, tenths)| [0, 1].map(|half| Load::of(kind, lines * tenths / 20, seed ^ (tenths as u64 * 2 + half), clock)))
        .collect()
}

/// Sends everything, each load from an address of its own (127.0.1.1, 127.0.1.2…), at most `rate` lines a second in all
/// (`None`: as fast as it is taken). Returns how long the sending took.
pub fn send(loads: &[Load], to: SocketAddr, rate: Option<u64>) -> Result<Duration> {
    let total: usize = loads.iter().map(Load::lines).sum();
    let start = Instant::now();
    let results: Vec<Result<()>> = thread::scope(|scope| {
        let threads: Vec<_> = loads
            .iter()
            .zip(1u8..)
            .map(|(load, n)| {
                let share = rate.map(|r| r as f64 * load.lines() as f64 / total as f64);
                scope.spawn(move || send_one(load, Ipv4Addr::new(127, 0, 1, n), to, share))
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap_or_else(|_| anyhow::bail!("a sender died"))).collect()
    });
    results.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(start.elapsed())
}

fn send_one(load: &Load, from: Ipv4Addr, to: SocketAddr, rate: Option<f64>) -> Result<()> {
    let mut stream = connect(from, to)?;
    let start = Instant::now();
    let mut sent = 0;
    let mut begin = 0;
    while sent < load.ends.len() {
        // paced: what is due by now, looked at every two milliseconds; unpaced: 64 KiB writes
        let due = match rate {
            Some(rate) => ((start.elapsed().as_secs_f64() * rate) as usize).min(load.ends.len()),
            None => load.ends.partition_point(|&end| end < begin + (64 << 10)).max(sent + 1),
        };
        if due > sent {
            let end = load.ends[due - 1];
            stream.write_all(&load.text.as_bytes()[begin..end])?;
            (sent, begin) = (due, end);
        }
        if rate.is_some() {
            thread::sleep(Duration::from_millis(2));
        }
    }
    Ok(())
}

/// A connection from a given loopback address, so that each device is a source of its own.
pub fn connect(from: Ipv4Addr, to: SocketAddr) -> Result<TcpStream> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    rustix::net::bind(&socket, &SocketAddr::from((from, 0)))?;
    rustix::net::connect(&socket, &to)?;
    Ok(TcpStream::from(socket))
}
