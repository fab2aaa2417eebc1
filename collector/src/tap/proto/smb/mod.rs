//! SMB 1 to 3: shares that are opened, files that are opened, read, written, renamed and deleted, who logs in, and calls over named pipes.
//! What is encrypted stays so.

mod files;
mod one;
mod two;

use fansipan_model::{Event, Value};
use hashbrown::HashMap;

use super::{Beginning, Cx, Entry, Side, Step, StreamProtocol, Verdict, lines::text, ntlm::Ntlm, put};
use crate::tap::flow::Pair;
use files::{File, Files, Transfer};

pub(super) const STREAM: Entry<dyn StreamProtocol> = Entry { name: "smb", probe, start: || Box::<Smb>::default() };

/// Bytes of a message that are looked at as a whole; the data of a file passes.
const MAX_MESSAGE: usize = 66 << 10;
const MAX_OPEN: usize = 1024;
const MAX_TREES: usize = 1024;

fn probe(beginning: &Beginning<'_>) -> Verdict {
    let bytes = if beginning.source.is_empty() { beginning.destination } else { beginning.source };
    let magic = |b: &[u8]| match b {
        [] => Verdict::Unsure,
        [0xfc..=0xff, rest @ ..] => Beginning::starts(rest, b"SMB"),
        _ => Verdict::No,
    };
    match bytes {
        [0, _, _, _, rest @ ..] => magic(rest),
        // a session is asked for under a NetBIOS name
        [0x81, 0, 0, 0x44, 0x20, ..] => Verdict::Yes,
        [0x81, 0, 0, 0x44] | [0x81, 0, 0] | [0x81, 0] | [0x81] => Verdict::Unsure,
        [] | [0] | [0, _] | [0, _, _] => Verdict::Unsure,
        _ => Verdict::No,
    }
}

/// What was asked and waits for its answer.
#[derive(Debug)]
enum Asked {
    Negotiate(Vec<String>),
    Setup,
    Tree(String),
    Create {
        name: String,
        action: &'static str,
        deletes: bool,
    },
    Close(u128),
    Read(u128, u64),
    Write,
    Delete(u128),
    Rename(u128, String),
    Pipe(u128),
    /// SMB 1: names in the request itself.
    Named(&'static str, String, Option<String>),
    Other,
}

struct Request {
    at: i64,
    tree: u32,
    asked: Asked,
}

#[derive(Default)]
struct Smb {
    version: Option<String>,
    ntlm: Ntlm,
    user: Option<(String, String)>,
    trees: HashMap<u32, String>,
    files: Files,
    /// The file that was opened last: what a compound means by "the one before".
    latest: u128,
    open: HashMap<u64, Request>,
    /// Highest number of a request seen.
    asked: u64,
    /// Data of a file that passes, and how much of it and of its message is left.
    passing: Pair<Option<(u128, Transfer, u64, u64)>>,
    encrypted: bool,
}

impl StreamProtocol for Smb {
    fn step(&mut self, cx: &mut Cx<'_>, side: Side, bytes: &[u8], last: bool) -> Step {
        if let Some((id, transfer, data, message)) = self.passing.of_mut(side).take() {
            let n = data.min(bytes.len() as u64);
            self.files.data(id, transfer, bytes.get(..n as usize).unwrap_or_default());
            if data > n {
                *self.passing.of_mut(side) = Some((id, transfer, data - n, message - n));
                return Step::Take(n as usize);
            }
            return if message > n { Step::Skip(message) } else { Step::Take(n as usize) };
        }
        let Some([kind, high, middle, low]) = bytes.first_chunk::<4>().copied() else {
            return if last { Step::Take(bytes.len()) } else { Step::More(4) };
        };
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        match kind {
            0 => {}
            0x81..=0x85 => return Step::Skip(4 + length as u64),
            _ => return Step::Stop,
        }
        let wanted = length.min(MAX_MESSAGE);
        if bytes.len() < 4 + wanted && !last && !two::data_begins(side, bytes) {
            return Step::More(if length > 256 { bytes.len() + 1 } else { 4 + wanted });
        }
        let message = bytes.get(4..bytes.len().min(4 + length)).unwrap_or_default();
        self.message(cx, side, message, length, last)
    }

    fn missing(&mut self, _cx: &mut Cx<'_>, side: Side, bytes: u64) -> bool {
        // data of a file with a hole has no hash, but the place after it is known
        match self.passing.of_mut(side) {
            Some((id, transfer, data, message)) if *data >= bytes => {
                (*data, *message) = (*data - bytes, *message - bytes);
                self.files.hole(*id, *transfer);
                true
            }
            _ => false,
        }
    }

    fn finish(&mut self, cx: &mut Cx<'_>) {
        self.ntlm.emit(cx, None);
        for file in self.files.all() {
            self.transferred(cx, file);
        }
    }

    fn limit(&self) -> usize {
        MAX_MESSAGE + 4
    }
}

impl Smb {
    fn message(&mut self, cx: &mut Cx<'_>, side: Side, message: &[u8], length: usize, last: bool) -> Step {
        let whole = Step::Skip(4 + length as u64);
        match message.first_chunk::<4>() {
            Some(b"\xfeSMB") => two::message(self, cx, side, message, length, last),
            Some(b"\xffSMB") => one::message(self, cx, side, message, length, last),
            Some(b"\xfdSMB") => {
                if !std::mem::replace(&mut self.encrypted, true) {
                    let mut event = self.event(cx, cx.at, "encrypt");
                    put(&mut event, "smb.version", self.version.as_deref());
                    cx.emit(event);
                }
                whole
            }
            _ => whole,
        }
    }

    fn event(&self, cx: &Cx<'_>, at: i64, action: &str) -> Event {
        let mut event = cx.event("network.smb", at);
        event.push_named("event.action", Value::Str(action));
        put(&mut event, "smb.version", self.version.as_deref());
        if let Some((user, domain)) = &self.user {
            put(&mut event, "user.name", &**user);
            put(&mut event, "user.domain", &**domain);
        }
        event
    }

    fn remember(&mut self, number: u64, request: Request) {
        self.asked = self.asked.max(number);
        if self.open.len() >= MAX_OPEN {
            self.open.clear();
        }
        self.open.insert(number, request);
    }

    fn negotiated(&mut self, cx: &mut Cx<'_>, request: &Request, version: String, offered: &[String]) {
        self.version = Some(version);
        let mut event = self.event(cx, request.at, "negotiate");
        for one in offered.iter().take(32) {
            event.push_named("smb.dialects", Value::Str(one));
        }
        cx.emit(event);
    }

    fn logged_in(&mut self, cx: &mut Cx<'_>, status: u32) {
        if let Some(client) = self.ntlm.client() {
            self.user = Some((client.user.clone(), client.domain.clone()));
        }
        if self.ntlm.waits() {
            self.ntlm.emit(cx, Some(status == 0));
        }
    }

    fn connected(&mut self, cx: &mut Cx<'_>, request: &Request, path: &str, tree: u32, share: &str, status: u32) {
        if status == 0 {
            if self.trees.len() >= MAX_TREES {
                self.trees.clear();
            }
            self.trees.insert(tree, path.to_owned());
        }
        let mut event = self.event(cx, request.at, "tree_connect");
        put(&mut event, "smb.path", path);
        put(&mut event, "smb.share_type", share);
        outcome(&mut event, status);
        cx.emit(event);
    }

    fn named(&self, cx: &mut Cx<'_>, request: &Request, action: &str, name: &str, status: u32) {
        let mut event = self.event(cx, request.at, action);
        self.describe(&mut event, request.tree, name);
        outcome(&mut event, status);
        cx.emit(event);
    }

    /// Where a file is: the share, its name there, and both together.
    fn describe(&self, event: &mut Event, tree: u32, name: &str) {
        let path = self.trees.get(&tree).map_or("", String::as_str);
        put(event, "smb.path", path);
        put(event, "smb.name", name);
        if !name.is_empty() {
            let whole = if path.is_empty() { name.to_owned() } else { format!("{path}\\{name}") };
            event.push_named("file.path", Value::Str(&whole));
        }
        let last = name.rsplit('\\').next().unwrap_or(name);
        put(event, "file.name", last);
        if let Some((_, extension)) = last.rsplit_once('.').filter(|(_, e)| !e.is_empty() && e.len() <= 10) {
            event.push_named("file.extension", Value::Str(extension));
        }
    }

    /// Reports what went through a file that is closed.
    fn transferred(&self, cx: &mut Cx<'_>, file: File) {
        let (name, tree, at, parts) = file.finish();
        for (action, hash) in parts {
            let mut event = self.event(cx, at, action);
            self.describe(&mut event, tree, &name);
            event.push_named("event.outcome", Value::Str("success"));
            let mime = hash.mime(None);
            hash.describe(mime.as_deref(), &mut event);
            cx.emit(event);
        }
    }

    fn is_pipe(&self, tree: u32) -> bool {
        self.trees.get(&tree).is_some_and(|p| p.to_ascii_uppercase().ends_with("IPC$"))
    }
}

fn outcome(event: &mut Event, status: u32) {
    event.push_named("event.outcome", Value::Str(if status == 0 { "success" } else { "failure" }));
    if status != 0 {
        let name = match status {
            0xc000_0022 => "STATUS_ACCESS_DENIED",
            0xc000_0034 => "STATUS_OBJECT_NAME_NOT_FOUND",
            0xc000_003a => "STATUS_OBJECT_PATH_NOT_FOUND",
            0xc000_0035 => "STATUS_OBJECT_NAME_COLLISION",
            0xc000_0043 => "STATUS_SHARING_VIOLATION",
            0xc000_006d => "STATUS_LOGON_FAILURE",
            0xc000_006e => "STATUS_ACCOUNT_RESTRICTION",
            0xc000_0072 => "STATUS_ACCOUNT_DISABLED",
            0xc000_0234 => "STATUS_ACCOUNT_LOCKED_OUT",
            0xc000_00ba => "STATUS_FILE_IS_A_DIRECTORY",
            0xc000_00cc => "STATUS_BAD_NETWORK_NAME",
            _ => "",
        };
        let code = format!("0x{status:08x}");
        event.push_named("error.code", Value::Str(if name.is_empty() { &code } else { name }));
    }
}

/// What a disposition of NT means: whether it opens, creates or replaces.
fn disposition(number: u32) -> &'static str {
    match number {
        0 => "replace",
        1 => "open",
        2 => "create",
        3 => "open_or_create",
        4 => "overwrite",
        _ => "overwrite_or_create",
    }
}

/// The names of dialects, each after a two and before a zero.
fn dialects(bytes: &[u8]) -> Vec<String> {
    bytes.split(|b| *b == 0).filter_map(|d| d.strip_prefix(&[2])).map(text).take(32).collect()
}
