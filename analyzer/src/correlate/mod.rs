//! Sigma correlations over event time: what single events cannot show.
//!
//! A [`Plan`] is what the rules say. A [`Router`] turns an event and the rules it satisfied into [`Routed`] records: one for
//! each correlation and group. A [`Worker`] holds the state of the groups that come to it. A group meets on one worker however
//! many there are ([`Keyed::place`]), so nothing is global; one worker in the same process is the embedded deployment.
//!
//! Meaning, for every kind: the records of a group are put in order of (`@timestamp`, `event.id`). At each record the window is
//! the records of the last `timespan` up to it; the correlation *fires* there if the condition holds for the window. The first
//! firing opens an alert with the window's records as members; every later record within `timespan` of the latest firing is one
//! more member (of a session window: every later record of the session). So alerts are a function of the set of records, not of their arrival, as long as none comes later than
//! [`Settings::lateness`] after a younger one of its group; a late record amends, and what it proves wrong is superseded.
//! Nothing here waits: an alert is told as soon as its condition holds.
//!
//! Memory is bounded per correlation; what is evicted, cut or too late is counted in [`Losses`].

mod alert;
mod context;
mod fold;
mod group;
mod keyed;
mod kinds;
mod plan;
mod router;
mod settings;
mod snapshot;
mod tracker;
mod watermark;
mod worker;

pub use keyed::{Keyed, Record, Routed};
pub(crate) use keyed::{mix, put_text, texts};
pub use plan::{Compiled, Plan};
pub use router::Router;
pub use settings::{Losses, Settings};
pub use snapshot::SnapshotError;
pub(crate) use snapshot::{load, save};
pub use worker::Worker;
