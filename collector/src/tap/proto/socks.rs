//! SOCKS 4 and 5: where a proxy is asked to lead, for whom, and whether it did; what is spoken then is read on.

use fansipan_model::Value;

use super::{Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict, lines::text, put};
use crate::tap::cursor::Cursor;

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "socks", probe, start: || Box::<Socks>::default() };

/// Methods of login that are registered.
fn known_method(method: u8) -> bool {
    matches!(method, 0..=9 | 0x80..=0xff)
}

fn probe(beginning: &Beginning<'_>) -> Verdict {
    match (asks(beginning.source), answers(beginning.destination)) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Yes, Verdict::Yes) => Verdict::Yes,
        _ => Verdict::Unsure,
    }
}

fn asks(bytes: &[u8]) -> Verdict {
    match bytes {
        [] | [4 | 5] => Verdict::Unsure,
        [5, n, rest @ ..] if *n > 0 && *n <= 16 => {
            let methods = rest.get(..rest.len().min(usize::from(*n))).unwrap_or(rest);
            match methods.iter().all(|m| known_method(*m)) {
                false => Verdict::No,
                true if rest.len() >= usize::from(*n) => Verdict::Yes,
                true => Verdict::Unsure,
            }
        }
        [4, 1 | 2, rest @ ..] if rest.len() < 7 => Verdict::Unsure,
        [4, 1 | 2, ..] => Verdict::Yes,
        _ => Verdict::No,
    }
}

fn answers(bytes: &[u8]) -> Verdict {
    match bytes {
        [] | [0 | 5] => Verdict::Unsure,
        [5, method, ..] if known_method(*method) => Verdict::Yes,
        [0, 0x5a..=0x5d, ..] => Verdict::Yes,
        _ => Verdict::No,
    }
}

/// What comes next in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Greeting,
    Login,
    Request,
    Done,
}

#[derive(Default)]
struct Socks {
    at: i64,
    client: Next,
    server: Next,
    version: u8,
    method: Option<u8>,
    user: Option<String>,
    command: u8,
    host: String,
    port: u16,
    status: Option<u8>,
    emitted: bool,
}

/// An address of SOCKS 5: host and port.
fn address(cursor: &mut Cursor<'_>) -> Option<(String, u16)> {
    let host = match cursor.u8()? {
        1 => std::net::Ipv4Addr::from(cursor.array::<4>()?).to_string(),
        4 => std::net::Ipv6Addr::from(cursor.array::<16>()?).to_string(),
        _ => text(cursor.vec8()?.rest()),
    };
    Some((host, cursor.u16()?))
}

impl StreamProtocol for Socks {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if side == Side::Source && self.client == Next::Greeting {
            self.at = cx.at;
            self.version = bytes.first().copied().unwrap_or_default();
        }
        let whole = Cursor::new(bytes);
        let mut cursor = whole;
        let read = match (side, self.version) {
            (Side::Source, 4) => self.request4(&mut cursor, last),
            (Side::Source, _) => self.request5(&mut cursor, last),
            (Side::Destination, _) => self.reply(cx, &mut cursor, last),
        };
        match read {
            Some(Step::Take(_)) => Step::Take((whole.len() - cursor.len()).max(1)),
            Some(step) => step,
            None if last || bytes.len() > 600 => Step::Skip(u64::MAX),
            None => Step::More(bytes.len() + 1),
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.emit(cx);
    }

    fn limit(&self) -> usize {
        1024
    }
}

impl Socks {
    fn request4(&mut self, cursor: &mut Cursor<'_>, last: bool) -> Option<Step> {
        match self.client {
            Next::Done => return Some(self.after(last)),
            _ => cursor.skip(1)?,
        }
        let command = cursor.u8()?;
        let port = cursor.u16()?;
        let ip = cursor.array::<4>()?;
        let user = zero_ended(cursor)?;
        let host = if ip.starts_with(&[0, 0, 0]) && ip != [0; 4] { zero_ended(cursor)? } else { std::net::Ipv4Addr::from(ip).to_string() };
        (self.command, self.port, self.host, self.user) = (command, port, host, Some(user));
        self.client = Next::Done;
        Some(Step::Take(0))
    }

    fn request5(&mut self, cursor: &mut Cursor<'_>, last: bool) -> Option<Step> {
        match self.client {
            Next::Greeting => {
                cursor.skip(1)?;
                cursor.vec8()?;
                self.client = Next::Login;
            }
            Next::Login => match self.method {
                None if !last => return Some(Step::Wait),
                Some(2) => {
                    cursor.skip(1)?;
                    let user = text(cursor.vec8()?.rest());
                    cursor.vec8()?; // the password goes nowhere
                    self.user = Some(user);
                    self.client = Next::Request;
                }
                Some(0) | None => {
                    self.client = Next::Request;
                    return self.request5(cursor, last);
                }
                _ => return Some(Step::Skip(u64::MAX)),
            },
            Next::Request => {
                cursor.skip(1)?;
                let command = cursor.u8()?;
                cursor.skip(1)?;
                let (host, port) = address(cursor)?;
                (self.command, self.host, self.port) = (command, host, port);
                self.client = Next::Done;
            }
            Next::Done => return Some(self.after(last)),
        }
        Some(Step::Take(0))
    }

    /// The client speaks to whom the proxy leads.
    fn after(&self, last: bool) -> Step {
        match (self.status, last) {
            (Some(0 | 0x5a), _) => Step::Switch,
            (None, false) => Step::Wait,
            _ => Step::Skip(u64::MAX),
        }
    }

    fn reply(&mut self, cx: &mut Cx<'_>, cursor: &mut Cursor<'_>, last: bool) -> Option<Step> {
        if self.server == Next::Done {
            return Some(self.after(last));
        }
        if self.version == 0 && !last {
            return Some(Step::Wait);
        }
        match (self.version, self.server) {
            (4, _) => {
                cursor.skip(1)?;
                let status = cursor.u8()?;
                if self.client != Next::Done && !last {
                    return Some(Step::Wait);
                }
                cursor.skip(6)?;
                self.answered(cx, status);
            }
            (_, Next::Greeting) => {
                cursor.skip(1)?;
                let method = cursor.u8()?;
                self.method = Some(method);
                self.server = if method == 2 { Next::Login } else { Next::Request };
            }
            (_, Next::Login) => {
                cursor.skip(1)?;
                if cursor.u8()? != 0 {
                    self.answered(cx, 0xff);
                }
                self.server = Next::Request;
            }
            _ => {
                cursor.skip(1)?;
                let status = cursor.u8()?;
                cursor.skip(1)?;
                address(cursor)?;
                if self.client != Next::Done && !last {
                    return Some(Step::Wait);
                }
                self.answered(cx, status);
            }
        }
        Some(Step::Take(0))
    }

    fn answered(&mut self, cx: &mut Cx<'_>, status: u8) {
        self.status = Some(status);
        self.server = Next::Done;
        self.emit(cx);
    }

    fn emit(&mut self, cx: &mut Cx<'_>) {
        if std::mem::replace(&mut self.emitted, true) {
            return;
        }
        let mut event = cx.event("network.socks", self.at);
        event.push_named("socks.version", Value::Str(if self.version == 4 { "4" } else { "5" }));
        put(&mut event, "user.name", self.user.as_deref());
        if self.method == Some(2) {
            event.push_named("fansipan.cleartext_password", Value::Bool(true));
        }
        let command = match self.command {
            1 => "connect",
            2 => "bind",
            3 => "udp_associate",
            _ => "",
        };
        put(&mut event, "event.action", command);
        put(&mut event, "socks.request.host", &*self.host);
        if self.port > 0 {
            event.push_named("socks.request.port", Value::Int(i64::from(self.port)));
        }
        if let Some(status) = self.status {
            let good = matches!((self.version, status), (4, 0x5a) | (5, 0));
            event.push_named("event.outcome", Value::Str(if good { "success" } else { "failure" }));
            event.push_named("socks.status", Value::Int(i64::from(status)));
        }
        cx.emit(event);
    }
}

fn zero_ended(cursor: &mut Cursor<'_>) -> Option<String> {
    let end = memchr::memchr(0, cursor.rest())?;
    let found = text(cursor.take(end)?);
    cursor.skip(1)?;
    Some(found)
}
