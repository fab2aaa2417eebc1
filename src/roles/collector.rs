//! The collector role: sources → spool → Kafka, as flat ECS JSON that any consumer can read.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use anyhow::{Context as _, Result, bail};
use fansipan_bus::{
    Sink,
    kafka::{Encode, Entry, Spool},
};
use fansipan_collector::sources::Sources;
use fansipan_model::{Event, codec, fields, json, said};

use super::{
    control::{Collectors, SourcesFile},
    node::{self, Node},
    rings::Answering,
};
use crate::{config::Config, intake::Intake, packets::Rings, process::open_log};

/// Questions about packets that wait.
const QUESTIONS: usize = 8;
/// Bytes of packets in one answer, whatever the console asks for.
const MOST: u64 = 1 << 30;

/// Event records of the spool as flat JSON, keyed by their source so that it stays in order.
pub(crate) fn encode() -> Encode {
    let mut event = Event::default();
    Box::new(move |record, entry: &mut Entry| {
        codec::decode_into(record, &mut event).map_err(|e| e.to_string())?;
        entry.key.extend_from_slice(event.str(fields::FANSIPAN_SOURCE).unwrap_or("").as_bytes());
        json::write(&event, &mut entry.value);
        Ok(())
    })
}

pub(super) async fn serve(config: Config, data: &Path) -> Result<()> {
    if !config.sources.http.is_empty() {
        bail!(said!(
            "FSP-CFG-010: [[sources.http]] needs tokens, which the console keeps: send over HTTP to the console, or use syslog here",
            "FSP-CFG-010: [[sources.http]] cần khóa API do bảng điều khiển giữ: hãy gửi HTTP đến bảng điều khiển, hoặc dùng syslog ở đây"
        ));
    }
    let mut node = Node::start("collector", config.role.listen).await?;
    let (bus, identity) = open_log(config.log.bus(data.join("spool")))?;
    let spool = Arc::new(Spool::start(bus, &identity, &config.kafka, encode())?);
    let file = SourcesFile::new(data);
    let sink: Arc<dyn Sink> = Arc::clone(&spool) as Arc<dyn Sink>;
    let intake = Intake::start(&config.sources, file.read(), sink)?;
    let nobody = intake.ingest(&config.sources, Arc::new(|_: &str| None));
    let sources = Sources::start(&config.sources, data, intake.pipeline.clone(), nobody)
        .await
        .with_context(|| said!("cannot start the sources", "không khởi động được các nguồn"))?;
    let (packets, asked) = std::sync::mpsc::sync_channel(QUESTIONS);
    let answering = Answering {
        settings: config.kafka.clone(),
        rings: Rings::new(&config.sources, data, MOST),
        asked,
        health: Arc::clone(&node.health),
        stop: Arc::clone(&node.stop),
    };
    node.keep_doing("packets", move || answering.session())?;
    let collectors = Collectors {
        settings: config.kafka.clone(),
        packets,
        registry: Arc::clone(&intake.registry),
        spool: Arc::clone(&spool),
        file,
        health: Arc::clone(&node.health),
        stop: Arc::clone(&node.stop),
    };
    collectors.start(&mut node)?;
    node.health.set_ready(true);
    node::announce("collector", config.role.listen)?;
    node.wait().await?;
    sources.stop().await;
    intake.pipeline.close().await;
    let rest = Arc::clone(&spool);
    tokio::task::spawn_blocking(move || rest.close())
        .await
        .with_context(|| said!("FSP-RUN-007: the spool did not end", "FSP-RUN-007: bộ đệm không kết thúc"))?;
    node.stop.store(true, Ordering::Relaxed);
    node.end().await
}
