//! A partition from now on: what is committed to it after one began to read, for whoever waits for an answer.

use std::time::{Duration, Instant};

use rdkafka::{
    Message as _, Offset,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError as Failure,
};

use super::{
    context::Plain,
    error::KafkaError,
    reader::is_passing,
    settings::Settings,
    table::{alone_with, from},
};

/// How long the brokers may take to say where the partition ends.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most memory for records that were fetched and not read yet, KiB.
const AHEAD_KIB: &str = "16384";

/// Reads a partition from where it ended when this was opened. Joins no group and keeps no position.
pub struct Tail {
    consumer: BaseConsumer<Plain>,
}

impl Tail {
    /// Finds the end. Whatever is sent after this returns is handed over, once it is committed.
    ///
    /// # Errors
    /// [`KafkaError`]; no broker answering within ten seconds is one.
    pub fn open(settings: &Settings, topic: &str, partition: i32) -> Result<Self, KafkaError> {
        let consumer = alone_with(settings, &[("queued.max.messages.kbytes", AHEAD_KIB), ("check.crcs", "true")])?;
        let (_, end) = consumer.fetch_watermarks(topic, partition, PATIENCE).map_err(KafkaError::client("ask where a topic ends"))?;
        from(&consumer, topic, partition, Offset::Offset(end))?;
        Ok(Self { consumer })
    }

    /// Hands over keys and values of what came, waiting up to `timeout` for the first of it.
    ///
    /// # Errors
    /// [`KafkaError`]. Brokers that are away for now are none: there is nothing then.
    pub fn follow(&self, timeout: Duration, each: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), KafkaError> {
        let until = Instant::now() + timeout;
        let mut wait = timeout;
        loop {
            match self.consumer.poll(wait) {
                Some(Ok(message)) => {
                    each(message.key().unwrap_or_default(), message.payload().unwrap_or_default());
                    wait = Duration::ZERO;
                }
                Some(Err(Failure::PartitionEOF(_))) => {}
                Some(Err(error)) if is_passing(&error) => {}
                Some(Err(error)) => return Err(KafkaError::client("wait for an answer")(error)),
                None => return Ok(()),
            }
            if Instant::now() >= until {
                return Ok(());
            }
        }
    }
}
