//! The asynchronous client behind synchronous calls: a runtime of its own carries every request, callers wait for the answer.

use std::{future::Future, sync::mpsc, time::Duration};

use bytes::Bytes;
use clickhouse::{Client, error::Error};
use tokio::runtime::Runtime;

use super::ClickHouseConfig;
use crate::error::{Result, StoreError};

/// Bytes handed to the connection at a time.
const PIECE: usize = 1 << 20;
/// Chunks of an answer that wait for their reader.
const AHEAD: usize = 8;
/// Time for what touches everything that is stored: hours on a full server.
const WHOLE: Duration = Duration::from_secs(12 * 3_600);

/// A connection to the server.
pub(crate) struct Link {
    client: Client,
    url: String,
    timeout: Duration,
    /// `None` only while it is being dropped.
    runtime: Option<Runtime>,
}

impl Drop for Link {
    fn drop(&mut self) {
        // an ordinary drop waits, which a caller inside another runtime may not
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Link {
    pub(crate) fn new(config: &ClickHouseConfig) -> Result<Link> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("clickhouse")
            .enable_all()
            .build()
            .map_err(StoreError::io("cannot start threads for", &config.url))?;
        let mut client = Client::default()
            .with_url(&config.url)
            .with_validation(false)
            // a server-side buffer would acknowledge what is not yet durable
            .with_setting("async_insert", "0")
            .with_setting("max_query_size", "16777216")
            .with_setting("max_ast_elements", "10000000")
            .with_setting("max_expanded_ast_elements", "10000000")
            .with_setting("max_parser_depth", "10000");
        if let Some(user) = &config.user {
            client = client.with_user(user);
        }
        if let Some(password) = &config.password {
            client = client.with_password(password);
        }
        Ok(Link { client, url: config.url.clone(), timeout: config.timeout, runtime: Some(runtime) })
    }

    fn failed(&self, what: &'static str, reason: impl std::fmt::Display) -> StoreError {
        StoreError::Remote { url: self.url.clone(), what, reason: reason.to_string().trim().to_owned() }
    }

    /// Runs a request to its end on the runtime.
    fn wait<T: Send + 'static>(
        &self,
        what: &'static str,
        timeout: Duration,
        future: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T> {
        let Some(runtime) = &self.runtime else { return Err(self.failed(what, "the store is closing")) };
        let (done, answer) = mpsc::sync_channel(1);
        runtime.spawn(async move {
            let result = tokio::time::timeout(timeout, future).await;
            let _ = done.send(result);
        });
        match answer.recv() {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(error))) => Err(self.failed(what, chain(&error))),
            Ok(Err(_)) => Err(self.failed(what, format!("no answer within {} s", timeout.as_secs()))),
            Err(_) => Err(self.failed(what, "the request was broken off")),
        }
    }

    /// Runs a statement that answers nothing.
    pub(crate) fn execute(&self, what: &'static str, sql: &str) -> Result<()> {
        let query = self.client.query_raw(sql);
        self.wait(what, self.timeout, query.execute())
    }

    /// Runs a statement that answers nothing and touches everything that is stored: it is waited for as long as that takes.
    pub(crate) fn execute_whole(&self, what: &'static str, sql: &str) -> Result<()> {
        let query = self.client.query_raw(sql);
        self.wait(what, WHOLE, query.execute())
    }

    /// Runs a query; the whole answer as RowBinary.
    pub(crate) fn rows(&self, what: &'static str, sql: &str) -> Result<Bytes> {
        self.rows_within(what, self.timeout, sql)
    }

    /// The same for a query that reads everything that is stored.
    pub(crate) fn rows_whole(&self, what: &'static str, sql: &str) -> Result<Bytes> {
        self.rows_within(what, WHOLE, sql)
    }

    fn rows_within(&self, what: &'static str, timeout: Duration, sql: &str) -> Result<Bytes> {
        let query = self.client.query_raw(sql);
        self.wait(what, timeout, async move { query.fetch_bytes("RowBinary")?.collect().await })
    }

    /// Runs a query; the answer as RowBinary, piece by piece. The time limit holds for the whole of it no longer.
    pub(crate) fn stream(&self, what: &'static str, sql: &str) -> Result<Stream<'_>> {
        let Some(runtime) = &self.runtime else { return Err(self.failed(what, "the store is closing")) };
        let (sender, pieces) = crossbeam_channel::bounded::<Result<Bytes, String>>(AHEAD);
        let query = self.client.query_raw(sql);
        let timeout = self.timeout;
        runtime.spawn(async move {
            let mut cursor = match query.fetch_bytes("RowBinary") {
                Ok(cursor) => cursor,
                Err(error) => {
                    push(&sender, Err(chain(&error))).await;
                    return;
                }
            };
            loop {
                let piece = match tokio::time::timeout(timeout, cursor.next()).await {
                    Ok(Ok(None)) => return,
                    Ok(Ok(Some(piece))) => Ok(piece),
                    Ok(Err(error)) => Err(chain(&error)),
                    Err(_) => Err(format!("nothing more within {} s", timeout.as_secs())),
                };
                let last = piece.is_err();
                if !push(&sender, piece).await || last {
                    return;
                }
            }
        });
        Ok(Stream { link: self, what, pieces })
    }

    /// Sends one block of rows. `token` names it: a block of this name that is stored already is not stored again.
    pub(crate) fn insert(&self, into: &str, rows: Bytes, token: &str, query_id: &str) -> Result<()> {
        let mut insert = self
            .client
            .insert_formatted_with(format!("INSERT INTO {into} FORMAT RowBinary"))
            .with_setting("async_insert", "0")
            .with_setting("wait_end_of_query", "1")
            .with_setting("insert_deduplicate", "1")
            .with_setting("insert_deduplication_token", token)
            .with_setting("insert_distributed_sync", "1")
            .with_setting("max_partitions_per_insert_block", "0")
            // one block, whatever its size, so that each partition gets it whole or not at all
            .with_setting("max_insert_block_size", "10000000")
            .with_setting("min_insert_block_size_rows", "10000000")
            .with_setting("min_insert_block_size_bytes", "4294967296")
            .with_setting("query_id", query_id);
        self.wait("storing events", self.timeout, async move {
            let mut rest = rows;
            while !rest.is_empty() {
                let piece = rest.split_to(PIECE.min(rest.len()));
                insert.send(piece).await?;
            }
            insert.end().await
        })
    }
}

/// Waits for room without holding the runtime's thread; false: nobody reads any more.
async fn push(sender: &crossbeam_channel::Sender<Result<Bytes, String>>, mut piece: Result<Bytes, String>) -> bool {
    loop {
        match sender.try_send(piece) {
            Ok(()) => return true,
            Err(crossbeam_channel::TrySendError::Disconnected(_)) => return false,
            Err(crossbeam_channel::TrySendError::Full(back)) => piece = back,
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// An error with its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}

/// An answer on its way.
pub(crate) struct Stream<'l> {
    link: &'l Link,
    what: &'static str,
    pieces: crossbeam_channel::Receiver<Result<Bytes, String>>,
}

impl Stream<'_> {
    /// The next piece; `None`: that was all.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>> {
        match self.pieces.recv() {
            Ok(Ok(piece)) => Ok(Some(piece)),
            Ok(Err(reason)) => Err(self.link.failed(self.what, reason)),
            Err(_) => Ok(None),
        }
    }
}
