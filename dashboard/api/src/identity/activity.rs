//! When each session last did something of its own accord, and the live streams that hang on it.
//!
//! A console that refreshes itself must not keep its person logged in: calls marked as background do not count here,
//! and neither do live streams. Kept in memory; after a restart the store's own record counts until the next call.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use hashbrown::HashMap;
use tokio_util::sync::CancellationToken;

struct Entry {
    user: String,
    last: Instant,
    /// Cancelled when the session ends; streams wait for it.
    ended: CancellationToken,
}

/// The sessions seen since the service started.
pub(crate) struct Activity {
    idle: Duration,
    sessions: Mutex<HashMap<[u8; 32], Entry>>,
}

/// What a live stream watches of its session.
pub(crate) type Watch = CancellationToken;

/// Entries above which idle ones are swept at every new session.
const SWEEP: usize = 4096;

impl Activity {
    pub(crate) fn new(idle: Duration) -> Self {
        Self { idle, sessions: Mutex::new(HashMap::new()) }
    }

    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Entry>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call of a session. False: the session has been idle too long and must be ended.
    pub(crate) fn call(&self, session: [u8; 32], user: &str, background: bool, now: Instant) -> bool {
        let mut table = self.table();
        if table.len() > SWEEP && !table.contains_key(&session) {
            let idle = self.idle;
            table.retain(|_, e| now.saturating_duration_since(e.last) <= idle);
        }
        let entry = table.entry(session).or_insert_with(|| Entry { user: user.to_owned(), last: now, ended: CancellationToken::new() });
        if now.saturating_duration_since(entry.last) > self.idle {
            return false;
        }
        if !background {
            entry.last = now;
        }
        true
    }

    /// What a stream of this session should watch; `None`: the session is not live.
    pub(crate) fn watch(&self, session: [u8; 32]) -> Option<Watch> {
        self.table().get(&session).map(|e| e.ended.clone())
    }

    /// Whether the session has been idle too long or ended.
    pub(crate) fn expired(&self, session: [u8; 32], now: Instant) -> bool {
        self.table().get(&session).is_none_or(|e| now.saturating_duration_since(e.last) > self.idle)
    }

    /// Ends a session's streams.
    pub(crate) fn end(&self, session: [u8; 32]) {
        if let Some(entry) = self.table().remove(&session) {
            entry.ended.cancel();
        }
    }

    /// Ends the streams of all sessions of a user but, if given, this one.
    pub(crate) fn end_user(&self, user: &str, except: Option<[u8; 32]>) {
        self.table().retain(|session, entry| {
            let keep = !entry.user.eq_ignore_ascii_case(user) || Some(*session) == except;
            if !keep {
                entry.ended.cancel();
            }
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn background_calls_do_not_keep_a_session_alive() {
        let activity = Activity::new(Duration::from_secs(60));
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        assert!(activity.call([1; 32], "lan", false, at(0)));
        assert!(activity.call([1; 32], "lan", true, at(50)));
        assert!(!activity.call([1; 32], "lan", true, at(61)));
        assert!(activity.expired([1; 32], at(61)));
        assert!(activity.call([2; 32], "lan", false, at(0)));
        assert!(activity.call([2; 32], "lan", false, at(50)));
        assert!(activity.call([2; 32], "lan", false, at(100)));
    }

    #[test]
    fn ending_a_user_ends_all_but_the_excepted_stream() {
        let activity = Activity::new(Duration::from_secs(60));
        let now = Instant::now();
        for (id, user) in [(1, "lan"), (2, "Lan"), (3, "minh")] {
            activity.call([id; 32], user, false, now);
        }
        let watches: Vec<Watch> = (1..=3).map(|id| activity.watch([id; 32]).unwrap()).collect();
        activity.end_user("lan", Some([1; 32]));
        assert_eq!(watches.iter().map(Watch::is_cancelled).collect::<Vec<_>>(), [false, true, false]);
        activity.end([1; 32]);
        assert!(watches[0].is_cancelled() && activity.watch([1; 32]).is_none());
    }
}
