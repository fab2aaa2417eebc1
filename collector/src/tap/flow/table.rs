//! The table of flows: bounded, in order of the last packet, so that what is idle is found without searching.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::Flow;

/// What flows are told apart by, the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    low: (IpAddr, u16),
    high: (IpAddr, u16),
    /// Virtual network the flow is in, where tunnels name one.
    scope: u32,
    protocol: u8,
}

impl Key {
    pub(crate) fn new(protocol: u8, a: (IpAddr, u16), b: (IpAddr, u16), scope: u32) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Self { low, high, scope, protocol }
    }
}

/// How long a flow may be idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Class {
    /// TCP that goes on.
    Open,
    /// TCP that is over, or was asked for and never answered; stragglers may come.
    Over,
    /// Everything else.
    Other,
}

const NONE: u32 = u32::MAX;

struct Slot {
    key: Key,
    flow: Flow,
    class: Class,
    before: u32,
    after: u32,
}

#[derive(Clone, Copy)]
struct List {
    first: u32,
    last: u32,
}

/// The flows that are alive.
pub(crate) struct Table {
    index: HashMap<Key, u32, foldhash::fast::FixedState>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    lists: [List; 3],
}

impl Default for Table {
    fn default() -> Self {
        // the seed is fixed: the same capture gives the same events, and what a stranger can provoke is bounded by the table's size
        let hasher = foldhash::fast::FixedState::default();
        Self { index: HashMap::with_hasher(hasher), slots: Vec::new(), free: Vec::new(), lists: [List { first: NONE, last: NONE }; 3] }
    }
}

impl Table {
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn find(&self, key: &Key) -> Option<u32> {
        self.index.get(key).copied()
    }

    pub(crate) fn flow(&mut self, at: u32) -> Option<&mut Flow> {
        self.slots.get_mut(at as usize)?.as_mut().map(|s| &mut s.flow)
    }

    /// Places there are, taken or free.
    pub(crate) fn places(&self) -> u32 {
        self.slots.len() as u32
    }

    pub(crate) fn insert(&mut self, key: Key, flow: Flow, class: Class) -> u32 {
        let slot = Slot { key, flow, class, before: NONE, after: NONE };
        let at = match self.free.pop() {
            Some(at) => {
                if let Some(place) = self.slots.get_mut(at as usize) {
                    *place = Some(slot);
                }
                at
            }
            None => {
                self.slots.push(Some(slot));
                (self.slots.len() - 1) as u32
            }
        };
        self.index.insert(key, at);
        self.append(at, class);
        at
    }

    /// A packet came: the flow is now the last of its class.
    pub(crate) fn touch(&mut self, at: u32, class: Class) {
        self.unlink(at);
        self.append(at, class);
    }

    pub(crate) fn remove(&mut self, at: u32) -> Option<Flow> {
        self.unlink(at);
        let slot = self.slots.get_mut(at as usize)?.take()?;
        self.index.remove(&slot.key);
        self.free.push(at);
        Some(slot.flow)
    }

    /// The flow of a class that was quiet longest, with the time of its last packet.
    pub(crate) fn oldest(&self, class: Class) -> Option<(u32, i64)> {
        let first = self.lists.get(class as usize)?.first;
        let slot = self.slots.get(first as usize)?.as_ref()?;
        Some((first, slot.flow.info.last))
    }

    /// All of them, those that began first before others.
    pub(crate) fn all(&self) -> Vec<u32> {
        let mut all: Vec<(i64, u32)> = self.index.values().map(|&at| (self.slot(at).map_or(0, |s| s.flow.info.first), at)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, at)| at).collect()
    }

    fn slot(&self, at: u32) -> Option<&Slot> {
        self.slots.get(at as usize)?.as_ref()
    }

    fn slot_mut(&mut self, at: u32) -> Option<&mut Slot> {
        self.slots.get_mut(at as usize)?.as_mut()
    }

    fn list(&mut self, class: Class) -> Option<&mut List> {
        self.lists.get_mut(class as usize)
    }

    fn append(&mut self, at: u32, class: Class) {
        let last = self.list(class).map_or(NONE, |l| std::mem::replace(&mut l.last, at));
        match self.slot_mut(last) {
            Some(slot) => slot.after = at,
            None => {
                if let Some(list) = self.list(class) {
                    list.first = at;
                }
            }
        }
        if let Some(slot) = self.slot_mut(at) {
            (slot.class, slot.before, slot.after) = (class, last, NONE);
        }
    }

    fn unlink(&mut self, at: u32) {
        let Some((class, before, after)) = self.slot(at).map(|s| (s.class, s.before, s.after)) else { return };
        match self.slot_mut(before) {
            Some(slot) => slot.after = after,
            None => {
                if let Some(list) = self.list(class) {
                    list.first = after;
                }
            }
        }
        match self.slot_mut(after) {
            Some(slot) => slot.before = before,
            None => {
                if let Some(list) = self.list(class) {
                    list.last = before;
                }
            }
        }
    }
}
