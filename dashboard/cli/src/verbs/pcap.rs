//! `fansipan pcap`: packets of capture files in, one flat ECS JSON object per event out.
//!
//! Each file is a capture of its own and ends with an event `network.capture` that says what was read and what was wrong,
//! after the alerts of the network detectors (`event.kind: alert`). A file that
//! is cut gives what is before the cut, and a warning; one that is no capture makes the verb fail after the others were read.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
    sync::Arc,
};

use anyhow::Result;
use fansipan_collector::tap::{
    Sensor, Settings, Summary,
    decode::Problem,
    files::{CaptureFile, Ending, FileError},
};
use fansipan_model::{Event, Value, fields, json};

use super::watched::Watched;
use crate::{
    Fault, Outcome,
    args::{Cli, PcapArgs},
    output,
};

pub(super) fn pcap(cli: &Cli, args: &PcapArgs) -> Result<Outcome> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut failed: Option<FileError> = None;
    for path in &args.files {
        match CaptureFile::open(path) {
            Ok(file) => read(cli, path, file, &mut out)?,
            // the last one is said where the program ends
            Err(error) => {
                if let Some(earlier) = failed.replace(error) {
                    tracing::error!("{}", cli.say(&earlier));
                }
            }
        }
    }
    out.flush()?;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(Outcome::Done),
    }
}

fn read(cli: &Cli, path: &Path, mut file: CaptureFile, out: &mut impl Write) -> Result<()> {
    let mut sensor = Sensor::new(Settings::default());
    let mut line = Vec::new();
    let (mut watched, input) = (Watched::new(), Arc::from(path.display().to_string()));
    let mut record = 0;
    while let Some(packet) = file.next_packet() {
        sensor.packet(packet.link, packet.at, packet.wire, packet.data);
        for event in sensor.events() {
            record += 1;
            watched.take(&input, record, &event);
            write(&event, &mut line, out)?;
        }
    }
    sensor.finish();
    for event in sensor.events() {
        record += 1;
        watched.take(&input, record, &event);
        write(&event, &mut line, out)?;
    }
    watched.events(out)?;
    let ending = file.ending();
    let packets = sensor.summary().packets;
    let path = path.display().to_string();
    let fault = match ending {
        Ending::Whole => None,
        Ending::Cut => Some(Fault::CutCapture { path: path.clone(), packets }),
        Ending::Damaged(why) => Some(Fault::DamagedCapture { path: path.clone(), packets, why: why.to_string() }),
    };
    if let Some(fault) = fault {
        tracing::warn!("{}", cli.say(&fault));
    }
    write(&summary(&path, sensor.summary(), ending), &mut line, out)
}

fn write(event: &Event, line: &mut Vec<u8>, out: &mut dyn Write) -> Result<()> {
    line.clear();
    json::write(event, line);
    line.push(b'\n');
    out.write_all(&output::harmless_json(line))?;
    Ok(())
}

/// What was read of a file and what was wrong with it.
fn summary(path: &str, summary: &Summary, ending: &Ending) -> Event {
    let mut event = Event::default();
    event.set_timestamp(summary.last);
    for (field, value) in [
        (fields::EVENT_KIND, "metric"),
        (fields::EVENT_CATEGORY, "network"),
        (fields::EVENT_TYPE, "info"),
        (fields::EVENT_MODULE, "tap"),
        (fields::EVENT_DATASET, "network.capture"),
        (fields::LOG_FILE_PATH, path),
    ] {
        event.push(field, Value::Str(value));
    }
    event.push(fields::EVENT_START, Value::Time(summary.first));
    event.push(fields::EVENT_END, Value::Time(summary.last));
    for (name, count) in [
        ("packets", summary.packets),
        ("bytes", summary.bytes),
        ("captured_bytes", summary.captured),
        ("flows", summary.flows),
        ("flows_evicted", summary.evicted),
        ("flows_bypassed", summary.bypassed),
        ("flows_given_up", summary.given_up),
        ("stream_bytes_missing", summary.missing),
    ] {
        event.push_named(&format!("fansipan.capture.{name}"), Value::Int(count as i64));
    }
    for (problem, count) in Problem::ALL.iter().zip(summary.problems) {
        if count > 0 {
            event.push_named(&format!("fansipan.capture.problem.{}", problem.as_str()), Value::Int(count as i64));
        }
    }
    if *ending != Ending::Whole {
        event.push(fields::FANSIPAN_TRUNCATED, Value::Bool(true));
    }
    event
}
