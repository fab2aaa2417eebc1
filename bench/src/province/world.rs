//! Who and what there is: agencies, computers, people, addresses. Computed from numbers, never stored.

use std::net::Ipv4Addr;

use super::Maker;

/// Short name and office computers of every agency; 3,800 in all.
pub(super) const AGENCIES: [(&str, u64); 21] = [
    ("ubnd", 320),
    ("stc", 240),
    ("sgddt", 260),
    ("syt", 300),
    ("skhcn", 210),
    ("snnmt", 330),
    ("sxd", 240),
    ("sct", 180),
    ("snv", 190),
    ("stp", 170),
    ("svhttdl", 160),
    ("sdttg", 110),
    ("tttinh", 120),
    ("bqlkkt", 90),
    ("vphdnd", 80),
    ("tamduong", 160),
    ("thanuyen", 150),
    ("tanuyen", 140),
    ("sinho", 130),
    ("phongtho", 120),
    ("muongte", 100),
];

/// Office computers in all.
pub(super) const COMPUTERS: u64 = 3800;
/// Windows servers: a file server of each agency, domain controllers, applications.
pub(super) const WINDOWS_SERVERS: u64 = 120;
/// Linux servers, all in the data centre.
pub(super) const LINUX_SERVERS: u64 = 80;

const GIVEN: [&str; 32] = [
    "an", "anh", "binh", "chi", "cuong", "dung", "duc", "giang", "ha", "hai", "hang", "hieu", "hoa", "hung", "huong", "khanh", "lan",
    "linh", "long", "mai", "minh", "nam", "nga", "phuong", "quan", "son", "tam", "thao", "thu", "trang", "tuan", "yen",
];
const FAMILY: [&str; 20] =
    ["nv", "nt", "tv", "tt", "lv", "lt", "pv", "pt", "hv", "ht", "dv", "dt", "vv", "vt", "bv", "bt", "lo", "va", "gi", "ma"];

/// A computer with an event log.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    /// Full name.
    pub name: String,
    pub ip: Ipv4Addr,
    /// Who sends its events.
    pub peer: Ipv4Addr,
    /// Sent by Winlogbeat, else by NXLog.
    pub beat: bool,
    pub agency: usize,
}

/// The agency that computer `n` belongs to, and its place there.
pub(super) fn place(n: u64) -> (usize, u64) {
    let mut rest = n % COMPUTERS;
    for (i, (_, computers)) in AGENCIES.iter().enumerate() {
        if rest < *computers {
            return (i, rest);
        }
        rest -= computers;
    }
    (0, 0)
}

/// Office computer `n`. The five biggest agencies forward through a collector of their own.
pub(super) fn computer(n: u64) -> Machine {
    let (agency, number) = place(n);
    let net = 16 + agency as u8;
    let ip = Ipv4Addr::new(10, net, 1 + (number / 200) as u8, 10 + (number % 200) as u8);
    let peer = if AGENCIES[agency].1 > 250 { Ipv4Addr::new(10, net, 0, 20) } else { ip };
    Machine { name: format!("{}-pc{number:03}.laichau.local", AGENCIES[agency].0), ip, peer, beat: agency % 2 == 1, agency }
}

/// Windows server `n`: 0 and 1 are the domain controllers, 2 to 22 the agencies' file servers, the rest applications.
pub(super) fn windows_server(n: u64) -> Machine {
    let n = n % WINDOWS_SERVERS;
    let (name, ip, agency) = match n {
        0 | 1 => (format!("DC0{}", n + 1), Ipv4Addr::new(10, 16, 0, 10 + n as u8), 0),
        2..=22 => (format!("FS-{}", AGENCIES[n as usize - 2].0.to_uppercase()), Ipv4Addr::new(10, 14 + n as u8, 0, 21), n as usize - 2),
        _ => (format!("APP{n:02}"), Ipv4Addr::new(10, 40, 1, n as u8), 0),
    };
    Machine { name: format!("{name}.laichau.local"), ip, peer: ip, beat: n > 60, agency }
}

/// Name and address of Linux server `n`: 0 to 9 web, 10 to 19 databases, the rest applications.
pub(super) fn linux_server(n: u64) -> (String, Ipv4Addr) {
    let n = n % LINUX_SERVERS;
    let name = match n {
        0..10 => format!("web{:02}", n + 1),
        10..20 => format!("db{:02}", n - 9),
        _ => format!("app{:02}", n - 19),
    };
    (name, Ipv4Addr::new(10, 40, 0, 10 + n as u8))
}

/// The person who sits at computer `n`.
pub(super) fn user(n: u64) -> String {
    let n = n % COMPUTERS;
    let (given, family, again) = (n % 32, (n / 32) % 20, n / 640);
    let base = format!("{}.{}", GIVEN[given as usize], FAMILY[family as usize]);
    if again == 0 { base } else { format!("{base}{again}") }
}

/// The system administrators, and the computers they sit at.
pub(super) const ADMINS: [(&str, u64); 6] =
    [("qt.tuan", 20), ("qt.hung", 21), ("qt.long", 22), ("qt.minh", 23), ("qt.son", 1041), ("qt.nam", 1042)];

/// The monitoring team's station and the vulnerability scanner.
pub(super) const MONITOR: Ipv4Addr = Ipv4Addr::new(10, 40, 9, 5);
pub(super) const SCANNER: Ipv4Addr = Ipv4Addr::new(10, 40, 9, 9);

/// FortiGate of an agency: its name and its address.
pub(super) fn fortigate(agency: usize) -> (String, Ipv4Addr) {
    (format!("FGT-{}", AGENCIES[agency].0.to_uppercase()), Ipv4Addr::new(10, 16 + agency as u8, 0, 1))
}

/// The data centre's ASA and the border's PAN-OS.
pub(super) const ASA: Ipv4Addr = Ipv4Addr::new(10, 40, 0, 1);
pub(super) const PANOS: Ipv4Addr = Ipv4Addr::new(10, 40, 0, 2);
/// The sensor at the data centre.
pub(super) const SENSOR: Ipv4Addr = Ipv4Addr::new(10, 40, 9, 2);
/// The web application firewall.
pub(super) const WAF: Ipv4Addr = Ipv4Addr::new(10, 40, 0, 3);

/// A citizen's, a visited site's and a scanner's address: networks set aside for documentation and measurement, so that nobody is named.
pub(super) fn citizen(m: &mut Maker) -> Ipv4Addr {
    Ipv4Addr::new(198, 18, m.below(200) as u8, 1 + m.below(250) as u8)
}

/// Where an employee is at home: always the same.
pub(super) fn home(n: u64) -> Ipv4Addr {
    Ipv4Addr::new(198, 18, 200 + (n % 50) as u8, 1 + (n / 50 % 250) as u8)
}

/// A site: few are visited by all, many by few.
pub(super) fn site(m: &mut Maker) -> (Ipv4Addr, &'static str, &'static str) {
    const SITES: [(&str, &str); 14] = [
        ("dichvucong.gov.vn", "Viet Nam"),
        ("vanban.chinhphu.vn", "Viet Nam"),
        ("www.google.com", "United States"),
        ("vnexpress.net", "Viet Nam"),
        ("outlook.office365.com", "Singapore"),
        ("chat.zalo.me", "Viet Nam"),
        ("update.microsoft.com", "United States"),
        ("www.youtube.com", "United States"),
        ("baomoi.com", "Viet Nam"),
        ("tuoitre.vn", "Viet Nam"),
        ("thuvienphapluat.vn", "Viet Nam"),
        ("ds.kaspersky.com", "Singapore"),
        ("fonts.gstatic.com", "Singapore"),
        ("laichau.gov.vn", "Viet Nam"),
    ];
    let n = m.below(14).min(m.below(14));
    let (name, country) = SITES[n as usize];
    (Ipv4Addr::new(203, 0, 113, 10 + (n * 12 + m.below(12)) as u8), name, country)
}

/// Somebody on the Internet who knocks at every door, and where from.
pub(super) fn stranger(m: &mut Maker) -> (Ipv4Addr, &'static str) {
    let country = m.pick(&["Netherlands", "United States", "China", "Russian Federation", "Germany", "Bulgaria", "Brazil", "India"]);
    (Ipv4Addr::new(198, 19, m.below(256) as u8, 1 + m.below(250) as u8), country)
}
