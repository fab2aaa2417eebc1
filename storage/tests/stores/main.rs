//! The stores behind the traits, and the query language over them. `conformance` is what every back end must pass.

mod conformance;
mod query;
mod sqlite;
mod tantivy;
