//! `fansipan rules convert`: rules as queries.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::{super::PrintQuery, load, report};
use crate::{Outcome, args::Cli, output};

pub(super) fn convert(cli: &Cli, paths: &[PathBuf], print: PrintQuery) -> Result<Outcome> {
    let loaded = load(paths, |_| true)?;
    report(&loaded, fansipan_rules::Severity::Error);
    let mut said = true;
    for compiled in loaded.set.rules() {
        let rule = &compiled.reference;
        let query = print(&compiled.predicate());
        said &= query.is_some();
        if cli.json {
            output::json(&json!({"rule.id": rule.id, "rule.title": rule.title, "query": query}))?;
            continue;
        }
        output::line(&format!("# {} ({})", output::harmless(&rule.title), rule.id))?;
        match query {
            Some(query) => output::line(&output::harmless(&query))?,
            None => tracing::warn!("{}: the query language has no words for this rule; use `fansipan hunt --since`", rule.title),
        }
    }
    Ok(if said && !loaded.set.is_empty() { Outcome::Done } else { Outcome::Negative })
}
