//! Followed files: every line once, whatever happens to the file, the log or the program.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test says what went wrong by ending")]

mod sources_kit;

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fansipan_bus::{Batch, BusError, EmbeddedBus};
use fansipan_collector::{
    pipeline::{Pending, Sink},
    sources::{
        SourcesConfig,
        config::{FileConfig, LimitsConfig, StartAt},
    },
};
use fansipan_model::{Value, fields};
use sources_kit::{Rig, balanced};
use tempfile::TempDir;

fn config(pattern: &Path) -> SourcesConfig {
    let file = FileConfig { path: pattern.display().to_string(), start: StartAt::Beginning, format: None, agency: None, class: None };
    SourcesConfig { udp: Vec::new(), tcp: Vec::new(), tls: Vec::new(), http: Vec::new(), file: vec![file], ..SourcesConfig::default() }
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn lines(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|i| format!("line {i} {}", "x".repeat(i % 50))).collect()
}

fn text(range: std::ops::Range<usize>) -> String {
    lines(range).iter().map(|l| format!("{l}\n")).collect()
}

fn folder() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    (dir, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_appear_as_they_are_written() {
    let (_logs, path) = folder();
    let mut rig = Rig::new(config(&path)).await;
    append(&path, "first\nsec");
    let event = rig.events(1).remove(0);
    let id = format!("file:{}", path.display());
    assert_eq!((event.original(), event.str(fields::FANSIPAN_SOURCE)), (Some("first"), Some(id.as_str())));
    assert_eq!(event.str(fields::LOG_FILE_PATH), path.to_str());
    rig.silence();
    append(&path, "ond\r\n\nthird\n");
    assert_eq!(rig.originals(2), ["second", "third"]);
    let source = rig.source(&id, |s| s.counters.kept == 3).await;
    assert_eq!(source.transport, "file");
    balanced(&rig.registry);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_event_of_several_lines_is_one_record() {
    let (_logs, path) = folder();
    let a = "type=SYSCALL msg=audit(1.0:7): a\ntype=PATH msg=audit(1.0:7): b\ntype=EOE msg=audit(1.0:7): ";
    let b = "type=SYSCALL msg=audit(1.1:8): c\ntype=CWD msg=audit(1.1:8): d";
    let mut rig = Rig::new(config(&path)).await;
    append(&path, &format!("{a}\nplain\n{b}\n"));
    // the last group has no end line: it is complete after a while
    assert_eq!(rig.originals(3), [a, "plain", b]);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_by_renaming_loses_nothing() {
    let (_logs, path) = folder();
    // the pattern names the rotated file too
    let mut rig = Rig::new(config(&path.with_file_name("app.log*"))).await;
    append(&path, &text(0..100));
    assert_eq!(rig.originals(100), lines(0..100));
    let rotated = path.with_file_name("app.log.1");
    fs::rename(&path, &rotated).unwrap();
    // the writer has the old file open still
    append(&rotated, &text(100..110));
    append(&path, &text(110..200));
    append(&rotated, "end without a line end");
    let mut all = rig.originals(101);
    let mut expected = lines(100..200);
    expected.push("end without a line end".to_owned());
    all.sort();
    expected.sort();
    assert_eq!(all, expected);
    rig.silence();
    let dir = rig.stop().await;
    let mut rig = Rig::in_dir(config(&path.with_file_name("app.log*")), dir).await;
    rig.silence();
    append(&path, "after restart\n");
    assert_eq!(rig.originals(1), ["after restart"]);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_by_truncation_is_noticed() {
    let (_logs, path) = folder();
    let mut rig = Rig::new(config(&path)).await;
    append(&path, &text(0..100));
    assert_eq!(rig.originals(100), lines(0..100));
    fs::copy(&path, path.with_extension("log.1")).unwrap();
    OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    append(&path, &text(100..103));
    assert_eq!(rig.originals(3), lines(100..103), "shorter than before");
    // the same size as before, other text, between two looks
    fs::write(&path, text(103..106)).unwrap();
    assert_eq!(rig.originals(3), lines(103..106));
    // the same first line again: another life, not a repetition
    OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    append(&path, &text(103..104));
    assert_eq!(rig.originals(1), lines(103..104));
    rig.silence();
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_rotated_while_stopped_are_read_to_their_end() {
    let (_logs, path) = folder();
    let named = |n: u32| path.with_file_name(format!("app.log.{n}"));
    append(&path, &text(0..50));
    let mut rig = Rig::new(config(&path)).await;
    assert_eq!(rig.originals(50), lines(0..50));
    let dir = rig.stop().await;
    append(&path, &text(50..60));
    fs::rename(&path, named(1)).unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    append(&path, &text(60..70));
    fs::rename(named(1), named(2)).unwrap();
    fs::rename(&path, named(1)).unwrap();
    fs::write(named(3).with_extension("3.gz"), "compressed").unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    append(&path, &text(70..80));
    let mut rig = Rig::in_dir(config(&path), dir).await;
    let mut all = rig.originals(30);
    all.sort();
    assert_eq!(all, lines(50..80));
    rig.silence();
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn start_at_the_end_skips_what_was_there_once_only() {
    let (_logs, path) = folder();
    append(&path, "old\n");
    let mut config = config(&path);
    config.file[0].start = StartAt::End;
    let mut rig = Rig::new(config.clone()).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    append(&path, "new\n");
    assert_eq!(rig.originals(1), ["new"]);
    let dir = rig.stop().await;
    append(&path, "while stopped\n");
    let mut rig = Rig::in_dir(config, dir).await;
    assert_eq!(rig.originals(1), ["while stopped"]);
    rig.stop().await;
}

/// A log whose answers get lost now and then: it took the batch, but says it did not.
struct Forgetful {
    bus: EmbeddedBus,
    count: AtomicU32,
}

impl Sink for Forgetful {
    fn append(&self, batch: Batch) -> Result<Pending, BusError> {
        let pending = Sink::append(&self.bus, batch)?;
        if self.count.fetch_add(1, Ordering::Relaxed) % 3 != 1 {
            return Ok(pending);
        }
        Ok(Box::pin(async move {
            pending.await?;
            Err(BusError::Closed)
        }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_answer_was_lost_is_stored_once() {
    let (_logs, path) = folder();
    let dir = tempfile::tempdir().unwrap();
    let bus = sources_kit::open_bus(dir.path());
    let mut consumer = bus.consumer("test").unwrap();
    append(&path, &text(0..30_000));
    let sink = Arc::new(Forgetful { bus, count: AtomicU32::new(0) });
    let (_, pipeline, sources) = sources_kit::start(&config(&path), dir.path(), sink).await;
    let until = std::time::Instant::now() + sources_kit::PATIENCE * 3;
    let mut seen = Vec::new();
    while seen.len() < 30_000 && std::time::Instant::now() < until {
        let records = consumer.poll(100_000, 1 << 26, Duration::from_millis(100)).unwrap();
        let next = records.next_offset();
        seen.extend(records.map(|(_, b)| fansipan_model::codec::decode(b).unwrap().original().unwrap().to_owned()));
        consumer.commit(next).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let rest = consumer.poll(10, 1 << 20, Duration::from_millis(100)).unwrap().count();
    assert_eq!((seen.len(), rest), (30_000, 0));
    assert!(seen == lines(0..30_000), "in order");
    sources.stop().await;
    pipeline.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_crashes_every_line_is_stored_once_and_in_order() {
    let (_logs, path) = folder();
    let mut dir = Arc::new(tempfile::tempdir().unwrap());
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below as u64) as usize
    };
    let total = 12_000;
    let all = text(0..total);
    let mut written = 0;
    let mut seen = Vec::new();
    for run in 0..6 {
        let mut rig = Rig::in_dir(config(&path), dir).await;
        // pieces that end anywhere, inside lines too
        let target = if run == 5 { all.len() } else { all.len() * (run + 1) / 6 };
        while written < target {
            let end = (written + 1 + next(60_000)).min(target);
            append(&path, &all[written..end]);
            written = end;
            tokio::time::sleep(Duration::from_millis(next(30) as u64)).await;
        }
        let whole = all[..written].matches('\n').count();
        seen.extend(rig.originals(whole - seen.len()));
        rig.silence();
        dir = rig.stop().await;
        // what a crash leaves: batches that were stored, but not noted as durable
        let journal = dir.path().join("sources/files.journal");
        let noted = fs::read_to_string(&journal).unwrap();
        let drop_from = next(noted.lines().count());
        let left: String = noted
            .lines()
            .enumerate()
            .filter(|(i, l)| *i < drop_from || !l.contains("\"durable\""))
            .map(|(_, l)| format!("{l}\n"))
            .collect();
        fs::write(&journal, left).unwrap();
    }
    assert_eq!(seen.len(), total);
    assert!(seen == lines(0..total), "each once, in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_line_in_a_file_is_cut() {
    let (_logs, path) = folder();
    let limits = LimitsConfig { max_record_bytes: 1000, ..LimitsConfig::default() };
    append(&path, &format!("{}\nnext\n", "z".repeat(5 << 20)));
    let mut rig = Rig::new(SourcesConfig { limits, ..config(&path) }).await;
    let events = rig.events(2);
    assert_eq!((events[0].original().unwrap().len(), events[0].get(fields::FANSIPAN_TRUNCATED)), (1000, Some(Value::Bool(true))));
    assert_eq!(events[1].original(), Some("next"));
    rig.stop().await;
}
