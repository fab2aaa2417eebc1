//! Durable at-least-once log: segmented, checksummed, group commit, independent consumers.
