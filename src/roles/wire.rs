//! What roles tell each other, as JSON with a version: changes of alerts, settings, and messages on the control topic.
//! Readers take the version before as well; of a newer one they say that this node must be upgraded.

use anyhow::{Context as _, Result, bail};
use fansipan_model::{Alert, AlertId, Event, Exception, SourceInfo, json};
use fansipan_storage::{AlertChange, AlertRepeat, OwnRule, RuleCount};
use serde::{Deserialize, Serialize};

use super::rings::Ask;

pub(super) const VERSION: u8 = 1;

/// One record of the alerts topic.
#[derive(Debug, Serialize, Deserialize)]
struct AlertRecord {
    v: u8,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Open(Box<Alert>),
    Put(Box<Alert>),
    Repeat { id: AlertId, count: u64, first_seen: i64, last_seen: i64, events: Vec<uuid::Uuid> },
    Supersede { id: AlertId, by: Option<AlertId> },
    Rules(Vec<(String, u64, i64)>),
}

/// What a record of the alerts topic says.
#[derive(Debug, PartialEq)]
pub(crate) enum Told {
    /// A change of an alert.
    Change(AlertChange),
    /// How often rules matched.
    Rules(Vec<RuleCount>),
}

/// Key and value of a change.
pub(crate) fn change(change: AlertChange) -> Result<(String, Vec<u8>)> {
    let (id, what) = match change {
        AlertChange::Open(alert) => (alert.id, What::Open(alert)),
        AlertChange::Put(alert) => (alert.id, What::Put(alert)),
        AlertChange::Repeat(AlertRepeat { id, count, first_seen, last_seen, events }) => {
            (id, What::Repeat { id, count, first_seen, last_seen, events })
        }
        AlertChange::Supersede { id, by } => (id, What::Supersede { id, by }),
    };
    Ok((id.to_string(), serde_json::to_vec(&AlertRecord { v: VERSION, what })?))
}

/// The value for matches of rules.
pub(crate) fn rules(counts: Vec<RuleCount>) -> Result<Vec<u8>> {
    let list = counts.into_iter().map(|c| (c.rule, c.count, c.last)).collect();
    Ok(serde_json::to_vec(&AlertRecord { v: VERSION, what: What::Rules(list) })?)
}

/// Refuses what a newer program wrote.
pub(super) fn version(bytes: &[u8], topic: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct Head {
        v: u8,
    }
    let head: Head = serde_json::from_slice(bytes).with_context(|| format!("FSP-RUN-062: a record of the {topic} topic is damaged"))?;
    if head.v > VERSION {
        bail!(
            "FSP-RUN-063: a record of the {topic} topic has version {}, newer than this program reads ({VERSION}): upgrade this node",
            head.v
        );
    }
    Ok(())
}

/// Reads a record of the alerts topic.
pub(crate) fn read_alert(bytes: &[u8]) -> Result<Told> {
    version(bytes, "alerts")?;
    let record: AlertRecord = serde_json::from_slice(bytes).context("FSP-RUN-062: a record of the alerts topic is damaged")?;
    Ok(match record.what {
        What::Open(alert) => Told::Change(AlertChange::Open(alert)),
        What::Put(alert) => Told::Change(AlertChange::Put(alert)),
        What::Repeat { id, count, first_seen, last_seen, events } => {
            Told::Change(AlertChange::Repeat(AlertRepeat { id, count, first_seen, last_seen, events }))
        }
        What::Supersede { id, by } => Told::Change(AlertChange::Supersede { id, by }),
        What::Rules(list) => Told::Rules(list.into_iter().map(|(rule, count, last)| RuleCount { rule, count, last }).collect()),
    })
}

/// What people set at the console, as analyzers must know it: the latest version of each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setting {
    /// What they are not told of.
    Exception(Exception),
    /// A rule of their own, or a switch on another.
    Rule(OwnRule),
}

/// One record of the settings topic.
#[derive(Debug, Serialize, Deserialize)]
struct SettingRecord {
    v: u8,
    #[serde(flatten)]
    what: SettingWire,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SettingWire {
    Exception(Exception),
    Rule { id: String, version: u64, text: Option<String>, enabled: bool, who: String, at: i64, why: String },
}

impl Setting {
    /// Key and value as they travel.
    pub(crate) fn write(self) -> Result<(Vec<u8>, Vec<u8>)> {
        let (key, what) = match self {
            Setting::Exception(e) => (format!("exception/{}", e.id), SettingWire::Exception(e)),
            Setting::Rule(OwnRule { id, version, text, enabled, who, at, why }) => {
                (format!("rule/{id}"), SettingWire::Rule { id, version, text, enabled, who, at, why })
            }
        };
        Ok((key.into_bytes(), serde_json::to_vec(&SettingRecord { v: VERSION, what })?))
    }

    /// Reads one. The id of a rule is the name of a file, so it is looked at.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        version(bytes, "settings")?;
        let record: SettingRecord = serde_json::from_slice(bytes).context("FSP-RUN-062: a record of the settings topic is damaged")?;
        Ok(match record.what {
            SettingWire::Exception(e) => Setting::Exception(e),
            SettingWire::Rule { id, version, text, enabled, who, at, why } => {
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                if text.is_some() && (id.is_empty() || id.starts_with('.') || !id.chars().all(plain)) {
                    bail!("FSP-RUN-062: a record of the settings topic is damaged: {id:?} is no id of a rule");
                }
                Setting::Rule(OwnRule { id, version, text, enabled, who, at, why })
            }
        })
    }
}

/// A message on the control topic.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    v: u8,
    /// Name of the process that says it.
    pub(crate) from: String,
    #[serde(flatten)]
    pub(crate) say: Say,
}

/// What is said.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Say {
    /// A collector: these sources are now so; `whole`: and there are no others.
    Sources { whole: bool, list: Vec<SourceInfo> },
    /// A collector: how its spool is; `ended`: and it stops in order, nobody need wait to hear of it.
    Spool {
        waiting: u64,
        bytes: u64,
        delivered: u64,
        alarm: Option<String>,
        #[serde(default)]
        ended: bool,
    },
    /// The console: an operator fixed the format of a source, or freed it.
    Pin { source: String, format: Option<String> },
    /// The console: packets are wanted.
    Packets(Box<Ask>),
}

impl Message {
    /// To be sent.
    pub(crate) fn new(from: &str, say: Say) -> Self {
        Self { v: VERSION, from: from.to_owned(), say }
    }

    /// Reads one; what newer programs say beside is not for us.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        version(bytes, "control")?;
        serde_json::from_slice(bytes).context("FSP-RUN-062: a record of the control topic is damaged")
    }

    /// As it travels.
    pub(crate) fn write(&self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }
}

/// A record of the events topic.
///
/// # Errors
/// Why it is no event.
pub(super) fn event(record: &[u8]) -> Result<Event, String> {
    let text = std::str::from_utf8(record).map_err(|e| e.to_string())?;
    json::read(text).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Setting, Told, change, read_alert, rules};
    use fansipan_model::{AlertId, Exception, ExceptionKind};
    use fansipan_storage::{AlertChange, AlertRepeat, OwnRule, RuleCount};

    #[test]
    fn what_is_written_is_read() {
        let id = AlertId([7; 16]);
        let repeat = AlertRepeat { id, count: 3, first_seen: 1, last_seen: 2, events: vec![uuid::Uuid::nil()] };
        for c in [AlertChange::Repeat(repeat), AlertChange::Supersede { id, by: None }] {
            let (key, value) = change(c.clone()).unwrap();
            assert_eq!(key, id.to_string());
            assert_eq!(read_alert(&value).unwrap(), Told::Change(c));
        }
        let counts = vec![RuleCount { rule: "r".into(), count: 2, last: 9 }];
        assert_eq!(read_alert(&rules(counts.clone()).unwrap()).unwrap(), Told::Rules(counts));
    }

    #[test]
    fn settings_are_read_as_written_and_no_rule_names_a_file_elsewhere() {
        let exception = Exception {
            id: "e1".into(),
            kind: ExceptionKind::Exception,
            rule: Some("r".into()),
            filter: "user.name:scanner".into(),
            agency: None,
            owner: "an".into(),
            reason: "our scanner".into(),
            from: 1,
            until: 2,
            created: 1,
            made_by: "an".into(),
            version: 3,
        };
        let rule = |id: &str, text: Option<&str>| OwnRule {
            id: id.into(),
            version: 2,
            text: text.map(Into::into),
            enabled: true,
            who: "an".into(),
            at: 5,
            why: "new".into(),
        };
        for setting in [Setting::Exception(exception), Setting::Rule(rule("a-b", Some("title: x"))), Setting::Rule(rule("a/b", None))] {
            let (_, value) = setting.clone().write().unwrap();
            assert_eq!(Setting::read(&value).unwrap(), setting);
        }
        for bad in ["../../etc/passwd", ".hidden", ""] {
            let (_, value) = Setting::Rule(rule(bad, Some("title: x"))).write().unwrap();
            assert!(Setting::read(&value).unwrap_err().to_string().contains("FSP-RUN-062"), "{bad}");
        }
    }

    #[test]
    fn newer_versions_and_rubbish_are_told_apart() {
        let newer = read_alert(br#"{"v":2,"something":{}}"#).unwrap_err().to_string();
        assert!(newer.contains("FSP-RUN-063") && newer.contains("upgrade"), "{newer}");
        assert!(read_alert(b"\xff").unwrap_err().to_string().contains("FSP-RUN-062"));
    }
}
