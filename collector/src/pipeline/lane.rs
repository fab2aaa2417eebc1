//! The private part of the pipeline: one per connection, file, request or UDP port. Nothing in it is shared per record.
//!
//! A source is the sender; where its records name several hosts (a relay), the first host stays with the sender's own
//! entry and every further one becomes `sender/host`, up to a limit, with a format and clock of its own.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, atomic::Ordering},
};

use fansipan_bus::{Batch, Patience};
use fansipan_model::{Event, Value, codec, fields};
use hashbrown::HashMap;

use super::{Assignment, OfferError, Parcel, Pipeline, ids::Ids};
use crate::{
    Normalizer, Received, SourceState, Transport,
    format::FormatId,
    ledger::{Delta, Guess, Introduction, SourceEntry},
};

/// A longer host name is none.
const MAX_HOST: usize = 255;

/// What all records of a lane have in common.
#[derive(Clone, Debug)]
pub struct Origin {
    /// How they come.
    pub transport: Transport,
    /// Subject of the verified TLS client certificate.
    pub tls_identity: Option<Arc<str>>,
    /// Path of the file, or name of the HTTP token.
    pub path: Option<Arc<str>>,
    /// What the configuration of this file or listener says; it precedes what is configured by address.
    pub assignment: Assignment,
}

impl Origin {
    /// Nothing but a transport.
    pub fn new(transport: Transport) -> Self {
        Self { transport, tls_identity: None, path: None, assignment: Assignment::default() }
    }

    /// The id of the source, before a relay's host is added.
    pub(crate) fn source_id(&self, peer: Option<IpAddr>) -> String {
        let word = self.transport.as_str();
        match (&self.path, peer) {
            (Some(path), _) => format!("{word}:{path}"),
            (None, Some(ip)) => format!("{word}:{ip}"),
            (None, None) => word.to_owned(),
        }
    }
}

/// A source as one lane sees it.
struct Local {
    entry: Arc<SourceEntry>,
    state: SourceState,
    host: Option<Box<str>>,
    assignment: Assignment,
    pin_version: u32,
    /// The local with whose state its latest record was read: itself, or the sender where records do not show their host early.
    reader: usize,
    delta: Delta,
    published: (Option<FormatId>, u16, Option<i64>),
}

impl Local {
    fn assign(&mut self, assignment: Assignment) {
        self.state.assign(self.entry.id(), assignment.agency.as_deref(), assignment.class.as_deref());
        self.assignment = assignment;
    }
}

/// A sender and the hosts behind it.
struct Root {
    base: usize,
    hosts: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
}

/// The way of one connection's records into batches.
pub struct Lane {
    pipeline: Pipeline,
    normalizer: Arc<Normalizer>,
    generation: u64,
    origin: Origin,
    ids: Ids,
    locals: Vec<Local>,
    roots: HashMap<Option<IpAddr>, Root, foldhash::fast::RandomState>,
    /// The sender of the previous record, its base and the host it named last.
    recent: Option<(Option<IpAddr>, usize, usize)>,
    touched: Vec<usize>,
    batch: Batch,
    /// An event that is no longer needed, for its allocations.
    spare: Event,
}

impl Lane {
    pub(super) fn new(pipeline: Pipeline, origin: Origin) -> Self {
        let normalizer = pipeline.shared.normalizer.load_full();
        let generation = pipeline.shared.generation.load(Ordering::Acquire);
        Self {
            pipeline,
            normalizer,
            generation,
            origin,
            ids: Ids::new(),
            locals: Vec::new(),
            roots: HashMap::default(),
            recent: None,
            touched: Vec::new(),
            batch: Batch::new(),
            spare: Event::default(),
        }
    }

    /// Normalizes one record and adds it to the batch. `at`: when it arrived, UTC nanoseconds.
    pub fn push(&mut self, peer: Option<SocketAddr>, record: &[u8], truncated: bool, at: i64) {
        let ip = peer.map(|p| p.ip());
        let base = self.base(ip, at);
        let chosen = self.choose(ip, base, record);
        self.follow_pin(chosen);
        let tls_identity = self.origin.tls_identity.clone();
        let path = self.origin.path.clone();
        let received = Received {
            raw: record,
            peer,
            transport: self.origin.transport,
            tls_identity: tls_identity.as_deref(),
            at,
            path: path.as_deref(),
        };
        let Some(local) = self.locals.get_mut(chosen) else { return };
        let mut event = self.normalizer.normalize_into(&mut local.state, &received, std::mem::take(&mut self.spare));
        let nameless = local.host.is_none();
        let owner = match event.str(fields::HOST_NAME) {
            Some(host) if !host.is_empty() && host.len() <= MAX_HOST => self.owner(ip, base, host, at),
            _ if chosen != base => chosen,
            _ => base,
        };
        let Some(local) = self.locals.get_mut(owner) else { return };
        local.reader = chosen;
        if owner != chosen || nameless {
            reassign(&mut event, local);
        }
        if truncated {
            event.push(fields::FANSIPAN_TRUNCATED, Value::Bool(true));
        }
        event.set_id(self.ids.next(at));
        if local.delta.records == 0 {
            self.touched.push(owner);
        }
        local.delta.records += 1;
        local.delta.unparsed += u64::from(event.str(fields::EVENT_KIND) == Some("pipeline_error"));
        local.delta.truncated += u64::from(truncated);
        local.delta.bytes += record.len() as u64;
        local.delta.at = local.delta.at.max(at);
        if self.batch.is_empty() {
            self.batch = self.pipeline.shared.appender.batch();
            self.batch.patience = Some(Patience::Forever);
        }
        self.batch.push_with(|out| codec::encode(&event, out));
        self.spare = event;
    }

    /// Whether the batch should be sent now.
    pub fn is_full(&self) -> bool {
        let limits = &self.pipeline.shared.limits;
        self.batch.len() >= limits.batch_records || self.batch.bytes() >= limits.batch_bytes
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Sends what there is, waiting while the log cannot take more.
    pub async fn flush(&mut self) -> Result<(), OfferError> {
        match self.take() {
            Some(parcel) => self.pipeline.shared.appender.send(parcel).await,
            None => Ok(()),
        }
    }

    /// As [`Lane::flush`], on a thread that is no task.
    pub fn flush_blocking(&mut self) -> Result<(), OfferError> {
        match self.take() {
            Some(parcel) => self.pipeline.shared.appender.send_blocking(parcel),
            None => Ok(()),
        }
    }

    /// Sends a batch taken with [`Lane::take`], on a thread that is no task.
    pub fn send_blocking(&self, parcel: Parcel) -> Result<(), OfferError> {
        self.pipeline.shared.appender.send_blocking(parcel)
    }

    /// The batch so far, to be sent by the caller.
    pub fn take(&mut self) -> Option<Parcel> {
        if self.batch.is_empty() {
            return None;
        }
        let mut accounts = Vec::with_capacity(self.touched.len());
        for at in std::mem::take(&mut self.touched) {
            self.publish(at);
            let Some(local) = self.locals.get_mut(at) else { continue };
            accounts.push((local.entry.clone(), std::mem::take(&mut local.delta)));
        }
        let batch = std::mem::take(&mut self.batch);
        self.follow_formats();
        if self.locals.len() > self.pipeline.shared.limits.peers_per_lane {
            self.forget();
        }
        Some(Parcel { batch, accounts, done: None })
    }

    /// Starts anew with the sources of this lane; what they learned is in the registry.
    fn forget(&mut self) {
        self.hand_over();
        self.locals.clear();
        self.roots.clear();
        self.recent = None;
    }

    fn hand_over(&self) {
        for local in &self.locals {
            local.entry.learn(self.generation, local.state.clone());
        }
    }

    fn follow_formats(&mut self) {
        let generation = self.pipeline.shared.generation.load(Ordering::Acquire);
        if generation != self.generation {
            self.forget();
            self.generation = generation;
            self.normalizer = self.pipeline.shared.normalizer.load_full();
        }
    }

    /// The entry of the sender itself.
    fn base(&mut self, ip: Option<IpAddr>, at: i64) -> usize {
        if let Some((recent, base, _)) = self.recent
            && recent == ip
        {
            return base;
        }
        let base = match self.roots.get(&ip) {
            Some(root) => root.base,
            None => {
                let base = self.add(self.origin.source_id(ip), ip, None, at);
                self.roots.insert(ip, Root { base, hosts: HashMap::default() });
                base
            }
        };
        self.recent = Some((ip, base, base));
        base
    }

    /// Whose format and clock to read the record with: those of the host it names, if that can be told at a glance.
    fn choose(&self, ip: Option<IpAddr>, base: usize, record: &[u8]) -> usize {
        let Some(host) = named_host(record) else { return base };
        let is = |at: usize| self.locals.get(at).and_then(|l| l.host.as_deref()).is_some_and(|h| h.as_bytes() == host);
        if let Some((_, _, last)) = self.recent
            && is(last)
        {
            return last;
        }
        if is(base) {
            return base;
        }
        let known = std::str::from_utf8(host).ok().and_then(|h| self.roots.get(&ip)?.hosts.get(h).copied());
        known.unwrap_or(base)
    }

    /// The entry that a record naming `host` belongs to.
    fn owner(&mut self, ip: Option<IpAddr>, base: usize, host: &str, at: i64) -> usize {
        let is = |local: Option<&Local>| local.and_then(|l| l.host.as_deref()) == Some(host);
        let last = self.recent.map_or(base, |(_, _, last)| last);
        if is(self.locals.get(last)) {
            return last;
        }
        let owner = self.find_owner(ip, base, host, at);
        self.recent = Some((ip, base, owner));
        owner
    }

    fn find_owner(&mut self, ip: Option<IpAddr>, base: usize, host: &str, at: i64) -> usize {
        let Some(first) = self.locals.get_mut(base) else { return base };
        match &first.host {
            Some(h) if **h == *host => return base,
            Some(_) => {}
            None => {
                first.host = Some(host.into());
                let assigned = self.pipeline.shared.assignments.of(ip, Some(host));
                first.assign(self.origin.assignment.clone().or(assigned));
                self.name(base);
                return base;
            }
        }
        let limit = self.pipeline.shared.limits.hosts_per_peer;
        match self.roots.get(&ip) {
            Some(root) => match root.hosts.get(host) {
                Some(&known) => return known,
                None if root.hosts.len() >= limit => return base,
                None => {}
            },
            None => return base,
        }
        let id = format!("{}/{host}", self.origin.source_id(ip));
        let added = self.add(id, ip, Some(host), at);
        if let Some(root) = self.roots.get_mut(&ip) {
            root.hosts.insert(host.into(), added);
        }
        added
    }

    fn add(&mut self, id: String, peer: Option<IpAddr>, host: Option<&str>, at: i64) -> usize {
        let shared = &self.pipeline.shared;
        let configured = self.origin.assignment.clone().or(shared.assignments.of(peer, host));
        let entry = shared.registry.introduce(&Introduction {
            id: &id,
            agency: configured.agency(),
            transport: self.origin.transport,
            peer,
            tls_identity: self.origin.tls_identity.as_deref(),
            host,
            format: configured.format.as_deref(),
            at,
        });
        let learned = entry.learned(self.generation);
        let known_host = host.map(Box::from).or_else(|| entry.host().map(String::into_boxed_str));
        // a sender whose first host is known from before is judged by it
        let configured = match (&known_host, host) {
            (Some(h), None) => self.origin.assignment.clone().or(shared.assignments.of(peer, Some(h))),
            _ => configured,
        };
        let mut local = Local {
            state: learned.unwrap_or_default(),
            pin_version: 0,
            reader: self.locals.len(),
            entry,
            host: known_host,
            assignment: Assignment::default(),
            delta: Delta::default(),
            published: (None, 0, None),
        };
        local.assign(configured);
        let sender_of_a_known_host = host.is_none() && local.host.is_some();
        self.locals.push(local);
        if sender_of_a_known_host {
            self.name(self.locals.len() - 1);
        }
        self.locals.len() - 1
    }

    /// Takes over a format that an operator or the configuration fixed, or released, since the last record.
    fn follow_pin(&mut self, at: usize) {
        let Some(local) = self.locals.get_mut(at) else { return };
        let version = local.entry.pin_version();
        if version != local.pin_version {
            local.pin_version = version;
            local.published = (None, 0, None);
            let pinned = local.entry.pinned_format();
            local.state.pin(pinned.and_then(|name| self.normalizer.format_named(&name)));
        }
    }

    /// Tells the registry what this source seems to be, if that changed; finds a source again that left the list.
    fn publish(&mut self, at: usize) {
        let reader = self.locals.get(at).and_then(|l| self.locals.get(l.reader)).map(|l| &l.state);
        let Some(belief) = reader.map(|s| (s.format(), s.confidence(), s.skew())) else { return };
        let Some(local) = self.locals.get_mut(at) else { return };
        let shared = &self.pipeline.shared;
        if local.entry.gone() {
            let info = local.entry.info();
            local.entry = shared.registry.introduce(&Introduction {
                id: &info.id,
                agency: &info.agency,
                transport: self.origin.transport,
                peer: info.peer,
                tls_identity: info.tls_identity.as_deref(),
                host: info.host.as_deref(),
                format: info.format.as_deref().filter(|_| info.pinned),
                at: local.delta.at,
            });
            local.published = (None, 0, None);
        }
        if !differs(belief, local.published) {
            return;
        }
        local.published = belief;
        let info = belief.0.and_then(|id| self.normalizer.format_info(id));
        let guess = Guess {
            format: info.map(|i| i.name.to_string()),
            product: info.map(|i| i.product.to_string()),
            confidence: belief.1,
            skew: belief.2,
        };
        shared.registry.believe(&local.entry, &guess, local.host.as_deref());
    }

    /// Tells the registry which host the records of a sender name.
    fn name(&self, at: usize) {
        if let Some(local) = self.locals.get(at)
            && let Some(host) = &local.host
        {
            let Assignment { format, .. } = &local.assignment;
            self.pipeline.shared.registry.named(&local.entry, host, local.assignment.agency(), format.as_deref());
        }
    }
}

impl Drop for Lane {
    /// What was learned serves the source's next connection.
    fn drop(&mut self) {
        self.hand_over();
    }
}

/// Whether a belief moved enough to tell: the format, five per cent of confidence, a second of clock.
fn differs(a: (Option<FormatId>, u16, Option<i64>), b: (Option<FormatId>, u16, Option<i64>)) -> bool {
    let clock = match (a.2, b.2) {
        (Some(x), Some(y)) => x.abs_diff(y) > 1_000_000_000,
        (x, y) => x.is_some() != y.is_some(),
    };
    a.0 != b.0 || a.1.abs_diff(b.1) >= 50 || clock
}

/// An event that was read as another source's, or before its host was known, turns out to be this one's.
fn reassign(event: &mut Event, local: &Local) {
    if event.str(fields::FANSIPAN_SOURCE) != Some(local.entry.id()) {
        event.set(fields::FANSIPAN_SOURCE, Value::Str(local.entry.id()));
    }
    let agency = local.assignment.agency();
    if event.agency() != agency {
        event.set(fields::FANSIPAN_AGENCY, Value::Str(agency));
    }
    let class = local.assignment.class();
    if event.str(fields::FANSIPAN_CLASS) != Some(class) {
        event.set(fields::FANSIPAN_CLASS, Value::Str(class));
    }
}

/// The host in a syslog header of the usual shapes (RFC 5424, RFC 3164, RFC 3164 with an ISO date), without parsing the rest.
fn named_host(record: &[u8]) -> Option<&[u8]> {
    let mut rest = record;
    if rest.first() == Some(&b'<') {
        let close = rest.iter().take(6).position(|&b| b == b'>')?;
        rest = rest.get(close + 1..)?;
        if let Some(after) = rest.strip_prefix(b"1 ") {
            rest = after.get(memchr::memchr(b' ', after.get(..48.min(after.len()))?)? + 1..)?;
            return token(rest);
        }
    }
    let after_date = match rest {
        [_, _, _, b' ', _, _, b' ', _, _, b':', _, _, b':', _, _, b' ', ..] => rest.get(16..)?,
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..] if rest.get(10) == Some(&b'T') => {
            rest.get(memchr::memchr(b' ', rest.get(..48.min(rest.len()))?)? + 1..)?
        }
        _ => return None,
    };
    token(after_date)
}

fn token(text: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(b' ', text.get(..256.min(text.len()))?)?;
    text.get(..end).filter(|t| !t.is_empty())
}

#[cfg(test)]
mod tests {
    use super::named_host;

    #[test]
    fn the_host_is_found_at_a_glance() {
        for (record, host) in [
            ("<34>1 2026-11-23T10:00:00Z fw-01 app - - - x", Some("fw-01")),
            ("<34>Nov 23 10:00:00 web-02 sshd[1]: x", Some("web-02")),
            ("Nov  3 10:00:00 web-02 sshd[1]: x", Some("web-02")),
            ("<13>2026-11-23T10:00:00.123+07:00 db sshd: x", Some("db")),
            ("{\"a\":1}", None),
            ("<13>", None),
            ("", None),
            ("<13>1 ", None),
        ] {
            assert_eq!(named_host(record.as_bytes()), host.map(str::as_bytes), "{record}");
        }
    }
}
