//! One suite for both buses: the same tests with the same data on the embedded log and on a real Apache Kafka (started here, or
//! any server named by `KAFKA_BROKERS`).

mod broker;
mod kafka;
mod suite;

use fansipan_bus::{BusConfig, EmbeddedBus, Sink, Source};
use suite::Subject;

struct Embedded {
    dir: tempfile::TempDir,
    bus: Option<EmbeddedBus>,
}

impl Embedded {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), bus: None }
    }
}

impl Subject for Embedded {
    type Sink = EmbeddedBus;

    fn sink(&mut self) -> &Self::Sink {
        self.bus.get_or_insert_with(|| {
            let mut config = BusConfig::new(self.dir.path());
            (config.segment_bytes, config.max_bytes, config.min_free_bytes) = (4 << 20, 64 << 20, 0);
            EmbeddedBus::open(config).unwrap().0
        })
    }

    fn source(&mut self, group: &str) -> Box<dyn Source> {
        self.sink();
        Box::new(self.bus.as_ref().unwrap().consumer(group).unwrap())
    }

    fn restart(&mut self) {
        if let Some(bus) = self.bus.take() {
            bus.close();
        }
    }
}

#[test]
fn embedded_log() {
    suite::all(&mut Embedded::new);
}

#[test]
fn the_sink_is_an_object() {
    let mut subject = Embedded::new();
    let sink: &dyn Sink = subject.sink();
    assert!(sink.batch().is_empty());
}
