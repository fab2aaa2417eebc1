//! Shared vocabulary of every part of Fansipan: [`Event`] (ECS), the field registry, [`Predicate`], [`Alert`], ids.
//!
//! Invariants (checked by `tests/arrows.rs` of the whole product where a test can):
//! - no I/O, no clock, no randomness, no threads, no hash-ordered output: the same bytes give the same values;
//! - depends on no other crate of the workspace;
//! - one [`Predicate`] serves live detection, every store and the search bar; [`Predicate::matches`] is its definition.

pub mod alert;
pub mod attack;
pub mod case;
pub mod codec;
pub mod event;
pub mod exception;
pub mod field;
pub mod incident;
pub mod json;
mod names;
pub mod pattern;
pub mod predicate;
pub mod regex_error;
pub mod said;
pub mod scope;
pub mod source;
pub mod text;
pub mod time;
pub mod told;
pub mod value;
pub mod varint;

pub use alert::{Alert, AlertId, AlertStatus, Entity, EntityKind, Level, MatchedField, RuleRef};
pub use event::{Event, EventBuilder};
pub use exception::{Exception, ExceptionKind};
pub use field::{FieldId, FieldType, fields};
pub use incident::{Incident, IncidentId, IncidentLink, IncidentState};
pub use pattern::{Part, Pattern};
pub use predicate::{Cmp, Op, Predicate, Reference, RegexTest, Relation, Target, Test, TimePart};
pub use regex_error::RegexError;
pub use said::{Said, Word};
pub use scope::{Agency, Scope};
pub use source::{AnswerOutcome, CollectorAnswer, PacketCounters, PacketsFound, PerMille, RingCounters, SourceCounters, SourceInfo};
pub use value::Value;
