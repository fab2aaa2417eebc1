//! `[clickhouse]`: the event store that several processes share.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use fansipan_model::said;
use fansipan_storage::{
    EventStore, RetentionPolicy,
    clickhouse::{ClickHouseConfig, ClickHouseStore, LateClickHouse},
};
use serde::Deserialize;

/// Where ClickHouse is. The role `indexer` writes to it, the console asks it for what its own disk does not hold.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ArchiveConfig {
    /// `http://host:8123` or `https://host:8443`; empty: none.
    url: String,
    /// Database; made if it is not there.
    database: String,
    /// User; empty: the server's default.
    user: String,
    /// File with the password, readable by the service alone.
    password_file: Option<PathBuf>,
    /// Name of the cluster; with one, tables are replicated and sharded over its nodes.
    cluster: String,
    /// Days that the console keeps searchable on its own disk besides.
    recent_days: u32,
}

impl Default for ArchiveConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            database: "fansipan".to_owned(),
            user: String::new(),
            password_file: None,
            cluster: String::new(),
            recent_days: 7,
        }
    }
}

impl ArchiveConfig {
    /// How to reach it; `None` where none is configured.
    fn config(&self) -> Result<Option<ClickHouseConfig>> {
        if self.url.is_empty() {
            return Ok(None);
        }
        ensure!(
            self.recent_days > 0,
            said!(
                "FSP-CFG-012: [clickhouse] recent_days must be at least 1: the console looks for new events on its own disk",
                "FSP-CFG-012: [clickhouse] recent_days phải từ 1 trở lên: bảng điều khiển tìm sự kiện mới trên đĩa của chính nó"
            )
        );
        let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        let password = match &self.password_file {
            Some(path) => {
                let text = fs::read_to_string(path).with_context(|| {
                    let path = path.display();
                    said!(
                        "FSP-CFG-013: cannot read {path}, named by [clickhouse] password_file",
                        "FSP-CFG-013: không đọc được {path}, nêu ở [clickhouse] password_file"
                    )
                })?;
                Some(text.trim_end().to_owned())
            }
            None => None,
        };
        Ok(Some(ClickHouseConfig {
            user: some(&self.user),
            password,
            database: self.database.clone(),
            cluster: some(&self.cluster),
            ..ClickHouseConfig::new(&self.url)
        }))
    }

    /// Reaches the server and brings its schema to this program's version; `None` where none is configured.
    pub(super) async fn open(&self) -> Result<Option<ClickHouseStore>> {
        let Some(config) = self.config()? else { return Ok(None) };
        let opened = tokio::task::spawn_blocking(move || ClickHouseStore::open(config)).await?;
        let url = &self.url;
        let store = opened.with_context(|| {
            said!(
                "FSP-RUN-069: ClickHouse at {url} cannot be used: is it up, and may this user make tables?",
                "FSP-RUN-069: không dùng được ClickHouse tại {url}: nó có đang chạy không, và tài khoản này có quyền tạo bảng không?"
            )
        })?;
        Ok(Some(store))
    }

    /// The same for who can work without it for a while: reached when it is there.
    pub(super) async fn open_late(&self) -> Result<Option<Arc<dyn EventStore>>> {
        let Some(config) = self.config()? else { return Ok(None) };
        let late = Arc::new(LateClickHouse::new(config));
        let first = Arc::clone(&late);
        if let Err(error) = tokio::task::spawn_blocking(move || first.reach()).await? {
            tracing::warn!("FSP-RUN-069: ClickHouse cannot be used yet: {error}; until it can, recent days are answered from the own disk");
        }
        Ok(Some(late.store()))
    }

    /// What stays on the console's own disk of what `whole` keeps altogether.
    pub(super) fn recent(&self, whole: RetentionPolicy) -> RetentionPolicy {
        let recent = Duration::from_secs(u64::from(self.recent_days) * 86_400);
        let shorter = |age: Duration| age.min(recent);
        RetentionPolicy {
            default_age: Some(whole.default_age.map_or(recent, shorter)),
            max_age: whole.max_age.into_iter().map(|(class, age)| (class, shorter(age))).collect(),
            ..whole
        }
    }
}
