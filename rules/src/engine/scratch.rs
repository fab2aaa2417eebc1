//! Working memory of one thread: grows to what events need, then nothing is allocated any more.

use super::{cache::Cache, route::RouteCache, view::Store};

/// Working memory of one thread; may be used with any rule set, one after the other.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The rule set it is laid out for.
    serial: u64,
    pub(crate) store: Store,
    pub(crate) routes: RouteCache,
    pub(crate) work: Work,
    pub(crate) cache: Cache,
}

/// What one plan writes while it looks at an event.
#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Atoms the scan has found.
    pub(crate) atoms: Vec<u64>,
    /// Rules that were woken.
    pub(crate) rules: Vec<u64>,
    /// By field of the plan: the first value to look at.
    pub(crate) first: Vec<u32>,
    /// Lazy atoms that were tested, and those of them that hold.
    pub(crate) tested: Vec<u64>,
    pub(crate) held: Vec<u64>,
    /// Words of `tested` and `held` in use.
    pub(crate) touched: Vec<u32>,
}

impl Scratch {
    /// Lays the memory out for a rule set.
    pub(crate) fn prepare(&mut self, serial: u64, slots: usize) {
        if self.serial != serial {
            self.serial = serial;
            self.store.prepare(slots);
            self.routes = RouteCache::default();
            self.work = Work::default();
            self.cache = Cache::default();
        }
    }
}
