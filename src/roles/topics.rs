//! What `fansipan doctor` says of Kafka: topics, their retention and partitions; with `--fix` what is missing is made.

use std::time::Duration;

use fansipan_bus::kafka::Topics;
use fansipan_cli::Finding;

use crate::config::Config;

/// How long the brokers may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Nothing where Kafka is not configured.
pub(crate) async fn check(config: &Config, fix: bool) -> Vec<Finding> {
    if !config.kafka.is_set() {
        return Vec::new();
    }
    let bad = |text: String| Finding { name: "kafka".to_owned(), ok: false, text };
    let topics = match Topics::new(&config.kafka) {
        Ok(topics) => topics,
        Err(error) => return vec![bad(error.to_string())],
    };
    let mut out = Vec::new();
    if fix {
        match tokio::time::timeout(PATIENCE, topics.create()).await {
            Ok(Ok(made)) => {
                out.extend(made.into_iter().map(|t| Finding { name: "kafka".to_owned(), ok: true, text: format!("{t} created") }))
            }
            Ok(Err(error)) => out.push(bad(error.to_string())),
            Err(_) => out.push(bad("FSP-KFK-023: the brokers do not answer".to_owned())),
        }
    }
    match tokio::time::timeout(PATIENCE, topics.check()).await {
        Ok(Ok(found)) => out.extend(found.into_iter().map(|f| Finding { name: f.topic, ok: f.ok, text: f.text })),
        Ok(Err(error)) => out.push(bad(error.to_string())),
        Err(_) => out.push(bad("FSP-KFK-023: the brokers do not answer".to_owned())),
    }
    out
}
