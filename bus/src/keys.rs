//! The idempotency keys of the retained log: which batch came first with a key. Bounded; the oldest are forgotten first.

use std::collections::{HashMap, VecDeque};

/// A client's name for a batch.
pub(crate) type Key = [u8; 16];

/// Keys and the first offsets of their batches, in the order of the log.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    offsets: HashMap<Key, u64>,
    order: VecDeque<(Key, u64)>,
    limit: usize,
}

impl Keys {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<u64> {
        self.offsets.get(key).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Remembers a batch; offsets must grow from call to call.
    pub(crate) fn insert(&mut self, key: Key, offset: u64) {
        self.offsets.insert(key, offset);
        self.order.push_back((key, offset));
        while self.order.len() > self.limit {
            self.forget_first();
        }
    }

    /// Forgets batches before `oldest`, the first offset still in the log.
    pub(crate) fn expire(&mut self, oldest: u64) {
        while self.order.front().is_some_and(|&(_, offset)| offset < oldest) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some((key, offset)) = self.order.pop_front() else { return };
        // The key may have come again after it had been forgotten; then the later entry stands.
        if self.offsets.get(&key) == Some(&offset) {
            self.offsets.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_keys_go_first_and_a_returning_key_stays() {
        let mut keys = Keys::new(3);
        for (key, offset) in [(1, 0), (2, 10), (1, 20), (3, 30)] {
            keys.insert([key; 16], offset);
        }
        assert_eq!([1, 2, 3].map(|k| keys.get(&[k; 16])), [Some(20), Some(10), Some(30)]);
        keys.expire(21);
        assert_eq!([1, 2, 3].map(|k| keys.get(&[k; 16])), [None, None, Some(30)]);
        assert_eq!(keys.len(), 1);
    }
}
