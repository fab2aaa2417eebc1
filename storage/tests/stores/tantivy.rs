//! The Tantivy event store passes the conformance suite, and what only it promises.

use std::sync::Arc;

use crate::conformance::{Bench, agree, pages, writing};
use fansipan_storage::{
    EventStore, EventWriter,
    engine::{EngineConfig, TantivyStore},
};
use proptest::prelude::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }
}

impl Bench for Folder {
    fn open(&self) -> (Arc<dyn EventStore>, Box<dyn EventWriter>) {
        let mut config = EngineConfig::new(self.0.path());
        config.heap_bytes = 32 << 20;
        let store = TantivyStore::open(config).unwrap();
        let writer = store.writer().unwrap();
        (Arc::new(store), Box::new(writer))
    }
}

/// As many cases as `PROPTEST_CASES` says, or this many.
fn cases(default: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(default), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(60))]
    #[test]
    fn answers_are_those_of_the_definition(events in agree::events(), queries in agree::queries()) {
        agree::check(&Folder::new(), &events, &queries);
    }
}

proptest! {
    #![proptest_config(cases(4))]
    #[test]
    fn answers_about_many_alike(events in agree::events(), queries in agree::queries()) {
        let events: Vec<_> = events.into_iter().take(6).collect();
        agree::check(&Folder::new(), &agree::again(&events, 200), &queries);
    }
}

#[test]
fn picked_questions() {
    agree::picked(&Folder::new());
}

#[test]
fn pages_through_a_hundred_thousand() {
    pages::through(&Folder::new(), 100_000);
}

#[test]
fn exactly_once_across_crashes() {
    writing::exactly_once(&Folder::new());
}

#[test]
fn replay_stores_nothing_twice() {
    writing::replay(&Folder::new());
}

#[test]
fn readers_beside_a_writer() {
    writing::beside(&Folder::new());
}
