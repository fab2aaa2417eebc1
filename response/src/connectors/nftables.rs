//! nftables on a Linux host: a table of our own, `inet fansipan`, with two sets of blocked addresses that the kernel expires by itself.
//!
//! One script, applied as one transaction, makes the table what it should be and adds the element: repeated, it changes nothing.
//! Elements carry the action's mark as comment, so that nobody else's are ever removed. Other tables are never touched.

use std::{
    io::{Read, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use fansipan_model::time::SECOND;
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Connector, Fault, PATIENCE, Presence, Work, mark, within};
use crate::{
    action::{Action, ActionKind},
    protected::Cleared,
    target::shown,
};

const TABLE: &str = "fansipan";
/// The kernel's own end of a block, after ours: it holds even if this program is gone.
const SPARE: i64 = 120;
/// Most that a program's answer may be, bytes: a large set of blocked addresses, and no flood.
const LARGEST: u64 = 16 << 20;

/// Settings of nftables on this host.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NftablesConfig {
    /// The program and what stands before it. It needs `CAP_NET_ADMIN`.
    pub command: Vec<String>,
}

impl Default for NftablesConfig {
    fn default() -> Self {
        Self { command: vec!["/usr/sbin/nft".to_owned()] }
    }
}

/// What a program answered.
pub(crate) struct Output {
    pub(crate) status: u32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs nft somewhere.
pub(crate) trait Shell: Send + Sync {
    /// Runs it with arguments, all of them words without blanks, and input.
    fn run<'a>(&'a self, arguments: &'a [&'a str], input: String) -> Work<'a, Output>;
    /// Where, for people.
    fn place(&self) -> String;
    /// The hosts it goes through.
    fn hosts(&self) -> Vec<String>;
}

/// A program of this host, with what stands before its arguments.
#[derive(Clone)]
pub(crate) struct Local {
    program: PathBuf,
    before: Vec<String>,
}

impl Local {
    pub(crate) fn new(program: PathBuf, before: Vec<String>) -> Local {
        Local { program, before }
    }

    /// Runs the program on a thread that may wait; one that hangs is killed.
    fn run_here(&self, arguments: &[String], input: &str) -> Result<Output, Fault> {
        let mut command = Command::new(&self.program);
        command.args(&self.before).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = |e: std::io::Error| Fault::refused(format!("{} cannot be run: {e}", self.program.display()));
        let mut child = command.spawn().map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // a program that ends without reading says why on its standard error
            let _ = stdin.write_all(input.as_bytes());
        }
        let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
        let until = Instant::now() + PATIENCE;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(5)),
                Ok(None) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(Fault::unclear(format!("nft did not end within {} s", PATIENCE.as_secs())));
                }
                Err(e) => return Err(Fault::unclear(format!("nft: {e}"))),
            }
        };
        let text = |reader: JoinHandle<Vec<u8>>| String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned();
        Ok(Output { status: status.code().map_or(255, |c| c.unsigned_abs()), stdout: text(stdout), stderr: text(stderr) })
    }
}

/// Reads a pipe to its end beside the program.
fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut out = Vec::new();
        if let Some(pipe) = pipe {
            // what was read until the pipe broke is what there is
            let _ = pipe.take(LARGEST).read_to_end(&mut out);
        }
        out
    })
}

impl Shell for Local {
    fn run<'a>(&'a self, arguments: &'a [&'a str], input: String) -> Work<'a, Output> {
        Box::pin(async move {
            let (this, arguments) = (self.clone(), arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>());
            let done = tokio::task::spawn_blocking(move || this.run_here(&arguments, &input)).await;
            done.unwrap_or_else(|e| Err(Fault::unclear(format!("nft: {e}"))))
        })
    }

    fn place(&self) -> String {
        "this host".to_owned()
    }

    fn hosts(&self) -> Vec<String> {
        Vec::new()
    }
}

pub(super) fn local(config: &NftablesConfig) -> Result<Box<dyn Connector>, String> {
    let (program, before) = config.command.split_first().ok_or("`command` is empty: give the path of nft")?;
    Ok(over(Arc::new(Local::new(program.into(), before.to_vec()))))
}

/// nftables through a shell.
pub(crate) fn over(shell: Arc<dyn Shell>) -> Box<dyn Connector> {
    Box::new(Nftables { shell })
}

struct Nftables {
    shell: Arc<dyn Shell>,
}

fn set_of(net: &IpNet) -> &'static str {
    if matches!(net, IpNet::V4(_)) { "blocked4" } else { "blocked6" }
}

fn value_of(net: &IpNet) -> Value {
    if net.prefix_len() == net.max_prefix_len() {
        json!(net.addr().to_string())
    } else {
        json!({ "prefix": { "addr": net.network().to_string(), "len": net.prefix_len() } })
    }
}

fn element(net: &IpNet, elem: Value) -> Value {
    json!({ "element": { "family": "inet", "table": TABLE, "name": set_of(net), "elem": [elem] } })
}

/// Commands that make the table what it should be, whatever it was.
fn groundwork() -> Vec<Value> {
    let mut out = vec![json!({ "add": { "table": { "family": "inet", "name": TABLE } } })];
    for (name, kind) in [("blocked4", "ipv4_addr"), ("blocked6", "ipv6_addr")] {
        out.push(
            json!({ "add": { "set": { "family": "inet", "table": TABLE, "name": name, "type": kind, "flags": ["interval", "timeout"] } } }),
        );
    }
    for hook in ["input", "forward", "output"] {
        out.push(json!({ "add": { "chain": { "family": "inet", "table": TABLE, "name": hook, "type": "filter", "hook": hook, "prio": -200, "policy": "accept" } } }));
        out.push(json!({ "flush": { "chain": { "family": "inet", "table": TABLE, "name": hook } } }));
        for (protocol, set) in [("ip", "@blocked4"), ("ip6", "@blocked6")] {
            for field in ["saddr", "daddr"] {
                let hit = json!({ "match": { "op": "==", "left": { "payload": { "protocol": protocol, "field": field } }, "right": set } });
                let rule = json!({ "family": "inet", "table": TABLE, "chain": hook, "expr": [hit, { "counter": null }, { "drop": null }] });
                out.push(json!({ "add": { "rule": rule } }));
            }
        }
    }
    out
}

impl Nftables {
    async fn nft(&self, arguments: &[&str], input: String) -> Result<Output, Fault> {
        within(&format!("nft on {}", self.shell.place()), self.shell.run(arguments, input)).await
    }

    async fn script(&self, commands: Vec<Value>) -> Result<(), Fault> {
        let out = self.nft(&["-j", "-f", "-"], json!({ "nftables": commands }).to_string()).await?;
        if out.status == 0 { Ok(()) } else { Err(refusal(&out)) }
    }

    /// The elements that an action put into the sets. `None`: the table does not exist.
    async fn elements(&self, action: &Action) -> Result<Option<Vec<(&'static str, Value)>>, Fault> {
        let out = self.nft(&["-j", "list", "table", "inet", TABLE], String::new()).await?;
        if out.status != 0 {
            return if out.stderr.contains("No such file or directory") { Ok(None) } else { Err(refusal(&out)) };
        }
        let listing: Value = serde_json::from_str(&out.stdout).map_err(|e| Fault::unclear(format!("nft's listing does not read: {e}")))?;
        let mark = mark(action);
        let mut found = Vec::new();
        let items = listing.get("nftables").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for set in items.iter().filter_map(|i| i.get("set")) {
            let name = match set.get("name").and_then(Value::as_str) {
                Some("blocked4") => "blocked4",
                Some("blocked6") => "blocked6",
                _ => continue,
            };
            let elements = set.get("elem").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let ours = elements.iter().filter_map(|e| e.get("elem")).filter(|e| e.get("comment").and_then(Value::as_str) == Some(&mark));
            found.extend(ours.filter_map(|e| Some((name, e.get("val")?.clone()))));
        }
        Ok(Some(found))
    }
}

/// What nft's refusal means, in its own words.
fn refusal(out: &Output) -> Fault {
    let line = out.stderr.lines().find(|l| !l.trim().is_empty()).unwrap_or("no reason given").trim().to_owned();
    if out.stderr.contains("not permitted") || out.stderr.contains("password is required") {
        return Fault::refused(format!("nft may not change rules: {line}; give the program CAP_NET_ADMIN or a sudo rule"));
    }
    Fault::refused(format!("nft refused (status {}): {line}", out.status))
}

impl Connector for Nftables {
    fn does(&self) -> &'static [ActionKind] {
        &[ActionKind::Block]
    }

    fn hosts(&self) -> Vec<String> {
        self.shell.hosts()
    }

    fn plan(&self, action: &Action) -> Vec<String> {
        let timeout = action.lasts.map_or(String::new(), |l| format!(" timeout {}s", l / SECOND + SPARE));
        let mut out = vec![format!(
            "on {}: table inet {TABLE} with chains input, forward, output that drop from and to @blocked4, @blocked6 (made if missing)",
            self.shell.place()
        )];
        out.extend(
            action.target.networks().iter().map(|net| {
                format!("nft add element inet {TABLE} {} {{ {}{timeout} comment \"{}\" }}", set_of(net), shown(net), mark(action))
            }),
        );
        out
    }

    fn apply<'a>(&'a self, cleared: &'a Cleared<'a>) -> Work<'a, String> {
        Box::pin(async move {
            let action = cleared.action();
            let mut commands = groundwork();
            for net in action.target.networks() {
                let mut elem = json!({ "val": value_of(net), "comment": mark(action) });
                if let (Some(lasts), Some(fields)) = (action.lasts, elem.as_object_mut()) {
                    fields.insert("timeout".to_owned(), json!(lasts / SECOND + SPARE));
                }
                commands.push(json!({ "add": element(net, json!({ "elem": elem })) }));
            }
            self.script(commands).await?;
            match self.elements(action).await? {
                Some(found) if found.len() >= action.target.networks().len() => Ok(format!("{} element(s) in force", found.len())),
                _ => Err(Fault::refused("nft took the order, but the address is in force as part of another block; undo that one first")),
            }
        })
    }

    fn undo<'a>(&'a self, action: &'a Action) -> Work<'a, String> {
        Box::pin(async move {
            let Some(found) = self.elements(action).await?.filter(|f| !f.is_empty()) else {
                return Ok("not in force any more".to_owned());
            };
            let gone = found.len();
            let delete = |(set, value): (&str, Value)| json!({ "delete": { "element": { "family": "inet", "table": TABLE, "name": set, "elem": [value] } } });
            self.script(found.into_iter().map(delete).collect()).await?;
            Ok(format!("{gone} element(s) removed"))
        })
    }

    fn probe<'a>(&'a self, action: &'a Action) -> Work<'a, Presence> {
        Box::pin(async move {
            let found = self.elements(action).await?.unwrap_or_default();
            let all = found.len() >= action.target.networks().len();
            Ok(if all { Presence::Present } else { Presence::Absent })
        })
    }
}
