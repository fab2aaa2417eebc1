//! SMTP: who sends mail to whom, what it is about and which files it brings, with their hashes. Passwords are seen and not kept.

mod mime;
mod transfer;

use std::collections::VecDeque;

use fansipan_model::Value;

use super::{
    Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict,
    ftp::best,
    lines::{self, Found, base64, plain_user, text, word},
    ntlm::Ntlm,
    pop3, put,
};
use mime::Mail;

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "smtp", probe, start: || Box::<Smtp>::default() };

const MAX_OPEN: usize = 256;
const MAX_RECIPIENTS: usize = 100;
const FIRST: [&[u8]; 5] = [b"EHLO", b"HELO", b"LHLO", b"MAIL FROM:", b"STARTTLS"];

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let server = beginning.destination;
    let greeting = match server {
        [b'2' | b'4' | b'5', b'2' | b'5', b'0'..=b'9', b' ' | b'-', ..] => Verdict::Yes,
        _ if server.len() < 4 && server.iter().all(u8::is_ascii_digit) => Verdict::Unsure,
        _ => Verdict::No,
    };
    if greeting == Verdict::No {
        return Verdict::No;
    }
    let upper = beginning.source.get(..beginning.source.len().min(16)).unwrap_or_default().to_ascii_uppercase();
    let word = if upper.is_empty() { Verdict::Unsure } else { FIRST.iter().map(|f| Beginning::starts(&upper, f)).fold(Verdict::No, best) };
    if word == Verdict::Yes && server.is_empty() && [25, 587, 2525].contains(&beginning.destination_port) {
        return Verdict::Yes; // perhaps only this direction is captured
    }
    match (greeting, word) {
        (_, Verdict::No) => Verdict::No,
        (Verdict::Yes, Verdict::Yes) => Verdict::Yes,
        _ => Verdict::Unsure,
    }
}

enum Command {
    Hello(String),
    From(String),
    To(String),
    Data,
    /// The mail was said to its end.
    Mail(i64, Box<Mail>),
    /// A chunk of a mail that goes on.
    Chunk,
    Auth,
    StartTls,
    Reset,
    Other,
}

/// What the client says now.
#[derive(Default)]
enum Mode {
    #[default]
    Commands,
    /// Lines of a login.
    Login,
    Mail(i64, Box<Mail>),
    /// So many bytes of a chunk are left.
    Chunk(u64, Box<Mail>, bool),
}

#[derive(Default)]
struct Smtp {
    greeted: bool,
    hello: Option<String>,
    server: Option<String>,
    from: Option<String>,
    to: Vec<String>,
    user: Option<String>,
    way: String,
    ntlm: Ntlm,
    mode: Mode,
    /// A mail in chunks, until its last.
    chunks: Option<Box<Mail>>,
    open: VecDeque<Command>,
    secure: bool,
}

impl StreamProtocol for Smtp {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        match side {
            _ if self.secure => Step::Switch,
            Side::Source => self.client(cx, bytes, last),
            Side::Destination => self.reply(cx, bytes, last),
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        if let Mode::Mail(at, mail) = std::mem::take(&mut self.mode) {
            self.emit(cx, at, mail, false, None);
        }
        while let Some(command) = self.open.pop_front() {
            if let Command::Mail(at, mail) = command {
                self.emit(cx, at, mail, true, None);
            }
        }
    }
}

/// `MAIL FROM:<a@b> SIZE=1`: the address.
fn address(argument: &[u8]) -> String {
    let argument = memchr::memchr(b':', argument).and_then(|at| argument.get(at + 1..)).unwrap_or(argument).trim_ascii();
    match (memchr::memchr(b'<', argument), memchr::memchr(b'>', argument)) {
        (Some(a), Some(b)) if a < b => text(argument.get(a + 1..b).unwrap_or_default()),
        _ => text(word(argument).0),
    }
}

impl Smtp {
    fn client(&mut self, cx: &mut Cx<'_>, bytes: &[u8], last: bool) -> Step {
        if let Mode::Chunk(left, mail, _) = &mut self.mode {
            let n = (*left).min(bytes.len() as u64);
            mail.chunk(bytes.get(..n as usize).unwrap_or_default());
            *left -= n;
            if *left == 0 {
                self.chunk_done(cx);
            }
            return Step::Take(n as usize);
        }
        let asks = |c: &Command| matches!(c, Command::Auth | Command::StartTls | Command::Data);
        if !last && (self.open.iter().any(asks) || self.open.len() >= MAX_OPEN) {
            return Step::Wait;
        }
        if last {
            self.assume(cx);
        }
        let Some(line) = lines::line(bytes, last) else { return Step::More(bytes.len() + 1) };
        match &mut self.mode {
            Mode::Mail(_, mail) => {
                if line.text == b"." {
                    if let Mode::Mail(at, mail) = std::mem::take(&mut self.mode) {
                        self.open.push_back(Command::Mail(at, mail));
                    }
                } else {
                    mail.line(line.text.strip_prefix(b".").unwrap_or(line.text));
                }
            }
            Mode::Login => {
                self.login_line(cx, line.text);
                self.mode = Mode::Commands;
                self.open.push_back(Command::Auth);
            }
            _ => self.command(cx, line.text),
        }
        Step::Take(line.length)
    }

    /// No answers will come: what the client says next shows that it went on.
    fn assume(&mut self, cx: &Cx<'_>) {
        if matches!(self.mode, Mode::Mail(..)) {
            return;
        }
        for command in std::mem::take(&mut self.open) {
            match command {
                Command::Hello(name) => self.hello = Some(name),
                Command::From(address) => self.from = Some(address),
                Command::To(address) if self.to.len() < MAX_RECIPIENTS => self.to.push(address),
                Command::Data => self.mode = Mode::Mail(cx.at, Box::new(Mail::new(cx.settings.file_limit))),
                mail @ Command::Mail(..) => self.open.push_back(mail),
                _ => {}
            }
        }
    }

    fn chunk_done(&mut self, cx: &Cx<'_>) {
        let Mode::Chunk(_, mut mail, ends) = std::mem::take(&mut self.mode) else { return };
        if ends {
            mail.flush();
            self.open.push_back(Command::Mail(cx.at, mail));
        } else {
            self.chunks = Some(mail);
            self.open.push_back(Command::Chunk);
        }
    }

    fn command(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        let (name, argument) = word(line);
        let command = match name.to_ascii_uppercase().as_slice() {
            b"EHLO" | b"HELO" | b"LHLO" => Command::Hello(text(argument)),
            b"MAIL" => Command::From(address(argument)),
            b"RCPT" => Command::To(address(argument)),
            b"DATA" => Command::Data,
            b"BDAT" => {
                let (size, end) = word(argument);
                let size = std::str::from_utf8(size).ok().and_then(|s| s.parse().ok()).unwrap_or(0);
                let mail = self.chunks.take().unwrap_or_else(|| Box::new(Mail::new(cx.settings.file_limit)));
                self.mode = Mode::Chunk(size, mail, end.eq_ignore_ascii_case(b"LAST"));
                if size == 0 {
                    self.chunk_done(cx);
                }
                return;
            }
            b"AUTH" => {
                let (way, initial) = word(argument);
                self.way = text(way).to_ascii_lowercase();
                self.user = None;
                self.login_line(cx, initial);
                Command::Auth
            }
            b"STARTTLS" => Command::StartTls,
            b"RSET" => Command::Reset,
            _ => Command::Other,
        };
        self.open.push_back(command);
    }

    /// What a client says within a login: the first thing is the name, unless it is NTLM.
    fn login_line(&mut self, cx: &Cx<'_>, line: &[u8]) {
        let Some(decoded) = base64(line).filter(|d| !d.is_empty()) else { return };
        if self.way == "ntlm" {
            self.ntlm.read(cx.at, &decoded);
            self.user = self.ntlm.client().map(|c| c.user.clone());
        } else if self.user.is_none() {
            self.user = plain_user(&decoded).or_else(|| Some(text(&decoded)));
        }
    }

    fn reply(&mut self, cx: &mut Cx<'_>, bytes: &[u8], last: bool) -> Step {
        let reply = match lines::reply(bytes, last) {
            Found::Reply(reply) => reply,
            Found::More => return Step::More(bytes.len() + 1),
            Found::Other(n) => return Step::Take(n),
        };
        if !self.greeted {
            self.greeted = true;
            self.server = Some(reply.text);
            return Step::Take(reply.length);
        }
        let Some(command) = self.open.pop_front() else {
            return if last || reply.code == 421 { Step::Take(reply.length) } else { Step::Wait };
        };
        let good = reply.code < 400;
        match command {
            Command::Hello(name) => self.hello = Some(name),
            Command::From(address) if good => {
                self.from = Some(address);
                self.to.clear();
            }
            Command::To(address) if good && self.to.len() < MAX_RECIPIENTS => self.to.push(address),
            Command::To(address) if !good => self.refused(cx, &address, &reply),
            Command::Data if reply.code == 354 => self.mode = Mode::Mail(cx.at, Box::new(Mail::new(cx.settings.file_limit))),
            Command::Mail(at, mail) => self.emit(cx, at, mail, true, Some(&reply)),
            Command::Auth if reply.code == 334 => {
                if let Some(blob) = base64(reply.text.as_bytes()) {
                    self.ntlm.read(cx.at, &blob);
                }
                self.mode = Mode::Login;
            }
            Command::Auth => self.login(cx, &reply),
            Command::StartTls => self.secure = reply.code == 220,
            Command::Reset => (self.from, self.to) = (None, Vec::new()),
            _ => {}
        }
        Step::Take(reply.length)
    }

    fn login(&mut self, cx: &mut Cx<'_>, reply: &lines::Reply) {
        self.ntlm.emit(cx, Some(reply.code < 400));
        let mut event = cx.event("network.smtp", cx.at);
        pop3::login(&mut event, self.user.as_deref(), &self.way, matches!(&*self.way, "plain" | "login"), reply.code < 400);
        event.push_named("smtp.reply_code", Value::Int(i64::from(reply.code)));
        cx.emit(event);
    }

    fn refused(&self, cx: &mut Cx<'_>, address: &str, reply: &lines::Reply) {
        let mut event = cx.event("network.smtp", cx.at);
        event.push_named("event.action", Value::Str("refuse_recipient"));
        event.push_named("event.outcome", Value::Str("failure"));
        put(&mut event, "smtp.helo", self.hello.as_deref());
        put(&mut event, "smtp.mail_from", self.from.as_deref());
        put(&mut event, "smtp.rcpt_to", address);
        event.push_named("smtp.reply_code", Value::Int(i64::from(reply.code)));
        put(&mut event, "smtp.reply", &*reply.text);
        cx.emit(event);
    }

    fn emit(&mut self, cx: &mut Cx<'_>, at: i64, mail: Box<Mail>, whole: bool, reply: Option<&lines::Reply>) {
        let mut event = cx.event("network.smtp", at);
        event.push_named("event.category", Value::Str("email"));
        event.push_named("event.action", Value::Str("mail"));
        put(&mut event, "smtp.server", self.server.as_deref());
        put(&mut event, "smtp.helo", self.hello.as_deref());
        put(&mut event, "smtp.mail_from", self.from.as_deref());
        for to in &self.to {
            event.push_named("smtp.rcpt_to", Value::Str(to));
        }
        put(&mut event, "user.name", self.user.as_deref());
        mail.describe(whole, &mut event);
        if let Some(reply) = reply {
            event.push_named("smtp.reply_code", Value::Int(i64::from(reply.code)));
            put(&mut event, "smtp.reply", &*reply.text);
            event.push_named("event.outcome", Value::Str(if reply.code < 400 { "success" } else { "failure" }));
        }
        (self.from, self.to) = (None, Vec::new());
        cx.emit(event);
    }
}
