//! The analyzer role: two halves that share partitions with those of the other instances, see [`super::matching`] and
//! [`super::keeping`].

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Result;

use super::{
    keeping::Keeping,
    matching::Matching,
    node::{self, Node},
};
use crate::{config::Config, content::Content};

pub(super) async fn serve(config: Config, _data: &Path) -> Result<()> {
    let mut node = Node::start("analyzer", config.role.listen).await?;
    let content = Arc::new(Content::load(config.rules.clone(), None)?);
    let every = Duration::from_secs(config.role.snapshot_seconds.max(1));
    let matching = Matching {
        settings: config.kafka.clone(),
        rules: Arc::clone(&content.rules),
        correlation: config.correlation()?,
        snapshot_every: every,
        health: Arc::clone(&node.health),
        stop: Arc::clone(&node.stop),
    };
    let keeping = Keeping {
        settings: config.kafka.clone(),
        rules: Arc::clone(&content.rules),
        grouping: config.rules.grouping(),
        correlation: config.correlation()?,
        snapshot_every: every,
        health: Arc::clone(&node.health),
        stop: Arc::clone(&node.stop),
    };
    node.keep_doing("matching", move || matching.session())?;
    node.keep_doing("keeping", move || keeping.session())?;
    let stop = Arc::clone(&node.stop);
    node.roles.spawn("rules", &Arc::clone(&stop), move || {
        content.watch(&stop);
        Ok(())
    })?;
    node::announce("analyzer", config.role.listen)?;
    node.wait().await?;
    node.end().await
}
