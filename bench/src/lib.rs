//! Load generators and measurements. What is generated depends on the seed alone, so that a figure can be measured again.
//!
//! A measurement starts the release binary as a child process, like an operator would, and looks at it from outside.

pub mod appliance;
pub mod console;
#[cfg(feature = "peers")]
pub mod correlate;
#[cfg(feature = "peers")]
pub mod detect;
pub mod filling;
pub mod generate;
pub mod ingest;
pub mod latency;
pub mod load;
pub mod machine;
pub mod parts;
pub mod peer;
mod progress;
pub mod province;
pub mod quiet;
pub mod results;
mod rules;
pub mod scale;
pub mod tap;
pub mod terminal;
