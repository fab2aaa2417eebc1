//! An hour of ordinary work as packets, seeded: forty computers that browse, ask names, fetch mail, save files, set their clocks, renew
//! their addresses; monitoring, backups inside, a few things that fail. It raises no alert.

use std::net::Ipv4Addr;

use fansipan_collector::tap::decode::link::LinkType;

use super::kit::Watch;

const SECOND: i64 = 1_000_000_000;
/// Monday, 8 o'clock in Lai Châu.
const BEGIN: i64 = 1_764_550_800 * SECOND;
const HOUR: i64 = 3600 * SECOND;
const COMPUTERS: u8 = 40;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n.max(1)
    }
}

fn sum(parts: &[&[u8]]) -> u16 {
    let all = parts.concat();
    let mut total: u32 = all.chunks(2).map(|c| u32::from(c[0]) << 8 | c.get(1).copied().map_or(0, u32::from)).sum();
    while total >> 16 != 0 {
        total = (total & 0xffff) + (total >> 16);
    }
    !(total as u16)
}

fn mac(ip: Ipv4Addr) -> [u8; 6] {
    let [_, b, c, d] = ip.octets();
    [2, 0, 0, b, c, d]
}

#[derive(Clone, Copy)]
struct End(Ipv4Addr, u16);

fn datagram(protocol: u8, from: Ipv4Addr, to: Ipv4Addr, mut body: Vec<u8>, check: usize) -> Vec<u8> {
    let length = (body.len() as u16).to_be_bytes();
    if protocol != 1 {
        let crc = sum(&[&from.octets(), &to.octets(), &[0, protocol], &length, &body]);
        body[check..check + 2].copy_from_slice(&crc.to_be_bytes());
    } else {
        let crc = sum(&[&body]);
        body[check..check + 2].copy_from_slice(&crc.to_be_bytes());
    }
    let total = (20 + body.len() as u16).to_be_bytes();
    let mut head = vec![0x45, 0, total[0], total[1], 0, 1, 0, 0, 64, protocol, 0, 0];
    head.extend(from.octets());
    head.extend(to.octets());
    let crc = sum(&[&head]).to_be_bytes();
    head[10..12].copy_from_slice(&crc);
    [&mac(to)[..], &mac(from)[..], &[8, 0], &head, &body].concat()
}

/// The hour as frames with their times.
#[derive(Default)]
struct Hour {
    frames: Vec<(i64, Vec<u8>)>,
}

impl Hour {
    fn tcp(&mut self, at: i64, from: End, to: End, numbers: (u32, u32), flags: u8, data: &[u8]) {
        let mut body = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
        body.extend(numbers.0.to_be_bytes());
        body.extend(numbers.1.to_be_bytes());
        body.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        body.extend(data);
        self.frames.push((at, datagram(6, from.0, to.0, body, 16)));
    }

    fn udp(&mut self, at: i64, from: End, to: End, data: &[u8]) {
        let length = (8 + data.len() as u16).to_be_bytes();
        let mut body = [from.1.to_be_bytes(), to.1.to_be_bytes(), length, [0, 0]].concat();
        body.extend(data);
        self.frames.push((at, datagram(17, from.0, to.0, body, 6)));
    }

    /// A whole connection: what each side says, a pause between.
    fn talk(&mut self, at: i64, client: End, server: End, asked: &[u8], answered: &[u8], pause: i64) {
        let (mut c, mut s, mut t) = (1000u32, 5000u32, at);
        let step = pause / 8;
        self.tcp(t, client, server, (c, 0), 2, b"");
        c += 1;
        self.tcp(t + step, server, client, (s, c), 18, b"");
        s += 1;
        self.tcp(t + 2 * step, client, server, (c, s), 16, b"");
        t += 3 * step;
        for part in asked.chunks(1400) {
            self.tcp(t, client, server, (c, s), 24, part);
            c += part.len() as u32;
        }
        for (i, part) in answered.chunks(1400).enumerate() {
            self.tcp(t + step + i as i64, server, client, (s, c), 24, part);
            s += part.len() as u32;
        }
        self.tcp(t + 3 * step, client, server, (c, s), 17, b"");
        self.tcp(t + 4 * step, server, client, (s, c + 1), 17, b"");
        self.tcp(t + 5 * step, client, server, (c + 1, s + 1), 16, b"");
    }

    fn refused(&mut self, at: i64, client: End, server: End) {
        self.tcp(at, client, server, (1, 0), 2, b"");
        self.tcp(at + SECOND / 1000, server, client, (0, 2), 20, b"");
    }

    fn name(&mut self, at: i64, client: End, name: &str, found: bool) {
        let mut question = Vec::new();
        for label in name.split('.') {
            question.push(label.len() as u8);
            question.extend(label.bytes());
        }
        question.extend([0, 0, 1, 0, 1]);
        let id = client.1.to_be_bytes();
        let ask = [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], &question].concat();
        let code = if found { 0x80 } else { 0x83 };
        let mut answer = [&id[..], &[0x81, code, 0, 1, 0, u8::from(found), 0, 0, 0, 0], &question].concat();
        if found {
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 198, 51, 100, 20]);
        }
        let server = End(Ipv4Addr::new(10, 0, 0, 53), 53);
        self.udp(at, client, server, &ask);
        self.udp(at + SECOND / 500, server, client, &answer);
    }

    fn ping(&mut self, at: i64, from: Ipv4Addr, to: Ipv4Addr, answered: bool) {
        self.frames.push((at, datagram(1, from, to, [&[8, 0, 0, 0, 0, 7, 0, 1][..], &[0x61; 56]].concat(), 2)));
        if answered {
            self.frames.push((at + SECOND / 1000, datagram(1, to, from, [&[0, 0, 0, 0, 0, 7, 0, 1][..], &[0x61; 56]].concat(), 2)));
        }
    }
}

const SITES: [&str; 24] = [
    "www.laichau.gov.vn",
    "dichvucong.gov.vn",
    "mail.laichau.gov.vn",
    "vnexpress.net",
    "baolaichau.vn",
    "tuoitre.vn",
    "www.google.com",
    "fonts.gstatic.com",
    "update.microsoft.com",
    "ctldl.windowsupdate.com",
    "zalo.me",
    "chat.zalo.me",
    "static.xx.fbcdn.net",
    "vtv.vn",
    "thuvienphapluat.vn",
    "moha.gov.vn",
    "mof.gov.vn",
    "ocsp.digicert.com",
    "cdn.jsdelivr.net",
    "img.vietnamnet.vn",
    "s.dantri.com.vn",
    "r1.googlevideo.com",
    "teams.microsoft.com",
    "bhxh.gov.vn",
];

/// What one computer does in the hour.
fn computer(hour: &mut Hour, random: &mut Random, own: Ipv4Addr) {
    let mut port = 49_152u16;
    let mut next = || {
        port = if port > 65_000 { 49_152 } else { port + 1 };
        port
    };
    let mut at = BEGIN + random.below(60) as i64 * SECOND;
    while at < BEGIN + HOUR {
        let site = random.below(SITES.len() as u64) as usize;
        hour.name(at, End(own, next()), SITES[site], true);
        let server = End(Ipv4Addr::new(198, 51, 100, 20 + site as u8), 80);
        for n in 0..1 + random.below(4) {
            let path = random.below(100_000);
            let extra = "x".repeat(random.below(900) as usize);
            let ask = format!("GET /{path}?{extra} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Mozilla/5.0\r\n\r\n", SITES[site]);
            let body = vec![b'v'; 200 + random.below(20_000) as usize];
            let answer =
                [format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body]
                    .concat();
            hour.talk(at + SECOND / 5 + n as i64 * SECOND / 10, End(own, next()), server, ask.as_bytes(), &answer, SECOND / 4);
        }
        // people read, then click: no two pauses are alike
        let pause = 2 + random.below(20) + if random.below(6) == 0 { random.below(400) } else { 0 };
        at += pause as i64 * SECOND;
    }
    let shift = random.below(280) as i64 * SECOND;
    for n in 0..12 {
        // everybody's mail, every five minutes
        let t = BEGIN + shift + n * 300 * SECOND;
        hour.talk(t, End(own, next()), End(Ipv4Addr::new(203, 0, 113, 25), 993), &[0x17; 300], &[0x17; 900], SECOND);
    }
    for n in 0..random.below(20) {
        let t = BEGIN + shift + n as i64 * 150 * SECOND;
        let server = End(Ipv4Addr::new(10, 2, 0, 1 + random.below(4) as u8), 445);
        hour.talk(t, End(own, next()), server, &vec![0; 500 + random.below(30_000) as usize], &[1; 4000], SECOND);
    }
    for n in 0..3 {
        hour.udp(BEGIN + shift + n * 1024 * SECOND, End(own, 123), End(Ipv4Addr::new(10, 0, 0, 1), 123), &[0x23; 48]);
    }
    for n in 0..random.below(5) {
        hour.name(BEGIN + shift + n as i64 * 60 * SECOND, End(own, next()), &format!("wpad{n}.laichau.local"), false);
        hour.refused(BEGIN + shift + n as i64 * 90 * SECOND, End(own, next()), End(Ipv4Addr::new(10, 2, 0, 9), 9100));
    }
}

fn hour(seed: u64) -> Vec<(i64, Vec<u8>)> {
    let (mut hour, mut random) = (Hour::default(), Random(seed));
    for n in 1..=COMPUTERS {
        computer(&mut hour, &mut random, Ipv4Addr::new(10, 1, 0, n));
    }
    let monitoring = Ipv4Addr::new(10, 0, 9, 9);
    for minute in 0..60 {
        for host in 1..=20u8 {
            let t = BEGIN + minute * 60 * SECOND + i64::from(host) * SECOND / 2;
            hour.ping(t, monitoring, Ipv4Addr::new(10, 2, 0, host), host != 7);
            // a check that connects and says nothing
            if host <= 10 {
                hour.talk(
                    t + SECOND,
                    End(monitoring, 30_000 + minute as u16 * 20 + u16::from(host)),
                    End(Ipv4Addr::new(10, 2, 0, host), 443),
                    b"",
                    b"",
                    SECOND / 50,
                );
            }
        }
    }
    // an administrator at work, and the backup of the servers to one another
    for n in 0..12u16 {
        let t = BEGIN + i64::from(n) * 290 * SECOND;
        hour.talk(
            t,
            End(Ipv4Addr::new(10, 0, 9, 2), 52_000 + n),
            End(Ipv4Addr::new(10, 2, 0, 1 + (n % 5) as u8), 22),
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            SECOND * 2,
        );
        hour.talk(
            t,
            End(Ipv4Addr::new(10, 2, 0, 1), 53_000 + n),
            End(Ipv4Addr::new(10, 2, 0, 2), 873),
            &vec![9; 200_000],
            b"ok",
            SECOND * 5,
        );
    }
    hour.frames.sort_by_key(|(at, _)| *at);
    hour.frames
}

#[test]
fn an_hour_of_ordinary_work_raises_nothing() {
    let mut watch = Watch::new();
    for (at, frame) in hour(2026) {
        watch.packet(LinkType::ETHERNET, at, frame.len() as u32, &frame);
    }
    let told = watch.end();
    assert!(told.is_empty(), "{told:#?}");
    let seen = |dataset: &str| watch.datasets.get(dataset).copied().unwrap_or_default();
    assert!(seen("network.flow") > 8_000 && seen("network.http") > 4_000 && seen("network.dns") > 2_000, "{:?}", watch.datasets);
}
