//! A partition of a compacted topic as a table: the latest value of each key, once or followed.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError as Failure,
};

use super::{context::Plain, error::KafkaError, reader::is_passing, settings::Settings};

/// How long the brokers may be silent.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads the whole partition; values of keys that begin with `prefix`. What is not committed is not there.
///
/// # Errors
/// [`KafkaError`].
pub fn read(settings: &Settings, topic: &str, partition: i32, prefix: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, KafkaError> {
    Ok(Table::open(settings, topic, partition, prefix)?.rows)
}

/// A table that goes on hearing of changes.
pub struct Table {
    consumer: BaseConsumer<Plain>,
    topic: String,
    prefix: Vec<u8>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Table {
    /// Reads what is there now, to the end.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn open(settings: &Settings, topic: &str, partition: i32, prefix: &[u8]) -> Result<Self, KafkaError> {
        let consumer = alone(settings)?;
        from(&consumer, topic, partition, Offset::Beginning)?;
        let mut table = Self { consumer, topic: topic.to_owned(), prefix: prefix.to_vec(), rows: BTreeMap::new() };
        table.fill()?;
        Ok(table)
    }

    fn fill(&mut self) -> Result<(), KafkaError> {
        let mut heard = Instant::now();
        loop {
            match self.consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    put(&mut self.rows, &self.prefix, message.key(), message.payload());
                }
                Some(Err(Failure::PartitionEOF(_))) => return Ok(()),
                Some(Err(error)) if heard.elapsed() > PATIENCE => return Err(KafkaError::client("read a table")(error)),
                None if heard.elapsed() > PATIENCE => {
                    return Err(KafkaError::Topic { topic: self.topic.clone(), problem: "cannot be read to its end".to_owned() });
                }
                Some(Err(_)) | None => {}
            }
        }
    }

    /// What it holds.
    pub fn rows(&self) -> &BTreeMap<Vec<u8>, Vec<u8>> {
        &self.rows
    }

    /// Takes in what changed since, waiting up to `timeout` for the first of it; whether anything did.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn follow(&mut self, timeout: Duration) -> Result<bool, KafkaError> {
        let mut changed = false;
        loop {
            match self.consumer.poll(if changed { Duration::ZERO } else { timeout }) {
                Some(Ok(message)) => changed |= put(&mut self.rows, &self.prefix, message.key(), message.payload()),
                Some(Err(Failure::PartitionEOF(_))) => {}
                Some(Err(error)) if is_passing(&error) => return Ok(changed),
                Some(Err(error)) => return Err(KafkaError::client("follow a table")(error)),
                None => return Ok(changed),
            }
        }
    }
}

/// A reader that joins no group: told what to read, and to its end.
pub(super) fn alone(settings: &Settings) -> Result<BaseConsumer<Plain>, KafkaError> {
    alone_with(settings, &[])
}

/// The same with settings of its own.
pub(super) fn alone_with(settings: &Settings, own: &[(&str, &str)]) -> Result<BaseConsumer<Plain>, KafkaError> {
    let mut config = settings.client()?;
    for (key, value) in own {
        config.set(*key, *value);
    }
    // the library wants a group's name all the same
    config.set("group.id", "fansipan.table").set("enable.auto.commit", "false").set("auto.offset.reset", "earliest");
    config.set("isolation.level", "read_committed").set("enable.partition.eof", "true").set("fetch.wait.max.ms", "50");
    config.create_with_context(Plain).map_err(KafkaError::client("make a reader"))
}

/// Has it read this partition from there on.
pub(super) fn from(consumer: &BaseConsumer<Plain>, topic: &str, partition: i32, offset: Offset) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::new();
    let placed = list.add_partition_offset(topic, partition, offset);
    placed.and_then(|()| consumer.assign(&list)).map_err(KafkaError::client("read a partition"))
}

/// One record; whether it changed what the table holds.
fn put(rows: &mut BTreeMap<Vec<u8>, Vec<u8>>, prefix: &[u8], key: Option<&[u8]>, value: Option<&[u8]>) -> bool {
    let key = key.unwrap_or_default();
    if !key.starts_with(prefix) {
        return false;
    }
    match value {
        Some(value) => rows.insert(key.to_vec(), value.to_vec()).is_none_or(|old| old != value),
        None => rows.remove(key).is_some(),
    }
}
