//! How far consumer groups are behind, by partition.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};

use super::{context::Plain, error::KafkaError, settings::Settings, topics::Names};

const PATIENCE: Duration = Duration::from_secs(5);

/// One partition of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionLag {
    /// Which.
    pub partition: i32,
    /// What the group reads next.
    pub committed: u64,
    /// Where the partition ends.
    pub end: u64,
}

impl PartitionLag {
    /// Records between: the marker that ends the last transaction is none.
    pub fn records(&self) -> u64 {
        self.end.saturating_sub(self.committed).saturating_sub(1)
    }
}

/// Asks the brokers.
pub struct Lags {
    settings: Settings,
    clients: BTreeMap<String, BaseConsumer<Plain>>,
}

impl Lags {
    /// Does not connect yet.
    pub fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), clients: BTreeMap::new() }
    }

    fn client(&mut self, group: &str) -> Result<&BaseConsumer<Plain>, KafkaError> {
        let name = Names::new(&self.settings).group(group);
        if !self.clients.contains_key(&name) {
            let mut config = self.settings.client()?;
            config.set("group.id", &name).set("enable.auto.commit", "false");
            let client = config.create_with_context(Plain).map_err(KafkaError::client("make a client"))?;
            self.clients.insert(name.clone(), client);
        }
        self.clients.get(&name).ok_or(KafkaError::Setting { setting: "brokers", problem: "cannot be asked".to_owned() })
    }

    /// How far a group is in a topic.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn of(&mut self, group: &str, topic: &str) -> Result<Vec<PartitionLag>, KafkaError> {
        let client = self.client(group)?;
        let metadata = client.fetch_metadata(Some(topic), PATIENCE).map_err(KafkaError::client("ask for a topic"))?;
        let many = metadata.topics().first().map_or(0, |t| t.partitions().len()) as i32;
        let mut list = TopicPartitionList::new();
        list.add_partition_range(topic, 0, (many - 1).max(0));
        let committed = client.committed_offsets(list, PATIENCE).map_err(KafkaError::client("ask for positions"))?;
        let mut out = Vec::new();
        for partition in 0..many {
            let (oldest, end) =
                client.fetch_watermarks(topic, partition, PATIENCE).map_err(KafkaError::client("ask for the end of a topic"))?;
            let known = committed.find_partition(topic, partition).and_then(|e| match e.offset() {
                Offset::Offset(n) => Some(n),
                _ => None,
            });
            let positive = |n: i64| u64::try_from(n).unwrap_or(0);
            out.push(PartitionLag { partition, committed: positive(known.unwrap_or(oldest)), end: positive(end) });
        }
        Ok(out)
    }
}
