//! Load generators and measurements. What is generated depends on the seed alone, so that a figure can be measured again.

pub mod generate;
pub mod machine;
