//! Answers computed once for many readers: kept for a moment, one computation at a time per key; where a reader had rather have the
//! last answer at once than a new one later, that is given while the new one is computed (as `stale-while-revalidate` of RFC 5861).

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

struct Slot<V> {
    kept: Mutex<Option<Kept<V>>>,
    /// Held by who computes.
    computing: Arc<tokio::sync::Mutex<()>>,
}

impl<V> Default for Slot<V> {
    fn default() -> Self {
        Self { kept: Mutex::default(), computing: Arc::default() }
    }
}

impl<V> Slot<V> {
    /// The kept value, if it was still good less than `grace` ago, and whether it still is.
    fn kept(&self, grace: Duration) -> Option<(Arc<V>, bool)> {
        let (kept, now) = (self.kept.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        kept.as_ref().filter(|k| now < k.until + grace).map(|k| (k.value.clone(), now < k.until))
    }

    fn keep(&self, value: Arc<V>, good_for: Duration) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Kept { value, until: Instant::now() + good_for });
    }
}

/// How long values are good for.
#[derive(Clone, Copy)]
struct Good {
    fresh: Duration,
    /// A value that took long to compute is good for this many times as long as that took, so that a slow store is
    /// never busy with this alone; at most `longest`.
    stretch: u32,
    longest: Duration,
}

/// Values by key, each good for a moment.
pub(crate) struct Shared<K, V> {
    slots: Mutex<HashMap<K, (Arc<Slot<V>>, Instant)>>,
    good: Good,
}

impl<K: Hash + Eq + Clone, V> Shared<K, V> {
    pub(crate) fn new(fresh: Duration, stretch: u32, longest: Duration) -> Self {
        Self { slots: Mutex::new(HashMap::new()), good: Good { fresh, stretch, longest } }
    }

    fn slot(&self, key: &K, now: Instant) -> Arc<Slot<V>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= KEYS && !slots.contains_key(key) {
            let longest = self.good.longest;
            slots.retain(|_, (_, read)| now.saturating_duration_since(*read) < longest);
            if slots.len() >= KEYS {
                slots.clear();
            }
        }
        let (slot, read) = slots.entry(key.clone()).or_insert_with(|| (Arc::default(), now));
        *read = now;
        slot.clone()
    }

    /// The kept value of `key`, or a new one from `compute`. Readers of the same key wait for the one computation.
    pub(crate) async fn get<E>(&self, key: K, compute: impl Future<Output = Result<V, E>>) -> Result<Arc<V>, E> {
        self.good.get(&self.slot(&key, Instant::now()), compute).await
    }

    /// As `get`, but a value that was good less than `grace` ago is given at once, and a new one computed for who asks next. If that
    /// fails the value goes on ageing, and after `grace` the reader is told.
    pub(crate) async fn get_at_once<E: Send>(
        &self,
        key: K,
        grace: Duration,
        compute: impl Future<Output = Result<V, E>> + Send + 'static,
    ) -> Result<Arc<V>, E>
    where
        V: Send + Sync + 'static,
    {
        let slot = self.slot(&key, Instant::now());
        let Some((value, still_good)) = slot.kept(grace) else { return self.good.get(&slot, compute).await };
        if !still_good && let Ok(computing) = slot.computing.clone().try_lock_owned() {
            let good = self.good;
            tokio::spawn(async move {
                let _computing = computing;
                let _ = good.compute(&slot, compute).await;
            });
        }
        Ok(value)
    }
}

impl Good {
    /// What the slot keeps, or what `compute` gives, once the computation under way is done.
    async fn get<V, E>(self, slot: &Slot<V>, compute: impl Future<Output = Result<V, E>>) -> Result<Arc<V>, E> {
        let _computing = slot.computing.lock().await;
        match slot.kept(Duration::ZERO) {
            Some((value, _)) => Ok(value),
            None => self.compute(slot, compute).await,
        }
    }

    /// Whoever calls holds the slot's `computing`.
    async fn compute<V, E>(self, slot: &Slot<V>, compute: impl Future<Output = Result<V, E>>) -> Result<Arc<V>, E> {
        let started = Instant::now();
        let value = Arc::new(compute.await?);
        let good_for = self.fresh.max(started.elapsed() * self.stretch).min(self.longest.max(self.fresh));
        slot.keep(value.clone(), good_for);
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
    async fn the_last_value_is_given_while_the_next_is_computed_and_no_longer() {
        let shared: Shared<u8, u32> = Shared::new(Duration::ZERO, 0, Duration::ZERO);
        let (long, none) = (Duration::from_secs(60), Duration::ZERO);
        assert_eq!(*shared.get_at_once(1, long, async { Ok::<_, ()>(1) }).await.unwrap(), 1);
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let slow = async move {
            wait.await.unwrap();
            Ok::<_, ()>(2)
        };
        assert_eq!(*shared.get_at_once(1, long, slow).await.unwrap(), 1, "at once");
        assert_eq!(*shared.get_at_once(1, long, async { Ok::<_, ()>(3) }).await.unwrap(), 1, "while the next is computed");
        go.send(()).unwrap();
        while *shared.get_at_once(1, long, async { Err(()) }).await.unwrap() == 1 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*shared.get_at_once(1, long, async { Err(()) }).await.unwrap(), 2, "a failure leaves what there is");
        assert!(shared.get_at_once(1, none, async { Err(()) }).await.is_err(), "and is told once that is too old");
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
