//! `fansipan rules convert`: rules in the language of a store.

use std::path::PathBuf;

use anyhow::Result;
use fansipan_rules::convert::{Dialect, convert as converted};
use serde_json::json;

use super::{load_through, report, title};
use crate::{Outcome, args::Cli, output};

pub(super) fn convert(cli: &Cli, paths: &[PathBuf], to: &str, pipeline: &[PathBuf]) -> Result<Outcome> {
    let loaded = load_through(cli, paths, pipeline, |_| true)?;
    report(cli, &loaded, fansipan_rules::Severity::Error);
    let dialect = if to == "clickhouse" { Dialect::ClickHouse } else { Dialect::Query };
    let mut said = true;
    for compiled in loaded.set.rules() {
        let rule = &compiled.reference;
        let query = converted(&compiled.predicate(), dialect).map(|text| match dialect {
            Dialect::Query => text,
            Dialect::ClickHouse => format!("SELECT * FROM events WHERE {text}"),
        });
        said &= query.is_ok();
        if cli.json {
            output::json(
                &json!({"rule.id": rule.id, "rule.title": rule.title, "query": query.as_ref().ok(), "error": query.as_ref().err().map(|e| e.to_string()),
                    "error_vi": query.as_ref().err().map(|e| format!("{e:#}"))}),
            )?;
            continue;
        }
        let title = output::harmless(title(cli, rule));
        output::line(&format!("{} {title} ({})", if to == "clickhouse" { "--" } else { "#" }, rule.id))?;
        match query {
            Ok(query) => output::line(&output::harmless(&query))?,
            Err(error) => tracing::warn!("{title}: {}", cli.say(&error)),
        }
    }
    Ok(if said && !loaded.set.is_empty() { Outcome::Done } else { Outcome::Negative })
}
