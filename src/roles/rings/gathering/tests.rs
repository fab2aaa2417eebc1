//! What becomes of answers that come in order, mixed, cut, changed, too large, or not at all.

use super::{COLLECTORS, FIRST, Gathering, SILENCE};
use crate::roles::rings::wire::{Ask, Part, What, Why};
use fansipan_api::{Extract, PACKETS_WITHIN, PacketsError};
use fansipan_model::{AnswerOutcome, PacketsFound, Scope};
use std::time::{Duration, Instant};

fn ask(bytes: u64) -> Ask {
    Ask { id: uuid::Uuid::new_v4(), at: 0, seconds: 9, scope: Scope::All, bytes, flows: Vec::new() }
}

struct Rig {
    dir: tempfile::TempDir,
    ask: Ask,
    begun: Instant,
    gathering: Gathering,
}

impl Rig {
    fn new(bytes: u64, expected: &[&str]) -> Self {
        let (dir, ask, begun) = (tempfile::tempdir().unwrap(), ask(bytes), Instant::now());
        let expected = expected.iter().map(|n| (*n).to_owned()).collect();
        Self { gathering: Gathering::new(&ask, expected, dir.path().to_owned(), begun), dir, ask, begun }
    }

    fn say(&mut self, from: &str, what: What, bytes: &[u8]) {
        let record = Part { from: from.into(), what, bytes }.write().unwrap();
        self.gathering.take(&self.ask.key(), &record, self.begun);
    }

    fn end(&mut self, from: &str, whole: &[u8], pieces: u32, found: PacketsFound) {
        let found = PacketsFound { bytes: whole.len() as u64, ..found };
        self.say(from, What::End { found, pieces, sha256: fansipan_evidence::sha256(whole) }, &[]);
    }

    fn give(&mut self, from: &str, pieces: &[&[u8]], found: PacketsFound) {
        self.say(from, What::Begun, &[]);
        for (n, piece) in pieces.iter().enumerate() {
            self.say(from, What::Piece(n as u32), piece);
        }
        self.end(from, &pieces.concat(), pieces.len() as u32, found);
    }

    fn waits(&self, after: Duration) -> bool {
        self.gathering.waits(self.begun + after, |_| true)
    }

    /// The file, what is said of it, or why there is none; nothing is left in the folder.
    fn done(self) -> (Vec<u8>, Result<Extract, PacketsError>) {
        let mut out = Vec::new();
        let extract = self.gathering.end(&mut out);
        assert_eq!(std::fs::read_dir(self.dir.path()).unwrap().count(), 0);
        (out, extract)
    }
}

fn packets(packets: u64, first: i64, last: i64) -> PacketsFound {
    PacketsFound { packets, first, last, oldest: Some(first - 1), cut: 1, ..PacketsFound::default() }
}

fn outcomes(extract: Result<Extract, PacketsError>) -> Vec<(String, AnswerOutcome)> {
    let list = match extract {
        Ok(extract) => extract.collectors,
        Err(PacketsError::Unanswered(list)) => list,
        Err(error) => panic!("{error}"),
    };
    list.into_iter().map(|c| (c.collector, c.outcome)).collect()
}

#[test]
fn parts_that_come_mixed_are_one_file_in_the_order_of_names_each_with_its_hash() {
    let mut rig = Rig::new(1000, &["a", "b", "c"]);
    assert!(rig.waits(Duration::ZERO));
    rig.say("b", What::Begun, &[]);
    rig.say("b", What::Piece(0), b"bbb");
    rig.give("a", &[b"aa", b"A"], packets(2, 50, 60));
    rig.say("b", What::Piece(1), b"BB");
    rig.end("b", b"bbbBB", 2, packets(3, 40, 55));
    assert!(rig.waits(Duration::ZERO), "c is not heard of yet");
    rig.give("c", &[], PacketsFound { oldest: Some(7), ..PacketsFound::default() });
    assert!(!rig.waits(Duration::ZERO));
    let (file, extract) = rig.done();
    assert_eq!(file, b"aaAbbbBB");
    let extract = extract.unwrap();
    let expected = PacketsFound { packets: 5, bytes: 8, first: 40, last: 60, cut: 2, oldest: Some(7), ..PacketsFound::default() };
    assert_eq!(extract.found, expected);
    let told: Vec<_> = extract.collectors.iter().map(|c| (c.collector.as_str(), c.outcome, c.packets, c.bytes, c.sha256.clone())).collect();
    let hash = fansipan_evidence::sha256;
    assert_eq!(told[0], ("a", AnswerOutcome::Given, 2, 3, hash(b"aaA")));
    assert_eq!(told[1], ("b", AnswerOutcome::Given, 3, 5, hash(b"bbbBB")));
    assert_eq!(told[2], ("c", AnswerOutcome::Nothing, 0, 0, String::new()));
}

#[test]
fn what_is_lost_changed_or_said_twice_is_not_given() {
    let given = packets(1, 1, 1);
    let cases: [(&str, &dyn Fn(&mut Rig), AnswerOutcome); 8] = [
        (
            "a piece is missing",
            &|r| {
                r.say("a", What::Piece(0), b"x");
                r.say("a", What::Piece(2), b"z");
                r.end("a", b"xyz", 3, given.clone());
            },
            AnswerOutcome::Damaged,
        ),
        (
            "the last piece is missing",
            &|r| {
                r.say("a", What::Piece(0), b"x");
                r.end("a", b"xy", 2, given.clone());
            },
            AnswerOutcome::Damaged,
        ),
        (
            "a byte changed",
            &|r| {
                r.say("a", What::Piece(0), b"y");
                r.end("a", b"x", 1, given.clone());
            },
            AnswerOutcome::Damaged,
        ),
        (
            "a piece comes twice",
            &|r| {
                r.say("a", What::Piece(0), b"x");
                r.say("a", What::Piece(0), b"x");
            },
            AnswerOutcome::Damaged,
        ),
        ("packets without bytes", &|r| r.end("a", b"", 0, given.clone()), AnswerOutcome::Damaged),
        ("its clock", &|r| r.say("a", What::Refused(Why::Clock), &[]), AnswerOutcome::Clock),
        ("its disk", &|r| r.say("a", What::Refused(Why::Unreadable), &[]), AnswerOutcome::Failed),
        ("more than was asked for", &|r| r.give("a", &[&[0; 900], &[0; 101]], given.clone()), AnswerOutcome::TooLarge),
    ];
    for (what, happens, outcome) in cases {
        let mut rig = Rig::new(1000, &["a"]);
        happens(&mut rig);
        assert!(!rig.waits(Duration::ZERO), "{what}");
        let (file, extract) = rig.done();
        assert!(file.is_empty() && matches!(extract, Err(PacketsError::Unanswered(_))), "{what}");
        assert_eq!(outcomes(extract), [("a".to_owned(), outcome)], "{what}");
    }
}

#[test]
fn an_answer_that_begins_anew_and_others_that_find_room_again_are_whole() {
    let mut rig = Rig::new(1000, &["a", "b"]);
    rig.say("a", What::Piece(0), &[1; 600]);
    rig.give("a", &[&[2; 400]], packets(1, 1, 1));
    rig.give("b", &[&[3; 600]], packets(1, 1, 1));
    let (file, extract) = rig.done();
    assert_eq!(file, [vec![2; 400], vec![3; 600]].concat());
    assert_eq!(extract.unwrap().found.packets, 2);
}

#[test]
fn what_one_has_beyond_the_bound_takes_nothing_from_the_others() {
    let mut rig = Rig::new(1000, &["a", "b"]);
    rig.give("a", &[&[1; 800]], packets(1, 1, 1));
    rig.give("b", &[&[2; 300]], packets(1, 1, 1));
    let (file, extract) = rig.done();
    assert_eq!(file, [1; 800]);
    assert_eq!(outcomes(extract), [("a".to_owned(), AnswerOutcome::Given), ("b".to_owned(), AnswerOutcome::TooLarge)]);
}

#[test]
fn who_is_silent_is_waited_for_a_while_and_named() {
    let mut rig = Rig::new(1000, &["a", "gone"]);
    rig.give("a", &[b"x"], packets(1, 1, 1));
    assert!(rig.waits(FIRST - Duration::from_secs(1)) && !rig.waits(FIRST));
    assert!(!rig.gathering.waits(rig.begun, |name| name != "gone"), "nobody waits for one that is known to be away");
    rig.say("gone", What::Begun, &[]);
    assert!(rig.waits(FIRST) && !rig.waits(SILENCE));
    for _ in 0..10 {
        rig.say("slow", What::Begun, &[]);
    }
    assert!(!rig.waits(PACKETS_WITHIN));
    let (file, extract) = rig.done();
    assert_eq!(file, b"x");
    let no = AnswerOutcome::NoAnswer;
    assert_eq!(outcomes(extract), [("a".to_owned(), AnswerOutcome::Given), ("gone".to_owned(), no), ("slow".to_owned(), no)]);
}

#[test]
fn collectors_without_rings_are_not_spoken_of() {
    let mut rig = Rig::new(1000, &["a"]);
    rig.say("a", What::Refused(Why::NoRing), &[]);
    rig.say("b", What::Refused(Why::NoRing), &[]);
    assert!(!rig.waits(Duration::ZERO));
    assert!(matches!(rig.done().1, Err(PacketsError::Off)));
}

#[test]
fn records_of_other_questions_rubbish_and_too_many_names_are_left_out() {
    let mut rig = Rig::new(1000, &["a"]);
    let other = Part { from: "a".into(), what: What::Refused(Why::NoRing), bytes: &[] }.write().unwrap();
    rig.gathering.take(b"another", &other, rig.begun);
    rig.gathering.take(&rig.ask.key(), b"rubbish", rig.begun);
    for n in 0..2 * COLLECTORS {
        rig.say(&format!("n{n}"), What::Refused(Why::NoRing), &[]);
    }
    assert!(rig.gathering.from.len() <= COLLECTORS);
    rig.give("a", &[b"x"], packets(1, 1, 1));
    assert_eq!(outcomes(rig.done().1), [("a".to_owned(), AnswerOutcome::Given)]);
}
