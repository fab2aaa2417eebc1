//! Store calls off the async threads, a bounded number at a time; searches and small reads in lanes of their own, so that
//! a slow search never holds up a login.

use std::{sync::Arc, time::Duration};

use fansipan_storage::StoreError;
use tokio::{sync::Semaphore, time::timeout};

use crate::problem::{Kind, Problem};

/// How long a call waits for its turn.
const WAIT: Duration = Duration::from_secs(10);

/// Which lane a call takes.
#[derive(Clone)]
pub(crate) struct Lane {
    turns: Arc<Semaphore>,
    name: &'static str,
}

impl Lane {
    /// At most `width` calls at once.
    pub(crate) fn new(name: &'static str, width: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(width)), name }
    }

    /// Runs `work` on a blocking thread. Its turn lasts until the work ends, even if the caller gives up before.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let Ok(Ok(permit)) = timeout(WAIT, self.turns.clone().acquire_owned()).await else {
            tracing::warn!(lane = self.name, "a store call waited too long for its turn");
            return Err(Problem::new(Kind::Busy, "the stores are busy; try again in a few seconds").retry_after(5));
        };
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || {
            let result = span.in_scope(work);
            drop(permit);
            result
        });
        task.await.map_err(|e| Problem::internal("a store task", &e))
    }

    /// Runs a store call and turns its failure into a problem.
    pub(crate) async fn store<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        self.run(work).await?.map_err(Problem::from)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Problem::not_found(&format!("this {what}")),
            StoreError::Conflict { .. } | StoreError::Exists { .. } => Problem::new(Kind::Conflict, error.to_string()),
            StoreError::Query(ref fault) => Problem::said(Kind::BadRequest, fault.said()),
            StoreError::TooMuch { .. } | StoreError::Refused(_) => Problem::bad_request(error.to_string()),
            away @ StoreError::Away { .. } => Problem::new(Kind::StoreUnavailable, away.to_string()),
            broken => {
                let source = std::error::Error::source(&broken).map(ToString::to_string);
                tracing::error!(error = %broken, cause = source, "a store refused");
                let detail = format!("the store refused ({}); the service's log has the reason", broken.code());
                Problem::new(Kind::StoreUnavailable, detail)
            }
        }
    }
}
