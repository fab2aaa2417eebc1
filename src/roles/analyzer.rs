//! The analyzer role: two halves that share partitions with those of the other instances, see [`super::matching`] and
//! [`super::keeping`].

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use arc_swap::ArcSwap;
use fansipan_model::said;

use super::{
    keeping::Keeping,
    matching::Matching,
    node::{self, Node},
    settings::{Follower, InForce},
};
use crate::{
    config::Config,
    content::{Content, OwnFrom, OwnRules},
};

pub(super) async fn serve(config: Config, data: &Path) -> Result<()> {
    let mut node = Node::start("analyzer", config.role.listen).await?;
    let said = Arc::<ArcSwap<Vec<_>>>::default();
    let own = OwnRules { folder: own_rules(data)?, from: OwnFrom::Console(Arc::clone(&said)) };
    let content = Arc::new(Content::load(config.rules.clone(), Some(own))?);
    let in_force = InForce::new(Arc::clone(&content.rules));
    let follower = Follower {
        settings: config.kafka.clone(),
        content: Arc::clone(&content),
        own: said,
        in_force: in_force.clone(),
        health: Arc::clone(&node.health),
        stop: Arc::clone(&node.stop),
    };
    node.keep_doing("settings", move || follower.session())?;
    let every = Duration::from_secs(config.role.snapshot_seconds.max(1));
    let matching = Matching {
        settings: config.kafka.clone(),
        in_force: in_force.clone(),
        correlation: config.correlation()?,
        snapshot_every: every,
        health: Arc::clone(&node.health),
        stop: Arc::clone(&node.stop),
    };
    let keeping = Keeping {
        settings: config.kafka.clone(),
        in_force,
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

/// Where own rules that come over Kafka are put, empty: the topic has them all.
fn own_rules(data: &Path) -> Result<PathBuf> {
    let folder = data.join("rules");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).with_context(|| {
            let folder = folder.display();
            said!(
                "FSP-RUN-071: cannot empty {folder}, where own rules from the console are put",
                "FSP-RUN-071: không làm trống được {folder}, nơi đặt luật tự viết nhận từ bảng điều khiển"
            )
        }),
        _ => Ok(folder),
    }
}
