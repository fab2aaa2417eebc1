//! How many stored events a request may read one by one, where neither an index nor SQL can decide.

use crate::error::{Result, StoreError};

/// Events a request may still read.
pub(crate) struct Reading {
    left: u64,
    limit: u64,
}

impl Reading {
    /// So many at most.
    pub(crate) fn new(limit: u64) -> Reading {
        Reading { left: limit, limit }
    }

    /// Counts one.
    pub(crate) fn one(&mut self) -> Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(|| StoreError::reads_too_much(self.limit))?;
        Ok(())
    }
}
