//! After an outage each partition has a backlog of its own length. A correlation over two of them fires as it would have when the
//! records came, with a real Kafka and one analyzer or two.

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};
use fansipan_bus::kafka::{Names, Settings, Topics, Writer};
use fansipan_collector::{Normalizer, Received, SourceState, Transport};
use fansipan_model::{Value, fields, json as flat};
use fansipan_tests::{appliance::eventually, deployment::Deployment, kafka::Broker};
use uuid::{Builder, Uuid};

/// A login that failed at one device, then one that succeeded at another, within two minutes.
const PAIR: &str = "5d3ad7a8-0000-4000-8000-000000000011";
const RULES: &str = "title: failed\nid: 5d3ad7a8-0000-4000-8000-000000000012\nname: failed\nlogsource: {product: linux, service: sshd}\n\
    detection:\n  s:\n    message|contains: Failed password for victim\n  condition: s\nlevel: informational\n---\n\
    title: succeeded\nid: 5d3ad7a8-0000-4000-8000-000000000013\nname: succeeded\nlogsource: {product: linux, service: sshd}\n\
    detection:\n  s:\n    message|contains: Accepted password for victim\n  condition: s\nlevel: informational\n---\n\
    title: failed, then succeeded\nid: 5d3ad7a8-0000-4000-8000-000000000011\ncorrelation:\n  type: temporal_ordered\n  \
    rules: [failed, succeeded]\n  group-by: [user.name]\n  timespan: 2m\nlevel: high\n";

/// Seconds of the backlog, and between two pairs in it.
const SPAN: i64 = 3 * 3600;
const EVERY: i64 = 600;

/// Puts the backlog of one device into one partition.
struct Device {
    partition: i32,
    peer: [u8; 4],
    state: SourceState,
    writer: Writer,
    topic: String,
    normalizer: Normalizer,
    lane: u64,
}

impl Device {
    fn new(settings: &Settings, partition: i32) -> Result<Self> {
        Ok(Self {
            partition,
            peer: [192, 0, 2, 1 + partition as u8],
            state: SourceState::default(),
            writer: Writer::open(settings, &format!("device{partition}"))?,
            topic: Names::new(settings).events,
            normalizer: Normalizer::load_builtin()?,
            lane: Uuid::new_v4().as_u64_pair().1,
        })
    }

    fn send(&mut self, at: i64, text: &str) -> Result<()> {
        let nanos = at * 1_000_000;
        let time = jiff::Timestamp::from_millisecond(at)?;
        let line = format!("<38>{time} srv{} sshd[7]: {text}", self.partition);
        let peer = Some((self.peer, 514).into());
        let received = Received { raw: line.as_bytes(), peer, transport: Transport::Tcp, tls_identity: None, at: nanos, path: None };
        let mut event = self.normalizer.normalize(&mut self.state, &received);
        let mut rest = [0; 10];
        rest[2..].copy_from_slice(&self.lane.to_be_bytes());
        event.set_id(Builder::from_unix_timestamp_millis(at as u64, &rest).into_uuid());
        event.push(fields::FANSIPAN_SOURCE, Value::Str(&format!("tcp:192.0.2.{}", self.peer[3])));
        let mut value = Vec::new();
        flat::write(&event, &mut value);
        Ok(self.writer.send(&self.topic, Some(self.partition), &self.peer, Some(&value))?)
    }

    /// One line every `step` milliseconds, and one of a pair now and then.
    fn fill(&mut self, base: i64, step: usize, shift: i64, of_pair: &str) -> Result<u64> {
        let mut many = 0;
        self.writer.begin()?;
        for at in (0..SPAN * 1000).step_by(step) {
            self.send(base + at, &format!("Connection closed by 10.1.1.9 port {} [preauth]", 1024 + at % 60_000))?;
            many += 1;
            if at % (EVERY * 1000) == 0 {
                self.send(base + at + shift, of_pair)?;
                many += 1;
            }
        }
        self.writer.commit()?;
        Ok(many)
    }
}

fn fires_over_backlogs(analyzers: usize) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let rules = dir.path().join("pair.yml");
    fs::write(&rules, RULES)?;
    let broker = Broker::start()?;
    let extra = format!("[rules]\nshipped = false\npaths = [\"{}\"]\n", rules.display());
    let mut deployment = Deployment::new(&broker, analyzers, &extra, "")?;
    let (address, prefix) = deployment.bus();
    let settings = Settings {
        brokers: vec![address.to_owned()],
        prefix: prefix.to_owned(),
        name: "devices".to_owned(),
        partitions: 3,
        replication: 1,
        ..Settings::default()
    };
    tokio::runtime::Runtime::new()?.block_on(Topics::new(&settings)?.create())?;
    let base = (jiff::Timestamp::now().as_second() - SPAN - 3600) * 1000;
    // few lines in one partition, many in another, none in the third
    let few = Device::new(&settings, 0)?.fill(base, 20_000, 1000, "Failed password for victim from 203.0.113.9 port 4711 ssh2")?;
    let many = Device::new(&settings, 1)?.fill(base, 400, 31_000, "Accepted password for victim from 203.0.113.9 port 4712 ssh2")?;
    deployment.console.launch()?;
    deployment.analyzers.iter_mut().try_for_each(|a| a.launch())?;
    let figure = |name: &str| deployment.analyzers.iter().map(|a| a.figure(name)).sum::<Result<f64>>();
    let took =
        eventually("all of it was looked at", Duration::from_secs(240), || Ok(figure("fansipan_events_total")? == (few + many) as f64))
            .with_context(|| deployment.last_words())?;
    println!("{few} and {many} records of three hours were looked at in {:.1} s by {analyzers}", took.as_secs_f64());
    let expected = (SPAN / EVERY) as usize;
    let mut found = 0;
    let fired = eventually("every pair is an alert", Duration::from_secs(60), || {
        found = deployment.json(&["alerts", "list", "--status", "all", "--limit", "1000", "--rule", PAIR])?.len();
        Ok(found == expected)
    });
    let late = figure("fansipan_detector_late_total{detector=\"correlation\"}")?;
    fired.with_context(|| format!("{found} of {expected}, {late} records late"))?;
    assert_eq!(late, 0.0, "no record was left out");
    assert_eq!(figure("fansipan_events_held")?, 0.0, "nothing waits");
    Ok(())
}

#[test]
fn a_correlation_over_backlogs_of_unlike_length_fires() -> Result<()> {
    fires_over_backlogs(1)
}

#[test]
fn a_correlation_over_backlogs_that_two_analyzers_share_fires() -> Result<()> {
    fires_over_backlogs(2)
}
