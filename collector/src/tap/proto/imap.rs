//! IMAP: who opens a mail box, by which way of login, and whether it was let in. Passwords are seen and not kept.

use std::collections::VecDeque;

use super::{
    Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict,
    lines::{self, base64, plain_user, text, word},
    pop3::login,
    put,
};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "imap", probe, start: || Box::<Imap>::default() };

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let greeting = ["* OK", "* PREAUTH", "* BYE"].iter().map(|g| Beginning::starts(beginning.destination, g.as_bytes()));
    greeting.fold(Verdict::No, super::ftp::best)
}

struct Command {
    at: i64,
    tag: String,
    name: String,
    /// The client may not go on before the server says so.
    waits: bool,
}

#[derive(Default)]
struct Imap {
    user: Option<String>,
    way: String,
    open: VecDeque<Command>,
    /// The next line of the client is its answer within a login.
    sasl: bool,
    /// The next line holds the name, as a literal.
    literal: bool,
    secure: bool,
}

impl StreamProtocol for Imap {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if self.secure {
            return Step::Switch;
        }
        if side == Side::Source && !last && self.open.iter().any(|c| c.waits) {
            return Step::Wait;
        }
        let Some(line) = lines::line(bytes, last) else { return Step::More(bytes.len() + 1) };
        let (skip, text) = (literal(line.text), line.text);
        if side == Side::Source {
            self.command(cx, text);
            return Step::Take(line.length);
        }
        if !self.reply(cx, text, last) {
            return Step::Wait;
        }
        match skip {
            Some(n) => Step::Skip(line.length as u64 + n),
            None => Step::Take(line.length),
        }
    }
}

/// `{123}` at the end of a line: so many bytes follow that are no line.
fn literal(line: &[u8]) -> Option<u64> {
    let inner = line.strip_suffix(b"}")?;
    let at = memchr::memrchr(b'{', inner)?;
    std::str::from_utf8(inner.get(at + 1..)?).ok()?.trim_end_matches('+').parse().ok()
}

fn unquoted(word: &[u8]) -> String {
    text(word.strip_prefix(b"\"").and_then(|w| w.strip_suffix(b"\"")).unwrap_or(word))
}

/// The first argument, quoted or not.
fn argument(rest: &[u8]) -> &[u8] {
    if rest.first() == Some(&b'"')
        && let Some(end) = rest.get(1..).and_then(|r| memchr::memchr(b'"', r))
    {
        return rest.get(..end + 2).unwrap_or(rest);
    }
    word(rest).0
}

impl Imap {
    fn command(&mut self, cx: &mut Cx<'_>, line: &[u8]) {
        if std::mem::take(&mut self.sasl) {
            self.user = self.user.take().or_else(|| base64(line).and_then(|d| plain_user(&d).or_else(|| Some(text(&d)))));
            self.wait(true);
            return;
        }
        if std::mem::take(&mut self.literal) {
            self.user = Some(unquoted(argument(line)));
            return self.wait(literal(line).is_some());
        }
        let (tag, rest) = word(line);
        let (name, rest) = word(rest);
        let name = text(name).to_ascii_uppercase();
        let mut waits = false;
        match &*name {
            "LOGIN" => {
                self.way = "password".to_owned();
                self.literal = literal(argument(rest)).is_some();
                waits = literal(rest).is_some() && !rest.ends_with(b"+}");
                if !self.literal {
                    self.user = Some(unquoted(argument(rest)));
                }
            }
            "AUTHENTICATE" => {
                let (way, initial) = word(rest);
                self.way = text(way).to_ascii_lowercase();
                self.user = base64(initial).and_then(|d| plain_user(&d));
                waits = true;
            }
            "STARTTLS" => waits = true,
            _ => {}
        }
        if !tag.is_empty() && self.open.len() < 256 {
            self.open.push_back(Command { at: cx.at, tag: text(tag), name, waits });
        }
    }

    fn wait(&mut self, waits: bool) {
        if let Some(command) = self.open.back_mut() {
            command.waits = waits;
        }
    }

    /// Whether the line was taken.
    fn reply(&mut self, cx: &mut Cx<'_>, line: &[u8], last: bool) -> bool {
        let (tag, rest) = word(line);
        if tag == b"*" {
            return true;
        }
        if tag.starts_with(b"+") {
            let Some(command) = self.open.iter_mut().find(|c| c.waits) else { return last };
            command.waits = false;
            self.sasl = command.name == "AUTHENTICATE";
            return true;
        }
        let tag = text(tag);
        let (status, said) = word(rest);
        if ![b"OK".as_slice(), b"NO", b"BAD"].iter().any(|s| status.eq_ignore_ascii_case(s)) {
            return true; // the end of a reply that holds a literal
        }
        let Some(at) = self.open.iter().position(|c| c.tag == tag) else { return last || self.open.len() >= 256 };
        let Some(command) = self.open.remove(at) else { return true };
        let good = status.eq_ignore_ascii_case(b"OK");
        match &*command.name {
            "LOGIN" | "AUTHENTICATE" => {
                let mut event = cx.event("network.imap", command.at);
                let clear = matches!(&*self.way, "password" | "plain" | "login");
                login(&mut event, self.user.as_deref(), &self.way, clear, good);
                put(&mut event, "imap.reply", Some(&*text(said)));
                cx.emit(event);
            }
            "STARTTLS" => self.secure = good,
            _ => {}
        }
        true
    }
}
