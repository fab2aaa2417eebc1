//! A file per transport: records in, never a meaning given to them.
