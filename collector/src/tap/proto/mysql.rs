//! MySQL and MariaDB: which server, who logs in to which database with which client, and whether it was let in.

use fansipan_model::Value;

use super::{Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict, lines::text, put};
use crate::tap::cursor::Cursor;

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "mysql", probe, start: || Box::<Mysql>::default() };

const SSL: u32 = 0x800;
const PROTOCOL_41: u32 = 0x200;
const WITH_DATABASE: u32 = 8;
const PLUGIN: u32 = 0x8_0000;
const LENGTH_ENCODED: u32 = 0x20_0000;
const ATTRIBUTES: u32 = 0x10_0000;
const MAX_PACKET: usize = 64 << 10;

/// The server speaks first: a packet with number 0 and protocol version 10, then a version as text.
fn probe(beginning: &Beginning<'_>) -> Verdict {
    match beginning.destination {
        [_, 0, 0, 0, 0xff, low, high, ..] if matches!(u16::from_le_bytes([*low, *high]), 1040 | 1129 | 1130 | 1045) => Verdict::Yes,
        [n, 0 | 1, 0, 0, 10, rest @ ..] if *n > 30 || beginning.destination.get(1) == Some(&1) => {
            let text = rest.iter().take_while(|b| b.is_ascii_graphic()).count();
            match rest.get(text) {
                Some(0) if text > 2 && rest.first().is_some_and(u8::is_ascii_digit) => Verdict::Yes,
                None if text < 64 => Verdict::Unsure,
                _ => Verdict::No,
            }
        }
        bytes if bytes.len() < 5 && bytes.get(1..).is_none_or(|b| b.iter().all(|b| *b == 0)) => Verdict::Unsure,
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct Mysql {
    server: Option<String>,
    plugin: Option<String>,
    at: i64,
    login: Option<Login>,
    secure: bool,
    emitted: bool,
    greeted: bool,
}

#[derive(Default)]
struct Login {
    user: String,
    database: String,
    plugin: String,
    client: Option<String>,
    program: Option<String>,
}

impl StreamProtocol for Mysql {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if self.secure {
            return Step::Switch;
        }
        let Some([a, b, c, _]) = bytes.first_chunk::<4>().copied() else {
            return if last { Step::Take(bytes.len()) } else { Step::More(4) };
        };
        let length = u32::from_le_bytes([a, b, c, 0]) as usize;
        if length > MAX_PACKET {
            return Step::Stop;
        }
        let Some(packet) = bytes.get(4..4 + length) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(4 + length) };
        };
        match side {
            Side::Destination if !self.greeted => self.greeting(cx, packet),
            Side::Destination if self.login.is_none() && !last => return Step::Wait,
            Side::Destination => self.answer(cx, packet),
            Side::Source if !self.greeted && !last => return Step::Wait,
            Side::Source if self.login.is_none() => self.login(cx, packet),
            Side::Source => {}
        }
        if self.emitted { Step::Stop } else { Step::Take(4 + length) }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        if !self.secure {
            self.emit(cx, None);
        }
    }

    fn limit(&self) -> usize {
        MAX_PACKET + 4
    }
}

impl Mysql {
    fn greeting(&mut self, cx: &mut Cx<'_>, packet: &[u8]) {
        self.greeted = true;
        self.at = cx.at;
        if packet.first() == Some(&0xff) {
            return self.emit(cx, Some(packet));
        }
        let rest = packet.get(1..).unwrap_or_default();
        let end = memchr::memchr(0, rest).unwrap_or(rest.len());
        self.server = rest.get(..end).map(text);
        // the name of the way to log in ends the packet
        let tail = packet.strip_suffix(&[0]).unwrap_or(packet);
        self.plugin = memchr::memrchr(0, tail).and_then(|at| tail.get(at + 1..)).map(text).filter(|p| p.ends_with("_password"));
    }

    fn login(&mut self, cx: &mut Cx<'_>, packet: &[u8]) {
        self.at = cx.at;
        let flags = Cursor::new(packet).le32().unwrap_or_default();
        if flags & SSL != 0 && flags & PROTOCOL_41 != 0 && packet.len() == 32 {
            let mut event = cx.event("network.mysql", cx.at);
            event.push_named("event.action", Value::Str("start_tls"));
            put(&mut event, "mysql.server_version", self.server.as_deref());
            cx.emit(event);
            self.secure = true;
            return;
        }
        self.login = Some(read_login(packet, flags).unwrap_or_default());
    }

    fn answer(&mut self, cx: &mut Cx<'_>, packet: &[u8]) {
        match packet.first() {
            Some(0 | 0xff) => self.emit(cx, Some(packet)),
            Some(0xfe) => {
                // another way to log in
                let name = packet.get(1..).and_then(|r| r.split(|b| *b == 0).next()).map(text);
                if let (Some(login), Some(name)) = (&mut self.login, name) {
                    login.plugin = name;
                }
            }
            _ => {}
        }
    }

    fn emit(&mut self, cx: &mut Cx<'_>, answer: Option<&[u8]>) {
        if std::mem::replace(&mut self.emitted, true) {
            return;
        }
        let mut event = cx.event("network.mysql", self.at);
        event.push_named("event.action", Value::Str(if self.login.is_some() { "login" } else { "greet" }));
        put(&mut event, "mysql.server_version", self.server.as_deref());
        if let Some(login) = &self.login {
            event.push_named("event.category", Value::Str("authentication"));
            put(&mut event, "user.name", &*login.user);
            put(&mut event, "mysql.database", &*login.database);
            put(&mut event, "fansipan.login.method", &*login.plugin);
            put(&mut event, "mysql.client_name", login.client.as_deref());
            put(&mut event, "mysql.program_name", login.program.as_deref());
            if login.plugin == "mysql_clear_password" {
                event.push_named("fansipan.cleartext_password", Value::Bool(true));
            }
        } else {
            put(&mut event, "fansipan.login.method", self.plugin.as_deref());
        }
        if let Some(packet) = answer {
            let failed = packet.first() == Some(&0xff);
            event.push_named("event.outcome", Value::Str(if failed { "failure" } else { "success" }));
            if failed {
                let code = Cursor::new(packet.get(1..).unwrap_or_default()).le16().unwrap_or_default();
                event.push_named("error.code", Value::Str(&code.to_string()));
                let said = packet.get(3..).unwrap_or_default();
                let said = if said.first() == Some(&b'#') { said.get(6..).unwrap_or_default() } else { said };
                put(&mut event, "error.message", &*text(said));
            }
        }
        cx.emit(event);
    }
}

/// A number of one to nine bytes.
fn number(cursor: &mut Cursor<'_>) -> Option<usize> {
    match cursor.u8()? {
        n @ 0..=0xfa => Some(usize::from(n)),
        0xfc => cursor.le16().map(usize::from),
        0xfd => cursor.array::<3>().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]) as usize),
        _ => None,
    }
}

fn zero_ended(cursor: &mut Cursor<'_>) -> Option<String> {
    let end = memchr::memchr(0, cursor.rest()).unwrap_or(cursor.len());
    let out = text(cursor.take(end)?);
    cursor.up_to(1);
    Some(out)
}

fn read_login(packet: &[u8], flags: u32) -> Option<Login> {
    let mut cursor = Cursor::new(packet);
    let mut login = Login::default();
    if flags & PROTOCOL_41 == 0 {
        cursor.skip(5)?;
        login.user = zero_ended(&mut cursor)?;
        return Some(login);
    }
    cursor.skip(32)?;
    login.user = zero_ended(&mut cursor)?;
    let proof = if flags & LENGTH_ENCODED != 0 { number(&mut cursor)? } else { usize::from(cursor.u8()?) };
    cursor.skip(proof)?;
    if flags & WITH_DATABASE != 0 {
        login.database = zero_ended(&mut cursor)?;
    }
    if flags & PLUGIN != 0 {
        login.plugin = zero_ended(&mut cursor)?;
    }
    if flags & ATTRIBUTES != 0 {
        let length = number(&mut cursor).unwrap_or(0);
        let mut all = Cursor::new(cursor.up_to(length));
        while let Some(name) = number(&mut all).and_then(|n| all.take(n)) {
            let Some(value) = number(&mut all).and_then(|n| all.take(n)) else { break };
            match name {
                b"_client_name" => login.client = Some(text(value)),
                b"program_name" => login.program = Some(text(value)),
                _ => {}
            }
        }
    }
    Some(login)
}
