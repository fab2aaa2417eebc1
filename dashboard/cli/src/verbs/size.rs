//! `fansipan size`: how many machines, cores and disks a rate of events needs, computed from what was measured
//! (`bench/results/sizing.toml`), never from what one would like.

use anyhow::{Context as _, Result};
use fansipan_model::{Said, Word, said};
use serde::Deserialize;
use serde_json::json;

use crate::{
    Fault, Outcome,
    args::{Cli, SizeArgs},
    output, words,
};

/// The figures, compiled in.
const MEASURED: &str = include_str!("../../../../bench/results/sizing.toml");

#[derive(Debug, Deserialize)]
struct Measured {
    one_machine: Cpu,
    disk: Disk,
    /// Parts of a distributed deployment, each alone; without them a role is planned as if it had all the work.
    analyzer: Option<Cpu>,
    indexer: Option<Cpu>,
    /// The engine's own work for each row, and what it keeps; with it the table has ClickHouse.
    clickhouse: Option<Engine>,
}

#[derive(Debug, Deserialize)]
struct Cpu {
    cpu_us: f64,
    source: String,
}

#[derive(Debug, Deserialize)]
struct Engine {
    cpu_us: f64,
    bytes_per_event: f64,
    bytes_per_record: f64,
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
/// Copies that ClickHouse keeps, and its shards at the least.
const REPLICAS: u64 = 2;
const SHARDS: u64 = 2;
/// Days on the console's own disk beside ClickHouse.
const RECENT: f64 = 7.0;
/// A machine has this many cores at the most in this table.
const CORES: f64 = 16.0;

/// Most bytes of packets on their way to whoever asked for them (docs/deployment.md).
const PASSING: f64 = (2u64 << 30) as f64;

/// One line of the table.
#[derive(Debug, PartialEq)]
struct Row {
    layout: Word,
    part: &'static str,
    nodes: u64,
    cores: u64,
    disk_gib: u64,
}

fn rows(measured: &Measured, args: &SizeArgs) -> Vec<Row> {
    let peak = args.events_per_second * args.peak;
    // what parsing and rules cost grows with the length of the records, at the most in proportion
    let all = measured.one_machine.cpu_us;
    let cores = |cpu_us: f64| (peak * cpu_us * 1e-6 / BUSY).ceil().max(1.0) as u64;
    let nodes = |cores: u64, least: u64| ((cores as f64 / CORES).ceil() as u64).max(least);
    let each = |cores: u64, nodes: u64| cores.div_ceil(nodes).max(1);
    let gib = |bytes: f64| (bytes / FULL / f64::from(1u32 << 30)).ceil() as u64;
    let longer = |record: f64| (args.bytes_per_record / record).max(1.0);
    let events = |days: f64| args.events_per_second * 86_400.0 * days;
    let own = measured.disk.bytes_per_event * longer(measured.disk.bytes_per_record);
    let hour = args.events_per_second * 3600.0 * args.bytes_per_record;
    let whole = Row {
        layout: Word::new("one machine", "một máy"),
        part: "fansipan run",
        nodes: 1,
        cores: cores(all),
        disk_gib: gib(events(args.days) * own + hour * 24.0),
    };
    let mut out = vec![whole];
    let mut part = |part, least: u64, cpu_us: f64, disk: f64| {
        let cores = cores(cpu_us);
        let nodes = nodes(cores, least);
        out.push(Row {
            layout: Word::new("distributed", "phân tán"),
            part,
            nodes,
            cores: each(cores, nodes),
            disk_gib: gib(disk / nodes as f64),
        });
    };
    let cpu = |own: &Option<Cpu>| own.as_ref().map_or(all, |c| c.cpu_us);
    part("collector", 2, all, hour * 4.0);
    part("analyzer", 2, cpu(&measured.analyzer), hour);
    let on_console = if measured.clickhouse.is_some() { args.days.min(RECENT) } else { args.days };
    part("console", 1, all, events(on_console) * own + hour * 24.0);
    part("kafka", 3, all * 0.5, (events(3.0) * args.bytes_per_record + PASSING) * 3.0);
    if let Some(engine) = &measured.clickhouse {
        part("indexer", 2, cpu(&measured.indexer), hour);
        let kept = events(args.days) * engine.bytes_per_event * longer(engine.bytes_per_record);
        // every replica does the work of its shard; a third more for merges at their peak
        part("clickhouse", SHARDS * REPLICAS, engine.cpu_us * REPLICAS as f64, kept * REPLICAS as f64 * 4.0 / 3.0);
    }
    out
}

/// Where figures of the roles come from, or that they were not measured apart.
fn sources(measured: &Measured) -> Vec<Said> {
    let mut out = Vec::new();
    let parts =
        [(Word::new("an analyzer", "máy phân tích"), &measured.analyzer), (Word::new("an indexer", "máy lập chỉ mục"), &measured.indexer)];
    for (part, cpu) in parts {
        out.push(match cpu {
            Some(Cpu { cpu_us, source }) => said!(
                "Measured: {cpu_us} µs of CPU per event in {part} (bench/results/{source}).",
                "Đã đo: {cpu_us} µs CPU cho mỗi sự kiện ở {part:#} (bench/results/{source})."
            ),
            None => said!(
                "Not measured apart: {part}, planned as if it had all the work.",
                "Chưa đo riêng: {part:#}, tính như thể nó làm mọi việc."
            ),
        });
    }
    out.push(match &measured.clickhouse {
        Some(Engine { cpu_us, bytes_per_event, bytes_per_record, source }) => said!(
            "Measured: {bytes_per_event} bytes in ClickHouse per event of {bytes_per_record} bytes, {cpu_us} µs of its CPU (bench/results/{source}); {REPLICAS} copies, room for merges.",
            "Đã đo: {bytes_per_event} byte trong ClickHouse cho mỗi sự kiện {bytes_per_record} byte, {cpu_us} µs CPU của nó (bench/results/{source}); {REPLICAS} bản sao, có chỗ để gộp."
        ),
        None => said!(
            "ClickHouse is not in this table: its figures are not measured yet.",
            "ClickHouse không có trong bảng này: chưa có số liệu đo."
        ),
    });
    out
}

/// What was asked, what the plan rests on, and how full it plans.
fn basis(measured: &Measured, args: &SizeArgs) -> [Said; 3] {
    let SizeArgs { events_per_second, peak, days, bytes_per_record } = args;
    let Cpu { cpu_us, source } = &measured.one_machine;
    let Disk { bytes_per_event, bytes_per_record: record, source: disk } = &measured.disk;
    let (busy, full) = (BUSY * 100.0, FULL * 100.0);
    [
        said!(
            "For {events_per_second} events/s with peaks of {peak} times that, {days} days, records of {bytes_per_record} bytes.",
            "Cho {events_per_second} sự kiện/giây, lúc cao điểm gấp {peak} lần, giữ {days} ngày, bản ghi {bytes_per_record} byte."
        ),
        said!(
            "Measured: {cpu_us} µs of CPU per event (bench/results/{source}); {bytes_per_event} bytes on disk per event of {record} bytes (bench/results/{disk}).",
            "Đã đo: {cpu_us} µs CPU cho mỗi sự kiện (bench/results/{source}); {bytes_per_event} byte đĩa cho mỗi sự kiện {record} byte (bench/results/{disk})."
        ),
        said!(
            "Planned: cores {busy} % busy at the peak, disks {full} % full.",
            "Dự tính: nhân bận {busy} % lúc cao điểm, đĩa đầy {full} %."
        ),
    ]
}

/// Prints the table.
pub(super) fn size(cli: &Cli, args: &SizeArgs) -> Result<Outcome> {
    let measured: Measured = toml::from_str(MEASURED).context(Fault::BrokenFigures)?;
    let rows = rows(&measured, args);
    if cli.json {
        for r in &rows {
            output::json(&json!({"layout": r.layout.en, "part": r.part, "nodes": r.nodes, "cores": r.cores, "disk_gib": r.disk_gib}))?;
        }
        return Ok(Outcome::Done);
    }
    let cells =
        |r: &Row| vec![cli.say(&r.layout), r.part.to_owned(), r.nodes.to_string(), r.cores.to_string(), format!("{} GiB", r.disk_gib)];
    let heads = [words::LAYOUT, words::PART, words::NODES, words::CORES_EACH, words::DISK_EACH];
    output::table(cli, &heads, rows.iter().map(cells))?;
    for told in basis(&measured, args).into_iter().chain(sources(&measured)) {
        output::say(cli, &told)?;
    }
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
        let apart =
            measured.analyzer.iter().chain(&measured.indexer).map(|c| &c.source).chain(measured.clickhouse.iter().map(|c| &c.source));
        for source in [&measured.one_machine.source, &measured.disk.source].into_iter().chain(apart) {
            assert!(folder.join(source).is_file(), "{source}");
        }
    }

    #[test]
    fn more_events_need_more() {
        let base = MEASURED.split("[analyzer]").next().unwrap();
        let with = format!(
            "{base}\n[indexer]\ncpu_us = 20.0\nsource = \"x\"\n[clickhouse]\ncpu_us = 15.0\nbytes_per_event = 80.0\nbytes_per_record = 300.0\nsource = \"x\"\n"
        );
        let measured: Measured = toml::from_str(base).unwrap();
        let args = |eps| SizeArgs { events_per_second: eps, peak: 5.0, days: 365.0, bytes_per_record: 300.0 };
        let (small, large) = (rows(&measured, &args(1000.0)), rows(&measured, &args(20_000.0)));
        assert!(small.iter().zip(&large).all(|(s, l)| s.nodes * s.cores <= l.nodes * l.cores && s.disk_gib <= l.disk_gib));
        // 1,000 events/s × 131.5 B × a year, on disks that are 80 % full
        assert!((4_800..5_200).contains(&small[0].disk_gib), "{small:?}");
        let wide: Measured = toml::from_str(&with).unwrap();
        let rows = rows(&wide, &args(1000.0));
        let part = |name: &str| rows.iter().find(|r| r.part == name).unwrap();
        // 80 B × a year × two copies, a third more for merges, on four nodes that are 80 % full
        assert!((1_900..2_000).contains(&part("clickhouse").disk_gib) && part("clickhouse").nodes == 4, "{rows:?}");
        assert!(part("console").disk_gib < 150, "a week: {rows:?}");
    }
}
