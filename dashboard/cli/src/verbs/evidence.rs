//! Events in files of evidence: raw records through the formats, `.evtx` record by record, captures through the network sensor, what
//! the sensor wrote earlier as it is.

use std::{fs::File, io::BufReader, path::Path};

use anyhow::{Context as _, Result};
use fansipan_collector::{
    Normalizer, Received, SourceState, Transport,
    decode::evtx,
    records::Records,
    tap::{Sensor, Settings, files::CaptureFile},
};
use fansipan_model::{Event, fields, json, said};

use crate::{Fault, output};

/// The built-in formats.
pub(super) fn normalizer() -> Result<Normalizer> {
    Normalizer::load_builtin().context(Fault::BrokenFormats)
}

/// Hands every event of a file to `each` with its number: the EventRecordID of `.evtx`, the place in the file (from 1) of others,
/// the place among what the sensor says for captures.
/// Damage in one part of an `.evtx` leaves out that part, and is an error at the end.
pub(super) fn each_event(path: &Path, normalizer: &Normalizer, mut each: impl FnMut(u64, &Event) -> Result<()>) -> Result<()> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("evtx")) {
        let mut damaged = None;
        for record in evtx::open(path)?.records() {
            match record {
                Ok((number, event)) => each(number, &event)?,
                Err(error) => damaged = Some(error), // the rest of the file goes on
            }
        }
        return damaged.map_or(Ok(()), |error| Err(error).context(said!("part of it is damaged", "một phần của tệp bị hỏng")));
    }
    if path.extension().is_some_and(|e| ["pcap", "pcapng", "cap"].iter().any(|c| e.eq_ignore_ascii_case(c))) {
        return packets(path, each);
    }
    let input = path.display().to_string();
    let mut source = SourceState::default();
    for (number, record) in (1u64..).zip(Records::new(BufReader::new(File::open(path)?))) {
        let record = record?;
        if let Some(event) = of_the_sensor(&record.bytes) {
            each(number, &event)?;
            continue;
        }
        let received = Received {
            raw: &record.bytes,
            peer: None,
            transport: Transport::File,
            tls_identity: None,
            at: output::now(),
            path: Some(&input),
        };
        each(number, &normalizer.normalize(&mut source, &received))?;
    }
    Ok(())
}

/// A line that the network sensor wrote (`fansipan pcap`) is its event, and no record of a sender.
fn of_the_sensor(record: &[u8]) -> Option<Event> {
    let text = std::str::from_utf8(record).ok().filter(|t| t.contains("\"event.module\":\"tap\""))?;
    let mut event = json::read(text).ok()?;
    event.set_ingested(event.timestamp());
    (event.str(fields::EVENT_MODULE) == Some("tap")).then_some(event)
}

/// What the network sensor makes of a capture; a cut file gives what is before the cut.
fn packets(path: &Path, mut each: impl FnMut(u64, &Event) -> Result<()>) -> Result<()> {
    let mut file = CaptureFile::open(path)?;
    let mut sensor = Sensor::new(Settings::default());
    let mut number = 0;
    let mut all = |sensor: &mut Sensor| {
        sensor.events().try_for_each(|mut event| {
            number += 1;
            event.set_ingested(event.timestamp());
            each(number, &event)
        })
    };
    while let Some(packet) = file.next_packet() {
        sensor.packet(packet.link, packet.at, packet.wire, packet.data);
        all(&mut sensor)?;
    }
    sensor.finish();
    all(&mut sensor)
}
