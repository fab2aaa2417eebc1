//! Counters of every source: received, kept, refused with the reason.
