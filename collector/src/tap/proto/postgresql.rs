//! PostgreSQL: who logs in to which database, how, and whether it was let in.

use fansipan_model::Value;

use super::{Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict, lines::text, put};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "postgresql", probe, start: || Box::<Postgres>::default() };

const MAX_PACKET: usize = 16 << 10;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL: u32 = 80_877_102;
const VERSION_3: u32 = 196_608;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let bytes = beginning.source;
    let (Some(length), code) = (number(bytes, 0), number(bytes, 4)) else {
        return if bytes.iter().take(2).all(|b| *b == 0) { Verdict::Unsure } else { Verdict::No };
    };
    match code {
        None if (8..10_000).contains(&length) => Verdict::Unsure,
        Some(SSL_REQUEST | GSS_REQUEST) if length == 8 => Verdict::Yes,
        Some(CANCEL) if length == 16 => Verdict::Yes,
        Some(code) if code & !3 == VERSION_3 && (9..10_000).contains(&length) => Verdict::Yes,
        _ => Verdict::No,
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|b| u32::from_be_bytes(*b))
}

#[derive(Default)]
struct Postgres {
    at: i64,
    /// Whether to encrypt was asked, and is not answered yet.
    asks: bool,
    secure: bool,
    user: Option<String>,
    database: Option<String>,
    application: Option<String>,
    way: Option<&'static str>,
    started: bool,
    emitted: bool,
}

impl StreamProtocol for Postgres {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if self.secure {
            return Step::Switch;
        }
        match side {
            Side::Source => self.client(cx, bytes, last),
            Side::Destination if self.asks => {
                self.asks = false;
                self.secure = bytes.first() == Some(&b'S');
                Step::Take(1)
            }
            Side::Destination if !self.started && !last => Step::Wait,
            Side::Destination => self.server(cx, bytes, last),
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        if self.started {
            self.emit(cx, None, None);
        }
    }

    fn limit(&self) -> usize {
        MAX_PACKET + 8
    }
}

impl Postgres {
    fn client(&mut self, cx: &mut Cx<'_>, bytes: &[u8], last: bool) -> Step {
        if self.asks && !last {
            return Step::Wait;
        }
        if self.started {
            return Step::Skip(u64::MAX); // passwords and questions
        }
        let (Some(length), Some(code)) = (number(bytes, 0).map(|n| n as usize), number(bytes, 4)) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(8) };
        };
        if !(8..=MAX_PACKET).contains(&length) {
            return Step::Stop;
        }
        let Some(packet) = bytes.get(8..length) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(length) };
        };
        match code {
            SSL_REQUEST | GSS_REQUEST => self.asks = true,
            CANCEL => return Step::Stop,
            _ => {
                (self.started, self.at) = (true, cx.at);
                let mut parts = packet.split(|b| *b == 0);
                while let (Some(name), Some(value)) = (parts.next().filter(|n| !n.is_empty()), parts.next()) {
                    let slot = match name {
                        b"user" => &mut self.user,
                        b"database" => &mut self.database,
                        b"application_name" => &mut self.application,
                        _ => continue,
                    };
                    *slot = Some(text(value));
                }
            }
        }
        Step::Take(length)
    }

    fn server(&mut self, cx: &mut Cx<'_>, bytes: &[u8], last: bool) -> Step {
        let Some(length) = number(bytes, 1).map(|n| n as usize) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(5) };
        };
        if !(4..=MAX_PACKET).contains(&length) {
            return Step::Stop;
        }
        let Some(body) = bytes.get(5..length + 1) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(length + 1) };
        };
        match bytes.first() {
            Some(b'R') => match number(body, 0) {
                Some(0) => self.emit(cx, Some(true), None),
                Some(code) => {
                    self.way = self.way.or(Some(match code {
                        2 => "kerberos",
                        3 => "cleartext",
                        5 => "md5",
                        7 | 8 => "gss",
                        9 => "sspi",
                        10..=12 => "scram",
                        _ => "other",
                    }));
                }
                None => {}
            },
            Some(b'E') => self.emit(cx, Some(false), Some(body)),
            _ => {}
        }
        if self.emitted { Step::Stop } else { Step::Take(length + 1) }
    }

    fn emit(&mut self, cx: &mut Cx<'_>, good: Option<bool>, error: Option<&[u8]>) {
        if std::mem::replace(&mut self.emitted, true) {
            return;
        }
        let mut event = cx.event("network.postgresql", self.at);
        event.push_named("event.category", Value::Str("authentication"));
        event.push_named("event.action", Value::Str("login"));
        put(&mut event, "user.name", self.user.as_deref());
        put(&mut event, "postgresql.database", self.database.as_deref());
        put(&mut event, "postgresql.application", self.application.as_deref());
        put(&mut event, "fansipan.login.method", self.way);
        if self.way == Some("cleartext") {
            event.push_named("fansipan.cleartext_password", Value::Bool(true));
        }
        if let Some(good) = good {
            event.push_named("event.outcome", Value::Str(if good { "success" } else { "failure" }));
        }
        for field in error.unwrap_or_default().split(|b| *b == 0) {
            match field.split_first() {
                Some((b'C', code)) => put(&mut event, "error.code", &*text(code)),
                Some((b'M', message)) => put(&mut event, "error.message", &*text(message)),
                _ => {}
            }
        }
        cx.emit(event);
    }
}
