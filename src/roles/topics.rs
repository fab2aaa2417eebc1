//! What `fansipan doctor` says of Kafka: topics, their retention and partitions; with `--fix` what is missing is made.

use std::{sync::OnceLock, time::Duration};

use fansipan_bus::kafka::{KafkaError, Topics};
use fansipan_cli::Finding;
use fansipan_model::{Said, said, told::Sentences};

use crate::config::Config;

/// How long the brokers may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bus knows no languages: what it says is said in Vietnamese here.
const SENTENCES: &str = include_str!("topics.txt");

fn told(en: String) -> Said {
    static READ: OnceLock<Sentences> = OnceLock::new();
    Said { vi: READ.get_or_init(|| Sentences::read(&[SENTENCES])).say(&en).vi, en }
}

/// Nothing where Kafka is not configured.
pub(crate) async fn check(config: &Config, fix: bool) -> Vec<Finding> {
    if !config.kafka.is_set() {
        return Vec::new();
    }
    let about = |ok, text| Finding { name: Said::same("kafka"), ok, text };
    let bad = |error: KafkaError| about(false, told(error.to_string()));
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
        Ok(Ok(found)) => out.extend(found.into_iter().map(|f| Finding { name: Said::same(f.topic), ok: f.ok, text: told(f.text) })),
        Ok(Err(error)) => out.push(bad(error)),
        Err(_) => out.push(silent()),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{SENTENCES, Sentences, told};

    #[test]
    fn what_is_wrong_with_a_topic_is_said_in_both_languages() {
        assert_eq!(Sentences::faults(&[SENTENCES]), Vec::<String>::new());
        let found = "12 partitions, 1 copies; 2 partitions have no leader: start the brokers that hold them; keeps 1 hours, [kafka] asks for 72: raise retention.ms";
        assert_eq!(
            told(found.to_owned()).vi,
            "12 phân vùng, 1 bản sao; 2 phân vùng không có broker đứng đầu: hãy khởi động các broker giữ chúng; giữ 1 giờ, [kafka] yêu cầu 72: hãy tăng retention.ms"
        );
    }
}
