//! What `fansipan doctor` says of Kafka: topics, their retention and partitions; with `--fix` what is missing is made.

use std::time::Duration;

use fansipan_bus::kafka::{KafkaError, Topics};
use fansipan_cli::Finding;
use fansipan_model::{Said, said};

use crate::config::Config;

/// How long the brokers may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Nothing where Kafka is not configured.
pub(crate) async fn check(config: &Config, fix: bool) -> Vec<Finding> {
    if !config.kafka.is_set() {
        return Vec::new();
    }
    let about = |ok, text| Finding { name: Said::same("kafka"), ok, text };
    let bad = |error: KafkaError| about(false, Said::same(error.to_string()));
    let silent = || about(false, said!("FSP-KFK-023: the brokers do not answer", "FSP-KFK-023: các broker Kafka không trả lời"));
    let topics = match Topics::new(&config.kafka) {
        Ok(topics) => topics,
        Err(error) => return vec![bad(error)],
    };
    let mut out = Vec::new();
    if fix {
        match tokio::time::timeout(PATIENCE, topics.create()).await {
            Ok(Ok(made)) => {
                out.extend(made.into_iter().map(|topic| about(true, said!("{topic} created", "đã tạo {topic}"))));
            }
            Ok(Err(error)) => out.push(bad(error)),
            Err(_) => out.push(silent()),
        }
    }
    match tokio::time::timeout(PATIENCE, topics.check()).await {
        Ok(Ok(found)) => out.extend(found.into_iter().map(|f| Finding { name: Said::same(f.topic), ok: f.ok, text: Said::same(f.text) })),
        Ok(Err(error)) => out.push(bad(error)),
        Err(_) => out.push(silent()),
    }
    out
}
