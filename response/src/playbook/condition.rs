//! Conditions of playbooks: expressions over an incident and the answers so far, compiled once, bounded in length and depth.

use evalexpr::{HashMapContext, Node, Value, build_operator_tree};

/// Longest expression, bytes.
const LONGEST: usize = 512;
/// Deepest nesting of brackets.
const DEEPEST: usize = 16;
/// What an expression may call.
const FUNCTIONS: [&str; 6] = ["contains", "contains_any", "len", "min", "max", "str::to_lowercase"];
/// Fields of an incident.
pub(crate) const FIELDS: [&str; 14] = [
    "level",
    "level_name",
    "title",
    "agency",
    "drill",
    "alerts",
    "events",
    "groups",
    "tactics",
    "addresses",
    "outside_addresses",
    "inside_addresses",
    "accounts",
    "hosts",
];

/// A compiled condition.
#[derive(Clone, Debug)]
pub struct Condition(Node);

impl Condition {
    /// Compiles; `steps` are the names whose `answer_NAME` and `outcome_NAME` may be asked.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn new(text: &str, steps: &[&str]) -> Result<Condition, String> {
        if text.len() > LONGEST {
            return Err(format!("the condition is longer than {LONGEST} bytes"));
        }
        let mut depth = 0usize;
        for c in text.chars() {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > DEEPEST {
                return Err(format!("the condition nests deeper than {DEEPEST} brackets"));
            }
        }
        let tree = build_operator_tree(text).map_err(|e| format!("the condition does not read: {e}"))?;
        if let Some(name) = tree.iter_write_variable_identifiers().next() {
            return Err(format!("a condition changes nothing: compare `{name}` with =="));
        }
        for name in tree.iter_function_identifiers() {
            if !FUNCTIONS.contains(&name) {
                return Err(format!("no function `{name}`; there are {}", FUNCTIONS.join(", ")));
            }
        }
        for name in tree.iter_read_variable_identifiers() {
            let of_step = name.strip_prefix("answer_").or_else(|| name.strip_prefix("outcome_"));
            if !FIELDS.contains(&name) && !of_step.is_some_and(|s| steps.contains(&s)) {
                return Err(format!("no field `{name}`; there are {}, and answer_STEP, outcome_STEP of earlier steps", FIELDS.join(", ")));
            }
        }
        Ok(Condition(tree))
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// Types that do not fit, for people.
    pub fn holds(&self, facts: &HashMapContext) -> Result<bool, String> {
        self.0.eval_boolean_with_context(facts).map_err(|e| format!("the condition cannot be evaluated: {e}"))
    }

    /// Whether it gives true or false over sample facts.
    pub(crate) fn try_out(&self, facts: &HashMapContext) -> Result<(), String> {
        match self.0.eval_with_context(facts) {
            Ok(Value::Boolean(_)) => Ok(()),
            Ok(other) => Err(format!("a condition is true or false; this gives {other}")),
            Err(e) => Err(format!("the condition cannot be evaluated: {e}")),
        }
    }
}
