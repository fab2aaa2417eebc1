//! Answers computed once for many readers: kept for a moment, one computation at a time per key.

use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::response::{IntoResponse, Response};
use fansipan_model::Scope;
use serde::Serialize;

use crate::extract::Json;

/// Keys kept at most; beyond, those not read lately are dropped.
const KEYS: usize = 128;

struct Kept<V> {
    value: Arc<V>,
    until: Instant,
}

type Slot<V> = Arc<tokio::sync::Mutex<Option<Kept<V>>>>;

/// Values by key, each good for a moment.
pub(crate) struct Shared<K, V> {
    slots: Mutex<HashMap<K, (Slot<V>, Instant)>>,
    /// How long a value is good for.
    fresh: Duration,
    /// A value that took long to compute is good for this many times as long as that took, so that a slow store is
    /// never busy with this alone; at most `longest`.
    stretch: u32,
    longest: Duration,
}

impl<K: Hash + Eq + Clone, V> Shared<K, V> {
    pub(crate) fn new(fresh: Duration, stretch: u32, longest: Duration) -> Self {
        Self { slots: Mutex::new(HashMap::new()), fresh, stretch, longest }
    }

    fn slot(&self, key: &K, now: Instant) -> Slot<V> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= KEYS && !slots.contains_key(key) {
            let longest = self.longest;
            slots.retain(|_, (_, read)| now.saturating_duration_since(*read) < longest);
            if slots.len() >= KEYS {
                slots.clear();
            }
        }
        let (slot, read) = slots.entry(key.clone()).or_insert_with(|| (Slot::default(), now));
        *read = now;
        slot.clone()
    }

    /// The kept value of `key`, or a new one from `compute`. Readers of the same key wait for the one computation.
    pub(crate) async fn get<E>(&self, key: K, compute: impl Future<Output = Result<V, E>>) -> Result<Arc<V>, E> {
        let slot = self.slot(&key, Instant::now());
        let mut kept = slot.lock().await;
        if let Some(kept) = kept.as_ref().filter(|k| Instant::now() < k.until) {
            return Ok(kept.value.clone());
        }
        let started = Instant::now();
        let value = Arc::new(compute.await?);
        let good_for = self.fresh.max(started.elapsed() * self.stretch).min(self.longest.max(self.fresh));
        *kept = Some(Kept { value: value.clone(), until: Instant::now() + good_for });
        Ok(value)
    }
}

/// An answer that many may share.
pub(crate) struct Same<V>(pub(crate) Arc<V>);

impl<V: Serialize> IntoResponse for Same<V> {
    fn into_response(self) -> Response {
        Json(&*self.0).into_response()
    }
}

/// A scope as a key: equal for equal sets of agencies.
pub(crate) fn scope_key(scope: &Scope) -> Option<Vec<String>> {
    match scope {
        Scope::All => None,
        Scope::Agencies(list) => {
            let mut names: Vec<String> = list.iter().map(|a| a.as_str().to_owned()).collect();
            names.sort();
            names.dedup();
            Some(names)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn many_readers_cost_one_computation() {
        let shared: Arc<Shared<u8, u32>> = Arc::new(Shared::new(Duration::from_secs(60), 0, Duration::from_secs(60)));
        let count = Arc::new(AtomicU32::new(0));
        let readers: Vec<_> = (0..20)
            .map(|_| {
                let (shared, count) = (shared.clone(), count.clone());
                tokio::spawn(async move {
                    let compute = async {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        Ok::<_, ()>(count.fetch_add(1, Ordering::SeqCst))
                    };
                    *shared.get(1, compute).await.unwrap()
                })
            })
            .collect();
        for reader in readers {
            assert_eq!(reader.await.unwrap(), 0);
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        assert_eq!(*shared.get(2, async { Ok::<_, ()>(7) }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn keys_are_bounded_and_failures_are_not_kept() {
        let shared: Shared<u32, u32> = Shared::new(Duration::from_secs(60), 0, Duration::from_secs(60));
        for key in 0..1000 {
            assert_eq!(*shared.get(key, async { Ok::<_, ()>(key) }).await.unwrap(), key);
        }
        assert!(shared.slots.lock().unwrap().len() <= KEYS);
        assert!(shared.get(5000, async { Err("no") }).await.is_err());
        assert!(shared.get(5000, async { Ok::<_, &str>(1) }).await.is_ok());
    }
}
