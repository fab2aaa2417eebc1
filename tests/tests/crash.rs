//! `kill -9` at random moments under load: every line acknowledged over HTTP is found exactly once.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use fansipan_tests::appliance::{Appliance, eventually};

/// Kills of one run.
const KILLS: u32 = 10;
/// Lines of one request.
const BATCH: u64 = 50;

#[test]
fn acknowledged_lines_survive_kills_exactly_once() -> Result<()> {
    assert!(rustls::crypto::ring::default_provider().install_default().is_ok());
    let mut appliance = Appliance::start("")?;
    let token = appliance.cli(&["tokens", "create", "crash", "--role", "sender"])?.join("");
    let url = format!("https://127.0.0.1:{}/ingest/v1/events", appliance.https);
    let acknowledged: Arc<Mutex<Vec<u64>>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let next = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for _ in 0..4 {
        let (acknowledged, stop, next, url) = (Arc::clone(&acknowledged), Arc::clone(&stop), Arc::clone(&next), url.clone());
        let token = token.clone();
        runtime.spawn(async move {
            let client = reqwest::Client::builder()
                .tls_danger_accept_invalid_certs(true)
                .timeout(Duration::from_secs(10))
                .build()
                .expect("a client");
            while !stop.load(Ordering::Relaxed) {
                let first = next.fetch_add(BATCH, Ordering::Relaxed);
                let body: String = (first..first + BATCH).map(|n| format!("{{\"message\":\"line {n}\",\"number\":\"n{n}\"}}\n")).collect();
                // the same request with the same key until it is answered, as a careful sender does
                while !stop.load(Ordering::Relaxed) {
                    let answer = client
                        .post(&url)
                        .bearer_auth(&token)
                        .header("Idempotency-Key", format!("batch-{first}"))
                        .header("Content-Type", "application/x-ndjson")
                        .body(body.clone())
                        .send()
                        .await;
                    if matches!(&answer, Ok(a) if a.status().is_success()) {
                        acknowledged.lock().expect("lock").push(first);
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
    }
    // moments that differ from kill to kill, the same in every run
    let mut seed = 0x9e37_79b9_u64;
    for _ in 0..KILLS {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis(150 + (seed >> 33) % 900));
        appliance.kill();
        appliance.launch()?;
    }
    std::thread::sleep(Duration::from_millis(500));
    stop.store(true, Ordering::Relaxed);
    runtime.shutdown_timeout(Duration::from_secs(15));
    let acknowledged = acknowledged.lock().expect("lock").clone();
    assert!(acknowledged.len() > 20, "only {} requests were answered: no load", acknowledged.len());
    let expected = acknowledged.len() as u64 * BATCH;
    eventually("indexing catches up", Duration::from_secs(60), || Ok(appliance.count("*")? >= expected))?;
    std::thread::sleep(Duration::from_secs(2));
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for row in appliance.json(&["search", "*", "--limit", "0", "--since", "1d"])? {
        let name = row["json.number"].as_str().with_context(|| row.to_string())?.to_owned();
        *found.entry(name).or_default() += 1;
    }
    for first in &acknowledged {
        for n in *first..first + BATCH {
            assert_eq!(found.get(&format!("n{n}")), Some(&1), "line {n} was acknowledged");
        }
    }
    let doubled: Vec<_> = found.iter().filter(|(_, n)| **n > 1).collect();
    assert!(doubled.is_empty(), "found more than once: {doubled:?}");
    println!("{} lines acknowledged over {KILLS} kills, each found exactly once", expected);
    Ok(())
}
