//! What one sender may use: connections, records and bytes per second. Knows no sockets and reads no clock.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hashbrown::HashMap;

use super::config::LimitsConfig;
use crate::ledger::Reason;

/// Senders without a connection whose allowance is still remembered.
const REMEMBERED: usize = 4096;

/// A token bucket that may go into debt: a sender is served first and waits afterwards, so a record is never cut in two.
#[derive(Debug)]
pub struct Bucket {
    records_per_second: u64,
    bytes_per_second: u64,
    /// Nanoseconds of allowance in hand; negative is debt.
    records: i64,
    bytes: i64,
    last: Instant,
}

/// One second of allowance may be saved up.
const FULL: i64 = 1_000_000_000;

impl Bucket {
    /// A full bucket; a rate of 0 is unlimited.
    pub fn new(records_per_second: u64, bytes_per_second: u64, now: Instant) -> Self {
        Self { records_per_second, bytes_per_second, records: FULL, bytes: FULL, last: now }
    }

    fn refill(&mut self, now: Instant) {
        let passed = i64::try_from(now.saturating_duration_since(self.last).as_nanos()).unwrap_or(i64::MAX);
        self.last = self.last.max(now);
        self.records = self.records.saturating_add(passed).min(FULL);
        self.bytes = self.bytes.saturating_add(passed).min(FULL);
    }

    fn charge(&mut self, records: u64, bytes: u64) {
        let cost = |n: u64, rate: u64| match rate {
            0 => 0,
            _ => i64::try_from(u128::from(n) * 1_000_000_000 / u128::from(rate)).unwrap_or(i64::MAX),
        };
        self.records = self.records.saturating_sub(cost(records, self.records_per_second));
        self.bytes = self.bytes.saturating_sub(cost(bytes, self.bytes_per_second));
    }

    /// Takes what was used and says how long to wait before taking more.
    pub fn spend(&mut self, records: u64, bytes: u64, now: Instant) -> Duration {
        self.refill(now);
        self.charge(records, bytes);
        let debt = self.records.min(self.bytes).min(0).unsigned_abs();
        Duration::from_nanos(debt)
    }

    /// Takes one record if the allowance is not used up.
    pub fn allow(&mut self, bytes: u64, now: Instant) -> bool {
        self.refill(now);
        if self.records <= 0 || self.bytes <= 0 {
            return false;
        }
        self.charge(1, bytes);
        true
    }

    pub(crate) fn is_full(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last).as_nanos() >= 2 * FULL as u128 && self.records.min(self.bytes) >= 0
    }
}

#[derive(Debug)]
struct Peer {
    connections: usize,
    bucket: Arc<Mutex<Bucket>>,
}

#[derive(Debug, Default)]
struct Inner {
    connections: usize,
    peers: HashMap<IpAddr, Peer>,
}

/// Admits connections.
#[derive(Clone, Debug)]
pub struct Gate {
    limits: LimitsConfig,
    inner: Arc<Mutex<Inner>>,
}

impl Gate {
    /// A gate with these limits.
    pub fn new(limits: &LimitsConfig) -> Self {
        Self { limits: limits.clone(), inner: Arc::default() }
    }

    /// Whether rates are limited at all.
    pub fn limits_rates(&self) -> bool {
        self.limits.records_per_second > 0 || self.limits.bytes_per_second > 0
    }

    /// A new bucket with the configured rates.
    pub fn bucket(&self, now: Instant) -> Bucket {
        Bucket::new(self.limits.records_per_second, self.limits.bytes_per_second, now)
    }

    /// Admits a connection, or says why not.
    pub fn admit(&self, ip: IpAddr, now: Instant) -> Result<Admission, Reason> {
        let mut inner = self.lock();
        if inner.connections >= self.limits.connections {
            return Err(Reason::ConnectionLimit);
        }
        if inner.peers.len() >= self.limits.connections + REMEMBERED {
            inner.peers.retain(|_, p| p.connections > 0 || !p.bucket.lock().unwrap_or_else(PoisonError::into_inner).is_full(now));
        }
        if inner.peers.len() >= self.limits.connections + REMEMBERED && !inner.peers.contains_key(&ip) {
            inner.peers.retain(|_, p| p.connections > 0);
        }
        let fresh = || Peer { connections: 0, bucket: Arc::new(Mutex::new(self.bucket(now))) };
        let peer = inner.peers.entry(ip).or_insert_with(fresh);
        if peer.connections >= self.limits.connections_per_peer {
            return Err(Reason::PeerConnectionLimit);
        }
        peer.connections += 1;
        let bucket = peer.bucket.clone();
        inner.connections += 1;
        let limited = self.limits_rates();
        Ok(Admission { gate: self.clone(), ip, bucket: limited.then_some(bucket) })
    }

    /// Connections now.
    pub fn connections(&self) -> usize {
        self.lock().connections
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that was admitted; dropping it makes room for another.
#[derive(Debug)]
pub struct Admission {
    gate: Gate,
    ip: IpAddr,
    bucket: Option<Arc<Mutex<Bucket>>>,
}

impl Admission {
    /// Takes what was used and says how long to wait before taking more.
    pub fn spend(&self, records: u64, bytes: u64) -> Duration {
        match &self.bucket {
            None => Duration::ZERO,
            Some(bucket) => bucket.lock().unwrap_or_else(PoisonError::into_inner).spend(records, bytes, Instant::now()),
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut inner = self.gate.lock();
        inner.connections = inner.connections.saturating_sub(1);
        let unlimited = self.bucket.is_none();
        if let Some(peer) = inner.peers.get_mut(&self.ip) {
            peer.connections = peer.connections.saturating_sub(1);
            if peer.connections == 0 && unlimited {
                inner.peers.remove(&self.ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_serves_its_rate_and_no_more() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut b = Bucket::new(100, 0, start);
        let taken = |b: &mut Bucket, ms| (0..1000).take_while(|_| b.allow(1000, at(ms))).count();
        assert_eq!(taken(&mut b, 0), 100, "one second may be saved up");
        assert_eq!(taken(&mut b, 0), 0);
        assert_eq!(taken(&mut b, 500), 50);
        assert_eq!(taken(&mut b, 60_000), 100);

        let mut b = Bucket::new(0, 1000, start);
        assert_eq!(b.spend(1, 1000, at(0)), Duration::ZERO);
        assert_eq!(b.spend(1, 500, at(0)), Duration::from_millis(500));
        assert_eq!(b.spend(0, 0, at(500)), Duration::ZERO);
        let mut b = Bucket::new(0, 0, start);
        assert_eq!(b.spend(u64::MAX, u64::MAX, at(0)), Duration::ZERO);
    }

    #[test]
    fn connections_are_admitted_up_to_the_limits() {
        let limits = LimitsConfig { connections: 3, connections_per_peer: 2, ..LimitsConfig::default() };
        let gate = Gate::new(&limits);
        let ip = |n: u8| IpAddr::from([10, 0, 0, n]);
        let now = Instant::now();
        let a = gate.admit(ip(1), now).unwrap();
        let _b = gate.admit(ip(1), now).unwrap();
        assert_eq!(gate.admit(ip(1), now).unwrap_err(), Reason::PeerConnectionLimit);
        let _c = gate.admit(ip(2), now).unwrap();
        assert_eq!(gate.admit(ip(3), now).unwrap_err(), Reason::ConnectionLimit);
        drop(a);
        assert_eq!(gate.connections(), 2);
        assert!(gate.admit(ip(1), now).is_ok());
    }
}
