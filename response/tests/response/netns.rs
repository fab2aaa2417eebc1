//! The whole of it in network namespaces: a host scans a server through a Linux firewall; the block stops it, is proved, expires
//! and is undone; one on a firewall that is not in the way is reported as without effect; one on a firewall that cannot be
//! reached is tried again and handed to a person; what is protected stays reachable.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use fansipan_model::{EventBuilder, Scope, Value, fields, time::SECOND};
use fansipan_response::{
    Action, ActionState, Desk, Parts, Request, ResponseConfig, ResponseError, Verdict, connectors::connect, own::ThisMachine,
    playbook::Library, ports::SystemNames, protected::Protected, telemetry::Observed,
};
use fansipan_storage::{
    EventWriter as _,
    engine::{EngineConfig, TantivyStore},
};
use uuid::Uuid;

use crate::kit::{Case, block, open, steps, who};

/// What the server does: takes connections and says so, one line each.
const SERVER: &str = r"
import select, socket, sys
listeners = []
for port in range(8000, 8020):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('0.0.0.0', port)); s.listen(64); listeners.append(s)
print('ready', flush=True)
while True:
    for s in select.select(listeners, [], [])[0]:
        c, peer = s.accept(); print(peer[0], s.getsockname()[1], flush=True); c.close()
";
/// What the scanner does: tries every port over and over.
const SCANNER: &str = r"
import socket, time
while True:
    for port in range(8000, 8020):
        s = socket.socket(); s.settimeout(0.2)
        try: s.connect(('10.99.1.2', port)); print('open', flush=True)
        except OSError: print('closed', flush=True)
        s.close(); time.sleep(0.05)
";

fn now() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos()).unwrap()
}

fn ip(line: &str) -> bool {
    let out = Command::new("ip").args(line.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    out.is_ok_and(|s| s.success())
}

/// Namespaces that go with the test.
struct Net {
    tag: String,
    running: Vec<Child>,
}

impl Net {
    /// Attacker, two firewalls and a server; only the first firewall is in the way. `None`: not permitted here.
    fn new() -> Option<Net> {
        let net = Net { tag: format!("fsp{}", std::process::id() % 100_000), running: Vec::new() };
        let [a, f, o, s] = ["a", "f", "o", "s"].map(|n| net.name(n));
        if !ip(&format!("netns add {a}")) {
            return None;
        }
        let ready = ip(&format!("netns add {f}"))
            && ip(&format!("netns add {o}"))
            && ip(&format!("netns add {s}"))
            && ip(&format!("-n {a} link add eth0 type veth peer name in netns {f}"))
            && ip(&format!("-n {s} link add eth0 type veth peer name out netns {f}"))
            && [(&a, "eth0", "10.99.0.2/24"), (&f, "in", "10.99.0.1/24"), (&f, "out", "10.99.1.1/24"), (&s, "eth0", "10.99.1.2/24")]
                .iter()
                .all(|(ns, link, address)| {
                    ip(&format!("-n {ns} addr add {address} dev {link}")) && ip(&format!("-n {ns} link set {link} up"))
                })
            && ip(&format!("-n {a} route add default via 10.99.0.1"))
            && ip(&format!("-n {s} route add default via 10.99.1.1"))
            && forward(&f);
        ready.then_some(net)
    }

    fn name(&self, part: &str) -> String {
        format!("{}{part}", self.tag)
    }

    fn python(&mut self, part: &str, script: &str) -> BufReader<std::process::ChildStdout> {
        let mut child =
            Command::new("ip").args(["netns", "exec", &self.name(part), "python3", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        self.running.push(child);
        out
    }
}

fn forward(namespace: &str) -> bool {
    let args = ["netns", "exec", namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"];
    Command::new("ip").args(args).status().is_ok_and(|s| s.success())
}

impl Drop for Net {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        for part in ["a", "f", "o", "s"] {
            ip(&format!("netns del {}", self.name(part)));
        }
    }
}

/// Connections that the server took become events, as a sensor would tell them.
fn sensor(mut lines: BufReader<std::process::ChildStdout>, store: &TantivyStore, stop: &Arc<AtomicBool>) -> thread::JoinHandle<()> {
    let mut writer = store.writer().unwrap();
    let stop = Arc::clone(stop);
    thread::spawn(move || {
        let (mut offset, mut line, mut last) = (0u64, String::new(), Instant::now());
        while !stop.load(Ordering::Relaxed) && lines.read_line(&mut line).is_ok_and(|n| n > 0) {
            if let Some((source, port)) = line.trim().split_once(' ') {
                let mut builder = EventBuilder::new("");
                builder.push(fields::SOURCE_IP, Value::Ip(source.parse().unwrap()));
                builder.push(fields::DESTINATION_IP, Value::Ip("10.99.1.2".parse().unwrap()));
                builder.push(fields::DESTINATION_PORT, Value::Int(port.parse().unwrap()));
                builder.push(fields::EVENT_CATEGORY, Value::Str("network"));
                builder.push(fields::OBSERVER_NAME, Value::Str("sensor-dmz"));
                let mut event = builder.finish();
                event.set_id(Uuid::now_v7());
                event.set_timestamp(now());
                event.set_ingested(now());
                writer.add(offset, &event).unwrap();
                offset += 1;
            }
            line.clear();
            if last.elapsed() > Duration::from_millis(400) {
                writer.commit().unwrap();
                last = Instant::now();
            }
        }
        writer.commit().unwrap();
    })
}

fn config(net: &Net, dir: &std::path::Path) -> ResponseConfig {
    let key = dir.join("key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap();
    assert!(made.success());
    toml::from_str(&format!(
        "verify = \"6s\"\nretry = \"1s\"\nattempts = 3\n[protected]\nnetworks = [\"10.99.1.0/24\"]\n\
         [devices.fw]\nkind = \"nftables\"\ncommand = [\"ip\", \"netns\", \"exec\", \"{f}\", \"nft\"]\n\
         [devices.elsewhere]\nkind = \"nftables\"\ncommand = [\"ip\", \"netns\", \"exec\", \"{o}\", \"nft\"]\n\
         [devices.gone]\nkind = \"nftables_ssh\"\nhost = \"127.0.0.1\"\nport = 1\nuser = \"root\"\nkey = \"{key}\"\nknown_hosts = \"{key}.pub\"\n",
        f = net.name("f"),
        o = net.name("o"),
        key = key.display()
    ))
    .unwrap()
}

fn desk(config: ResponseConfig, dir: &std::path::Path, store: &TantivyStore) -> Arc<Desk> {
    let devices: BTreeMap<_, _> = config.devices.iter().map(|(n, d)| (n.clone(), connect(n, d).unwrap())).collect();
    let hosts = devices.iter().flat_map(|(n, d)| d.hosts().into_iter().map(|h| (n.clone(), h)).collect::<Vec<_>>()).collect();
    let protected = Protected::new(&config.protected, hosts, Arc::new(SystemNames), Arc::new(ThisMachine::new())).unwrap();
    let parts = Parts {
        store: Arc::new(open(&dir.join("state.db"))),
        protected,
        devices,
        telemetry: Arc::new(Observed::new(Arc::new(store.clone()))),
        incidents: Arc::new(Case(None)),
        library: Library::load(&[]),
        clock: Box::new(now),
    };
    Desk::new(config, parts)
}

async fn until(desk: &Desk, id: Uuid, what: &str, fits: impl Fn(&Action) -> bool) -> Action {
    let begun = Instant::now();
    loop {
        let action = desk.action(&Scope::All, id).unwrap();
        if fits(&action) {
            return action;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{what}: {action:#?} {:?}", desk.journal(id).unwrap());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn on(device: &str) -> Request {
    Request { device: device.into(), lasts: fansipan_response::Span::parse("20s"), ..block("10.99.0.2") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_stopped_proved_and_let_go_again() {
    let Some(mut net) = Net::new() else {
        println!("skipped: network namespaces are not permitted here (run as root with CAP_SYS_ADMIN)");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let store = TantivyStore::open(EngineConfig { heap_bytes: 16 << 20, ..EngineConfig::new(dir.path().join("events")) }).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut server = net.python("s", SERVER);
    let mut ready = String::new();
    server.read_line(&mut ready).unwrap();
    let sensor = sensor(server, &store, &stop);
    let scanner = net.python("a", SCANNER);
    let last_open = Arc::new(AtomicI64::new(0));
    let seen = Arc::clone(&last_open);
    thread::spawn(move || scanner.lines().map_while(Result::ok).filter(|l| l == "open").for_each(|_| seen.store(now(), Ordering::Relaxed)));
    let desk = desk(config(&net, dir.path()), dir.path(), &store);
    let worker = tokio::spawn(Arc::clone(&desk).run(Arc::clone(&stop)));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(now() - last_open.load(Ordering::Relaxed) < SECOND, "the scan is under way");

    // nothing protected, by any name: the server, this machine, everything
    for target in ["10.99.1.2", "10.99.0.0/16", "::ffff:10.99.1.2", "127.0.0.1"] {
        let refused = desk.propose(&who("lan"), &Request { target: target.into(), ..on("fw") }, None);
        assert!(matches!(refused, Err(ResponseError::Protected { .. })), "{target}: {refused:?}");
    }
    let mut ids = Vec::new();
    for device in ["fw", "elsewhere", "gone"] {
        let asked = desk.propose(&who("lan"), &on(device), None).unwrap();
        assert!(asked.impact.events > 0 && asked.impact.peers[0].0 == "10.99.1.2", "{:?}", asked.impact);
        assert!(desk.approve(&Scope::All, &who("lan"), asked.id, None).is_err(), "an inside address needs a second person");
        ids.push(asked.id);
    }
    // without effect first: with the scan still going on
    desk.approve(&Scope::All, &who("binh"), ids[1], None).unwrap();
    desk.approve(&Scope::All, &who("binh"), ids[2], None).unwrap();
    let without = until(&desk, ids[1], "a verdict", |a| a.verification.verdict == Verdict::Ineffective).await;
    assert!(without.verification.text.contains("still passing") && without.verification.text.contains("via sensor-dmz"));
    let handed = until(&desk, ids[2], "handed over", |a| a.state == ActionState::HandedOver).await;
    assert_eq!(handed.attempts, 3);
    assert_eq!(steps(&desk, ids[2]).iter().filter(|s| *s == "later").count(), 2);

    desk.approve(&Scope::All, &who("binh"), ids[0], None).unwrap();
    let done = until(&desk, ids[0], "in force", |a| a.state == ActionState::Done).await;
    let proved = until(&desk, ids[0], "proved", |a| a.verification.verdict == Verdict::Effective).await;
    assert!(proved.verification.text.starts_with("0 flows since"), "{}", proved.verification.text);
    assert!(last_open.load(Ordering::Relaxed) < done.done.unwrap() + SECOND, "the scanner finds nothing open");
    let rules = Command::new("ip").args(["netns", "exec", &net.name("f"), "nft", "list", "table", "inet", "fansipan"]).output().unwrap();
    let rules = String::from_utf8_lossy(&rules.stdout).into_owned();
    assert!(rules.contains("10.99.0.2") && rules.contains(&ids[0].simple().to_string()) && rules.contains("timeout"), "{rules}");
    until(&desk, ids[0], "undone", |a| a.state == ActionState::Undone).await;
    assert_eq!(steps(&desk, ids[0]), ["requested", "approved", "begun", "applied", "verified", "expired", "undone"]);
    let again = Instant::now();
    while now() - last_open.load(Ordering::Relaxed) > SECOND {
        assert!(again.elapsed() < Duration::from_secs(20), "the way is open again after expiry");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.store(true, Ordering::Relaxed);
    worker.await.unwrap();
    drop(net);
    sensor.join().unwrap();
    fs::remove_dir_all(dir.path()).ok();
}
