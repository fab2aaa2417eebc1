//! FTP: who logs in, what is fetched, stored and deleted, and how the server answers. Passwords are seen and not kept.

use std::collections::VecDeque;

use fansipan_model::Value;

use super::{
    Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict,
    lines::{self, Found, text, word},
    put,
};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "ftp", probe, start: || Box::<Ftp>::default() };

/// Commands whose replies are still to come.
const MAX_OPEN: usize = 256;

/// What a client of FTP says first, and of nothing else that greets with a number.
const FIRST: [&[u8]; 7] = [b"USER ", b"AUTH TLS", b"AUTH SSL", b"FEAT", b"SYST", b"CLNT ", b"OPTS "];

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let (client, server) = (beginning.source, beginning.destination);
    let banner = match server {
        [b'2' | b'4', b'2', b'0'..=b'9', b' ' | b'-', ..] => Verdict::Yes,
        [b'5', b'3' | b'0', b'0'..=b'9', b' ' | b'-', ..] => Verdict::Yes,
        [] => Verdict::Unsure,
        _ if server.len() < 4 && server.iter().all(u8::is_ascii_digit) => Verdict::Unsure,
        _ => Verdict::No,
    };
    if banner == Verdict::No {
        return Verdict::No;
    }
    if beginning.destination_port == 21 && banner == Verdict::Yes {
        return Verdict::Yes;
    }
    let upper = client.get(..client.len().min(16)).unwrap_or_default().to_ascii_uppercase();
    let said = FIRST.iter().map(|f| Beginning::starts(&upper, f));
    let word = if client.is_empty() { Verdict::Unsure } else { said.fold(Verdict::No, best) };
    match (banner, word) {
        (_, Verdict::No) => Verdict::No,
        (Verdict::Yes, Verdict::Yes) => Verdict::Yes,
        _ => Verdict::Unsure,
    }
}

pub(super) fn best(a: Verdict, b: Verdict) -> Verdict {
    match (a, b) {
        (Verdict::Yes, _) | (_, Verdict::Yes) => Verdict::Yes,
        (Verdict::Unsure, _) | (_, Verdict::Unsure) => Verdict::Unsure,
        _ => Verdict::No,
    }
}

struct Command {
    at: i64,
    name: String,
    argument: String,
    /// The preliminary reply came.
    begun: Option<u16>,
}

#[derive(Default)]
struct Ftp {
    greeted: bool,
    user: Option<String>,
    password: bool,
    /// Where data is to come from, as said last.
    data: Option<String>,
    open: VecDeque<Command>,
    /// A login that succeeded after its password was seen.
    secure: bool,
}

/// Commands worth an event of their own.
const NOTABLE: [&str; 16] =
    ["PASS", "RETR", "STOR", "APPE", "STOU", "DELE", "RNFR", "RNTO", "MKD", "RMD", "SITE", "PORT", "EPRT", "LIST", "NLST", "AUTH"];

impl StreamProtocol for Ftp {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if self.secure {
            return Step::Switch;
        }
        if side == Side::Source { self.command(cx, bytes, last) } else { self.reply(cx, bytes, last) }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        while let Some(command) = self.open.pop_front() {
            self.emit(cx, &command, None);
        }
    }
}

impl Ftp {
    fn command(&mut self, cx: &mut Cx<'_>, bytes: &[u8], last: bool) -> Step {
        if self.open.iter().any(|c| c.name == "AUTH") && !last {
            return Step::Wait; // TLS may follow
        }
        if self.open.len() >= MAX_OPEN && !last {
            return Step::Wait;
        }
        let Some(line) = lines::line(bytes, last) else { return Step::More(bytes.len() + 1) };
        let (name, argument) = word(line.text);
        let name = text(name).to_ascii_uppercase();
        let argument = if name == "PASS" { String::new() } else { text(argument) };
        if !name.is_empty() {
            self.open.push_back(Command { at: cx.at, name, argument, begun: None });
        }
        Step::Take(line.length)
    }

    fn reply(&mut self, cx: &mut Cx<'_>, bytes: &[u8], last: bool) -> Step {
        let reply = match lines::reply(bytes, last) {
            Found::Reply(reply) => reply,
            Found::More => return Step::More(bytes.len() + 1),
            Found::Other(n) => return Step::Take(n),
        };
        if !self.greeted {
            self.greeted = reply.code >= 200;
            return Step::Take(reply.length);
        }
        let Some(command) = self.open.front_mut() else {
            return if last || reply.code == 421 { Step::Take(reply.length) } else { Step::Wait };
        };
        if reply.code < 200 {
            command.begun = Some(reply.code);
            return Step::Take(reply.length);
        }
        if let Some(command) = self.open.pop_front() {
            self.answered(cx, command, &reply);
        }
        Step::Take(reply.length)
    }

    fn answered(&mut self, cx: &mut Cx<'_>, mut command: Command, reply: &lines::Reply) {
        match &*command.name {
            "USER" => {
                self.user = Some(std::mem::take(&mut command.argument));
                self.password = false;
                if reply.code == 331 || reply.code == 332 {
                    return; // the password is to come
                }
            }
            "PASS" => self.password = true,
            "PASV" | "EPSV" => {
                self.data = Some(reply.text.clone());
                return;
            }
            "AUTH" if reply.code == 234 => self.secure = true,
            name if !NOTABLE.contains(&name) => return,
            _ => {}
        }
        self.emit(cx, &command, Some(reply));
    }

    fn emit(&self, cx: &mut Cx<'_>, command: &Command, reply: Option<&lines::Reply>) {
        if command.name != "USER" && !NOTABLE.contains(&&*command.name) {
            return;
        }
        let mut event = cx.event("network.ftp", command.at);
        let login = matches!(&*command.name, "USER" | "PASS");
        event.push_named("event.action", Value::Str(if login { "login" } else { "command" }));
        event.push_named("ftp.command", Value::Str(&command.name));
        if login {
            event.push_named("event.category", Value::Str("authentication"));
            if self.password || command.name == "PASS" {
                event.push_named("fansipan.cleartext_password", Value::Bool(true));
            }
        } else {
            put(&mut event, "ftp.argument", Some(&*command.argument));
        }
        let user = self.user.as_deref().or((command.name == "USER").then_some(&*command.argument));
        put(&mut event, "user.name", user);
        if matches!(&*command.name, "RETR" | "STOR" | "APPE" | "STOU" | "DELE" | "RNFR" | "RNTO") {
            put(&mut event, "file.path", Some(&*command.argument));
            put(&mut event, "file.name", command.argument.rsplit('/').next());
        }
        if command.name == "PORT" || command.name == "EPRT" {
            put(&mut event, "ftp.data_channel", Some(&*command.argument));
        } else if command.begun.is_some() {
            put(&mut event, "ftp.data_channel", self.data.as_deref());
        }
        if let Some(reply) = reply {
            event.push_named("ftp.reply_code", Value::Int(i64::from(reply.code)));
            put(&mut event, "ftp.reply", Some(&*reply.text));
            event.push_named("event.outcome", Value::Str(if reply.code < 400 { "success" } else { "failure" }));
        }
        cx.emit(event);
    }
}
