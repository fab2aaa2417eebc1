//! Locks that survive a panicking holder: the data they guard here is changed in single steps, so it is never half-changed.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Locks.
pub(crate) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a notification, or as long as `patience`; `None` waits without limit. Wakes without cause as condition variables do.
pub(crate) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>, patience: Option<Duration>) -> MutexGuard<'a, T> {
    match patience {
        Some(limit) => condition.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner).0,
        None => condition.wait(guard).unwrap_or_else(PoisonError::into_inner),
    }
}
