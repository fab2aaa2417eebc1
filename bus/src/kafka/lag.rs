//! How far consumer groups are behind, by partition.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError as Failure,
};

use super::{context::Plain, error::KafkaError, reader::is_passing, settings::Settings, table, topics::Names};

const PATIENCE: Duration = Duration::from_secs(5);
/// Where a partition ends with so few positions that a group has not read, it is looked whether any of them is a record:
/// transactions of several writers that ran side by side leave a marker each, one behind the other.
const FEW: u64 = 64;

/// One partition of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionLag {
    /// Which.
    pub partition: i32,
    /// What the group reads next.
    pub committed: u64,
    /// Where the partition ends.
    pub end: u64,
    /// Positions between that are no records: what ends transactions.
    markers: u64,
}

impl PartitionLag {
    /// Records between.
    pub fn records(&self) -> u64 {
        self.end.saturating_sub(self.committed).saturating_sub(self.markers)
    }
}

/// Asks the brokers.
pub struct Lags {
    settings: Settings,
    clients: BTreeMap<String, BaseConsumer<Plain>>,
    /// Who looks whether there is a record.
    look: Option<BaseConsumer<Plain>>,
    /// What was found to hold none: from where to where, of a topic's partition.
    bare: BTreeMap<(String, i32), (u64, u64)>,
}

impl Lags {
    /// Does not connect yet.
    pub fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), clients: BTreeMap::new(), look: None, bare: BTreeMap::new() }
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
        let mut ends = Vec::new();
        for partition in 0..many {
            let (oldest, end) =
                client.fetch_watermarks(topic, partition, PATIENCE).map_err(KafkaError::client("ask for the end of a topic"))?;
            let known = committed.find_partition(topic, partition).and_then(|e| match e.offset() {
                Offset::Offset(n) => Some(n),
                _ => None,
            });
            let positive = |n: i64| u64::try_from(n).unwrap_or(0);
            ends.push((partition, positive(known.unwrap_or(oldest)), positive(end)));
        }
        let lag = |(partition, committed, end)| {
            let markers = self.markers(topic, partition, committed, end)?;
            Ok(PartitionLag { partition, committed, end, markers })
        };
        ends.into_iter().map(lag).collect()
    }

    /// How many of these positions are no records: the last one, unless nothing else is there either.
    fn markers(&mut self, topic: &str, partition: i32, committed: u64, end: u64) -> Result<u64, KafkaError> {
        let between = end.saturating_sub(committed);
        if !(2..=FEW).contains(&between) {
            return Ok(1);
        }
        let place = (topic.to_owned(), partition);
        if self.bare.get(&place) != Some(&(committed, end)) {
            if self.has_record(topic, partition, committed)? {
                return Ok(1);
            }
            self.bare.insert(place, (committed, end));
        }
        Ok(between)
    }

    /// Whether a partition has a record that can be read from there on; where the brokers do not answer it is taken for granted.
    fn has_record(&mut self, topic: &str, partition: i32, offset: u64) -> Result<bool, KafkaError> {
        let reader = match self.look.take() {
            Some(reader) => reader,
            None => table::alone(&self.settings)?,
        };
        table::from(&reader, topic, partition, Offset::Offset(offset as i64))?;
        let until = Instant::now() + PATIENCE;
        let found = loop {
            match reader.poll(Duration::from_millis(200)) {
                Some(Ok(_)) => break true,
                Some(Err(Failure::PartitionEOF(_))) => break false,
                Some(Err(error)) if !is_passing(&error) => return Err(KafkaError::client("look for a record")(error)),
                Some(Err(_)) | None if Instant::now() > until => break true,
                Some(Err(_)) | None => {}
            }
        };
        reader.unassign().map_err(KafkaError::client("look for a record"))?;
        self.look = Some(reader);
        Ok(found)
    }
}
