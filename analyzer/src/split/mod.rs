//! The analyzer in two halves, for deployments where several instances share the work.
//!
//! A [`Matcher`] looks at the events of one partition, one by one: no state but how far event time has come. What it finds are
//! [`Note`]s, each for one group. All notes of a group go to one [`Keeper`], which folds repeats and correlates. With one matcher
//! and one keeper the alerts are those of [`crate::Analyzer`]; with several they are the same, because alerts are a function of the
//! set of records of a group and not of their arrival.

mod keeper;
mod matcher;
mod note;

pub use keeper::{Keeper, Share};
pub use matcher::Matcher;
pub use note::{Note, NoteError};
