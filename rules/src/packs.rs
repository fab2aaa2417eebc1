//! The shipped rules, embedded. Content only; samples beside them are for tests.

include!(concat!(env!("OUT_DIR"), "/packs.rs"));
