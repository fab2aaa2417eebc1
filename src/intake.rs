//! From sources to the bus, whichever it is: formats, the list of senders, the pipeline.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use fansipan_bus::Sink;
use fansipan_collector::{
    Normalizer,
    ledger::SourceRegistry,
    pipeline::{Assignments, Pipeline, PipelineLimits},
    sources::{
        config::SourcesConfig,
        http::{Ingest, Verifier},
    },
};
use fansipan_model::{SourceInfo, said};

/// What takes records in.
pub(crate) struct Intake {
    pub(crate) normalizer: Arc<Normalizer>,
    pub(crate) registry: Arc<SourceRegistry>,
    pub(crate) pipeline: Pipeline,
}

impl Intake {
    /// Starts the pipeline into `sink`. `known`: sources of earlier runs. Must be called inside the runtime.
    pub(crate) fn start(config: &SourcesConfig, known: Vec<SourceInfo>, sink: Arc<dyn Sink>) -> Result<Self> {
        let normalizer = Normalizer::load_builtin().with_context(|| {
            said!("FSP-RUN-004: the built-in formats cannot be read", "FSP-RUN-004: không đọc được các định dạng có sẵn")
        })?;
        let normalizer = Arc::new(normalizer.with_settings(config.settings()?));
        let registry = Arc::new(SourceRegistry::new(&config.limits));
        registry.restore(known);
        let pipeline = Pipeline::start(
            Arc::clone(&normalizer),
            Assignments::new(config),
            Arc::clone(&registry),
            sink,
            PipelineLimits::from(&config.limits),
        )
        .with_context(|| said!("FSP-RUN-006: cannot start the pipeline", "FSP-RUN-006: không khởi động được đường ống xử lý"))?;
        Ok(Self { normalizer, registry, pipeline })
    }

    /// HTTP ingest for holders of tokens that `verifier` knows.
    pub(crate) fn ingest(&self, config: &SourcesConfig, verifier: Verifier) -> Ingest {
        Ingest::new(self.pipeline.clone(), &config.limits, verifier)
    }
}
