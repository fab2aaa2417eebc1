//! Which topics there are, how they must be, and what is wrong with those that are there.

use std::time::{Duration, Instant};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    error::RDKafkaErrorCode,
};

use super::{context::Plain, error::KafkaError, settings::Settings};

/// How long the brokers may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Records carry the brokers' time. By a sender's own, brokers refuse those of a machine whose clock is an hour ahead, and expire by it.
const DATED: (&str, &str) = ("message.timestamp.type", "LogAppendTime");

/// Names of topics and groups, with the deployment's prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    prefix: String,
    /// Normalized events as flat ECS JSON, key: source.
    pub events: String,
    /// Records of correlations and repeats, key: group.
    pub keyed: String,
    /// Changes of alerts.
    pub alerts: String,
    /// What analyzers remember; compacted.
    pub state: String,
    /// What people set at the console and analyzers heed: exceptions, own rules; compacted.
    pub settings: String,
    /// What roles tell each other.
    pub control: String,
    /// Captured packets on their way from a collector to the console that asked for them; gone within hours.
    pub packets: String,
    /// What could not be read, with the reason.
    pub dead: String,
}

impl Names {
    /// Of a deployment.
    pub fn new(settings: &Settings) -> Self {
        let topic = |word: &str| format!("{}fansipan.{word}.v1", settings.prefix);
        Self {
            prefix: settings.prefix.clone(),
            events: topic("events"),
            keyed: topic("keyed"),
            alerts: topic("alerts"),
            state: topic("state"),
            settings: topic("settings"),
            control: topic("control"),
            packets: topic("packets"),
            dead: topic("dead"),
        }
    }

    /// A consumer group or a transactional id.
    pub fn group(&self, word: &str) -> String {
        format!("{}{word}", self.prefix)
    }
}

/// Bytes that a topic holds whose records are of use for minutes: several of the largest answers.
const PASSING_BYTES: u64 = 2 << 30;
/// How often such a topic begins a new segment: only whole segments are deleted.
const PASSING_SEGMENT: Duration = Duration::from_secs(600);

/// What a topic keeps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeps {
    /// Everything for at least so many hours.
    Hours(u64),
    /// The latest value of each key.
    Latest,
    /// What somebody waits for now: an hour of it, and [`PASSING_BYTES`] at the most.
    Passing,
}

/// How a topic must be.
struct Shape<'a> {
    name: &'a str,
    partitions: i32,
    keeps: Keeps,
}

impl Keeps {
    /// The settings that make it so.
    fn settings(self) -> Vec<(&'static str, String)> {
        let hours = |n: u64| ("retention.ms", (n * 3_600_000).to_string());
        match self {
            Keeps::Hours(n) => vec![hours(n)],
            // a snapshot is written anew every minute: what it replaces should go soon
            Keeps::Latest => [("cleanup.policy", "compact"), ("segment.ms", "600000"), ("min.cleanable.dirty.ratio", "0.2")]
                .map(|(k, v)| (k, v.to_owned()))
                .into(),
            Keeps::Passing => vec![
                hours(1),
                ("retention.bytes", PASSING_BYTES.to_string()),
                ("segment.ms", PASSING_SEGMENT.as_millis().to_string()),
                ("segment.bytes", (64 << 20).to_string()),
            ],
        }
    }

    /// What is wrong with a topic that has these settings.
    fn problems(self, value: impl Fn(&str) -> String) -> Vec<String> {
        let mut problems = Vec::new();
        if value("cleanup.policy").contains("compact") != (self == Keeps::Latest) {
            let right = if self == Keeps::Latest { "compact" } else { "delete" };
            problems.push(format!(
                "cleanup.policy must be {right}: what analyzers remember and heed would be lost, or nothing would ever expire"
            ));
        }
        // for ever is -1, and no number of hours
        let kept = value("retention.ms").parse::<i64>().unwrap_or(0);
        let hours = kept.div_euclid(3_600_000);
        match self {
            Keeps::Hours(n) if (0..n as i64).contains(&hours) => {
                problems.push(format!("keeps {hours} hours, [kafka] asks for {n}: raise retention.ms"));
            }
            Keeps::Passing => {
                if !(0..=1).contains(&hours) {
                    problems.push("keeps packets for longer than anybody waits for them: set retention.ms to 3600000".to_owned());
                }
                if !value("retention.bytes").parse::<u64>().is_ok_and(|n| n <= PASSING_BYTES) {
                    problems.push(format!("may take all of the disk: set retention.bytes to {PASSING_BYTES}"));
                }
            }
            Keeps::Hours(_) | Keeps::Latest => {}
        }
        problems
    }
}

/// One topic as found, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name.
    pub topic: String,
    /// Whether it is as it must be.
    pub ok: bool,
    /// What is the case, and what to do where it is not well.
    pub text: String,
}

/// Makes and checks topics.
pub struct Topics {
    admin: AdminClient<Plain>,
    settings: Settings,
    names: Names,
}

impl Topics {
    /// Does not connect yet.
    ///
    /// # Errors
    /// [`KafkaError::Setting`], [`KafkaError::Secret`], [`KafkaError::Client`].
    pub fn new(settings: &Settings) -> Result<Self, KafkaError> {
        let admin = settings.client()?.create_with_context(Plain).map_err(KafkaError::client("make a client"))?;
        Ok(Self { admin, settings: settings.clone(), names: Names::new(settings) })
    }

    fn shapes(&self) -> Vec<Shape<'_>> {
        let (names, many, hours) = (&self.names, self.settings.partitions, self.settings.retention_hours.max(1));
        let shape = |name, partitions, keeps| Shape { name, partitions, keeps };
        vec![
            shape(&names.events, many, Keeps::Hours(hours)),
            shape(&names.keyed, many, Keeps::Hours(hours)),
            // one partition: alerts reach people in the order in which they were found
            shape(&names.alerts, 1, Keeps::Hours(hours.max(168))),
            shape(&names.state, many, Keeps::Latest),
            shape(&names.settings, 1, Keeps::Latest),
            shape(&names.control, 1, Keeps::Hours(24)),
            shape(&names.packets, 1, Keeps::Passing),
            shape(&names.dead, 1, Keeps::Hours(hours.max(168))),
        ]
    }

    /// Creates the topics that are missing; those that exist are left as they are. The names of the new ones.
    ///
    /// # Errors
    /// [`KafkaError::Client`], [`KafkaError::Topic`].
    pub async fn create(&self) -> Result<Vec<String>, KafkaError> {
        let shapes = self.shapes();
        let settings: Vec<_> = shapes.iter().map(|s| s.keeps.settings()).collect();
        let copies = self.settings.replication;
        let least = if copies >= 3 { "2" } else { "1" };
        let mut wanted = Vec::new();
        for (shape, settings) in shapes.iter().zip(&settings) {
            let topic = NewTopic::new(shape.name, shape.partitions, TopicReplication::Fixed(copies)).set("min.insync.replicas", least);
            wanted.push(settings.iter().fold(topic.set(DATED.0, DATED.1), |topic, (key, value)| topic.set(key, value)));
        }
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE));
        let results = self.admin.create_topics(&wanted, &options).await.map_err(KafkaError::client("create topics"))?;
        let mut made = Vec::new();
        for result in results {
            match result {
                Ok(topic) => made.push(topic),
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(KafkaError::Topic { topic, problem: format!("cannot be created ({code})") }),
            }
        }
        self.heard_of(&made).await?;
        Ok(made)
    }

    /// Waits until the broker that is asked knows the topics: it hears of them from the controller, a little later than we do.
    async fn heard_of(&self, made: &[String]) -> Result<(), KafkaError> {
        let until = Instant::now() + PATIENCE;
        while !made.is_empty() {
            let metadata = self.admin.inner().fetch_metadata(None, PATIENCE).map_err(KafkaError::client("ask for the topics"))?;
            let known = |name: &String| metadata.topics().iter().any(|t| t.name() == name && t.error().is_none());
            if made.iter().all(known) || Instant::now() > until {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Looks at every topic.
    ///
    /// # Errors
    /// [`KafkaError::Client`] when the brokers cannot be asked.
    pub async fn check(&self) -> Result<Vec<Finding>, KafkaError> {
        let metadata = self.admin.inner().fetch_metadata(None, PATIENCE).map_err(KafkaError::client("ask for the topics"))?;
        let mut findings = Vec::new();
        for shape in self.shapes() {
            let found = metadata.topics().iter().find(|t| t.name() == shape.name && t.error().is_none());
            let Some(found) = found else {
                findings.push(finding(shape.name, false, "is missing: `fansipan doctor --fix` creates it".to_owned()));
                continue;
            };
            let partitions = found.partitions();
            let copies = partitions.iter().map(|p| p.replicas().len()).min().unwrap_or(0);
            let behind = partitions.iter().filter(|p| p.isr().len() < p.replicas().len()).count();
            let headless = partitions.iter().filter(|p| p.leader() < 0).count();
            let mut problems = self.configured(&shape).await?;
            if headless > 0 {
                problems.push(format!("{headless} partitions have no leader: start the brokers that hold them"));
            }
            if behind > 0 {
                problems.push(format!("{behind} partitions have copies that are behind"));
            }
            if (copies as i32) < self.settings.replication {
                problems.push(format!(
                    "has {copies} copies, [kafka] replication says {}: reassign its partitions, or lower the setting",
                    self.settings.replication
                ));
            }
            let text = format!("{} partitions, {copies} copies", partitions.len());
            let ok = problems.is_empty();
            findings.push(finding(shape.name, ok, if ok { text } else { format!("{text}; {}", problems.join("; ")) }));
        }
        Ok(findings)
    }

    /// What is wrong with its configuration.
    async fn configured(&self, shape: &Shape<'_>) -> Result<Vec<String>, KafkaError> {
        let options = AdminOptions::new().request_timeout(Some(PATIENCE));
        let about = [ResourceSpecifier::Topic(shape.name)];
        let answers =
            self.admin.describe_configs(about.iter(), &options).await.map_err(KafkaError::client("ask for a topic's settings"))?;
        let Some(Ok(config)) = answers.into_iter().next() else {
            return Ok(vec!["its settings cannot be read: may this user DESCRIBE_CONFIGS?".to_owned()]);
        };
        let value = |key: &str| config.get(key).and_then(|e| e.value.clone()).unwrap_or_default();
        let mut problems = shape.keeps.problems(value);
        if value(DATED.0) != DATED.1 {
            problems.push(format!(
                "{} must be {}: brokers refuse what a machine sends whose clock is an hour ahead (kafka-configs --alter sets it)",
                DATED.0, DATED.1
            ));
        }
        Ok(problems)
    }

    /// How many partitions a topic has.
    ///
    /// # Errors
    /// [`KafkaError::Topic`], [`KafkaError::Client`].
    pub fn partitions(&self, topic: &str) -> Result<i32, KafkaError> {
        let metadata = self.admin.inner().fetch_metadata(Some(topic), PATIENCE).map_err(KafkaError::client("ask for a topic"))?;
        let found = metadata.topics().iter().find(|t| t.name() == topic && t.error().is_none() && !t.partitions().is_empty());
        found
            .map(|t| t.partitions().len() as i32)
            .ok_or_else(|| KafkaError::Topic { topic: topic.to_owned(), problem: "is missing".into() })
    }

    /// The identity of the cluster, the same as long as it lives.
    ///
    /// # Errors
    /// [`KafkaError::Topic`] when the brokers do not tell.
    pub fn cluster(&self) -> Result<String, KafkaError> {
        let unknown = || KafkaError::Topic { topic: self.names.events.clone(), problem: "is on a cluster that does not answer".into() };
        self.admin.inner().fetch_cluster_id(PATIENCE).ok_or_else(unknown)
    }

    /// The names.
    pub fn names(&self) -> &Names {
        &self.names
    }
}

fn finding(topic: &str, ok: bool, text: String) -> Finding {
    Finding { topic: topic.to_owned(), ok, text }
}

#[cfg(test)]
mod tests {
    use super::Keeps;

    fn problems(keeps: Keeps, settings: &[(&str, &str)]) -> String {
        let value = |key: &str| settings.iter().find(|(k, _)| *k == key).map_or_else(String::new, |(_, v)| (*v).to_owned());
        keeps.problems(value).join("; ")
    }

    #[test]
    fn a_topic_as_it_is_made_is_well_and_one_that_keeps_too_little_or_too_much_is_not() {
        for keeps in [Keeps::Hours(72), Keeps::Latest, Keeps::Passing] {
            let made = keeps.settings();
            let made: Vec<(&str, &str)> = made.iter().map(|(k, v)| (*k, v.as_str())).collect();
            assert_eq!(problems(keeps, &made), "");
        }
        let (delete, compact) = (("cleanup.policy", "delete"), ("cleanup.policy", "compact"));
        for (keeps, settings, said) in [
            (Keeps::Hours(72), &[delete, ("retention.ms", "3600000")][..], "keeps 1 hours"),
            (Keeps::Hours(72), &[compact, ("retention.ms", "-1")], "must be delete"),
            (Keeps::Latest, &[delete], "must be compact"),
            (Keeps::Passing, &[delete, ("retention.ms", "604800000"), ("retention.bytes", "1")], "set retention.ms"),
            (Keeps::Passing, &[delete, ("retention.ms", "-1"), ("retention.bytes", "1")], "set retention.ms"),
            (Keeps::Passing, &[delete, ("retention.ms", "3600000"), ("retention.bytes", "-1")], "set retention.bytes"),
        ] {
            assert!(problems(keeps, settings).contains(said), "{settings:?}");
        }
        assert_eq!(problems(Keeps::Hours(72), &[delete, ("retention.ms", "-1")]), "", "for ever is long enough");
    }
}
