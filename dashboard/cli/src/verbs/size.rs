//! `fansipan size`: how many machines, cores and disks a rate of events needs, computed from what was measured
//! (`bench/results/sizing.toml`), never from what one would like.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::json;

use crate::{
    Outcome,
    args::{Cli, SizeArgs},
    output,
};

/// The figures, compiled in.
const MEASURED: &str = include_str!("../../../../bench/results/sizing.toml");

#[derive(Debug, Deserialize)]
struct Measured {
    one_machine: Cpu,
    disk: Disk,
}

#[derive(Debug, Deserialize)]
struct Cpu {
    cpu_us: f64,
    source: String,
}

#[derive(Debug, Deserialize)]
struct Disk {
    bytes_per_event: f64,
    bytes_per_record: f64,
    source: String,
}

/// Cores are planned to be this busy at the peak.
const BUSY: f64 = 0.7;
/// Disks are planned to be this full.
const FULL: f64 = 0.8;
/// A machine has this many cores at the most in this table.
const CORES: f64 = 16.0;

/// One line of the table.
#[derive(Debug, PartialEq)]
struct Row {
    layout: &'static str,
    part: &'static str,
    nodes: u64,
    cores: u64,
    disk_gib: u64,
}

fn rows(measured: &Measured, args: &SizeArgs) -> Vec<Row> {
    let peak = args.events_per_second * args.peak;
    // what parsing and rules cost grows with the length of the records, at the most in proportion
    let cpu = measured.one_machine.cpu_us * 1e-6;
    let cores = |share: f64| (peak * cpu * share / BUSY).ceil().max(1.0) as u64;
    let nodes = |cores: u64, least: u64| ((cores as f64 / CORES).ceil() as u64).max(least);
    let each = |cores: u64, nodes: u64| cores.div_ceil(nodes).max(1);
    let gib = |bytes: f64| (bytes / FULL / f64::from(1u32 << 30)).ceil() as u64;
    let bytes = measured.disk.bytes_per_event * (args.bytes_per_record / measured.disk.bytes_per_record).max(1.0);
    let kept = args.events_per_second * 86_400.0 * args.days * bytes;
    let hour = args.events_per_second * 3600.0 * args.bytes_per_record;
    let all = cores(1.0);
    let mut out = vec![Row { layout: "one machine", part: "fansipan run", nodes: 1, cores: all, disk_gib: gib(kept + hour * 24.0) }];
    let mut part = |part, least: u64, share: f64, disk: f64| {
        let cores = cores(share);
        let nodes = nodes(cores, least);
        out.push(Row { layout: "distributed", part, nodes, cores: each(cores, nodes), disk_gib: gib(disk / nodes as f64) });
    };
    // each role is planned as if it had all the work of one machine: its own share of it was not measured apart
    part("collector", 2, 1.0, hour * 4.0);
    part("analyzer", 2, 1.0, hour);
    part("console", 1, 1.0, kept + hour * 24.0);
    part("kafka", 3, 0.5, args.events_per_second * 86_400.0 * 3.0 * args.bytes_per_record * 3.0);
    out
}

/// Prints the table.
pub(super) fn size(cli: &Cli, args: &SizeArgs) -> Result<Outcome> {
    let measured: Measured = toml::from_str(MEASURED).context("FSP-CLI-060: the measured figures cannot be read")?;
    let rows = rows(&measured, args);
    if cli.json {
        for r in &rows {
            output::json(&json!({"layout": r.layout, "part": r.part, "nodes": r.nodes, "cores": r.cores, "disk_gib": r.disk_gib}))?;
        }
        return Ok(Outcome::Done);
    }
    let cells = |r: &Row| vec![r.layout.to_owned(), r.part.to_owned(), r.nodes.to_string(), r.cores.to_string(), r.disk_gib.to_string()];
    output::table(&["LAYOUT", "PART", "NODES", "CORES EACH", "DISK EACH, GiB"], rows.iter().map(cells))?;
    output::line(&format!(
        "For {} events/s with peaks of {} times that, {} days, records of {} bytes.\n\
         Measured: {} µs of CPU per event (bench/results/{}); {} bytes on disk per event of {} bytes (bench/results/{}).\n\
         Planned: cores {} % busy at the peak, disks {} % full; each role of a distributed deployment as if it had all the work.",
        args.events_per_second,
        args.peak,
        args.days,
        args.bytes_per_record,
        measured.one_machine.cpu_us,
        measured.one_machine.source,
        measured.disk.bytes_per_event,
        measured.disk.bytes_per_record,
        measured.disk.source,
        BUSY * 100.0,
        FULL * 100.0
    ))?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::{MEASURED, Measured, rows};
    use crate::args::SizeArgs;

    #[test]
    fn every_figure_names_where_it_was_measured() {
        let measured: Measured = toml::from_str(MEASURED).unwrap();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/results");
        for source in [&measured.one_machine.source, &measured.disk.source] {
            assert!(folder.join(source).is_file(), "{source}");
        }
    }

    #[test]
    fn more_events_need_more() {
        let measured: Measured = toml::from_str(MEASURED).unwrap();
        let args = |eps| SizeArgs { events_per_second: eps, peak: 5.0, days: 365.0, bytes_per_record: 300.0 };
        let (small, large) = (rows(&measured, &args(1000.0)), rows(&measured, &args(20_000.0)));
        assert!(small.iter().zip(&large).all(|(s, l)| s.nodes * s.cores <= l.nodes * l.cores && s.disk_gib <= l.disk_gib));
        // 1,000 events/s × 131.5 B × a year, on disks that are 80 % full
        assert!((4_800..5_200).contains(&small[0].disk_gib), "{small:?}");
    }
}
