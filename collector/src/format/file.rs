//! A format file as written: TOML to plain structs, unknown keys refused. What it means is decided in [`super::compile`].

use std::collections::BTreeMap;

use serde::Deserialize;

/// One text or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            OneOrMany::One(s) => std::slice::from_ref(s),
            OneOrMany::Many(list) => list,
        }
        .iter()
        .map(String::as_str)
    }
}

/// A constant: text, integer or boolean.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Bool(bool),
    Int(i64),
    Text(String),
}

/// One constant or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalars {
    One(Scalar),
    Many(Vec<Scalar>),
}

impl Scalars {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Scalar> {
        match self {
            Scalars::One(s) => std::slice::from_ref(s),
            Scalars::Many(list) => list,
        }
        .iter()
    }
}

pub(super) type Constants = BTreeMap<String, Scalars>;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FormatFile {
    pub(super) name: String,
    pub(super) dataset: Option<String>,
    pub(super) module: Option<String>,
    pub(super) vendor: Option<String>,
    pub(super) product: Option<String>,
    pub(super) observer: Option<String>,
    pub(super) os: Option<String>,
    pub(super) syntax: String,
    pub(super) prefix: Option<String>,
    pub(super) extends: Option<String>,
    #[serde(default)]
    pub(super) whole: bool,
    pub(super) prose: Option<bool>,
    #[serde(default)]
    pub(super) keep_empty: bool,
    #[serde(default)]
    pub(super) detect: Vec<DetectFile>,
    #[serde(default)]
    pub(super) rename: BTreeMap<String, OneOrMany>,
    #[serde(default)]
    pub(super) keep: Vec<String>,
    #[serde(default)]
    pub(super) values: BTreeMap<String, BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) time: Vec<TimeFile>,
    #[serde(default)]
    pub(super) set: Constants,
    #[serde(default)]
    pub(super) default: Constants,
    #[serde(default)]
    pub(super) when: Vec<WhenFile>,
    pub(super) head: Option<OneOrMany>,
    pub(super) dispatch: Option<String>,
    #[serde(default, rename = "message")]
    pub(super) templates: Vec<TemplateFile>,
    pub(super) kv: Option<KvFile>,
    pub(super) csv: Option<CsvFile>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DetectFile {
    pub(super) app: Option<OneOrMany>,
    pub(super) starts: Option<OneOrMany>,
    pub(super) contains: Option<OneOrMany>,
    pub(super) keys: Option<OneOrMany>,
    pub(super) device: Option<OneOrMany>,
    pub(super) path: Option<OneOrMany>,
    #[serde(default, rename = "match")]
    pub(super) must_match: bool,
    pub(super) confidence: Option<u16>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeFile {
    pub(super) from: OneOrMany,
    #[serde(rename = "as")]
    pub(super) format: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhenFile {
    #[serde(default, rename = "if")]
    pub(super) conditions: BTreeMap<String, Scalars>,
    pub(super) exists: Option<OneOrMany>,
    pub(super) missing: Option<OneOrMany>,
    #[serde(default)]
    pub(super) set: Constants,
    #[serde(default)]
    pub(super) default: Constants,
    #[serde(default)]
    pub(super) copy: BTreeMap<String, OneOrMany>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateFile {
    pub(super) text: Option<OneOrMany>,
    pub(super) regex: Option<OneOrMany>,
    pub(super) key: Option<OneOrMany>,
    #[serde(default)]
    pub(super) set: Constants,
    #[serde(default)]
    pub(super) default: Constants,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KvFile {
    pub(super) pair: Option<String>,
    pub(super) value: Option<String>,
    pub(super) quotes: Option<String>,
    pub(super) start: Option<String>,
    pub(super) stop: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CsvFile {
    pub(super) separator: Option<String>,
    pub(super) quote: Option<String>,
    pub(super) select: Option<usize>,
    #[serde(default)]
    pub(super) columns: Vec<String>,
    #[serde(default)]
    pub(super) layouts: BTreeMap<String, Vec<String>>,
}
