//! One record in, one event out, never an error: header, then the first format that understands the body, then provenance.

use std::{borrow::Cow, net::IpAddr, path::Path};

use fansipan_model::{Agency, Event, EventBuilder, Value, fields};

use crate::{
    Received, SourceState, Transport, charset,
    clock::{DAY, Zone},
    decode::syslog::{self, FACILITIES, Header, SEVERITIES},
    format::{Circumstances, Clues, Format, FormatError, FormatId, FormatInfo, FormatSet},
};

/// What an operator configures of normalization.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Zone of times that name none.
    pub timezone: Zone,
    /// Zones of particular senders, first match wins.
    pub zones: Vec<(ipnet::IpNet, Zone)>,
}

/// Compiled formats and settings. Shared by all sources; what is particular to a source is in its [`SourceState`].
#[derive(Debug)]
pub struct Normalizer {
    settings: Settings,
    set: FormatSet,
}

/// Retention class of what nobody assigned.
pub(crate) const DEFAULT_CLASS: &str = "default";
/// Times before this are a clock that was never set (2000-01-01T00:00:00Z).
const UNSET_CLOCK: i64 = 946_684_800 * fansipan_model::time::SECOND;

/// Parameters of structured data kept as fields; more stay in `log.syslog.structured_data`.
const PARAMETER_LIMIT: usize = 64;

/// A record as read so far.
struct Reading<'t> {
    /// The record as text.
    text: &'t str,
    /// Whether it is the record itself rather than a decoded reading.
    utf8: bool,
    /// Without line ends and padding.
    record: &'t str,
    header: Header<'t>,
    /// Zone of times that name none.
    zone: &'t Zone,
}

/// What was made of the body.
enum Outcome {
    /// By this format; the time its fields name.
    Format(FormatId, Option<i64>),
    /// A syslog message of a program nobody described.
    Generic,
    /// Nothing understands it, for this reason.
    Unparsed(String),
}

impl Normalizer {
    /// The formats shipped with the program.
    pub fn load_builtin() -> Result<Self, FormatError> {
        Ok(Self { settings: Settings::default(), set: FormatSet::load(None)? })
    }

    /// The shipped formats and those of a directory (a folder each); one of the same name replaces the shipped one.
    pub fn with_dir(extra: &Path) -> Result<Self, FormatError> {
        Ok(Self { settings: Settings::default(), set: FormatSet::load(Some(extra))? })
    }

    /// With these settings.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Every format, by id.
    pub fn formats(&self) -> impl Iterator<Item = (FormatId, &FormatInfo)> {
        (0u16..).map(FormatId).zip(self.set.formats.iter().map(|f| &f.info))
    }

    /// The format of this name.
    pub fn format_named(&self, name: &str) -> Option<FormatId> {
        self.formats().find(|(_, f)| &*f.name == name).map(|(id, _)| id)
    }

    /// What people see of a format.
    pub fn format_info(&self, id: FormatId) -> Option<&FormatInfo> {
        self.set.get(id).map(|f| &f.info)
    }

    /// One event from one record. `event.id` is left nil: the source layer gives it just before the durable write.
    pub fn normalize(&self, source: &mut SourceState, received: &Received<'_>) -> Event {
        self.normalize_into(source, received, Event::default())
    }

    /// Like [`Normalizer::normalize`], with the allocations of an event that is no longer needed.
    pub fn normalize_into(&self, source: &mut SourceState, received: &Received<'_>, spare: Event) -> Event {
        let text = charset::decode(received.raw);
        let mut out = match &text {
            Cow::Borrowed(text) => EventBuilder::reuse(spare, text),
            Cow::Owned(text) => EventBuilder::from_bytes(received.raw, text),
        };
        let record = out.record().trim_end_matches(['\n', '\r', '\0', ' ', '\t']).trim_start_matches('\u{feff}');
        let zone = self.zone(received.peer.map(|p| p.ip()));
        let reading = Reading { text: &text, utf8: matches!(text, Cow::Borrowed(_)), record, header: syslog::parse(record), zone };
        let header = &reading.header;
        let outcome = self.understand(source, received, &reading, &mut out);
        let device = match outcome {
            Outcome::Format(_, Some(time)) => Some(time),
            _ => header_time(header, zone, received.at),
        };
        source.count(if let Outcome::Format(id, _) = outcome { Some(id) } else { None });
        match outcome {
            Outcome::Format(id, _) => {
                let Some(format) = self.set.get(id) else { return out.finish() };
                if format.prose && !(format.reach.may(fields::MESSAGE) && out.event().get(fields::MESSAGE).is_some()) {
                    out.str(fields::MESSAGE, if format.whole { record } else { header.body.trim() });
                }
                push_header(&mut out, header, Some(format));
                out.str(fields::FANSIPAN_PARSER, &format.info.name);
            }
            Outcome::Generic => {
                out.str(fields::EVENT_KIND, "event");
                out.str(fields::EVENT_DATASET, "syslog.generic");
                out.str(fields::EVENT_MODULE, "syslog");
                out.str(fields::MESSAGE, header.body.trim());
                push_header(&mut out, header, None);
                out.str(fields::FANSIPAN_PARSER, "syslog");
            }
            Outcome::Unparsed(reason) => {
                out.str(fields::EVENT_KIND, "pipeline_error");
                out.str(fields::MESSAGE, record);
                out.str(fields::FANSIPAN_ERROR, &reason);
                push_header(&mut out, header, None);
            }
        }
        provenance(source, received, &mut out);
        let mut event = out.finish();
        event.set_ingested(received.at);
        set_time(source, received, device, &mut event);
        event
    }

    fn zone(&self, peer: Option<IpAddr>) -> &Zone {
        let own = peer.and_then(|ip| self.settings.zones.iter().find(|(net, _)| net.contains(&ip)));
        own.map_or(&self.settings.timezone, |(_, zone)| zone)
    }

    /// Finds the format of the body and lets it fill `out`.
    fn understand<'t>(&self, source: &SourceState, received: &Received<'_>, reading: &Reading<'t>, out: &mut EventBuilder<'t>) -> Outcome {
        let header = &reading.header;
        let body = header.body.trim();
        let clues = Clues {
            app: header.app.map(|app| app.rsplit('/').next().unwrap_or(app)),
            // what was said several times is read as if said once; `message` and `syslog.repeated` tell the rest
            body: syslog::repeated(body).map_or(body, |(_, text)| text),
            whole: reading.record,
            path: received.path,
            device: None,
        };
        if clues.body.is_empty() && !header.is_syslog() {
            return Outcome::Unparsed("the record is empty".to_owned());
        }
        let mut found = None;
        let mut refused: Option<String> = None;
        let mut try_one = |id: FormatId, must_match: bool| {
            let Some(format) = self.set.get(id) else { return false };
            let around = Circumstances { zone: reading.zone, near: received.at, must_match };
            match format.apply(if format.whole { clues.whole } else { clues.body }, out, around) {
                Ok(time) => {
                    found = Some(Outcome::Format(id, time));
                    true
                }
                Err(reason) => {
                    refused.get_or_insert(reason);
                    // what a decoder gave before it failed is taken back
                    *out = match reading.utf8 {
                        true => EventBuilder::new(reading.text),
                        false => EventBuilder::from_bytes(received.raw, reading.text),
                    };
                    false
                }
            }
        };
        match source.pinned {
            Some(id) => {
                try_one(id, false);
            }
            None => {
                self.set.recognize(&clues, &source.recent, |id, _, must_match| try_one(id, must_match));
            }
        }
        match found {
            Some(outcome) => outcome,
            None if source.pinned.is_none() && header.is_syslog() => Outcome::Generic,
            None => Outcome::Unparsed(refused.unwrap_or_else(|| "no format recognizes the record and it has no syslog header".to_owned())),
        }
    }
}

fn header_time(header: &Header<'_>, zone: &Zone, near: i64) -> Option<i64> {
    match (header.time, header.epoch) {
        (Some(civil), _) => civil.resolve(zone, near),
        (None, Some((seconds, nanos))) => seconds.checked_mul(fansipan_model::time::SECOND)?.checked_add(i64::from(nanos)),
        (None, None) => None,
    }
}

/// `@timestamp`: what the device says unless that is absurd; clocks that are far off are flagged.
fn set_time(source: &mut SourceState, received: &Received<'_>, device: Option<i64>, event: &mut Event) {
    let Some(time) = device else { return event.set_timestamp(received.at) };
    let difference = time.saturating_sub(received.at);
    let absurd = difference > DAY || time < UNSET_CLOCK;
    // old records in a file are history; on a live transport they are a clock that is off (or a spool that was long)
    let live = !matches!(received.transport, Transport::File | Transport::Stdin | Transport::Http);
    if live && !absurd {
        source.learn(difference);
    }
    if absurd || live && difference.abs() > DAY {
        event.push(fields::FANSIPAN_SKEW, Value::Int(difference));
        event.push(fields::TAGS, Value::Str("clock_skew"));
    }
    event.set_timestamp(if absurd { received.at } else { time });
}

/// What the syslog header says. A format that found a better host name or process has it already.
fn push_header(out: &mut EventBuilder<'_>, header: &Header<'_>, format: Option<&Format>) {
    let absent = |out: &EventBuilder<'_>, field| !format.is_some_and(|f| f.reach.may(field)) || out.event().get(field).is_none();
    if let Some(host) = header.host {
        if absent(out, fields::HOST_NAME) {
            out.str(fields::HOST_NAME, host);
        }
        if format.is_some_and(|f| f.observes) && absent(out, fields::OBSERVER_NAME) {
            out.str(fields::OBSERVER_NAME, host);
        }
        if let Ok(ip) = host.parse::<IpAddr>()
            && absent(out, fields::HOST_IP)
        {
            out.push(fields::HOST_IP, Value::Ip(ip));
        }
        out.str(fields::LOG_SYSLOG_HOSTNAME, host);
    }
    if let Some(app) = header.app {
        if absent(out, fields::PROCESS_NAME) {
            out.str(fields::PROCESS_NAME, app.rsplit('/').next().unwrap_or(app));
        }
        out.str(fields::LOG_SYSLOG_APPNAME, app);
    }
    if let Some(procid) = header.procid {
        if absent(out, fields::PROCESS_PID)
            && let Ok(pid) = procid.parse::<u32>()
        {
            out.push(fields::PROCESS_PID, Value::Int(i64::from(pid)));
        }
        out.str(fields::LOG_SYSLOG_PROCID, procid);
    }
    if let Some(priority) = header.priority {
        let (facility, severity) = (priority >> 3, priority & 7);
        out.push(fields::LOG_SYSLOG_PRIORITY, Value::Int(i64::from(priority)));
        out.push(fields::LOG_SYSLOG_FACILITY_CODE, Value::Int(i64::from(facility)));
        out.str(fields::LOG_SYSLOG_FACILITY_NAME, FACILITIES.get(usize::from(facility)).copied().unwrap_or(""));
        out.push(fields::LOG_SYSLOG_SEVERITY_CODE, Value::Int(i64::from(severity)));
        out.str(fields::LOG_SYSLOG_SEVERITY_NAME, SEVERITIES.get(usize::from(severity)).copied().unwrap_or(""));
    }
    if let Some(msgid) = header.msgid {
        out.str(fields::LOG_SYSLOG_MSGID, msgid);
    }
    if let Some(version) = header.version {
        let number = if version == 1 { String::new() } else { version.to_string() };
        out.str(fields::LOG_SYSLOG_VERSION, if version == 1 { "1" } else { &number });
    }
    if let Some(sequence) = header.sequence.and_then(|n| i64::try_from(n).ok()) {
        out.push(fields::LOG_SYSLOG_SEQUENCE, Value::Int(sequence));
    }
    if let Some(structured) = header.structured {
        push_structured(out, structured);
    }
    if let Some((count, _)) = syslog::repeated(header.body.trim()) {
        out.push_named("syslog.repeated", Value::Int(i64::from(count)));
    }
}

fn push_structured(out: &mut EventBuilder<'_>, structured: &str) {
    out.str(fields::LOG_SYSLOG_STRUCTURED_DATA, structured);
    let mut count = 0;
    let mut name = String::new();
    syslog::parameters(structured, |id, key, value| {
        count += 1;
        if count > PARAMETER_LIMIT || id.len() + key.len() > 500 {
            return;
        }
        name.clear();
        name.push_str("syslog.sd.");
        name.push_str(id);
        name.push('.');
        name.push_str(key);
        if value.contains('\\') {
            out.str_named(&name, &value.replace("\\\"", "\"").replace("\\]", "]").replace("\\\\", "\\"));
        } else {
            out.str_named(&name, value);
        }
    });
}

/// Where the record came from and whose it is.
fn provenance(source: &mut SourceState, received: &Received<'_>, out: &mut EventBuilder<'_>) {
    if source.id.is_empty() {
        source.id = match (received.peer, received.path) {
            (Some(peer), _) => format!("{}:{}", received.transport.as_str(), peer.ip().to_canonical()).into(),
            (None, Some(path)) => format!("{}:{path}", received.transport.as_str()).into(),
            (None, None) => received.transport.as_str().into(),
        };
    }
    out.str(fields::FANSIPAN_SOURCE, &source.id);
    out.str(fields::FANSIPAN_AGENCY, source.agency.as_deref().unwrap_or(Agency::DEFAULT));
    out.str(fields::FANSIPAN_CLASS, source.class.as_deref().unwrap_or(DEFAULT_CLASS));
    out.str(fields::FANSIPAN_TRANSPORT, received.transport.as_str());
    if let Some(peer) = received.peer {
        out.push(fields::FANSIPAN_PEER_IP, Value::Ip(peer.ip().to_canonical()));
        out.push(fields::FANSIPAN_PEER_PORT, Value::Int(i64::from(peer.port())));
    }
    if let Some(identity) = received.tls_identity {
        out.str(fields::FANSIPAN_PEER_TLS, identity);
    }
    if let Some(path) = received.path.filter(|_| received.transport == Transport::File) {
        out.str(fields::LOG_FILE_PATH, path);
    }
}
