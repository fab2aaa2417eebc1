//! Reading the ring: the frames of a flow out of the segments that may hold it, as one pcapng file.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use fansipan_model::PacketsFound;

use super::{
    SILENCE,
    index::{Entry, Index, Spot, Stored},
    names::FlowName,
    segment::{self, Opened, Packet},
    writer::{begins, index_of, segments},
};
use crate::tap::decode::link::LinkType;

/// Segments and frames out of order by so much are still found, nanoseconds.
const SLACK: i64 = 10_000_000_000;

/// A flow that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: FlowName,
    /// Something of it happened from then ...
    pub from: i64,
    /// ... until then.
    pub to: i64,
    /// How far before and after that frames are looked for.
    pub around: i64,
}

/// How much is given at the most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: u64,
    /// Frames.
    pub packets: usize,
}

/// Where a ring lies, and what its interface is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder.
    pub folder: PathBuf,
    /// The interface.
    pub interface: String,
}

/// A frame of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    at: i64,
    ring: usize,
    segment: usize,
    spot: Spot,
    captured: usize,
    link: u16,
}

/// Writes the frames of flows that the rings hold to `out`, in the order of their times.
///
/// # Errors
/// A ring cannot be read, or `out` cannot be written. A ring that is not there holds nothing.
pub fn find(rings: &[Place], wanted: &[Wanted], limits: Limits, out: &mut dyn Write) -> io::Result<PacketsFound> {
    let mut found = PacketsFound::default();
    let mut paths: Vec<Vec<PathBuf>> = Vec::new();
    let mut hits: Vec<Vec<Hit>> = vec![Vec::new(); wanted.len()];
    for (ring, place) in rings.iter().enumerate() {
        let all = match segments(&place.folder) {
            Ok(all) => all,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(e),
        };
        if let Some(first) = all.first().and_then(|p| begins(p)) {
            found.oldest = Some(found.oldest.map_or(first, |o| o.min(first)));
        }
        for (segment, path) in all.iter().enumerate() {
            let begin = begins(path).unwrap_or(i64::MIN);
            let end = all.get(segment + 1).and_then(|p| begins(p)).unwrap_or(i64::MAX);
            let may = |w: &Wanted| begin <= earliest_latest(w).1 && end >= earliest_latest(w).0;
            if wanted.iter().any(may) {
                look(path, (ring, segment), wanted, &mut hits, &mut found)?;
            }
        }
        paths.push(all);
    }
    let mut all: Vec<Hit> = wanted.iter().zip(hits).flat_map(|(w, hits)| one_flow(w, hits)).collect();
    all.sort_unstable();
    all.dedup();
    write(rings, &paths, &all, limits, out, &mut found)?;
    Ok(found)
}

/// Between which times frames are looked for.
fn earliest_latest(wanted: &Wanted) -> (i64, i64) {
    let around = wanted.around.saturating_add(SLACK);
    (wanted.from.saturating_sub(around), wanted.to.saturating_add(around))
}

/// Finds the flows in one segment.
fn look(path: &Path, at: (usize, usize), wanted: &[Wanted], hits: &mut [Vec<Hit>], found: &mut PacketsFound) -> io::Result<()> {
    let stored = Stored::read(&index_of(path));
    let rebuilt = match &stored {
        Some(_) => None,
        None => match Index::rebuild(path) {
            Ok((index, _)) => Some(index),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e),
        },
    };
    let flow = |name| stored.as_ref().and_then(|s| s.flow(name)).or_else(|| rebuilt.as_ref().and_then(|i| i.flow(name)));
    let entries: Vec<Option<Entry>> = wanted.iter().map(|w| flow(w.name)).collect();
    if entries.iter().all(Option::is_none) {
        return Ok(());
    }
    let Some(opened) = Opened::open(path)? else {
        // gone meanwhile, or its beginning is damaged
        let lost = entries.iter().flatten().map(|e| e.places.len() as u64).sum::<u64>();
        found.damaged += if path.exists() { lost } else { 0 };
        return Ok(());
    };
    let link = stored.as_ref().and_then(Stored::link).or_else(|| rebuilt.as_ref().map(|i| i.link)).unwrap_or(LinkType::ETHERNET).0;
    for ((wanted, entry), hits) in wanted.iter().zip(entries).zip(hits) {
        let Some(entry) = entry else { continue };
        let (earliest, latest) = earliest_latest(wanted);
        if entry.first > latest || entry.last < earliest {
            continue;
        }
        found.cut += u64::from(entry.cut);
        for spot in entry.places {
            match opened.glance(u64::from(spot.place)) {
                Some((time, captured)) if (entry.first..=entry.last).contains(&time) => {
                    if (earliest..=latest).contains(&time) {
                        hits.push(Hit { at: time, ring: at.0, segment: at.1, spot, captured, link });
                    }
                }
                // a time at which the flow had no frame
                Some(_) => found.damaged += 1,
                None => found.damaged += 1,
            }
        }
    }
    Ok(())
}

/// The same ends may have spoken before and after: what lies beyond a long silence was another flow.
fn one_flow(wanted: &Wanted, mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_unstable();
    let distance = |h: &Hit| if h.at < wanted.from { wanted.from - h.at } else { (h.at - wanted.to).max(0) };
    let Some((middle, _)) = hits.iter().enumerate().min_by_key(|(_, h)| distance(h)) else { return hits };
    let silent = |(a, b): (&Hit, &Hit)| b.at.saturating_sub(a.at) > SILENCE && !(a.at >= wanted.from && b.at <= wanted.to);
    let pairs: Vec<bool> = hits.iter().zip(hits.iter().skip(1)).map(silent).collect();
    let begin = pairs.iter().take(middle).rposition(|s| *s).map_or(0, |n| n + 1);
    let end = pairs.iter().skip(middle).position(|s| *s).map_or(hits.len(), |n| middle + n + 1);
    hits.truncate(end);
    hits.split_off(begin)
}

fn write(
    rings: &[Place],
    paths: &[Vec<PathBuf>],
    hits: &[Hit],
    limits: Limits,
    out: &mut dyn Write,
    found: &mut PacketsFound,
) -> io::Result<()> {
    let mut interfaces: Vec<(usize, LinkType)> = Vec::new();
    let mut open: Option<((usize, usize), Option<Opened>)> = None;
    let (mut body, mut head) = (Vec::new(), Vec::new());
    for hit in hits {
        let interface = (hit.ring, LinkType(hit.link));
        if !interfaces.contains(&interface) {
            interfaces.push(interface);
        }
    }
    let named: Vec<(LinkType, &str)> =
        interfaces.iter().filter_map(|(ring, link)| rings.get(*ring).map(|r| (*link, r.interface.as_str()))).collect();
    segment::begin(&mut head, &named);
    found.bytes = head.len() as u64;
    out.write_all(&head)?;
    for hit in hits {
        let length = segment::block_length(hit.captured);
        if found.packets as usize >= limits.packets || found.bytes + length > limits.bytes {
            found.beyond += 1;
            continue;
        }
        let at = (hit.ring, hit.segment);
        if open.as_ref().is_none_or(|(place, _)| *place != at) {
            let path = paths.get(hit.ring).and_then(|p| p.get(hit.segment));
            open = Some((at, path.map(|p| Opened::open(p)).transpose()?.flatten()));
        }
        let opened = open.as_mut().and_then(|(_, opened)| opened.as_mut());
        let number = interfaces.iter().position(|i| *i == (hit.ring, LinkType(hit.link)));
        let packet = opened.and_then(|o| o.packet(u64::from(hit.spot.place), hit.spot.sum));
        let (Some(packet), Some(number)) = (packet.filter(|p| p.at == hit.at), number) else {
            found.damaged += 1;
            continue;
        };
        body.clear();
        segment::packet(&mut body, number as u32, Packet { at: packet.at, wire: packet.wire, data: packet.data });
        out.write_all(&body)?;
        if found.packets == 0 {
            found.first = packet.at;
        }
        (found.last, found.packets, found.bytes) = (packet.at, found.packets + 1, found.bytes + length);
    }
    Ok(())
}
