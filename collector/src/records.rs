//! Bytes to records for `parse`, files and standard input.
