//! JSON objects: nested keys become dotted, arrays repeat their key.

use fansipan_model::json;

use super::{DecodeError, Decoder, Each};

/// The `json` syntax.
pub struct Json;

impl Decoder for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn sniff(&self, body: &str) -> bool {
        body.starts_with('{')
    }

    fn decode(&self, body: &str, each: &mut Each<'_>) -> Result<(), DecodeError> {
        json::flatten(body, each).map_err(|e| DecodeError::new("json", e.to_string()))
    }

    fn prose(&self) -> bool {
        false
    }
}
