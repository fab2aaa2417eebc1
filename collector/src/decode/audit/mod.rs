//! The Linux audit trail: one event of one or several records (`type=… msg=audit(time:serial): …`), as auditd writes it to its file,
//! as audisp sends it by syslog and as the kernel logs it where no auditd runs.
//!
//! Keys are auditd's own. Records of one event repeat keys, so a key is multi-valued (`name` of every PATH). Made of several keys are
//! `command_line` and `args` (EXECVE), `file` (the PATH an event is about), `saddr_*` (SOCKADDR) and `command` (USER_CMD).

mod tables;

use std::borrow::Cow;

use fansipan_model::Value;

use super::{DecodeError, Decoder, Each};
use crate::format::unhex;

/// The `audit` syntax.
pub struct Audit;

/// Arguments of one command that are joined; beyond it a command line is data.
const ARGUMENT_LIMIT: usize = 4_096;

impl Decoder for Audit {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn sniff(&self, body: &str) -> bool {
        // `node=host type=…`, `[12.5] audit: type=1400 audit(…`
        let head = body.get(..body.len().min(300)).or_else(|| body.get(..200)).unwrap_or(body);
        head.contains("audit(") && (body.starts_with("type=") || head.contains(" type=") || head.contains("audit:"))
    }

    fn decode(&self, body: &str, each: &mut Each<'_>) -> Result<(), DecodeError> {
        let mut event = AuditEvent { executed: body.contains("type=EXECVE") || body.contains("type=1309"), ..AuditEvent::default() };
        for line in body.lines().filter(|l| !l.trim().is_empty()) {
            event.line(line, each)?;
        }
        event.finish(each);
        Ok(())
    }
}

/// What is gathered over the records of an event.
#[derive(Default)]
struct AuditEvent<'t> {
    started: bool,
    executed: bool,
    arch: Option<&'static str>,
    cwd: Option<Cow<'t, str>>,
    /// Name and kind of every PATH.
    paths: Vec<(Cow<'t, str>, &'t str)>,
    arguments: Vec<Cow<'t, str>>,
}

/// Keys whose unquoted values are hexadecimal text (the kernel quotes what is plain and encodes what is not).
fn is_encoded(key: &str) -> bool {
    matches!(
        key,
        "acct"
            | "bank"
            | "cmd"
            | "comm"
            | "cwd"
            | "data"
            | "device"
            | "dir"
            | "exe"
            | "file"
            | "grp"
            | "key"
            | "name"
            | "ocomm"
            | "path"
            | "proctitle"
            | "profile"
            | "root_dir"
            | "sw"
            | "vm"
            | "watch"
            | "new_group"
    )
}

/// Text of a value that may be encoded.
fn text<'t>(value: &'t str, quoted: bool) -> Cow<'t, str> {
    let hexadecimal = !quoted && value.len() >= 2 && value.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b));
    match hexadecimal.then(|| unhex(value)).flatten() {
        Some(plain) => Cow::Owned(plain),
        None => Cow::Borrowed(value),
    }
}

fn is_unset(value: &str) -> bool {
    matches!(value, "?" | "(null)" | "(none)" | "4294967295" | "unset")
}

impl<'t> AuditEvent<'t> {
    fn line(&mut self, line: &'t str, each: &mut Each<'_>) -> Result<(), DecodeError> {
        let refuse = |reason: &str| DecodeError::new("audit", reason);
        let at = line.find("audit(").ok_or_else(|| refuse("a record has no `audit(time:serial)`"))?;
        let before = line.get(..at).unwrap_or("");
        let (stamp, rest) = line.get(at + 6..).and_then(|l| l.split_once(')')).ok_or_else(|| refuse("`audit(` is not closed"))?;
        let (time, serial) = stamp.split_once(':').ok_or_else(|| refuse("`audit(…)` holds no `time:serial`"))?;
        let word = |name: &str| before.split_whitespace().find_map(|w| w.strip_prefix(name));
        if !self.started {
            self.started = true;
            each("time", Value::Str(time));
            each("serial", Value::Str(serial));
            if let Some(node) = word("node=") {
                each("node", Value::Str(node));
            }
        }
        let kind = word("type=").map_or("", tables::record_type);
        if kind == "EOE" {
            return Ok(());
        }
        if !kind.is_empty() {
            each("type", Value::Str(kind));
        }
        self.pairs(kind, rest.trim_start_matches(':').trim(), each);
        Ok(())
    }

    fn pairs(&mut self, kind: &str, text: &'t str, each: &mut Each<'_>) {
        // names that auditd resolved stand behind a group separator: `… UID="root" AUID="an"`
        let (text, resolved) = text.split_once('\u{1d}').unwrap_or((text, ""));
        match kind {
            "EXECVE" => self.execve(text, each),
            "PATH" => self.path(text, each),
            "AVC" | "USER_AVC" => avc(text, each),
            _ => {}
        }
        if !matches!(kind, "EXECVE" | "PATH") {
            walk(text, &mut |key, value, quoted| self.pair(kind, key, value, quoted, each));
        }
        walk(resolved, &mut |key, value, _| {
            if !is_unset(value) && !matches!(key, "ARCH" | "SYSCALL") {
                each(key, Value::Str(value));
            }
        });
    }

    fn pair(&mut self, kind: &str, key: &'t str, value: &'t str, quoted: bool, each: &mut Each<'_>) {
        match (kind, key) {
            // what a program reports stands in single quotes
            (_, "msg") if quoted => return walk(value, &mut |k, v, q| self.pair(kind, k, v, q, each)),
            _ if is_unset(value) => return,
            ("SYSCALL" | "SECCOMP", "arch") => {
                self.arch = tables::architecture(value);
                return each("arch", Value::Str(self.arch.unwrap_or(value)));
            }
            ("SYSCALL" | "SECCOMP", "syscall") => return each("syscall", Value::Str(tables::syscall(self.arch, value).unwrap_or(value))),
            // the numbers of execve's arguments say nothing once EXECVE has the arguments
            ("SYSCALL", "a0" | "a1" | "a2" | "a3") if self.executed => return,
            ("CWD", "cwd") => self.cwd = Some(self::text(value, quoted)),
            ("SOCKADDR", "saddr") => return tables::socket_address(value, each),
            ("PROCTITLE", "proctitle") => return each("proctitle", Value::Str(&self::text(value, quoted))),
            ("USER_CMD", "cmd") => return each("command", Value::Str(&self::text(value, quoted))),
            _ => {}
        }
        if is_encoded(key) { each(key, Value::Str(&self::text(value, quoted))) } else { each(key, Value::Str(value)) }
    }

    /// `argc=3 a0="sh" a1="-c" a2=6C73`; long arguments come in pieces `a1[0]=…`, after their `a1_len=`.
    fn execve(&mut self, line: &'t str, each: &mut Each<'_>) {
        let mut pieces: Vec<(&str, String)> = Vec::new();
        walk(line, &mut |key, value, quoted| {
            if key == "argc" {
                return each("argc", Value::Str(value));
            }
            if key.ends_with("_len") || !key.starts_with('a') || self.arguments.len() + pieces.len() > ARGUMENT_LIMIT {
                return;
            }
            match key.split_once('[') {
                Some((argument, _)) => match pieces.iter_mut().find(|(a, _)| *a == argument) {
                    Some((_, whole)) => whole.push_str(&text(value, quoted)),
                    None => pieces.push((argument, text(value, quoted).into_owned())),
                },
                None => {
                    let argument = text(value, quoted);
                    each(key, Value::Str(&argument));
                    self.arguments.push(argument);
                }
            }
        });
        for (key, whole) in pieces {
            each(key, Value::Str(&whole));
            self.arguments.push(Cow::Owned(whole));
        }
    }

    fn path(&mut self, line: &'t str, each: &mut Each<'_>) {
        let (mut name, mut kind) = (None, "");
        walk(line, &mut |key, value, quoted| match key {
            _ if is_unset(value) => {}
            "name" => {
                let plain = text(value, quoted);
                each("name", Value::Str(&plain));
                name = Some(plain);
            }
            "nametype" => {
                kind = value;
                each("nametype", Value::Str(value));
            }
            "item" => {}
            _ if key.starts_with("cap_") && matches!(value, "0" | "none") => {}
            _ => each(key, Value::Str(value)),
        });
        if let Some(name) = name.filter(|_| self.paths.len() < 64) {
            self.paths.push((name, kind));
        }
    }

    fn finish(self, each: &mut Each<'_>) {
        if !self.arguments.is_empty() {
            each("command_line", Value::Str(&self.arguments.join(" ")));
            self.arguments.iter().for_each(|a| each("args", Value::Str(a)));
        }
        if self.executed {
            return; // the paths are the program and its loader
        }
        for (name, kind) in self.paths.iter().filter(|(_, kind)| *kind != "PARENT") {
            let base = self.cwd.as_deref().filter(|_| !name.starts_with('/') && !name.is_empty());
            match base {
                Some(cwd) => {
                    let name = name.trim_start_matches("./");
                    each("file", Value::Str(&format!("{}/{name}", cwd.trim_end_matches('/'))));
                }
                None => each("file", Value::Str(name)),
            }
            each("file_change", Value::Str(kind));
        }
    }
}

/// `avc:  denied  { read write } for  pid=1 …`: the verdict and the permissions, which are no pairs.
fn avc(line: &str, each: &mut Each<'_>) {
    let Some((verdict, rest)) = line.split_once("avc:").and_then(|(_, l)| l.split_once('{')) else { return };
    each("seresult", Value::Str(verdict.trim()));
    if let Some((permissions, _)) = rest.split_once('}') {
        permissions.split_whitespace().for_each(|p| each("seperms", Value::Str(p)));
    }
}

/// Calls `each(key, value, quoted)` for every pair of a record.
fn walk<'t>(line: &'t str, each: &mut dyn FnMut(&'t str, &'t str, bool)) {
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('=') {
        let key = before.rsplit([' ', ',']).next().unwrap_or(before);
        let quote = after.bytes().next().filter(|b| matches!(b, b'"' | b'\''));
        let (value, next) = match quote {
            // the kernel never writes a quote inside quotes: it would have encoded the value
            Some(quote) => {
                let inner = after.get(1..).unwrap_or("");
                inner.split_once(char::from(quote)).unwrap_or((inner, ""))
            }
            None => {
                let end = after.find(' ').unwrap_or(after.len());
                (after.get(..end).unwrap_or(""), after.get(end..).unwrap_or(""))
            }
        };
        let value = if quote.is_none() { value.trim_end_matches([',', '\'']) } else { value };
        if !key.is_empty() && key.len() <= 64 {
            each(key, value, quote.is_some());
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests;
