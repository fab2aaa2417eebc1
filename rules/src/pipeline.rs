//! pySigma's processing pipelines: rules changed, as data, before they are compiled. For rules written for other field names, and
//! for conditions a site wants in every rule; the shipped taxonomy needs none of them.
//!
//! Read: `field_name_mapping`, `field_name_prefix`, `field_name_suffix`, `field_name_prefix_mapping`, `drop_detection_item`,
//! `add_condition`, `change_logsource`, `value_placeholders`, `wildcard_placeholders`, `rule_failure`; conditions `logsource`,
//! `contains_detection_item` (by field), `include_fields`, `exclude_fields`, `processing_item_applied`. Anything else is refused
//! by name, since a pipeline half applied would change what rules mean.

mod apply;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use fansipan_model::Op;

use crate::{
    ast::{LogSource, Rule},
    diagnostic::Diagnostic,
};

/// A pipeline, read.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// `name`.
    pub name: String,
    /// `priority`: lower ones are applied first.
    pub priority: i64,
    vars: BTreeMap<String, Vec<String>>,
    steps: Vec<Step>,
}

impl Pipeline {
    /// Reads a pipeline file. `file` is only carried along.
    pub fn parse(text: &str, file: &str) -> Result<Pipeline, Vec<Diagnostic>> {
        read::pipeline(text, file)
    }

    /// Changes a rule. Errors: a step refuses the rule (`rule_failure`); it is then not to be used.
    pub fn apply(&self, rule: &mut Rule) -> Result<(), Box<Diagnostic>> {
        let mut applied = BTreeSet::new();
        for step in &self.steps {
            if step.concerns(rule, &applied) {
                step.apply(self, rule)?;
                applied.extend(step.id.clone());
            }
        }
        Ok(())
    }
}

/// One transformation with its conditions.
#[derive(Clone, Debug)]
struct Step {
    id: Option<String>,
    change: Change,
    rules: Conditions<RuleCondition>,
    fields: Conditions<FieldCondition>,
}

/// Conditions joined by and (or by or), perhaps negated; none: always.
#[derive(Clone, Debug)]
struct Conditions<T> {
    list: Vec<T>,
    any: bool,
    not: bool,
}

#[derive(Clone, Debug)]
enum RuleCondition {
    LogSource(LogSource),
    HasField(String),
    Applied(String),
}

#[derive(Clone, Debug)]
enum FieldCondition {
    Include(Vec<String>),
    Exclude(Vec<String>),
}

#[derive(Clone, Debug)]
enum Change {
    /// Name → names.
    Rename(BTreeMap<String, Vec<String>>),
    Prefix(String),
    Suffix(String),
    /// Beginning → beginnings.
    Prefixes(BTreeMap<String, Vec<String>>),
    Drop,
    Add {
        items: Vec<(String, Vec<Op>)>,
        negated: bool,
    },
    LogSource(LogSource),
    /// Placeholders by these names, or all, become the pipeline's `vars`.
    Values(Option<Vec<String>>),
    /// Placeholders by these names, or all, become `*`.
    Wildcards(Option<Vec<String>>),
    Fail(String),
}
