//! Raw results with what they were measured on: printed, and kept under `bench/results/`.

use std::{fs, path::Path};

use anyhow::Result;
use serde_json::{Value, json};

use crate::machine::Machine;

/// Prints `result` and writes it to `bench/results/NAME-DATE.json` with the machine it was measured on.
pub fn record(name: &str, result: Value) -> Result<()> {
    let machine = Machine::here();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
    fs::create_dir_all(&dir)?;
    let stamp: String = machine.date.chars().filter(char::is_ascii_alphanumeric).collect();
    let file = dir.join(format!("{name}-{stamp}.json"));
    let text = serde_json::to_string_pretty(&json!({"benchmark": name, "machine": machine, "result": result}))?;
    fs::write(&file, &text)?;
    #[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
    {
        println!("{text}\n→ {}", file.display());
    }
    Ok(())
}

/// The value below which a share (0 to 1) of sorted values lies; not a number where there are none.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted.get((sorted.len().saturating_sub(1) as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
