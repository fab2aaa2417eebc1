//! HTTP API, identity, sessions, embedded web console.
