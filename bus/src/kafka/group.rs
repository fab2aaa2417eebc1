//! What the members of a group noted beside their positions: how each of them can know how far the others are.

use std::time::Duration;

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    topic_partition_list::TopicPartitionListElem,
};

use super::{context::Plain, error::KafkaError, settings::Settings, topics::Names};

/// How long the brokers may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks of one group and topic; is no member of it.
pub struct Group {
    client: BaseConsumer<Plain>,
    topic: String,
}

impl Group {
    /// Does not connect yet.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn new(settings: &Settings, group: &str, topic: &str) -> Result<Self, KafkaError> {
        let mut config = settings.client()?;
        config.set("group.id", Names::new(settings).group(group)).set("enable.auto.commit", "false");
        // what is being committed this moment is not waited for
        config.set("isolation.level", "read_uncommitted");
        let client = config.create_with_context(Plain).map_err(KafkaError::client("make a client"))?;
        Ok(Self { client, topic: topic.to_owned() })
    }

    /// The latest notes ([`super::Position::note`]) of these partitions; `None` where the group has no position yet.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn notes(&self, partitions: impl Iterator<Item = i32>) -> Result<Vec<(i32, Option<String>)>, KafkaError> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, partition);
        }
        if list.count() == 0 {
            return Ok(Vec::new());
        }
        let known = self.client.committed_offsets(list, PATIENCE).map_err(KafkaError::client("ask for notes of a group"))?;
        let note = |e: &TopicPartitionListElem<'_>| matches!(e.offset(), Offset::Offset(_)).then(|| e.metadata().to_owned());
        Ok(known.elements().iter().filter(|e| e.error().is_ok()).map(|e| (e.partition(), note(e))).collect())
    }
}
