//! Behaviour of the log on a disk that misbehaves.
