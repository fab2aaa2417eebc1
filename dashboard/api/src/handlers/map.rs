//! The centre's own map of the world, where one is configured: borders and islands as its law demands them.

use std::{path::Path, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use fansipan_model::said;
use serde_json::Value;

use crate::{
    problem::{Kind, Problem},
    state::Api,
};

/// Bytes that every console can draw.
const LARGEST: u64 = 8 << 20;

/// The map as a file; `None`: the one that comes with the console.
#[derive(Clone, Default)]
pub(crate) struct OwnMap(Option<Result<Arc<str>, String>>);

impl OwnMap {
    /// Reads GeoJSON. One that cannot be used is reported, and no other map is shown in its place.
    pub(crate) fn open(path: Option<&Path>) -> OwnMap {
        let Some(path) = path else { return OwnMap(None) };
        let read = read(path);
        if let Err(reason) = &read {
            tracing::error!(path = %path.display(), "FSP-API-102: the map cannot be used: {reason}; check [console] map");
        }
        OwnMap(Some(read.map(Arc::from)))
    }
}

fn read(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if size > LARGEST {
        return Err(format!("{size} bytes are more than {LARGEST}"));
    }
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let found: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let features = found.get("features").and_then(Value::as_array).ok_or("it is no GeoJSON FeatureCollection")?;
    let named = |f: &Value| f.get("properties").and_then(|p| p.get("iso_a2")).is_some_and(Value::is_string);
    if !features.iter().any(named) {
        return Err("no feature has the property iso_a2, the country's two letters".to_owned());
    }
    Ok(text)
}

/// `GET /map`
pub(crate) async fn show(State(api): State<Api>) -> Result<Response, Problem> {
    match &api.map.0 {
        None => Ok(Json(Value::Null).into_response()),
        Some(Ok(text)) => {
            let media = HeaderValue::from_static("application/geo+json");
            Ok(([(header::CONTENT_TYPE, media)], text.to_string()).into_response())
        }
        Some(Err(_)) => Err(Problem::new(
            Kind::StoreUnavailable,
            said!(
                "the configured map cannot be read; an administrator finds why in the service's log (FSP-API-102)",
                "không đọc được bản đồ đã cấu hình; quản trị viên xem nguyên nhân trong nhật ký của dịch vụ (FSP-API-102)"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_map_that_names_countries_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = |text: &str| {
            let path = dir.path().join("map.geojson");
            std::fs::write(&path, text).unwrap();
            OwnMap::open(Some(&path)).0.unwrap()
        };
        let good = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"iso_a2":"VN"},"geometry":null}]}"#;
        assert_eq!(&*file(good).unwrap(), good);
        for bad in ["", "[]", r#"{"features":[]}"#, r#"{"features":[{"properties":{"name":"x"}}]}"#] {
            assert!(file(bad).is_err(), "{bad}");
        }
        assert!(OwnMap::open(Some(&dir.path().join("none"))).0.unwrap().is_err());
        assert!(OwnMap::open(None).0.is_none());
    }
}
