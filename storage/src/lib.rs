//! Event store (Tantivy), state store (SQLite), retention, query language.
