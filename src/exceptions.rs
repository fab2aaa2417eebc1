//! Exceptions from the state store into the analyzer.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use fansipan_analyzer::{Exceptions, Held};
use fansipan_model::{Exception, Scope, said};
use fansipan_storage::{StateStore, query};

/// How often the state store is asked whether anything changed; well below the time after which a new exception counts, so that
/// it is known before the first event it is about.
const EVERY: Duration = Duration::from_secs(1);

/// Looks at what people decided not to be told of.
pub(crate) struct Watch {
    state: Arc<dyn StateStore>,
    asked: Instant,
    revision: u64,
}

impl Watch {
    pub(crate) fn new(state: Arc<dyn StateStore>) -> Self {
        Self { state, asked: Instant::now(), revision: 0 }
    }

    /// All there ever were: a replay of the log needs those of its time.
    pub(crate) fn read(&mut self) -> Result<Exceptions> {
        let failed = || said!("FSP-RUN-046: cannot read exceptions", "FSP-RUN-046: không đọc được ngoại lệ");
        self.revision = self.state.exceptions_revision().with_context(failed)?;
        let list = self.state.exceptions(&Scope::All, None).with_context(failed)?;
        Ok(Exceptions::new(list.into_iter().filter_map(held).collect()))
    }

    /// Those to use from now on, if they changed.
    pub(crate) fn changed(&mut self) -> Option<Exceptions> {
        if self.asked.elapsed() < EVERY {
            return None;
        }
        self.asked = Instant::now();
        match self.state.exceptions_revision() {
            Ok(revision) if revision == self.revision => None,
            _ => self.read().inspect_err(|error| tracing::error!("{error:#}; those known so far stay in force")).ok(),
        }
    }
}

/// Ready to be asked; `None`, and said, where its filter cannot be read.
pub(crate) fn held(e: Exception) -> Option<Held> {
    match query::parse_filter(&e.filter) {
        Ok(filter) => Some(Held { id: e.id, rule: e.rule, agency: e.agency, filter, from: e.from, until: e.until }),
        Err(error) => {
            tracing::error!(
                id = e.id,
                error = %error,
                "FSP-RUN-047: the filter of an exception cannot be read; it holds nothing back"
            );
            None
        }
    }
}
