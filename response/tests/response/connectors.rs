//! Every connector against a double that speaks the real protocol: good credentials and wrong ones, time-outs, work half done.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use fansipan_response::{
    Action, ActionKind, Request,
    connectors::{Connector, DeviceConfig, Fault, FaultKind, Presence, connect},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, UdpSocket},
};

use crate::kit::{Rig, block, who};

/// A request as the double got it.
#[derive(Clone, Debug)]
struct Got {
    line: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// Answers HTTP/1.1 on loopback; `None`: closes without an answer. Gives its base URL and what it got.
async fn http(mut answer: impl FnMut(&Got) -> Option<(u16, Value)> + Send + 'static) -> (String, Arc<Mutex<Vec<Got>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let got: Arc<Mutex<Vec<Got>>> = Arc::default();
    let kept = Arc::clone(&got);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let (mut line, mut headers) = (String::new(), BTreeMap::new());
            stream.read_line(&mut line).await.unwrap();
            loop {
                let mut header = String::new();
                stream.read_line(&mut header).await.unwrap();
                match header.trim().split_once(':') {
                    Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.trim().to_owned()),
                    None => break,
                };
            }
            let mut body = vec![0; headers.get("content-length").map_or(0, |l| l.parse().unwrap())];
            stream.read_exact(&mut body).await.unwrap();
            let request = Got { line: line.trim().replace(" HTTP/1.1", ""), headers, body: String::from_utf8(body).unwrap() };
            kept.lock().unwrap().push(request.clone());
            if let Some((status, body)) = answer(&request) {
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(head.as_bytes()).await.unwrap();
                stream.write_all(body.as_bytes()).await.unwrap();
            }
        }
    });
    (base, got)
}

fn secret(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, format!("{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn device(text: &str) -> Box<dyn Connector> {
    let config: DeviceConfig = toml::from_str(text).unwrap();
    connect("fw", &config).unwrap_or_else(|e| panic!("{e}"))
}

fn action(rig: &Rig, request: &Request) -> Action {
    rig.desk().dry_run(&who("lan"), request).unwrap()
}

async fn apply(rig: &Rig, device: &dyn Connector, action: &Action) -> Result<String, Fault> {
    let protected = rig.protected();
    let cleared = protected.clear(action).unwrap();
    device.apply(&cleared).await
}

fn notice() -> Request {
    let parameters = [("subject".to_owned(), "Cảnh báo".to_owned()), ("text".to_owned(), "Dò quét | a=b\nhai".to_owned())].into();
    Request { kind: ActionKind::Notify, parameters, ..block("") }
}

#[tokio::test]
async fn webhook_signs_repeats_with_one_key_and_goes_nowhere_else() {
    let rig = Rig::new();
    let action = action(&rig, &block("203.0.113.7"));
    let mut tries = 0;
    let (base, got) = http(move |_| {
        tries += 1;
        match tries {
            1 => Some((503, json!("busy"))),
            2 => None,
            3 | 4 => Some((200, json!({}))),
            _ => Some((401, json!({}))),
        }
    })
    .await;
    let key = secret(rig.dir.path(), "secret", "s3cr3t");
    let hook = device(&format!("kind = \"webhook\"\nurl = \"{base}/orders\"\nsecret = {key:?}\ninside = [\"127.0.0.0/8\"]"));
    assert!(hook.repeatable());
    assert_eq!(apply(&rig, &*hook, &action).await.unwrap_err().kind, FaultKind::Unclear);
    assert_eq!(apply(&rig, &*hook, &action).await.unwrap_err().kind, FaultKind::Unclear);
    apply(&rig, &*hook, &action).await.unwrap();
    hook.undo(&action).await.unwrap();
    assert_eq!(apply(&rig, &*hook, &action).await.unwrap_err().kind, FaultKind::Refused);
    let got = got.lock().unwrap().clone();
    let keys: Vec<&str> = got.iter().map(|g| g.headers["idempotency-key"].as_str()).collect();
    assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[2] != keys[3], "{keys:?}");
    for request in &got {
        let (at, sum) = request.headers["x-fansipan-signature"].split_once(",v1=").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(b"s3cr3t").unwrap();
        mac.update(format!("{}.{}", &at[2..], request.body).as_bytes());
        assert_eq!(sum, hex::encode(mac.finalize().into_bytes()));
    }
    assert_eq!(got[2].json()["networks"], json!(["203.0.113.7/32"]));
    // without leave, an inside address is no place to send orders to, whatever name it has
    let tight = device(&format!("kind = \"webhook\"\nurl = \"{}/x\"\nsecret = {key:?}", base.replace("127.0.0.1", "localhost")));
    let refused = apply(&rig, &*tight, &action).await.unwrap_err();
    assert!(refused.kind == FaultKind::Refused && refused.detail.contains("inside"), "{refused:?}");
    let gone = device(&format!("kind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\nsecret = {key:?}\ninside = [\"127.0.0.0/8\"]"));
    assert_eq!(apply(&rig, &*gone, &action).await.unwrap_err().kind, FaultKind::Unreachable);
    assert!(!hook.plan(&action).join("").contains("s3cr3t") && !format!("{refused:?}").contains("s3cr3t"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let config: DeviceConfig = toml::from_str(&format!("kind = \"webhook\"\nurl = \"{base}\"\nsecret = {key:?}")).unwrap();
    assert!(connect("fw", &config).err().unwrap().to_string().contains("chmod 600"));
}

/// FortiOS 7 answers as its API gives them, over objects in memory; the first membership fails after the object was made.
#[tokio::test]
async fn fortigate_finishes_half_done_work_and_leaves_nothing_behind() {
    let rig = Rig::new();
    let action = action(&rig, &block("203.0.113.0/28"));
    let objects: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&objects);
    let mut failures = 1;
    let (base, got) = http(move |request| {
        if request.headers.get("authorization").is_none_or(|a| a != "Bearer t0ken") {
            return Some((401, json!("401 Authorization Required")));
        }
        let (method, path) = request.line.split_once(' ').unwrap();
        let path = path.split('?').next().unwrap().trim_start_matches("/api/v2/cmdb/").to_owned();
        let mut objects = kept.lock().unwrap();
        let ok = json!({"http_method": method, "revision": "1", "status": "success", "http_status": 200, "vdom": "root"});
        Some(match method {
            "POST" => {
                let made = format!("{path}/{}", request.json()["name"].as_str().unwrap());
                if path.ends_with("/member") && failures > 0 {
                    failures -= 1;
                    return Some((500, json!({"status": "error", "http_status": 500, "error": -1})));
                }
                if objects.contains(&made) {
                    return Some((500, json!({"status": "error", "http_status": 500, "error": -5})));
                }
                objects.push(made);
                (200, ok)
            }
            "DELETE" | "GET" => match objects.iter().position(|o| *o == path) {
                Some(at) if method == "DELETE" => {
                    objects.remove(at);
                    (200, ok)
                }
                Some(_) => (200, ok),
                None => (404, json!({"status": "error", "http_status": 404, "error": -3})),
            },
            _ => (405, json!({})),
        })
    })
    .await;
    let token = secret(rig.dir.path(), "token", "t0ken");
    let text = |token: &Path| format!("kind = \"fortigate\"\nurl = \"{base}\"\ntoken = {token:?}\ngroup = \"fansipan-blocked\"");
    let fw = device(&text(&token));
    assert_eq!(fw.probe(&action).await, Ok(Presence::Absent));
    assert_eq!(apply(&rig, &*fw, &action).await.unwrap_err().kind, FaultKind::Unclear);
    assert_eq!(fw.probe(&action).await, Ok(Presence::Absent), "half done is not done");
    apply(&rig, &*fw, &action).await.unwrap();
    apply(&rig, &*fw, &action).await.unwrap();
    assert_eq!(fw.probe(&action).await, Ok(Presence::Present));
    assert_eq!(objects.lock().unwrap().len(), 2, "one object, one membership");
    let made = got.lock().unwrap().iter().find(|g| g.line.starts_with("POST")).unwrap().json();
    assert_eq!(made["subnet"], "203.0.113.0 255.255.255.240");
    fw.undo(&action).await.unwrap();
    fw.undo(&action).await.unwrap();
    assert!(objects.lock().unwrap().is_empty());
    let wrong = device(&text(&secret(rig.dir.path(), "wrong", "other")));
    let refused = apply(&rig, &*wrong, &action).await.unwrap_err();
    assert!(
        refused.kind == FaultKind::Refused && refused.detail.contains("credentials") && !refused.detail.contains("other"),
        "{refused:?}"
    );
}

/// pfSense-pkg-RESTAPI answers over one alias; the first "apply" fails after the alias was written.
#[tokio::test]
async fn pfsense_keeps_others_entries_and_applies_what_was_only_written() {
    let rig = Rig::new();
    let action = action(&rig, &block("203.0.113.7"));
    let alias =
        Arc::new(Mutex::new(json!({"id": 3, "name": "blocked", "type": "network", "address": ["198.51.100.99"], "detail": ["by hand"]})));
    let kept = Arc::clone(&alias);
    let (mut failures, mut applied) = (1, true);
    let (base, _) = http(move |request| {
        if request.headers.get("x-api-key").is_none_or(|k| k != "k3y") {
            return Some((401, json!({"code": 401, "status": "unauthorized", "response_id": "AUTH_AUTHENTICATION_FAILED"})));
        }
        let mut alias = kept.lock().unwrap();
        let ok = |data: Value| Some((200, json!({"code": 200, "status": "ok", "response_id": "SUCCESS", "data": data})));
        match request.line.as_str() {
            "GET /api/v2/firewall/aliases?name=blocked" => ok(json!([*alias])),
            "PATCH /api/v2/firewall/alias" => {
                for field in ["address", "detail"] {
                    alias[field] = request.json()[field].clone();
                }
                applied = false;
                ok(alias.clone())
            }
            "POST /api/v2/firewall/apply" if failures > 0 => {
                failures -= 1;
                Some((503, json!({"code": 503})))
            }
            "POST /api/v2/firewall/apply" => {
                applied = true;
                ok(json!({"applied": true, "pending_subsystems": []}))
            }
            "GET /api/v2/firewall/apply" => ok(json!({"applied": applied, "pending_subsystems": []})),
            _ => Some((404, json!({"code": 404}))),
        }
    })
    .await;
    let key = secret(rig.dir.path(), "key", "k3y");
    let text = |key: &Path| format!("kind = \"pfsense\"\nurl = \"{base}\"\nkey = {key:?}\nalias = \"blocked\"");
    let fw = device(&text(&key));
    assert_eq!(apply(&rig, &*fw, &action).await.unwrap_err().kind, FaultKind::Unclear);
    assert_eq!(fw.probe(&action).await, Ok(Presence::Absent), "written and not applied is not in force");
    apply(&rig, &*fw, &action).await.unwrap();
    assert_eq!(fw.probe(&action).await, Ok(Presence::Present));
    assert_eq!(alias.lock().unwrap()["address"], json!(["198.51.100.99", "203.0.113.7"]));
    fw.undo(&action).await.unwrap();
    assert_eq!(alias.lock().unwrap()["address"], json!(["198.51.100.99"]));
    assert_eq!(alias.lock().unwrap()["detail"], json!(["by hand"]));
    let wrong = device(&text(&secret(rig.dir.path(), "wrong", "other")));
    assert_eq!(apply(&rig, &*wrong, &action).await.unwrap_err().kind, FaultKind::Refused);
}

/// An SMTP relay with AUTH PLAIN; `mood` says how it answers the message.
async fn smtp(mood: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mails: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&mails);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                stream.write_all(b"220 relay\r\n").await.ok();
                loop {
                    line.clear();
                    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                        return;
                    }
                    let answer: &str = match line.split_whitespace().next().unwrap_or_default() {
                        "EHLO" => "250-relay\r\n250 AUTH PLAIN\r\n",
                        // \0soc\0pw
                        "AUTH" if line.trim() == "AUTH PLAIN AHNvYwBwdw==" => "235 ok\r\n",
                        "AUTH" => "535 5.7.8 bad credentials\r\n",
                        "MAIL" if mood == "later" => "451 4.7.1 try later\r\n",
                        "RCPT" if mood == "no" => "550 5.1.1 no such user\r\n",
                        "DATA" => "354 go\r\n",
                        "QUIT" => "221 bye\r\n",
                        _ => "250 ok\r\n",
                    };
                    stream.write_all(answer.as_bytes()).await.ok();
                    if answer.starts_with("354") {
                        let mut mail = String::new();
                        while !mail.ends_with("\r\n.\r\n") {
                            if stream.read_line(&mut mail).await.unwrap_or(0) == 0 {
                                return;
                            }
                        }
                        kept.lock().unwrap().push(mail);
                        if mood == "hangs up" {
                            return;
                        }
                        stream.write_all(b"250 2.0.0 queued as 7\r\n").await.ok();
                    }
                }
            });
        }
    });
    (port, mails)
}

fn mail(dir: &Path, port: u16, password: &str) -> Box<dyn Connector> {
    let file = secret(dir, &format!("pw-{password}"), password);
    device(&format!(
        "kind = \"email\"\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\nuser = \"soc\"\npassword = {file:?}\n\
         from = \"SOC <soc@laichau.example>\"\nto = [\"truc@laichau.example\"]"
    ))
}

#[tokio::test]
async fn email_is_taken_refused_put_off_or_left_unclear() {
    let rig = Rig::new();
    let action = action(&rig, &notice());
    let dir = rig.dir.path();
    let (port, mails) = smtp("fine").await;
    let answer = apply(&rig, &*mail(dir, port, "pw"), &action).await.unwrap();
    assert!(answer.contains("queued as 7"), "{answer}");
    let text = mails.lock().unwrap()[0].clone();
    assert!(
        text.contains("To: truc@laichau.example") && text.contains(&format!("Message-ID: <fansipan-{}@fansipan>", action.id.simple())),
        "{text}"
    );
    let wrong = apply(&rig, &*mail(dir, port, "other"), &action).await.unwrap_err();
    assert!(wrong.kind == FaultKind::Refused && wrong.detail.contains("bad credentials"), "{wrong:?}");
    for (mood, kind) in [("later", FaultKind::Unreachable), ("no", FaultKind::Refused), ("hangs up", FaultKind::Unclear)] {
        let (port, _) = smtp(mood).await;
        assert_eq!(apply(&rig, &*mail(dir, port, "pw"), &action).await.unwrap_err().kind, kind, "{mood}");
    }
    assert_eq!(apply(&rig, &*mail(dir, 1, "pw"), &action).await.unwrap_err().kind, FaultKind::Unreachable);
    assert!(!mail(dir, port, "pw").repeatable(), "a mail is not sent twice");
    let open: DeviceConfig =
        toml::from_str("kind = \"email\"\nhost = \"mail.example\"\nport = 25\nsecurity = \"none\"\nfrom = \"a@b.vn\"\nto = [\"c@d.vn\"]")
            .unwrap();
    assert!(connect("mail", &open).is_err(), "never in the clear beyond this host");
}

#[tokio::test]
async fn cef_arrives_by_udp_tcp_and_tls() {
    let rig = Rig::new();
    let action = action(&rig, &notice());
    let cef = |port: u16, more: &str| device(&format!("kind = \"cef\"\nhost = \"localhost\"\nport = {port}\n{more}"));
    let fits = |text: &str| {
        assert!(
            text.contains("<134>1 ") && text.contains("CEF:0|Fansipan|Fansipan|") && text.contains("msg=Dò quét | a\\=b hai"),
            "{text}"
        );
    };
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let udp = cef(socket.local_addr().unwrap().port(), "transport = \"udp\"");
    // localhost may stand for ::1 first; a datagram has no answer to tell
    if apply(&rig, &*udp, &action).await.is_ok() {
        let mut buffer = [0; 4096];
        if let Ok(Ok(n)) = tokio::time::timeout(Duration::from_secs(1), socket.recv(&mut buffer)).await {
            fits(std::str::from_utf8(&buffer[..n]).unwrap());
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tcp = cef(listener.local_addr().unwrap().port(), "transport = \"tcp\"");
    let (sent, got) = tokio::join!(apply(&rig, &*tcp, &action), async {
        let mut text = String::new();
        listener.accept().await.unwrap().0.read_to_string(&mut text).await.unwrap();
        text
    });
    sent.unwrap();
    fits(&got);
    let (length, rest) = got.split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), rest.len());
    // TLS with a pinned authority, and with one that is not pinned
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let pem = rig.dir.path().join("ca.pem");
    fs::write(&pem, made.cert.pem()).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let port = listener.local_addr().unwrap().port();
    let receive = || async {
        let mut text = String::new();
        let stream = acceptor.accept(listener.accept().await.unwrap().0).await;
        if let Ok(mut stream) = stream {
            stream.read_to_string(&mut text).await.ok();
        }
        text
    };
    let tls = cef(port, &format!("transport = \"tls\"\nauthority = {pem:?}"));
    let (sent, got) = tokio::join!(apply(&rig, &*tls, &action), receive());
    sent.unwrap();
    fits(&got);
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(&pem, stranger.cert.pem()).unwrap();
    let tls = cef(port, &format!("transport = \"tls\"\nauthority = {pem:?}"));
    let (sent, _) = tokio::join!(apply(&rig, &*tls, &action), receive());
    assert_eq!(sent.unwrap_err().kind, FaultKind::Refused);
    let gone = cef(1, "transport = \"tcp\"");
    assert_eq!(apply(&rig, &*gone, &action).await.unwrap_err().kind, FaultKind::Unreachable);
}

/// A program that stands for nft.
fn program(dir: &Path, name: &str, script: &str) -> Box<dyn Connector> {
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    device(&format!("kind = \"nftables\"\ncommand = [{path:?}]"))
}

#[tokio::test]
async fn nftables_of_this_host_says_what_it_lacks_and_believes_only_what_it_finds() {
    let rig = Rig::new();
    let (action, dir) = (action(&rig, &block("203.0.113.7")), rig.dir.path());
    let said = async |script: &str, name: &str| apply(&rig, &*program(dir, name, script), &action).await.unwrap_err();
    let forbidden = said("echo 'Error: Could not process rule: Operation not permitted' >&2; exit 1", "forbidden").await;
    assert!(forbidden.kind == FaultKind::Refused && forbidden.detail.contains("CAP_NET_ADMIN"), "{forbidden:?}");
    assert_eq!(said("echo 'Error: syntax error' >&2; exit 1", "syntax").await.kind, FaultKind::Refused);
    let missing = device("kind = \"nftables\"\ncommand = [\"/nowhere/nft\"]");
    assert_eq!(apply(&rig, &*missing, &action).await.unwrap_err().kind, FaultKind::Refused);
    // it says that it did it, and the address is in no set: half done is not done
    let nothing = "cat > /dev/null; case \"$*\" in *list*) echo '{\"nftables\": [{\"set\": {\"name\": \"blocked4\"}}]}';; esac";
    assert_eq!(said(nothing, "nothing").await.kind, FaultKind::Refused);
    assert_eq!(program(dir, "nothing", nothing).probe(&action).await, Ok(Presence::Absent));
    let garbage = "cat > /dev/null; case \"$*\" in *list*) echo 'not JSON';; esac";
    assert_eq!(said(garbage, "garbage").await.kind, FaultKind::Unclear);
}

/// Takes connections and says nothing on them.
fn silent() -> (u16, std::net::TcpListener) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    (listener.local_addr().unwrap().port(), listener)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_takes_an_order_and_falls_silent_leaves_it_unclear() {
    let rig = Rig::new();
    let dir = rig.dir.path().to_owned();
    let (order, message) = (action(&rig, &block("203.0.113.7")), action(&rig, &notice()));
    let (port, _listener) = silent();
    let url = format!("http://127.0.0.1:{port}");
    let key = secret(&dir, "key", "k3y");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let pem = dir.join("ca.pem");
    fs::write(&pem, made.cert.pem()).unwrap();
    keygen(&dir.join("user"));
    let known = dir.join("known");
    fs::write(&known, format!("[127.0.0.1]:{port} {}", fs::read_to_string(dir.join("user.pub")).unwrap())).unwrap();
    let ssh = format!(
        "kind = \"nftables_ssh\"\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"root\"\nkey = {:?}\nknown_hosts = {known:?}",
        dir.join("user")
    );
    let devices = [
        (device(&format!("kind = \"webhook\"\nurl = \"{url}/x\"\nsecret = {key:?}\ninside = [\"127.0.0.0/8\"]")), &order),
        (device(&format!("kind = \"fortigate\"\nurl = \"{url}\"\ntoken = {key:?}\ngroup = \"blocked\"")), &order),
        (device(&format!("kind = \"pfsense\"\nurl = \"{url}\"\nkey = {key:?}\nalias = \"blocked\"")), &order),
        (mail(&dir, port, "pw"), &message),
        (device(&format!("kind = \"cef\"\nhost = \"localhost\"\nport = {port}\ntransport = \"tls\"\nauthority = {pem:?}")), &message),
        (program(&dir, "hangs", "exec sleep 60"), &order),
        (device(&ssh), &order),
    ];
    // all at once: each waits as long as a device may take
    let mut waiting = Vec::new();
    for (device, action) in devices {
        let (protected, action) = (rig.protected(), action.clone());
        waiting.push(tokio::spawn(async move {
            let cleared = protected.clear(&action).unwrap();
            device.apply(&cleared).await.unwrap_err()
        }));
    }
    let mut faults = Vec::new();
    for one in waiting {
        faults.push(one.await.unwrap());
    }
    for (fault, name) in faults.iter().zip(["webhook", "fortigate", "pfsense", "e-mail", "cef", "nftables", "ssh"]) {
        // a server that does not even say who it is took nothing
        let expected = if name == "ssh" { FaultKind::Unreachable } else { FaultKind::Unclear };
        assert_eq!(fault.kind, expected, "{name}: {fault:?}");
        let told = fansipan_response::told(&fault.detail);
        assert!(told.code.is_some(), "{name}: not said in Vietnamese: {fault:?}");
    }
}

/// A real OpenSSH server on loopback, and nft in a namespace behind it.
struct Sshd {
    child: Child,
    namespace: String,
    port: u16,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = Command::new("ip").args(["netns", "del", &self.namespace]).status();
    }
}

fn keygen(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status().unwrap();
    assert!(made.success());
}

fn sshd(dir: &Path) -> Option<Sshd> {
    let namespace = format!("fspssh{}", std::process::id() % 100_000);
    if !Path::new("/usr/sbin/sshd").exists() || !Command::new("ip").args(["netns", "add", &namespace]).status().is_ok_and(|s| s.success()) {
        return None;
    }
    fs::create_dir_all("/run/sshd").ok()?;
    let [host, user] = ["host", "user"].map(|n| dir.join(n));
    keygen(&host);
    keygen(&user);
    let port = std::net::TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
    let config = dir.join("sshd_config");
    let text = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {h}\nAuthorizedKeysFile {u}.pub\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n",
        h = host.display(),
        u = user.display()
    );
    fs::write(&config, text).ok()?;
    let child = Command::new("/usr/sbin/sshd").args(["-D", "-e", "-f"]).arg(&config).stderr(Stdio::null()).spawn().ok()?;
    let server = Sshd { child, namespace, port };
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(server);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn nftables_over_ssh_with_a_pinned_host_key() {
    let rig = Rig::new();
    let dir = rig.dir.path();
    let Some(server) = sshd(dir) else {
        println!("skipped: no OpenSSH server or no network namespaces here (run as root; packaging/dev/need test installs it)");
        return;
    };
    let pin = |key: &str, file: &str| {
        let path = dir.join(file);
        let public = fs::read_to_string(dir.join(key)).unwrap();
        fs::write(&path, format!("[127.0.0.1]:{} {public}", server.port)).unwrap();
        path
    };
    let (right, other) = (pin("host.pub", "right"), pin("user.pub", "other"));
    let settings = |port: u16, key: &str, known: &Path| {
        format!(
            "kind = \"nftables_ssh\"\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"root\"\nkey = {:?}\nknown_hosts = {known:?}\ncommand = [\"ip\", \"netns\", \"exec\", \"{}\", \"nft\"]",
            dir.join(key),
            server.namespace
        )
    };
    let fw = device(&settings(server.port, "user", &right));
    let both = [action(&rig, &block("203.0.113.0/28")), action(&rig, &Request { lasts: None, ..block("2001:db8:99::/64") })];
    for action in &both {
        assert_eq!(fw.probe(action).await, Ok(Presence::Absent));
        apply(&rig, &*fw, action).await.unwrap();
        apply(&rig, &*fw, action).await.unwrap();
        assert_eq!(fw.probe(action).await, Ok(Presence::Present));
    }
    let list = Command::new("ip").args(["netns", "exec", &server.namespace, "nft", "list", "table", "inet", "fansipan"]).output().unwrap();
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(list.contains("203.0.113.0/28 timeout 4h2m") && list.contains("2001:db8:99::/64"), "{list}");
    assert_eq!(list.matches("drop").count(), 12, "the rules stand once, however often orders are repeated: {list}");
    fw.undo(&both[0]).await.unwrap();
    assert_eq!(fw.probe(&both[0]).await, Ok(Presence::Absent));
    assert_eq!(fw.probe(&both[1]).await, Ok(Presence::Present), "others' elements stay");
    fw.undo(&both[0]).await.unwrap();
    let said = async |text: String| apply(&rig, &*device(&text), &both[0]).await.unwrap_err();
    let wrong_key = said(settings(server.port, "host", &right)).await;
    assert!(wrong_key.kind == FaultKind::Refused && wrong_key.detail.contains("does not accept our key"), "{wrong_key:?}");
    let wrong_host = said(settings(server.port, "user", &other)).await;
    assert!(wrong_host.kind == FaultKind::Refused && wrong_host.detail.contains("another host key"), "{wrong_host:?}");
    assert_eq!(said(settings(1, "user", &pin_for(dir, 1))).await.kind, FaultKind::Unreachable);
    let broken = settings(server.port, "user", &right).replace("\"nft\"]", "\"false\"]");
    assert_eq!(said(broken).await.kind, FaultKind::Refused);
}

fn pin_for(dir: &Path, port: u16) -> PathBuf {
    let path = dir.join(format!("pin-{port}"));
    fs::write(&path, format!("[127.0.0.1]:{port} {}", fs::read_to_string(dir.join("host.pub")).unwrap())).unwrap();
    path
}
