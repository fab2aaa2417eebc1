//! Brakes: request rates per session and address, and growing delays after failed logins per user and address.
//!
//! Memory is bounded by construction: whatever a stranger sends falls into one of 65,536 slots chosen by a keyed hash,
//! so neither invented names nor a /64 of addresses can grow a table or aim at somebody else's slot.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::Mutex,
    time::{Duration, Instant},
};

use governor::{Quota, RateLimiter, clock::Clock, clock::DefaultClock, state::keyed::DefaultKeyedStateStore};
use hashbrown::HashMap;

type Limiter = RateLimiter<u16, DefaultKeyedStateStore<u16>, DefaultClock>;

/// Requests per second and burst.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Sustained, per second.
    pub per_second: NonZeroU32,
    /// At once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// `per_second` sustained, `burst` at once; zeros count as one.
    pub fn new(per_second: u32, burst: u32) -> Self {
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self { per_second: at_least_one(per_second), burst: at_least_one(burst) }
    }
}

/// Who is braked.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) enum Subject<'a> {
    /// An address; IPv6 by its /64, which one subscriber holds.
    Address(IpAddr),
    /// An identity, by a name that only it has.
    Identity(&'a str),
}

fn slot(hasher: &RandomState, subject: Subject<'_>) -> u16 {
    let subject = match subject {
        Subject::Address(IpAddr::V6(ip)) if ip.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = ip.segments();
            return (hasher.hash_one((6u8, a, b, c, d)) >> 48) as u16;
        }
        Subject::Address(ip) => Subject::Address(ip.to_canonical()),
        identity => identity,
    };
    (hasher.hash_one(subject) >> 48) as u16
}

/// Limits how often a subject may do something.
pub(crate) struct RateBrake {
    hasher: RandomState,
    limiter: Limiter,
}

impl RateBrake {
    pub(crate) fn new(rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self { hasher: RandomState::new(), limiter: RateLimiter::keyed(quota) }
    }

    /// One attempt per `period`, `burst` at once.
    pub(crate) fn with_period(period: Duration, burst: u32) -> Self {
        let quota = Quota::with_period(period).unwrap_or(Quota::per_minute(NonZeroU32::MIN));
        let quota = quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        Self { hasher: RandomState::new(), limiter: RateLimiter::keyed(quota) }
    }

    /// Counts one; `Err` is how many seconds to wait.
    pub(crate) fn check(&self, subject: Subject<'_>) -> Result<(), u64> {
        self.limiter
            .check_key(&slot(&self.hasher, subject))
            .map_err(|not_until| not_until.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    }
}

/// What is remembered of the failures of one slot.
#[derive(Clone, Copy)]
struct Strikes {
    count: u32,
    last: Instant,
}

/// Delays logins after repeated failures, longer each time.
pub(crate) struct Lockout {
    hasher: RandomState,
    strikes: Mutex<HashMap<u16, Strikes>>,
    /// Failures that cost nothing.
    free: u32,
}

/// The longest delay. Short enough that nobody can be kept out for a day by a stranger who knows his name.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Failures are forgotten this long after the latest.
const FORGET: Duration = Duration::from_secs(3600);

impl Lockout {
    /// Delays begin with failure number `free` + 1.
    pub(crate) fn new(free: u32) -> Self {
        Self { hasher: RandomState::new(), strikes: Mutex::new(HashMap::new()), free }
    }

    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<u16, Strikes>> {
        self.strikes.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Counts an attempt as failed until [`Lockout::succeeded`] or [`Lockout::forgive`] says otherwise, so that attempts made
    /// at the same time count too. `Err`: the whole seconds this subject must still wait; nothing was counted.
    pub(crate) fn attempt(&self, subject: Subject<'_>, now: Instant) -> Result<(), u64> {
        let mut table = self.table();
        let strikes = table.entry(slot(&self.hasher, subject)).or_insert(Strikes { count: 0, last: now });
        if now.saturating_duration_since(strikes.last) > FORGET {
            strikes.count = 0;
        }
        let until = strikes.last + self.delay(strikes.count);
        if let Some(left) = until.checked_duration_since(now).filter(|left| !left.is_zero()) {
            return Err(left.as_secs() + 1);
        }
        *strikes = Strikes { count: strikes.count.saturating_add(1), last: now };
        Ok(())
    }

    /// Forgets the failures of a subject that has shown who it is.
    pub(crate) fn succeeded(&self, subject: Subject<'_>) {
        self.table().remove(&slot(&self.hasher, subject));
    }

    /// Takes back the count of one attempt.
    pub(crate) fn forgive(&self, subject: Subject<'_>) {
        if let Some(strikes) = self.table().get_mut(&slot(&self.hasher, subject)) {
            strikes.count = strikes.count.saturating_sub(1);
        }
    }

    /// 2, 4, 8… seconds from the first failure that is not free.
    fn delay(&self, count: u32) -> Duration {
        let over = count.saturating_sub(self.free);
        if over == 0 { Duration::ZERO } else { Duration::from_secs(1u64 << over.min(20)).min(LONGEST) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_quarter_of_an_hour_and_are_forgotten() {
        let lockout = Lockout::new(3);
        let alice = Subject::Identity("alice");
        let mut now = Instant::now();
        for expected in [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            assert_eq!(lockout.attempt(alice, now), Ok(()));
            if expected > 0 {
                assert_eq!(lockout.attempt(alice, now), Err(expected + 1));
            }
            now += Duration::from_secs(expected);
        }
        now += FORGET + Duration::from_secs(1);
        for _ in 0..3 {
            assert_eq!(lockout.attempt(alice, now), Ok(()));
        }
    }

    #[test]
    fn success_forgets_and_others_are_untouched() {
        let lockout = Lockout::new(0);
        let now = Instant::now();
        assert!(lockout.attempt(Subject::Identity("alice"), now).is_ok());
        assert!(lockout.attempt(Subject::Identity("alice"), now).is_err());
        assert!(lockout.attempt(Subject::Identity("bob"), now).is_ok());
        lockout.succeeded(Subject::Identity("alice"));
        assert!(lockout.attempt(Subject::Identity("alice"), now).is_ok());
        lockout.forgive(Subject::Identity("alice"));
        assert!(lockout.attempt(Subject::Identity("alice"), now).is_ok());
    }

    #[test]
    fn invented_names_cannot_grow_the_table() {
        let lockout = Lockout::new(0);
        let now = Instant::now();
        for i in 0..200_000 {
            let _ = lockout.attempt(Subject::Identity(&format!("user{i}")), now);
        }
        assert!(lockout.table().len() <= 65_536);
    }

    #[test]
    fn a_v6_subscriber_is_one_address() {
        let hasher = RandomState::new();
        let of = |text: &str| slot(&hasher, Subject::Address(text.parse().unwrap()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }

    #[test]
    fn rates_hold() {
        let brake = RateBrake::with_period(Duration::from_secs(60), 3);
        let address = Subject::Address("10.0.0.1".parse().unwrap());
        for _ in 0..3 {
            assert!(brake.check(address).is_ok());
        }
        assert!(brake.check(address).is_err_and(|wait| (1..=61).contains(&wait)));
    }
}
