//! A member of a consumer group: cooperative and sticky. Reads what is committed only. Where each partition begins is for its
//! [`Owner`] to say.
//!
//! Members are dynamic. Static ones (`group.instance.id`) and cooperative assignment do not go together: where a member restarts
//! between giving a partition up and joining again, the group hands it what it has left and nobody gets the partition.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext, Message as _, Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, ConsumerGroupMetadata},
    message::BorrowedMessage,
    types::RDKafkaRespErr,
};

use super::{
    context,
    error::KafkaError,
    settings::{Settings, TRANSACTION},
    topics::Names,
};
use crate::{BusError, Delivery, Source, sync::locked};

/// How long the brokers may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long they may take to say where a group came to: a transaction that a dead process left open must end first.
const SETTLED: Duration = Duration::from_secs(TRANSACTION.as_secs() + 20);

/// Who works on the partitions that a reader gets. Called while the reader polls, on its thread.
pub trait Owner: Send + Sync + 'static {
    /// A partition is this reader's now; `committed`: where its group came to. Where to begin; `None`: with the oldest record.
    ///
    /// # Errors
    /// Why that is not known for now: the reader then fails, and another may take the partition over.
    fn assigned(&self, _partition: i32, committed: Option<u64>) -> Result<Option<u64>, String> {
        Ok(committed)
    }

    /// A partition goes to another reader.
    fn revoked(&self, _partition: i32) {}
}

/// Begins where the group was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Committed;

impl Owner for Committed {}

/// A partition that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    /// Tells one time that it was held from another.
    number: u64,
    /// What was handed over last.
    last: Option<u64>,
}

impl Part {
    /// Whether the record at `offset`, polled while it was held as `number`, is to be handed over. The library puts partitions on hold
    /// while a group is put together anew and goes on where the reader was; a record that the reader takes at that moment comes again.
    /// Only that one: what is further back was written anew, in a topic that was lost or made again.
    fn takes(&mut self, number: u64, offset: u64) -> bool {
        let new = self.number == number && self.last != Some(offset);
        if new {
            self.last = Some(offset);
        }
        new
    }
}

struct Context {
    owner: Arc<dyn Owner>,
    topic: String,
    /// Partitions held, and a number that changes whenever one comes or goes.
    held: Mutex<(u64, BTreeMap<i32, Part>)>,
    /// Those of which everything there is was read.
    ended: Mutex<BTreeSet<i32>>,
    /// Why a partition could not be taken over.
    failed: Mutex<Option<KafkaError>>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        context::log(level, facility, message);
    }

    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        tracing::warn!(target: "kafka", %error, "{reason}");
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, err: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let result = match err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                self.take(consumer, list);
                consumer.incremental_assign(list)
            }
            _ => {
                self.give(consumer, list);
                consumer.incremental_unassign(list)
            }
        };
        if let Err(error) = result {
            tracing::error!(target: "kafka", %error, "FSP-KFK-010: partitions could not be taken over or given up; the group tries again");
        }
    }

    fn main_queue_min_poll_interval(&self) -> rdkafka::util::Timeout {
        Duration::from_millis(100).into()
    }
}

impl Context {
    fn take(&self, consumer: &BaseConsumer<Self>, list: &mut TopicPartitionList) {
        let committed = consumer.committed_offsets(list.clone(), SETTLED);
        let partitions: Vec<i32> = list.elements().iter().map(|e| e.partition()).collect();
        for partition in partitions {
            let known = match &committed {
                Ok(committed) => self.committed(committed, partition),
                Err(error) => Err(error.to_string()),
            };
            // what is not held is not handed over, and the next poll fails
            let start = match known.and_then(|known| self.owner.assigned(partition, known)) {
                Ok(start) => start,
                Err(reason) => {
                    *locked(&self.failed) = Some(KafkaError::Takeover { topic: self.topic.clone(), partition, reason });
                    continue;
                }
            };
            self.warn_if_expired(consumer, partition, start);
            let offset = start.map_or(Offset::Beginning, |n| Offset::Offset(n as i64));
            if let Err(error) = list.set_partition_offset(&self.topic, partition, offset) {
                *locked(&self.failed) = Some(KafkaError::Takeover { topic: self.topic.clone(), partition, reason: error.to_string() });
                continue;
            }
            let mut held = locked(&self.held);
            held.0 += 1;
            let number = held.0;
            held.1.insert(partition, Part { number, last: None });
        }
    }

    /// Where the group came to; `None` where it never was.
    fn committed(&self, list: &TopicPartitionList, partition: i32) -> Result<Option<u64>, String> {
        let element = list.find_partition(&self.topic, partition).ok_or("the brokers do not say where the group came to")?;
        element.error().map_err(|e| e.to_string())?;
        Ok(match element.offset() {
            Offset::Offset(n) => u64::try_from(n).ok(),
            _ => None,
        })
    }

    /// A position before the oldest record means that records were deleted unread: that must not pass unseen.
    fn warn_if_expired(&self, consumer: &BaseConsumer<Self>, partition: i32, start: Option<u64>) {
        let Some(wanted) = start else { return };
        if let Ok((oldest, _)) = consumer.fetch_watermarks(&self.topic, partition, PATIENCE)
            && oldest > wanted as i64
        {
            let error = KafkaError::Expired { topic: self.topic.clone(), partition, wanted, oldest: oldest as u64 };
            tracing::error!(target: "kafka", "{error}");
        }
    }

    fn give(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        // the library would remember it for the day when the partition comes again
        if let Err(error) = consumer.resume(list) {
            tracing::warn!(target: "kafka", %error, "partitions that are given up may be on hold when they come again");
        }
        for element in list.elements() {
            let mut held = locked(&self.held);
            held.0 += 1;
            held.1.remove(&element.partition());
            drop(held);
            locked(&self.ended).remove(&element.partition());
            self.owner.revoked(element.partition());
        }
    }
}

/// Whether an error says that brokers cannot be reached for now.
pub(super) fn is_passing(error: &rdkafka::error::KafkaError) -> bool {
    use rdkafka::types::RDKafkaErrorCode::{AllBrokersDown, BrokerTransportFailure, OperationTimedOut, Resolve};
    matches!(error.rdkafka_error_code(), Some(AllBrokersDown | BrokerTransportFailure | OperationTimedOut | Resolve))
}

/// One record with its key.
#[derive(Clone, Copy, Debug)]
pub struct Keyed<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// The record.
    pub record: Delivery<'a>,
}

fn offset(message: &BorrowedMessage<'_>) -> u64 {
    u64::try_from(message.offset()).unwrap_or(0)
}

/// Reads one topic as a member of a group.
pub struct Reader {
    consumer: BaseConsumer<Context>,
    topic: String,
}

impl Reader {
    /// Joins the group `group` for `topic`.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn join(settings: &Settings, group: &str, topic: &str, owner: Arc<dyn Owner>) -> Result<Self, KafkaError> {
        let group = Names::new(settings).group(group);
        let mut config = settings.client()?;
        config.set("group.id", &group);
        config.set("partition.assignment.strategy", "cooperative-sticky");
        config.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "1000");
        config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        config.set("isolation.level", "read_committed").set("auto.offset.reset", "earliest");
        config.set("fetch.wait.max.ms", "100").set("fetch.error.backoff.ms", "100").set("queued.max.messages.kbytes", "32768");
        config.set("check.crcs", "true").set("enable.partition.eof", "true");
        let context = Context { owner, topic: topic.to_owned(), held: Mutex::default(), ended: Mutex::default(), failed: Mutex::default() };
        let consumer: BaseConsumer<Context> = config.create_with_context(context).map_err(KafkaError::client("make a reader"))?;
        consumer.subscribe(&[topic]).map_err(KafkaError::client("join a group"))?;
        Ok(Self { consumer, topic: topic.to_owned() })
    }

    /// Hands over what is there, with keys: at most `max`. Waits up to `timeout` for the first; how many there were.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn poll_keyed(&self, max: usize, timeout: Duration, each: &mut dyn FnMut(Keyed<'_>)) -> Result<usize, KafkaError> {
        let until = Instant::now() + timeout;
        let mut hand: Vec<(u64, BorrowedMessage<'_>)> = Vec::new();
        while hand.len() < max {
            let wait = if hand.is_empty() { until.saturating_duration_since(Instant::now()) } else { Duration::ZERO };
            match self.consumer.poll(wait) {
                None if hand.is_empty() && Instant::now() < until => {}
                None => break,
                Some(Ok(message)) => {
                    locked(&self.context().ended).remove(&message.partition());
                    let part = locked(&self.context().held).1.get(&message.partition()).copied();
                    hand.extend(part.map(|p| (p.number, message)));
                }
                Some(Err(rdkafka::error::KafkaError::PartitionEOF(partition))) => {
                    locked(&self.context().ended).insert(partition);
                }
                // brokers come and go: the library connects again by itself
                Some(Err(error)) if is_passing(&error) => {}
                Some(Err(error)) => return Err(KafkaError::client("read")(error)),
            }
            if let Some(error) = locked(&self.context().failed).take() {
                return Err(error);
            }
        }
        // what was read of a partition that went away meanwhile is read there again
        let mut held = locked(&self.context().held);
        hand.retain(|(number, message)| held.1.get_mut(&message.partition()).is_some_and(|p| p.takes(*number, offset(message))));
        drop(held);
        for (_, message) in &hand {
            let record = Delivery { partition: message.partition(), offset: offset(message), value: message.payload().unwrap_or_default() };
            each(Keyed { key: message.key().unwrap_or_default(), record });
        }
        Ok(hand.len())
    }

    fn context(&self) -> &Context {
        self.consumer.context()
    }

    /// Partitions it has now.
    pub fn partitions(&self) -> Vec<i32> {
        locked(&self.context().held).1.keys().copied().collect()
    }

    /// Whether everything that the partition had at the latest poll was handed over.
    pub fn is_at_end(&self, partition: i32) -> bool {
        locked(&self.context().ended).contains(&partition)
    }

    /// Reads no more of these partitions, or goes on with them.
    ///
    /// # Errors
    /// [`KafkaError`].
    pub fn hold(&self, partitions: &[i32], hold: bool) -> Result<(), KafkaError> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, *partition);
        }
        let done = if hold { self.consumer.pause(&list) } else { self.consumer.resume(&list) };
        done.map_err(KafkaError::client("hold a partition"))
    }

    /// What a transaction needs to keep this group's positions.
    ///
    /// # Errors
    /// [`KafkaError::Moved`] where the group has given up this member.
    pub fn group(&self) -> Result<ConsumerGroupMetadata, KafkaError> {
        let own = if self.consumer.assignment_lost() { None } else { self.consumer.group_metadata() };
        own.ok_or_else(|| KafkaError::Moved { topic: self.topic.clone() })
    }

    /// The topic it reads.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Leaves the group: calls the owner for every partition that is given up.
    pub fn leave(&self) {
        self.consumer.unsubscribe();
        let until = Instant::now() + Duration::from_secs(2);
        while !self.partitions().is_empty() && Instant::now() < until {
            drop(self.consumer.poll(Duration::from_millis(50)));
        }
    }
}

impl Source for Reader {
    fn poll(&mut self, max_records: usize, timeout: Duration, each: &mut dyn FnMut(Delivery<'_>)) -> Result<usize, BusError> {
        Ok(self.poll_keyed(max_records, timeout, &mut |k| each(k.record))?)
    }

    fn commit(&mut self, partition: i32, next: u64) -> Result<(), BusError> {
        if !locked(&self.context().held).1.contains_key(&partition) {
            return Ok(());
        }
        let mut list = TopicPartitionList::new();
        let placed = list.add_partition_offset(&self.topic, partition, Offset::Offset(next as i64));
        placed.and_then(|()| self.consumer.commit(&list, CommitMode::Sync)).map_err(KafkaError::client("keep a position"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Part;

    #[test]
    fn a_record_that_comes_again_is_handed_over_once() {
        let mut part = Part { number: 7, last: None };
        let mut taken = |number, offsets: &[u64]| -> Vec<u64> { offsets.iter().copied().filter(|at| part.takes(number, *at)).collect() };
        // an offset may be a transaction's marker, which nobody gets
        assert_eq!(taken(7, &[100, 101, 101, 103]), [100, 101, 103]);
        assert_eq!(taken(7, &[103, 104]), [104]);
        assert!(taken(6, &[105]).is_empty(), "polled before the partition went away and came again");
        assert_eq!(taken(7, &[105]), [105]);
        assert_eq!(taken(7, &[0, 1]), [0, 1], "the topic was made anew, and its offsets begin again");
    }
}
