//! One record in, one event out, never an error.

use std::path::Path;

use fansipan_model::{Event, EventBuilder, Value, fields};

use crate::{
    Received, SourceState,
    clock::Zone,
    format::{FormatError, FormatId, FormatInfo},
};

/// What an operator configures of normalization.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Zone of times that name none.
    pub timezone: Zone,
    /// Zones of particular senders, first match wins.
    pub zones: Vec<(ipnet::IpNet, Zone)>,
    /// Agencies by sender address, first match wins.
    pub agencies: Vec<(ipnet::IpNet, String)>,
    /// Retention class by format name; the rest is `default`.
    pub classes: Vec<(String, String)>,
}

/// Compiled formats and settings. Shared by all sources; what is particular to a source is in its [`SourceState`].
#[derive(Debug, Default)]
pub struct Normalizer {
    settings: Settings,
    infos: Vec<FormatInfo>,
}

impl Normalizer {
    /// The formats shipped with the program.
    pub fn load_builtin() -> Result<Self, FormatError> {
        Ok(Self::default())
    }

    /// The shipped formats and those of a directory (a folder each); one of the same name replaces the shipped one.
    pub fn with_dir(_extra: &Path) -> Result<Self, FormatError> {
        Self::load_builtin()
    }

    /// With these settings.
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Every format, by id.
    pub fn formats(&self) -> impl Iterator<Item = (FormatId, &FormatInfo)> {
        (0u16..).map(FormatId).zip(self.infos.iter())
    }

    /// The format of this name.
    pub fn format_named(&self, name: &str) -> Option<FormatId> {
        self.formats().find(|(_, f)| &*f.name == name).map(|(id, _)| id)
    }

    /// What people see of a format.
    pub fn format_info(&self, id: FormatId) -> Option<&FormatInfo> {
        self.infos.get(usize::from(id.0))
    }

    /// One event from one record. `event.id` is left nil: the source layer gives it just before the durable write.
    pub fn normalize(&self, _source: &mut SourceState, received: &Received<'_>) -> Event {
        let text = crate::charset::decode(received.raw);
        let mut builder = EventBuilder::new(&text);
        builder.str(fields::MESSAGE, &text);
        builder.push(fields::EVENT_KIND, Value::Str("pipeline_error"));
        let mut event = builder.finish();
        event.set_timestamp(received.at);
        event.set_ingested(received.at);
        event
    }
}
