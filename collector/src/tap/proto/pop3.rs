//! POP3: who fetches mail, by which way of login, and whether it was let in. Passwords are seen and not kept.

use std::collections::VecDeque;

use fansipan_model::Value;

use super::{
    Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict,
    ftp::best,
    lines::{self, base64, plain_user, text, word},
    put,
};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "pop3", probe, start: || Box::<Pop3>::default() };

const FIRST: [&[u8]; 6] = [b"USER ", b"CAPA", b"AUTH", b"APOP ", b"STLS", b"QUIT"];

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let greeting = Beginning::starts(beginning.destination, b"+OK");
    if greeting != Verdict::Yes {
        return greeting;
    }
    if beginning.source.is_empty() {
        return Verdict::Unsure;
    }
    let upper = beginning.source.get(..beginning.source.len().min(8)).unwrap_or_default().to_ascii_uppercase();
    FIRST.iter().map(|f| Beginning::starts(&upper, f)).fold(Verdict::No, best)
}

enum Command {
    /// The name is to be followed by a password.
    User,
    /// A login: by which way.
    Login(&'static str),
    StartTls,
    /// One whose reply has several lines if it succeeds.
    Long,
    Other,
}

#[derive(Default)]
struct Pop3 {
    greeted: bool,
    user: Option<String>,
    open: VecDeque<(i64, Command)>,
    /// A way of login goes on: what the client says is not a command.
    sasl: Option<&'static str>,
    /// In the middle of a long reply.
    listing: bool,
    secure: bool,
}

impl StreamProtocol for Pop3 {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if self.secure {
            return Step::Switch;
        }
        if side == Side::Source && !last && self.open.iter().any(|(_, c)| matches!(c, Command::StartTls | Command::Login("sasl"))) {
            return Step::Wait;
        }
        let Some(line) = lines::line(bytes, last) else { return Step::More(bytes.len() + 1) };
        if side == Side::Source {
            self.command(cx, line.text);
        } else if !self.reply(cx, line.text, last) {
            return Step::Wait;
        }
        Step::Take(line.length)
    }
}

impl Pop3 {
    fn command(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        if self.sasl.take().is_some() {
            self.user = self.user.take().or_else(|| base64(line).and_then(|d| plain_user(&d).or_else(|| Some(text(&d)))));
            self.open.push_back((cx.at, Command::Login("sasl")));
            return;
        }
        let (name, argument) = word(line);
        let several = argument.is_empty();
        let command = match name.to_ascii_uppercase().as_slice() {
            b"USER" => {
                self.user = Some(text(argument));
                Command::User
            }
            b"PASS" => Command::Login("password"),
            b"APOP" => {
                self.user = Some(text(word(argument).0));
                Command::Login("apop")
            }
            b"AUTH" if several => Command::Long,
            b"AUTH" => {
                let (_, initial) = word(argument);
                self.user = base64(initial).and_then(|d| plain_user(&d));
                Command::Login("sasl")
            }
            b"STLS" => Command::StartTls,
            b"LIST" | b"UIDL" if several => Command::Long,
            b"RETR" | b"TOP" | b"CAPA" => Command::Long,
            _ => Command::Other,
        };
        if self.open.len() < 256 {
            self.open.push_back((cx.at, command));
        }
    }

    /// Whether the line was taken.
    fn reply(&mut self, cx: &mut Cx<'_>, line: &[u8], last: bool) -> bool {
        if self.listing {
            self.listing = line != b".";
            return true;
        }
        if !self.greeted {
            self.greeted = true;
            return true;
        }
        let good = line.starts_with(b"+OK");
        if self.open.is_empty() {
            return last;
        }
        let Some((at, command)) = self.open.pop_front() else { return true };
        match command {
            Command::Login("sasl") if line.starts_with(b"+") && !good => self.sasl = Some("sasl"),
            Command::Login(way) => self.login(cx, at, way, good, line),
            Command::User if !good => self.login(cx, at, "password", false, line),
            Command::StartTls => self.secure = good,
            Command::Long => self.listing = good,
            Command::User | Command::Other => {}
        }
        true
    }

    fn login(&self, cx: &mut Cx<'_>, at: i64, way: &str, good: bool, line: &[u8]) {
        let mut event = cx.event("network.pop3", at);
        login(&mut event, self.user.as_deref(), way, way == "password" || way == "sasl", good);
        put(&mut event, "pop3.reply", Some(&*text(line)));
        cx.emit(event);
    }
}

/// What every login to a mail box says.
pub(super) fn login(event: &mut fansipan_model::Event, user: Option<&str>, way: &str, clear: bool, good: bool) {
    event.push_named("event.category", Value::Str("authentication"));
    event.push_named("event.action", Value::Str("login"));
    event.push_named("event.outcome", Value::Str(if good { "success" } else { "failure" }));
    put(event, "user.name", user);
    event.push_named("fansipan.login.method", Value::Str(way));
    if clear {
        event.push_named("fansipan.cleartext_password", Value::Bool(true));
    }
}
