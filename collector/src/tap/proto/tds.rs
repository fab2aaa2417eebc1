//! TDS, the protocol of Microsoft SQL Server: who logs in from which machine and program to which database, and whether it was let in.

use fansipan_model::Value;

use super::{Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict, lines::utf16, ntlm::Ntlm, put};
use crate::tap::cursor::{Cursor, be16};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "tds", probe, start: || Box::<Tds>::default() };

const LOGIN: u8 = 0x10;
const SSPI: u8 = 0x11;
const PRELOGIN: u8 = 0x12;
const RESPONSE: u8 = 4;
const MAX_PACKET: usize = 32 << 10;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    match beginning.source {
        [PRELOGIN, 0 | 1, high, low, _, _, _, 0, token, ..] => {
            let length = u16::from_be_bytes([*high, *low]);
            // a list of options: version first, at an offset behind the list
            if (26..4096).contains(&length) && *token == 0 { Verdict::Yes } else { Verdict::No }
        }
        [LOGIN, 0 | 1, high, low, _, _, _, 0, rest @ ..] if rest.len() >= 8 => {
            let length = u16::from_be_bytes([*high, *low]);
            let version = rest.get(4..8).is_some_and(|v| matches!(v, [_, _, _, 0x70..=0x74]));
            if length > 94 && version { Verdict::Yes } else { Verdict::No }
        }
        [] => Verdict::Unsure,
        [LOGIN | PRELOGIN, rest @ ..] if rest.len() < 15 && matches!(rest.first(), None | Some(0 | 1)) => Verdict::Unsure,
        _ => Verdict::No,
    }
}

#[derive(Default)]
struct Tds {
    at: i64,
    login: Option<Login>,
    ntlm: Ntlm,
    /// What encryption the client asked for and the server chose.
    encryption: Option<u8>,
    server: Option<String>,
    asked: bool,
    emitted: bool,
}

#[derive(Default)]
struct Login {
    fields: [String; 6],
    password: bool,
    integrated: bool,
}

impl StreamProtocol for Tds {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if bytes.len() < 8 {
            return if last { Step::Take(bytes.len()) } else { Step::More(8) };
        }
        let kind = bytes.first().copied().unwrap_or_default();
        let length = be16(bytes, 2).map_or(0, usize::from);
        if !(8..=MAX_PACKET).contains(&length) || !matches!(kind, 1..=4 | 6 | 7 | 14 | LOGIN..=PRELOGIN) {
            // encrypted from here on
            self.emit(cx, None);
            return Step::Stop;
        }
        let Some(packet) = bytes.get(8..length) else {
            return if last { Step::Take(bytes.len()) } else { Step::More(length) };
        };
        match (side, kind) {
            (Side::Source, PRELOGIN) => self.asked = true,
            (Side::Source, LOGIN) => {
                self.at = cx.at;
                self.login = Some(self.read_login(cx.at, packet));
            }
            (Side::Source, SSPI) => drop(self.ntlm.read(cx.at, packet)),
            (Side::Destination, RESPONSE) if self.login.is_none() => {
                if self.encryption.is_none() && (self.asked || last) {
                    self.prelogin(packet);
                } else if !last {
                    return Step::Wait;
                }
            }
            (Side::Destination, RESPONSE) => {
                self.ntlm.read(cx.at, packet);
                self.tokens(cx, packet);
            }
            _ => {}
        }
        if self.emitted { Step::Stop } else { Step::Take(length) }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.emit(cx, None);
    }

    fn limit(&self) -> usize {
        MAX_PACKET + 8
    }
}

impl Tds {
    fn prelogin(&mut self, packet: &[u8]) {
        self.encryption = Some(2);
        let mut cursor = Cursor::new(packet);
        while let Some(token) = cursor.u8().filter(|t| *t != 0xff) {
            let (Some(offset), Some(length)) = (cursor.u16(), cursor.u16()) else { return };
            let value = packet.get(usize::from(offset)..usize::from(offset) + usize::from(length)).unwrap_or_default();
            match (token, value) {
                (0, [major, minor, high, low, ..]) => self.server = Some(format!("{major}.{minor}.{}", u16::from_be_bytes([*high, *low]))),
                (1, [encryption, ..]) => self.encryption = Some(*encryption),
                _ => {}
            }
        }
    }

    fn read_login(&mut self, at: i64, packet: &[u8]) -> Login {
        let mut login = Login::default();
        let field = |at: usize, unit: usize| {
            let mut cursor = Cursor::new(packet.get(at..)?);
            let (offset, length) = (usize::from(cursor.le16()?), usize::from(cursor.le16()?));
            packet.get(offset..offset + length * unit)
        };
        // machine, user, program, server, library, database
        for (slot, at) in login.fields.iter_mut().zip([36, 40, 48, 52, 60, 68]) {
            *slot = field(at, 2).map(utf16).unwrap_or_default();
        }
        login.password = field(44, 2).is_some_and(|p| !p.is_empty());
        login.integrated = packet.get(25).is_some_and(|f| f & 0x80 != 0);
        if let Some(blob) = field(78, 1).filter(|b| !b.is_empty()) {
            self.ntlm.read(at, blob);
        }
        login
    }

    /// Looks for the acknowledgement of a login, or the error that refuses it.
    fn tokens(&mut self, cx: &mut Cx<'_>, packet: &[u8]) {
        let mut cursor = Cursor::new(packet);
        while let Some(token) = cursor.u8() {
            match token {
                0xad => return self.emit(cx, Some((true, 0, String::new()))),
                0xaa | 0xab | 0xe3 | 0xed => {
                    let Some(body) = cursor.le16().and_then(|n| cursor.take(usize::from(n))) else { return };
                    if token == 0xaa {
                        let mut error = Cursor::new(body);
                        let number = error.le32().unwrap_or_default();
                        error.up_to(2);
                        let length = usize::from(error.le16().unwrap_or_default()) * 2;
                        let said = utf16(error.up_to(length));
                        return self.emit(cx, Some((false, number, said)));
                    }
                }
                _ => return,
            }
        }
    }

    fn emit(&mut self, cx: &mut Cx<'_>, answer: Option<(bool, u32, String)>) {
        if std::mem::replace(&mut self.emitted, true) {
            return;
        }
        if self.ntlm.waits() {
            self.ntlm.emit(cx, answer.as_ref().map(|(good, _, _)| *good));
        }
        let at = if self.login.is_some() { self.at } else { cx.at };
        let mut event = cx.event("network.tds", at);
        event.push_named("event.action", Value::Str(if self.login.is_some() { "login" } else { "prelogin" }));
        put(&mut event, "tds.server_version", self.server.as_deref());
        if let Some(encryption) = self.encryption {
            let name = ["off", "on", "not_supported", "required"].get(usize::from(encryption & 3)).copied();
            put(&mut event, "tds.encryption", name);
        }
        if let Some(login) = &self.login {
            event.push_named("event.category", Value::Str("authentication"));
            let names = ["tds.client_name", "user.name", "tds.application", "tds.server_name", "tds.library", "tds.database"];
            for (name, value) in names.iter().zip(&login.fields) {
                put(&mut event, name, &**value);
            }
            put(&mut event, "fansipan.login.method", if login.integrated { "integrated" } else { "password" });
            if login.password && !login.integrated {
                // only veiled: everyone can turn it back
                event.push_named("fansipan.cleartext_password", Value::Bool(true));
            }
        }
        if let Some((good, number, said)) = answer {
            event.push_named("event.outcome", Value::Str(if good { "success" } else { "failure" }));
            if !good {
                event.push_named("error.code", Value::Str(&number.to_string()));
                put(&mut event, "error.message", &*said);
            }
        }
        cx.emit(event);
    }
}
