//! The indexer role: events topic → ClickHouse. Without ClickHouse there is nothing for it to do: the console then keeps the
//! events itself, on its own disk, where it searches them.

use std::path::Path;

use anyhow::{Result, bail};

use crate::config::Config;

pub(super) async fn serve(_config: Config, _data: &Path) -> Result<()> {
    bail!(
        "FSP-CFG-011: no store is configured that several processes can share: set [clickhouse] url here and at the console, or leave \
         the indexer out; the console then indexes by itself"
    )
}
