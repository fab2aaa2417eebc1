//! A partition of a compacted topic as a table: the latest value of each key.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError as Failure,
};

use super::{context::Plain, error::KafkaError, settings::Settings};

/// How long the brokers may be silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads the whole partition; values of keys that begin with `prefix`. What is not committed is not there.
///
/// # Errors
/// [`KafkaError`].
pub fn read(settings: &Settings, topic: &str, partition: i32, prefix: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, KafkaError> {
    let mut config = settings.client()?;
    // the library wants a group's name even of a reader that joins none
    config.set("group.id", "fansipan.table").set("enable.auto.commit", "false");
    config.set("isolation.level", "read_committed").set("enable.partition.eof", "true").set("fetch.wait.max.ms", "50");
    let consumer: BaseConsumer<Plain> = config.create_with_context(Plain).map_err(KafkaError::client("make a reader"))?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Beginning).map_err(KafkaError::client("read a table"))?;
    consumer.assign(&list).map_err(KafkaError::client("read a table"))?;
    let mut table = BTreeMap::new();
    let mut heard = Instant::now();
    loop {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                let key = message.key().unwrap_or_default();
                if !key.starts_with(prefix) {
                    continue;
                }
                match message.payload() {
                    Some(value) => table.insert(key.to_vec(), value.to_vec()),
                    None => table.remove(key),
                };
            }
            Some(Err(Failure::PartitionEOF(_))) => return Ok(table),
            Some(Err(error)) if heard.elapsed() > PATIENCE => return Err(KafkaError::client("read a table")(error)),
            None if heard.elapsed() > PATIENCE => {
                return Err(KafkaError::Topic { topic: topic.to_owned(), problem: "cannot be read to its end".to_owned() });
            }
            Some(Err(_)) | None => {}
        }
    }
}
