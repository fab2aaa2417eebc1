//! How the store reaches its server.

use std::time::Duration;

/// Where ClickHouse is and how much may be asked of it.
#[derive(Clone)]
pub struct ClickHouseConfig {
    /// `http://host:8123` or `https://host:8443`.
    pub url: String,
    /// User; `None`: the server's default.
    pub user: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// Database; made if it is not there.
    pub database: String,
    /// Name of the cluster. With one, tables are replicated, made on every node and read through `Distributed` tables.
    pub cluster: Option<String>,
    /// How long one request may take, unless it touches everything that is stored.
    pub timeout: Duration,
    /// Rows of a block: one insert sends at most as many.
    pub block_rows: usize,
    /// Bytes of a block.
    pub block_bytes: usize,
    /// Stored events that one page or table may cost to read where SQL cannot decide.
    pub read_limit: u64,
}

impl ClickHouseConfig {
    /// Defaults for a server.
    pub fn new(url: impl Into<String>) -> ClickHouseConfig {
        ClickHouseConfig {
            url: url.into(),
            user: None,
            password: None,
            database: "fansipan".into(),
            cluster: None,
            timeout: Duration::from_secs(120),
            block_rows: 200_000,
            block_bytes: 128 << 20,
            read_limit: crate::engine::READ_LIMIT,
        }
    }
}

impl std::fmt::Debug for ClickHouseConfig {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { url, user, database, cluster, timeout, block_rows, .. } = self;
        write!(f, "ClickHouseConfig {{ {url}, user {user:?}, {database}, cluster {cluster:?}, {timeout:?}, {block_rows} rows }}")
    }
}
