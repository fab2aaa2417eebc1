//! Alerts: what the analyzer tells people, with ids that replay to the same value.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Sigma's `level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing, no action.
    #[default]
    Informational,
    /// Notable in combination.
    Low,
    /// Look at it within the day.
    Medium,
    /// Look at it now.
    High,
    /// Wake somebody.
    Critical,
}

impl Level {
    /// Sigma's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Informational => "informational",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Critical => "critical",
        }
    }

    /// Reads Sigma's word.
    pub fn parse(word: &str) -> Option<Level> {
        [Level::Informational, Level::Low, Level::Medium, Level::High, Level::Critical].into_iter().find(|l| l.as_str() == word)
    }
}

/// 128 bits; text is 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlertId(pub [u8; 16]);

impl AlertId {
    /// The first 128 bits of SHA-256 over canonical JSON `[agency, rule.id, SHA-256 of the rule text, group…]`.
    /// `group`: group values and window start of a correlation; the `event.id` of a single-event rule.
    pub fn derive(agency: &str, rule_id: &str, rule_hash: &str, group: &[&str]) -> AlertId {
        // A JSON array of strings has one canonical text, so serde_json's output is the canonical form (RFC 8785).
        let mut parts = vec![agency, rule_id, rule_hash];
        parts.extend_from_slice(group);
        let text = serde_json::to_string(&parts).unwrap_or_default();
        let digest = Sha256::digest(text.as_bytes());
        let mut id = [0u8; 16];
        id.copy_from_slice(&digest[..16]);
        AlertId(id)
    }

    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<AlertId> {
        let mut id = [0u8; 16];
        hex::decode_to_slice(text, &mut id).ok()?;
        Some(AlertId(id))
    }
}

impl std::fmt::Display for AlertId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for AlertId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl Serialize for AlertId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AlertId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        AlertId::parse(&text).ok_or_else(|| serde::de::Error::custom("an alert id is 32 hexadecimal digits"))
    }
}

/// The rule behind an alert, as it was when it fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRef {
    /// The rule's `id`, or its file name where it has none.
    pub id: String,
    /// English title.
    pub title: String,
    /// Vietnamese title, where the rule carries one.
    pub title_vi: Option<String>,
    /// Severity.
    pub level: Level,
    /// SHA-256 of the rule's text, hexadecimal.
    pub hash: String,
    /// `attack.t1110`, `attack.credential-access`…
    pub tags: Vec<String>,
    /// What to do, English.
    pub advice: Option<String>,
    /// What to do, Vietnamese.
    pub advice_vi: Option<String>,
}

/// What kind of thing an entity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityKind {
    /// A host name.
    Host,
    /// An account.
    User,
    /// A network address.
    Address,
    /// A file path or name.
    File,
    /// A hash.
    Hash,
    /// A program.
    Process,
    /// A domain name.
    Domain,
}

/// A thing an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entity {
    /// What it is.
    pub kind: EntityKind,
    /// The field it came from.
    pub field: String,
    /// Its value as text.
    pub value: String,
}

/// A field that made the rule match, with the value it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchedField {
    /// Dotted name.
    pub field: String,
    /// Value as text.
    pub value: String,
}

/// Where an alert stands in triage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// Nobody took it.
    #[default]
    New,
    /// Somebody took it.
    Acknowledged,
    /// Judged an attack.
    TruePositive,
    /// Judged a mistake of the rule.
    FalsePositive,
    /// Judged real and harmless.
    Benign,
}

/// One alert: a rule that matched, with every repeat of it for the same entities within the grouping window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// See [`AlertId::derive`].
    pub id: AlertId,
    /// Whose it is.
    pub agency: String,
    /// The rule.
    pub rule: RuleRef,
    /// `@timestamp` of the earliest event, UTC nanoseconds.
    pub first_seen: i64,
    /// `@timestamp` of the latest event, UTC nanoseconds.
    pub last_seen: i64,
    /// `event.ingested` of the first event: when the alert was raised, UTC nanoseconds.
    pub raised: i64,
    /// Matching events in this alert, exact.
    pub count: u64,
    /// What it is about, sorted.
    pub entities: Vec<Entity>,
    /// What all its events share besides the rule (host, source address or user): the grouping key.
    pub group: Vec<String>,
    /// Fields of the first event that made the rule match.
    pub matched: Vec<MatchedField>,
    /// Ids of the first events (at most [`Alert::SAMPLE`]).
    pub events: Vec<uuid::Uuid>,
    /// What happened, in a line: `message` of the first event, or the fields of it that tell most; at most 1,024 characters.
    pub summary: String,
    /// Where it stands.
    pub status: AlertStatus,
    /// Who holds it.
    pub assignee: Option<String>,
    /// Whether the events were part of a drill.
    pub drill: bool,
    /// The exception, suppression or maintenance window that holds it back: kept and marked, not shown as work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<String>,
    /// Grows by one with each change.
    pub version: u64,
}

impl Alert {
    /// How many event ids an alert lists.
    pub const SAMPLE: usize = 20;
}
