//! Sigma text → compiled matcher. [`parse`] reads documents, [`Taxonomy`] says where their log sources and fields are,
//! [`RuleSet::compile`] makes one plan of all rules, [`RuleSet::evaluate`] runs it over an event.
//!
//! Invariants: no I/O, no clock, no threads, no randomness, no hash-ordered output: the same rules and events give the same
//! answers in the same order. What a rule means is its [`fansipan_model::Predicate`]; the plan must agree with
//! `Predicate::matches` on every event (a property test holds them together).
//! Depends on `model` alone; reading files and swapping rule sets is the caller's.

pub mod ast;
pub mod convert;
pub mod coverage;
pub mod diagnostic;
mod engine;
pub mod explain;
pub mod formula;
mod link;
mod lower;
pub mod packs;
mod parse;
pub mod pipeline;
mod ruleset;
pub mod taxonomy;
mod yaml;

pub use ast::{LogSource, Rule};
pub use coverage::{CorrelationSight, Coverage, Sight};
pub use diagnostic::{Code, Diagnostic, Severity};
pub use engine::{Scratch, Stats};
pub use explain::Explanation;
pub use formula::Formula;
pub use link::{Linked, LinkedCorrelation, MemberFields};
pub use parse::{is_clean, parse};
pub use pipeline::Pipeline;
pub use ruleset::{CompiledRule, RuleIndex, RuleSet};
pub use taxonomy::{Taxonomy, TaxonomyError};
