//! Web servers behind the application firewall: citizens, employees, crawlers, the monitoring team, and probes of strangers.

use std::net::Ipv4Addr;

use super::{Kind, Maker, SECOND, local, world};

const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
];

/// A request as a web server writes it: servers 0 to 5 run nginx, 6 to 9 Apache.
pub(super) fn request(m: &mut Maker, at: i64, server: u64, from: Ipv4Addr, request: &str, status: u16, agent: &str) {
    let (name, peer) = world::linux_server(server % 10);
    let time = local(at);
    let program = if server % 10 < 6 { "nginx" } else { "httpd" };
    let size = if status == 200 { 400 + m.below(60_000) } else { 160 };
    let text = format!(
        r#"<134>{} {name} {program}: {from} - - [{}] "{request} HTTP/1.1" {status} {size} "-" "{agent}""#,
        time.strftime("%b %e %H:%M:%S"),
        time.strftime("%d/%b/%Y:%H:%M:%S %z")
    );
    m.send(at, peer, Kind::Web, text);
}

/// A citizen reads, searches, sends a file.
pub(super) fn citizen(m: &mut Maker, at: i64) {
    let (from, agent, server) = (world::citizen(m), m.pick(&BROWSERS), m.below(6));
    let wanted = m.pick(&[
        "GET /",
        "GET /dichvucong/hoso",
        "GET /vanban/tim-kiem?q=quyet+dinh+giao+dat",
        "GET /tin-tuc/2026/11/lich-tiep-cong-dan",
        "GET /static/app.7f3c.js",
        "GET /images/logo.png",
        "GET /api/v2/hoso/tra-cuu?ma=H36.12-261116-0042",
        "POST /dichvucong/nop-ho-so",
        "POST /api/v2/upload",
        "GET /uploads/2026/11/thong-bao.pdf",
        "GET /login?return=/dichvucong/select-service",
    ]);
    let status = match m.below(60) {
        0 => 404,
        1 => 304,
        2 if m.once_in(8) => 500,
        _ => 200,
    };
    request(m, at, server, from, wanted, status, agent);
}

/// An employee in the document system; now and then a wrong password.
pub(super) fn employee(m: &mut Maker, at: i64) {
    let (n, agent, server) = (m.below(world::COMPUTERS), m.pick(&BROWSERS), 6 + m.below(4));
    let from = world::computer(n).ip;
    if m.once_in(90) {
        request(m, at, server, from, "POST /qlvb/login", 401, agent);
        return request(m, at + 8 * SECOND, server, from, "POST /qlvb/login", 200, agent);
    }
    let wanted = m.pick(&[
        "GET /qlvb/den",
        "GET /qlvb/di",
        "POST /qlvb/xu-ly",
        "GET /qlvb/tep?id=48213",
        "GET /lichcongtac",
        "POST /qlvb/upload",
        "GET /qlvb/tim?q=bao+cao+thang+11",
    ]);
    request(m, at, server, from, wanted, 200, agent);
}

/// A search engine.
pub(super) fn crawler(m: &mut Maker, at: i64) {
    let agent = m.pick(&[
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        "Mozilla/5.0 (compatible; coccocbot-web/1.0; +http://help.coccoc.com/searchengine)",
    ]);
    let (server, from) = (m.below(6), Ipv4Addr::new(203, 0, 113, 200 + m.below(20) as u8));
    let page = format!("GET /tin-tuc/2026/{:02}/bai-viet-{}", 1 + m.below(11), m.below(4000));
    let status = if m.once_in(30) { 404 } else { 200 };
    request(m, at, server, from, &page, status, agent);
}

/// The monitoring team asks whether the site lives.
pub(super) fn heartbeat(m: &mut Maker, at: i64) {
    let server = m.below(10);
    request(m, at, server, world::MONITOR, "GET /health", 200, "Zabbix 7.0");
}

/// A stranger tries a few well-known paths and finds nothing; the firewall in front stops some.
pub(super) fn probe(m: &mut Maker, at: i64) {
    let (from, country) = world::stranger(m);
    let server = m.below(10);
    let mut at = at;
    for _ in 0..1 + m.below(5) {
        let wanted = m.pick(&[
            "GET /wp-login.php",
            "GET /.env",
            "GET /.git/config",
            "GET /phpmyadmin/index.php",
            "GET /xmlrpc.php",
            "GET /admin/",
            "GET /boaform/admin/formLogin",
            "GET /robots.txt",
            "GET /sitemap.xml",
        ]);
        request(m, at, server, from, wanted, if wanted.ends_with(".txt") { 200 } else { 404 }, "Mozilla/5.0 zgrab/0.x");
        at += SECOND + m.below(9 * SECOND as u64) as i64;
    }
    if m.once_in(6) {
        let time = local(at).strftime("%b %e %H:%M:%S").to_string();
        let text = format!(
            "<134>{time} waf01 CEF:0|Acme|WebWall|4.2|942100|SQL injection|8|src={from} spt=51022 dst=10.40.0.{} dpt=443 proto=TCP act=blocked request=https://laichau.gov.vn/tin?id=1'%20or%201\\=1 requestMethod=GET cs1Label=Country cs1={country} rt={} outcome=Failure",
            10 + server,
            at / 1_000_000
        );
        m.send(at, world::WAF, Kind::Web, text);
    }
}
