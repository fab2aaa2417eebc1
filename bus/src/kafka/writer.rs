//! Transactions: what is sent and the positions it was made of become visible together, or not at all.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::ConsumerGroupMetadata,
    error::{KafkaError as Failure, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer},
};

use super::{
    error::KafkaError,
    reader::Reader,
    settings::{Settings, TRANSACTION},
    topics::Names,
};

/// How long the brokers may take to begin or end a transaction.
const PATIENCE: Duration = Duration::from_secs(10);

/// A group that is put together anew is waited for so many times, so long each.
const REPEATS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// A record to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub topic: Arc<str>,
    /// Which partition; `None`: by key.
    pub partition: Option<i32>,
    /// Its key.
    pub key: Vec<u8>,
    /// The record; `None` deletes what a compacted topic has under the key.
    pub value: Option<Vec<u8>>,
    /// Why it is where it is, for dead letters.
    pub reason: Option<String>,
}

/// How far a group came in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which.
    pub partition: i32,
    /// What it reads next.
    pub next: u64,
    /// What the other members of the group should know of it, see [`super::Group`]; may be empty.
    pub note: String,
}

impl From<(i32, u64)> for Position {
    fn from((partition, next): (i32, u64)) -> Self {
        Self { partition, next, note: String::new() }
    }
}

/// A producer under a name of its own: a second one of that name ends the first (which is what makes restarts safe).
///
/// After an error it is of no use any more: drop it, open another and go on from the positions that Kafka has.
pub struct Writer {
    producer: ThreadedProducer<DefaultProducerContext>,
    name: String,
}

impl Writer {
    /// Opens it, and ends what an earlier one of the name left open.
    ///
    /// # Errors
    /// [`KafkaError`]; no broker answering within ten seconds is one.
    pub fn open(settings: &Settings, role: &str) -> Result<Self, KafkaError> {
        let name = Names::new(settings).group(&format!("{role}.{}", settings.own_name()));
        let mut config = settings.client()?;
        config.set("transactional.id", &name);
        config.set("transaction.timeout.ms", TRANSACTION.as_millis().to_string());
        config.set("acks", "all").set("enable.idempotence", "true");
        config.set("compression.type", "zstd").set("partitioner", "murmur2");
        config.set("linger.ms", "2").set("batch.num.messages", "20000").set("batch.size", "1000000");
        config.set("queue.buffering.max.kbytes", "131072").set("queue.buffering.max.messages", "500000");
        config.set("message.max.bytes", "8000000");
        let producer: ThreadedProducer<DefaultProducerContext> = config.create().map_err(KafkaError::client("make a producer"))?;
        let writer = Self { producer, name };
        writer.producer.init_transactions(PATIENCE).map_err(|e| writer.failed("begin to write", e))?;
        Ok(writer)
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn begin(&self) -> Result<(), KafkaError> {
        self.producer.begin_transaction().map_err(|e| self.failed("begin a transaction", e))
    }

    /// Sends one record in the open transaction; waits while the memory for records on their way is full.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn send(&self, topic: &str, partition: Option<i32>, key: &[u8], value: Option<&[u8]>) -> Result<(), KafkaError> {
        self.send_with(topic, partition, key, value, None)
    }

    /// [`send`](Self::send) with the reason why a record is where it is, as header `fansipan-reason`.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn send_with(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: &[u8],
        value: Option<&[u8]>,
        reason: Option<&str>,
    ) -> Result<(), KafkaError> {
        let mut record = BaseRecord::to(topic).key(key);
        if let Some(value) = value {
            record = record.payload(value);
        }
        if let Some(partition) = partition {
            record = record.partition(partition);
        }
        if let Some(reason) = reason {
            record = record.headers(OwnedHeaders::new().insert(Header { key: "fansipan-reason", value: Some(reason) }));
        }
        let until = Instant::now() + PATIENCE;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((Failure::MessageProduction(RDKafkaErrorCode::QueueFull), again)) if Instant::now() < until => {
                    record = again;
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err((error, _)) => return Err(self.failed("send a record", error)),
            }
        }
    }

    /// Sends `records` and keeps how far a group's reader came as one transaction.
    ///
    /// Where the group is just being put together anew, the transaction is taken back and done again: as long as the reader does not
    /// poll it gives no partition up.
    ///
    /// # Errors
    /// [`KafkaError`]; [`KafkaError::Moved`] where the reader is no longer part of its group.
    pub fn transact(&self, records: &[Outgoing], reader: &Reader, positions: &[Position]) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        for Position { partition, next, note } in positions {
            let mut placed = list.add_partition(reader.topic(), *partition);
            if !note.is_empty() {
                placed.set_metadata(note);
            }
            placed.set_offset(Offset::Offset(*next as i64)).map_err(KafkaError::client("note a position"))?;
        }
        let mut left = REPEATS;
        loop {
            match self.attempt(records, reader, &list) {
                Err(KafkaError::Moved { .. }) if left > 0 => left -= 1,
                done => return done,
            }
            self.abort()?;
            std::thread::sleep(PAUSE);
        }
    }

    fn attempt(&self, records: &[Outgoing], reader: &Reader, list: &TopicPartitionList) -> Result<(), KafkaError> {
        self.begin()?;
        for r in records {
            self.send_with(&r.topic, r.partition, &r.key, r.value.as_deref(), r.reason.as_deref())?;
        }
        if list.count() > 0 {
            self.position_list(list, &reader.group()?).map_err(|error| match error {
                KafkaError::Client { source, .. } if source.rdkafka_error_code() == Some(RDKafkaErrorCode::IllegalGeneration) => {
                    KafkaError::Moved { topic: reader.topic().to_owned() }
                }
                other => other,
            })?;
        }
        self.commit()
    }

    pub(crate) fn position_list(&self, list: &TopicPartitionList, group: &ConsumerGroupMetadata) -> Result<(), KafkaError> {
        self.producer.send_offsets_to_transaction(list, group, PATIENCE).map_err(|e| self.failed("keep positions", e))
    }

    /// Ends the transaction: when it returns, everything in it is durable on the brokers and visible.
    ///
    /// # Errors
    /// [`KafkaError`]: whether it took effect is then told by the positions.
    pub fn commit(&self) -> Result<(), KafkaError> {
        let mut tries = 0;
        loop {
            match self.producer.commit_transaction(PATIENCE) {
                Ok(()) => return Ok(()),
                Err(Failure::Transaction(e)) if e.is_retriable() && tries < 2 => tries += 1,
                Err(error) => return Err(self.failed("end a transaction", error)),
            }
        }
    }

    /// Takes back what was sent.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn abort(&self) -> Result<(), KafkaError> {
        self.producer.abort_transaction(PATIENCE).map_err(|e| self.failed("take a transaction back", e))
    }

    fn failed(&self, action: &'static str, error: Failure) -> KafkaError {
        use RDKafkaErrorCode::{Fenced, InvalidProducerEpoch};
        match error.rdkafka_error_code() {
            Some(Fenced | InvalidProducerEpoch) => KafkaError::Fenced { name: self.name.clone() },
            _ => KafkaError::Client { action, source: error },
        }
    }
}
