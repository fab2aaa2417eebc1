//! Store calls off the async threads, a bounded number at a time; searches and small reads in lanes of their own, so that
//! a slow search never holds up a login.

use std::{sync::Arc, time::Duration};

use fansipan_model::{Said, Word, said};
use fansipan_storage::{StoreError, error::thing};
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
            return Err(Problem::new(
                Kind::Busy,
                said!("the stores are busy; try again in a few seconds", "kho dữ liệu đang bận; hãy thử lại sau vài giây"),
            )
            .retry_after(5));
        };
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || {
            let result = span.in_scope(work);
            drop(permit);
            result
        });
        task.await.map_err(|e| Problem::internal(Word::new("a store task", "việc đọc ghi kho dữ liệu"), &e))
    }

    /// Runs a store call and turns its failure into a problem.
    pub(crate) async fn store<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        self.run(work).await?.map_err(Problem::from)
    }
}

/// Both at once, the first on a thread of its own.
pub(crate) fn beside<A: Send, B>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|threads| {
        let first = threads.spawn(first);
        let second = second();
        (first.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), second)
    })
}

/// What a refusal calls a thing of the stores.
pub(crate) fn this(what: &str) -> Said {
    let thing = thing(what);
    said!("this {thing}", "{thing:#} này")
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::NotFound(what) => return Problem::not_found(this(what)),
            StoreError::Query(fault) => return Problem::bad_request(fault.said()),
            StoreError::Conflict { .. } | StoreError::Exists { .. } => Kind::Conflict,
            StoreError::TooMuch { .. } | StoreError::Refused(_) => Kind::BadRequest,
            StoreError::Away { .. } => Kind::StoreUnavailable,
            broken => {
                let source = std::error::Error::source(broken).map(ToString::to_string);
                tracing::error!(error = %broken, cause = source, "a store refused");
                Kind::StoreUnavailable
            }
        };
        Problem::new(kind, error.said())
    }
}
