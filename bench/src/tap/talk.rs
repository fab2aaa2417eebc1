//! What is said in one flow of each protocol, as a client and a server say it.

use super::{quic, windows};
use crate::generate::Rng;

/// A kind of flow and how many of a thousand flows are of it.
pub(super) const KINDS: [(Kind, u64); 12] = [
    (Kind::Dns, 400),
    (Kind::Tls, 180),
    (Kind::Quic, 60),
    (Kind::Http, 160),
    (Kind::Ntp, 50),
    (Kind::Syslog, 40),
    (Kind::Smb, 20),
    (Kind::Kerberos, 20),
    (Kind::Ssh, 20),
    (Kind::Smtp, 20),
    (Kind::Ftp, 15),
    (Kind::Other, 15),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Dns,
    Tls,
    Quic,
    Http,
    Ntp,
    Syslog,
    Smb,
    Kerberos,
    Ssh,
    Smtp,
    Ftp,
    Other,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Dns => "dns",
            Kind::Tls => "tls 1.3",
            Kind::Quic => "quic",
            Kind::Http => "http/1.1",
            Kind::Ntp => "ntp",
            Kind::Syslog => "syslog",
            Kind::Smb => "smb2",
            Kind::Kerberos => "kerberos",
            Kind::Ssh => "ssh",
            Kind::Smtp => "smtp",
            Kind::Ftp => "ftp",
            Kind::Other => "tcp of no known protocol",
        }
    }

    pub(super) fn is_udp(self) -> bool {
        matches!(self, Kind::Dns | Kind::Ntp | Kind::Syslog | Kind::Quic | Kind::Kerberos)
    }

    pub(super) fn port(self) -> u16 {
        match self {
            Kind::Dns => 53,
            Kind::Tls | Kind::Quic => 443,
            Kind::Http => 80,
            Kind::Ntp => 123,
            Kind::Syslog => 514,
            Kind::Smb => 445,
            Kind::Kerberos => 88,
            Kind::Ssh => 22,
            Kind::Smtp => 25,
            Kind::Ftp => 21,
            Kind::Other => 7000,
        }
    }
}

/// Bytes of one side.
pub(super) struct Said {
    pub(super) client: bool,
    pub(super) bytes: Vec<u8>,
}

/// Bodies are cut from this much random text and random bytes.
pub(super) const POOL: usize = 1 << 20;

/// Everything said in a flow.
pub(super) fn talk(kind: Kind, random: &mut Rng, pool: &[u8]) -> Vec<Said> {
    let mut out = Talk { said: Vec::new() };
    match kind {
        Kind::Dns => dns(random, &mut out),
        Kind::Tls => tls(random, pool, &mut out),
        Kind::Quic => quic::quic(random, pool, &mut out),
        Kind::Http => http(random, pool, &mut out),
        Kind::Ntp => ntp(&mut out),
        Kind::Syslog => syslog(random, &mut out),
        Kind::Smb => windows::smb(random, pool, &mut out),
        Kind::Kerberos => windows::kerberos(random, pool, &mut out),
        Kind::Ssh => ssh(random, pool, &mut out),
        Kind::Smtp => smtp(random, pool, &mut out),
        Kind::Ftp => ftp(random, &mut out),
        Kind::Other => {
            out.client(b"\x00\x9bq\xf0".to_vec());
            out.server(cut(random, pool, 20_000, 400_000));
        }
    }
    out.said
}

pub(super) struct Talk {
    said: Vec<Said>,
}

impl Talk {
    pub(super) fn client(&mut self, bytes: impl Into<Vec<u8>>) {
        self.said.push(Said { client: true, bytes: bytes.into() });
    }

    pub(super) fn server(&mut self, bytes: impl Into<Vec<u8>>) {
        self.said.push(Said { client: false, bytes: bytes.into() });
    }
}

/// Some bytes of the pool.
pub(super) fn cut(random: &mut Rng, pool: &[u8], least: u64, most: u64) -> Vec<u8> {
    let length = (least + random.below(most - least)) as usize;
    let from = random.below((POOL - 1) as u64) as usize;
    pool.iter().cycle().skip(from).take(length).copied().collect()
}

fn host(random: &mut Rng) -> String {
    let names = ["cong", "dichvu", "thu", "hoso", "cdn", "api", "static", "update"];
    let name = names.get(random.below(8) as usize).copied().unwrap_or("www");
    format!("{name}{}.{}.example.vn", random.below(500), random.below(3000))
}

fn dns(random: &mut Rng, out: &mut Talk) {
    for _ in 0..1 + random.below(3) {
        let mut question = vec![random.below(256) as u8, random.below(256) as u8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in host(random).split('.') {
            question.push(label.len() as u8);
            question.extend(label.as_bytes());
        }
        question.extend([0, 0, 1, 0, 1]);
        let mut answer = question.clone();
        let answers = 1 + random.below(4) as u8;
        for (at, value) in [(2, 0x81), (3, 0x80), (7, answers)] {
            if let Some(byte) = answer.get_mut(at) {
                *byte = value;
            }
        }
        for n in 0..answers {
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, random.below(256) as u8, n]);
        }
        out.client(question);
        out.server(answer);
    }
}

fn ntp(out: &mut Talk) {
    let mut packet = vec![0x23, 0, 6, 0xec];
    packet.resize(48, 0);
    out.client(packet.clone());
    if let Some(first) = packet.first_mut() {
        *first = 0x24;
    }
    if let Some(stratum) = packet.get_mut(1) {
        *stratum = 2;
    }
    out.server(packet);
}

fn syslog(random: &mut Rng, out: &mut Talk) {
    for _ in 0..1 + random.below(5) {
        let line = format!(
            "<134>Nov 28 10:00:{:02} fw-{} filterlog: 5,,,1000,em0,match,pass,in,4,tcp,{}",
            random.below(60),
            random.below(40),
            random.below(65_536)
        );
        out.client(line);
    }
}

fn http(random: &mut Rng, pool: &[u8], out: &mut Talk) {
    let (host, paths) = (host(random), ["/", "/tin-tuc", "/api/v1/hoso", "/static/app.js", "/anh/logo.png"]);
    for _ in 0..1 + random.below(4) {
        let path = paths.get(random.below(5) as usize).copied().unwrap_or("/");
        let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36";
        let id = random.below(1_000_000);
        out.client(format!("GET {path}?id={id} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nReferer: http://{host}/\r\nCookie: s={id:032x}\r\n\r\n"));
        let body = cut(random, pool, 500, 60_000);
        let head =
            format!("HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\r\n", body.len());
        out.server([head.as_bytes(), &body].concat());
    }
}

pub(super) fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

pub(super) fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vec16(body)].concat()
}

/// A message of the handshake.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32).to_be_bytes();
    [&[kind], length.get(1..).unwrap_or_default(), body].concat()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[22, 3, 1][..], &vec16(&message(kind, body))].concat()
}

/// What a client of TLS 1.3 offers; `alpn`: names with their lengths, `more`: extensions of its own.
pub(super) fn client_hello(random: &mut Rng, pool: &[u8], alpn: &[u8], more: &[u8]) -> Vec<u8> {
    let host = host(random);
    let name = [&[0][..], &vec16(host.as_bytes())].concat();
    let share = [&[0, 29][..], &vec16(&cut(random, pool, 32, 33))].concat();
    let mut extensions = extension(0, &vec16(&name));
    extensions.extend(extension(10, &vec16(&[0, 29, 0, 23, 0, 24])));
    extensions.extend(extension(11, &[1, 0]));
    extensions.extend(extension(13, &vec16(&[4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1])));
    extensions.extend(extension(16, &vec16(alpn)));
    extensions.extend(extension(43, &[4, 3, 4, 3, 3]));
    extensions.extend(extension(51, &vec16(&share)));
    extensions.extend(more);
    let mut hello = vec![3, 3];
    hello.extend(cut(random, pool, 32, 33));
    hello.extend([&[32][..], &cut(random, pool, 32, 33)].concat());
    hello.extend(vec16(&[0x13, 1, 0x13, 2, 0x13, 3, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30]));
    hello.extend([1, 0]);
    hello.extend(vec16(&extensions));
    hello
}

fn tls(random: &mut Rng, pool: &[u8], out: &mut Talk) {
    let hello = client_hello(random, pool, b"\x02h2\x08http/1.1", &[]);
    let share = [&[0, 29][..], &vec16(&cut(random, pool, 32, 33))].concat();
    out.client(handshake(1, &hello));
    let mut answer = vec![3, 3];
    answer.extend(cut(random, pool, 32, 33));
    answer.extend([0, 0x13, 1, 0]);
    answer.extend(vec16(&[extension(43, &[3, 4]), extension(51, &share)].concat()));
    let mut first = handshake(2, &answer);
    first.extend([20, 3, 3, 0, 1, 1]);
    records(&cut(random, pool, 2500, 4500), &mut first);
    out.server(first);
    for _ in 0..1 + random.below(4) {
        let mut request = Vec::new();
        records(&cut(random, pool, 200, 1500), &mut request);
        out.client(request);
        let mut response = Vec::new();
        records(&cut(random, pool, 1000, 90_000), &mut response);
        out.server(response);
    }
}

/// As encrypted records.
fn records(bytes: &[u8], out: &mut Vec<u8>) {
    for part in bytes.chunks(16_000) {
        out.extend([23, 3, 3]);
        out.extend(vec16(part));
    }
}

fn ssh(random: &mut Rng, pool: &[u8], out: &mut Talk) {
    out.client(&b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"[..]);
    out.server(&b"SSH-2.0-OpenSSH_8.4\r\n"[..]);
    let mut lists = Vec::new();
    for list in [
        "curve25519-sha256,ecdh-sha2-nistp256",
        "ssh-ed25519,rsa-sha2-512",
        "aes128-ctr,aes256-ctr",
        "aes128-ctr,aes256-ctr",
        "hmac-sha2-256",
        "hmac-sha2-256",
        "none",
        "none",
        "",
        "",
    ] {
        lists.extend((list.len() as u32).to_be_bytes());
        lists.extend(list.as_bytes());
    }
    let body = [&[20][..], &cut(random, pool, 16, 17), &lists, &[0; 5]].concat();
    let packet = [&(body.len() as u32 + 5).to_be_bytes()[..], &[4], &body, &[0; 4]].concat();
    out.client(packet.clone());
    out.server(packet);
    for _ in 0..10 + random.below(40) {
        out.client(cut(random, pool, 36, 120));
        out.server(cut(random, pool, 36, 6000));
    }
}

fn smtp(random: &mut Rng, pool: &[u8], out: &mut Talk) {
    let host = host(random);
    out.server(format!("220 {host} ESMTP\r\n"));
    out.client("EHLO may-1.example.vn\r\n");
    out.server(format!("250-{host}\r\n250 SIZE 52428800\r\n"));
    out.client(format!("MAIL FROM:<a{}@example.vn>\r\n", random.below(900)));
    out.server("250 ok\r\n");
    out.client(format!("RCPT TO:<b{}@example.vn>\r\n", random.below(900)));
    out.server("250 ok\r\n");
    out.client("DATA\r\n");
    out.server("354 go on\r\n");
    let mut mail = format!("From: a@example.vn\r\nTo: b@example.vn\r\nSubject: Cong van so {}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"x1\"\r\n\r\n--x1\r\nContent-Type: text/plain\r\n\r\nKinh gui\r\n--x1\r\nContent-Type: application/pdf; name=\"cv.pdf\"\r\nContent-Disposition: attachment; filename=\"cv.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n", random.below(9000)).into_bytes();
    for line in cut(random, pool, 20_000, 300_000).chunks(57) {
        for byte in line.iter().flat_map(|b| [b & 63, b >> 2]).take(76) {
            mail.push(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".get(usize::from(byte)).copied().unwrap_or(b'A'));
        }
        mail.extend(b"\r\n");
    }
    mail.extend(b"--x1--\r\n.\r\n");
    out.client(mail);
    out.server("250 queued\r\n");
    out.client("QUIT\r\n");
    out.server("221 bye\r\n");
}

fn ftp(random: &mut Rng, out: &mut Talk) {
    out.server("220 ready\r\n");
    for (ask, answer) in [
        ("USER kho", "331 password"),
        ("PASS mot-hai", "230 in"),
        ("TYPE I", "200 binary"),
        ("PASV", "227 Entering Passive Mode (10,0,0,9,200,10)"),
    ] {
        out.client(format!("{ask}\r\n"));
        out.server(format!("{answer}\r\n"));
    }
    out.client(format!("RETR bao-cao-{}.zip\r\n", random.below(9000)));
    out.server("150 sending\r\n226 done\r\n");
    out.client("QUIT\r\n");
    out.server("221 bye\r\n");
}
