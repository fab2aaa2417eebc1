//! Firewalls and sensors: FortiGate of every agency, the data centre's ASA, the border's PAN-OS, Zeek and Suricata.

use std::net::Ipv4Addr;

use super::{Kind, Maker, SECOND, local, world};

/// The beginning of a FortiGate's record.
fn forti_head(at: i64, agency: usize, severity: u8, id: &str, types: (&str, &str), level: &str) -> String {
    let (name, _) = world::fortigate(agency);
    let time = local(at);
    format!(
        r#"<{severity}>date={} time={} devname="{name}" devid="FGT60FTK21{agency:06}" eventtime={at} tz="+0700" logid="{id}" type="{}" subtype="{}" level="{level}" vd="root""#,
        time.strftime("%Y-%m-%d"),
        time.strftime("%H:%M:%S"),
        types.0,
        types.1
    )
}

fn forti(m: &mut Maker, at: i64, agency: usize, text: String) {
    let (_, peer) = world::fortigate(agency);
    m.send(at, peer, Kind::Firewall, text);
}

/// A session to the Internet, at its end.
pub(super) fn session(m: &mut Maker, at: i64) {
    let n = m.below(world::COMPUTERS);
    let (pc, (site, _, country)) = (world::computer(n), world::site(m));
    let port = m.pick(&["443", "443", "443", "443", "443", "443", "80", "80", "53", "123"]);
    let (service, proto) = match port {
        "443" => ("HTTPS", 6),
        "80" => ("HTTP", 6),
        "53" => ("DNS", 17),
        _ => ("NTP", 17),
    };
    let (sport, id, duration) = (10_000 + m.below(50_000), m.below(90_000_000), m.below(600));
    let (some, more) = (1 << m.below(18).max(8), 1 << m.below(23).max(9));
    let (sent, received) = (200 + m.below(some), 400 + m.below(more));
    let action = m.pick(&["close", "close", "close", "timeout", "client-rst", "server-rst"]);
    let head = forti_head(at, pc.agency, 189, "0000000013", ("traffic", "forward"), "notice");
    let text = format!(
        r#"{head} srcip={} srcport={sport} srcintf="internal" srcintfrole="lan" dstip={site} dstport={port} dstintf="wan1" dstintfrole="wan" srccountry="Reserved" dstcountry="{country}" sessionid={id} proto={proto} action="{action}" policyid=7 policytype="policy" policyname="LAN-to-Internet" service="{service}" trandisp="snat" transip=198.51.100.{} transport={sport} appcat="unscanned" duration={duration} sentbyte={sent} rcvdbyte={received} sentpkt=14 rcvdpkt=31"#,
        pc.ip,
        10 + pc.agency
    );
    forti(m, at, pc.agency, text);
}

/// A session allowed between two addresses inside.
pub(super) fn inside(m: &mut Maker, at: i64, from: Ipv4Addr, to: Ipv4Addr, port: u16) {
    let (id, sport) = (m.below(90_000_000), 10_000 + m.below(50_000));
    let time = local(at).strftime("%b %d %Y %H:%M:%S").to_string();
    let built = format!(
        "<166>{time} fw-asa-01 : %ASA-6-302013: Built inbound TCP connection {id} for inside:{from}/{sport} ({from}/{sport}) to dmz:{to}/{port} ({to}/{port})"
    );
    m.send(at, world::ASA, Kind::Firewall, built);
    let seconds = 1 + m.below(120);
    let after = at + seconds as i64 * SECOND;
    let time = local(after).strftime("%b %d %Y %H:%M:%S").to_string();
    let down = format!(
        "<166>{time} fw-asa-01 : %ASA-6-302014: Teardown TCP connection {id} for inside:{from}/{sport} to dmz:{to}/{port} duration 0:{:02}:{:02} bytes {} TCP FINs",
        seconds / 60,
        seconds % 60,
        200 + m.below(400_000)
    );
    m.send(after, world::ASA, Kind::Firewall, down);
}

/// A person's computer asks a server in the data centre.
pub(super) fn to_data_centre(m: &mut Maker, at: i64) {
    let n = m.below(world::COMPUTERS);
    let port = m.pick(&[443, 443, 80, 445, 88, 389, 53, 1433]);
    let to = if port == 443 || port == 80 { world::linux_server(m.below(10)).1 } else { world::windows_server(23 + m.below(90)).ip };
    inside(m, at, world::computer(n).ip, to, port);
}

/// Servers among themselves.
pub(super) fn between_servers(m: &mut Maker, at: i64) {
    let (from, to) = (world::linux_server(m.below(80)).1, world::linux_server(10 + m.below(10)).1);
    let port = m.pick(&[5432, 3306, 6379, 9200]);
    inside(m, at, from, to, port);
}

/// A session to the Internet through the border's PAN-OS.
pub(super) fn border(m: &mut Maker, at: i64) {
    let n = m.below(world::COMPUTERS);
    let (pc, who, (site, _, country)) = (world::computer(n), world::user(n), world::site(m));
    let (id, sport, sent, received) = (m.below(900_000), 10_000 + m.below(50_000), 300 + m.below(40_000), 500 + m.below(900_000));
    let app = m.pick(&["ssl", "web-browsing", "google-base", "ms-office365", "zalo", "quic"]);
    panos(
        m,
        at,
        14,
        "TRAFFIC,end",
        &format!(
            r"{},{site},198.51.100.10,{site},trust-to-internet,laichau\{who},,{app},vsys1,trust,untrust,ethernet1/2,ethernet1/1,to-soc,,{id},1,{sport},443,{sport},443,0x400053,tcp,allow,{},{sent},{received},31,,62,any,,7700001,0x8000000000000000,10.0.0.0-10.255.255.255,{country},,15,16,tcp-fin,0,0,0,0,,PA-LC-01,from-policy",
            pc.ip,
            sent + received
        ),
    );
}

fn panos(m: &mut Maker, at: i64, severity: u8, kind: &str, rest: &str) {
    let time = local(at);
    let (header, stamp) = (time.strftime("%b %e %H:%M:%S").to_string(), time.strftime("%Y/%m/%d %H:%M:%S").to_string());
    let text = format!("<{severity}>{header} PA-LC-01 1,{stamp},007051000012345,{kind},2561,{stamp},{rest}");
    m.send(at, world::PANOS, Kind::Firewall, text);
}

/// Somebody on the Internet knocks; the door is shut.
pub(super) fn knock(m: &mut Maker, at: i64) {
    let (from, country) = world::stranger(m);
    let port = m.pick(&[22_u16, 23, 23, 445, 3389, 3389, 8080, 5060, 1433, 2323, 6379, 443]);
    let sport = 10_000 + m.below(50_000);
    match m.below(10) {
        0..6 => {
            let agency = m.below(21) as usize;
            let head = forti_head(at, agency, 188, "0000000013", ("traffic", "forward"), "warning");
            let text = format!(
                r#"{head} srcip={from} srcport={sport} srcintf="wan1" srcintfrole="wan" dstip=198.51.100.{} dstport={port} dstintf="root" dstintfrole="undefined" srccountry="{country}" dstcountry="Viet Nam" sessionid={} proto=6 action="deny" policyid=0 policytype="policy" service="tcp/{port}" trandisp="noop" duration=0 sentbyte=0 rcvdbyte=0 sentpkt=0 rcvdpkt=0 appcat="unscanned""#,
                10 + agency,
                m.below(90_000_000)
            );
            forti(m, at, agency, text);
        }
        6..9 => {
            let time = local(at).strftime("%b %d %Y %H:%M:%S").to_string();
            let to = world::linux_server(m.below(10)).1;
            let text = format!(
                r#"<164>{time} fw-asa-01 : %ASA-4-106023: Deny tcp src outside:{from}/{sport} dst dmz:{to}/{port} by access-group "outside_in" [0x0, 0x0]"#
            );
            m.send(at, world::ASA, Kind::Firewall, text);
        }
        _ => panos(
            m,
            at,
            14,
            "TRAFFIC,drop",
            &format!(
                "{from},198.51.100.10,0.0.0.0,0.0.0.0,interzone-default,,,not-applicable,vsys1,untrust,untrust,ethernet1/1,,to-soc,,0,1,{sport},{port},0,0,0x400053,tcp,deny,60,60,0,1,,0,any,,7700001,0x8000000000000000,{country},Viet Nam,,1,0,policy-deny,0,0,0,0,,PA-LC-01,from-policy"
            ),
        ),
    }
}

/// A name that a FortiGate sees asked.
pub(super) fn forti_dns(m: &mut Maker, at: i64) {
    let pc = world::computer(m.below(world::COMPUTERS));
    let (address, name, _) = world::site(m);
    let head = forti_head(at, pc.agency, 190, "1501054802", ("utm", "dns"), "notice");
    let text = format!(
        r#"{head} eventtype="dns-response" policyid=7 sessionid={} srcip={} srcport={} srcintf="internal" dstip=203.0.113.53 dstport=53 dstintf="wan1" proto=17 profile="default" xid={} qname="{name}" qtype="A" qtypeval=1 qclass="IN" ipaddr="{address}" msg="Domain is monitored" action="pass" cat=52 catdesc="Information Technology""#,
        m.below(90_000_000),
        pc.ip,
        10_000 + m.below(50_000),
        m.below(65_536)
    );
    forti(m, at, pc.agency, text);
}

/// A page that the web filter lets through, or does not.
pub(super) fn page(m: &mut Maker, at: i64) {
    let n = m.below(world::COMPUTERS);
    let (pc, who) = (world::computer(n), world::user(n));
    let (address, name, _) = world::site(m);
    let blocked = m.once_in(18);
    let (id, event, action, category) = if blocked {
        ("0316013056", "ftgd_blk", "blocked", m.pick(&["Games", "Gambling", "Advertising", "Streaming Media"]))
    } else {
        ("0317013312", "ftgd_allow", "passthrough", m.pick(&["News and Media", "Government", "Information Technology", "Search Engines"]))
    };
    let host = if blocked { m.pick(&["game-bai.example", "ads.example.net", "xem-phim.example"]) } else { name };
    let head = forti_head(at, pc.agency, 189, id, ("utm", "webfilter"), if blocked { "warning" } else { "notice" });
    let text = format!(
        r#"{head} eventtype="{event}" policyid=7 sessionid={} user="{who}" srcip={} srcport={} srcintf="internal" dstip={address} dstport=443 dstintf="wan1" proto=6 service="HTTPS" hostname="{host}" profile="can-bo" action="{action}" reqtype="direct" url="https://{host}/" sentbyte=517 rcvdbyte=0 direction="outgoing" method="domain" cat=36 catdesc="{category}""#,
        m.below(90_000_000),
        pc.ip,
        10_000 + m.below(50_000)
    );
    forti(m, at, pc.agency, text);
}

/// An application that the firewall recognizes; remote help by UltraViewer and TeamViewer is among the ordinary ones.
pub(super) fn application(m: &mut Maker, at: i64) {
    let pc = world::computer(m.below(world::COMPUTERS));
    let (address, _, _) = world::site(m);
    let (app, category) = m.pick(&[
        ("Zalo", "Collaboration"),
        ("YouTube", "Video/Audio"),
        ("Microsoft.Teams", "Collaboration"),
        ("Google.Drive", "Storage.Backup"),
        ("Facebook", "Social.Media"),
        ("HTTPS.BROWSER", "Web.Client"),
    ]);
    let head = forti_head(at, pc.agency, 190, "1059028704", ("utm", "app-ctrl"), "information");
    let text = format!(
        r#"{head} eventtype="signature" appid=16354 srcip={} dstip={address} srcport={} dstport=443 srcintf="internal" dstintf="wan1" proto=6 service="SSL" direction="outgoing" policyid=7 sessionid={} applist="default" action="pass" appcat="{category}" app="{app}" msg="{category}: {app}," apprisk="medium""#,
        pc.ip,
        10_000 + m.below(50_000),
        m.below(90_000_000)
    );
    forti(m, at, pc.agency, text);
}

/// Remote help: UltraViewer through the firewall.
pub(super) fn remote_help(m: &mut Maker, at: i64, pc: &world::Machine) {
    let head = forti_head(at, pc.agency, 190, "1059028704", ("utm", "app-ctrl"), "information");
    let text = format!(
        r#"{head} eventtype="signature" appid=45663 srcip={} dstip=203.0.113.40 srcport={} dstport=443 srcintf="internal" dstintf="wan1" proto=6 service="SSL" direction="outgoing" policyid=7 sessionid={} applist="default" action="pass" appcat="Remote.Access" app="UltraViewer" msg="Remote.Access: UltraViewer," apprisk="high""#,
        pc.ip,
        10_000 + m.below(50_000),
        m.below(90_000_000)
    );
    forti(m, at, pc.agency, text);
}

/// What everybody on the Internet is sent, stopped by intrusion prevention.
pub(super) fn intrusion_stopped(m: &mut Maker, at: i64) {
    let ((from, country), agency) = (world::stranger(m), m.below(21) as usize);
    let (attack, id) = m.pick(&[
        ("Apache.Log4j.Error.Log.Remote.Code.Execution", 51_006),
        ("ZeroShell.Kerbynet.Type.Parameter.Remote.Command.Execution", 48_285),
        ("PHPUnit.Eval-stdin.PHP.Remote.Code.Execution", 45_765),
        ("Dasan.GPON.Remote.Code.Execution", 46_083),
    ]);
    let head = forti_head(at, agency, 185, "0419016384", ("utm", "ips"), "alert");
    let text = format!(
        r#"{head} eventtype="signature" severity="critical" srcip={from} srccountry="{country}" dstip=10.40.0.{} dstcountry="Reserved" srcintf="wan1" dstintf="dmz" sessionid={} action="dropped" proto=6 service="HTTP" policyid=12 attack="{attack}" srcport={} dstport=80 direction="outgoing" attackid={id} profile="protect-server" msg="web_app: {attack}" crscore=50 crlevel="critical""#,
        10 + m.below(10),
        m.below(90_000_000),
        10_000 + m.below(50_000)
    );
    forti(m, at, agency, text);
}

/// Malware in a download, stopped by the firewall.
pub(super) fn virus_stopped(m: &mut Maker, at: i64) {
    let n = m.below(world::COMPUTERS);
    let (pc, user) = (world::computer(n), world::user(n));
    let head = forti_head(at, pc.agency, 188, "0211008192", ("utm", "virus"), "warning");
    let text = format!(
        r#"{head} eventtype="infected" policyid=7 msg="File is infected." action="blocked" service="HTTP" sessionid={} srcip={} dstip=203.0.113.81 srcport={} dstport=80 srcintf="internal" dstintf="wan1" proto=6 direction="incoming" filename="office-2021-full.zip" virus="W32/AgentTesla.A!tr" dtype="av-engine" virusid=10112345 url="http://tai-phan-mem.example/office.zip" profile="default" user="{user}" agent="Mozilla/5.0""#,
        m.below(90_000_000),
        pc.ip,
        10_000 + m.below(50_000)
    );
    forti(m, at, pc.agency, text);
}

/// A VPN session of a person at home: up, and down after a while. `false`: the password was wrong.
pub(super) fn vpn(m: &mut Maker, at: i64, who: &str, from: Ipv4Addr, success: bool) {
    let tunnel = m.below(9_000_000);
    let (agency, address) = (0, format!("10.212.134.{}", 1 + m.below(250)));
    if !success {
        let head = forti_head(at, agency, 185, "0101039426", ("event", "vpn"), "alert");
        let text = format!(
            r#"{head} logdesc="SSL VPN login fail" action="ssl-login-fail" tunneltype="ssl-web" tunnelid=0 remip={from} user="{who}" group="N/A" dst_host="N/A" reason="sslvpn_login_permission_denied" msg="SSL user failed to logged in""#
        );
        return forti(m, at, agency, text);
    }
    let head = forti_head(at, agency, 190, "0101039424", ("event", "vpn"), "information");
    let up = format!(
        r#"{head} logdesc="SSL VPN tunnel up" action="tunnel-up" tunneltype="ssl-tunnel" tunnelid={tunnel} remip={from} srccountry="Viet Nam" tunnelip={address} user="{who}" group="VPN-CB" dst_host="N/A" reason="login successfully" msg="SSL tunnel established""#
    );
    forti(m, at, agency, up);
    let seconds = 300 + m.below(5400);
    let after = at + seconds as i64 * SECOND;
    if after < m.midnight + 86_399 * SECOND {
        let head = forti_head(after, agency, 190, "0101039425", ("event", "vpn"), "information");
        let down = format!(
            r#"{head} logdesc="SSL VPN tunnel down" action="tunnel-down" tunneltype="ssl-tunnel" tunnelid={tunnel} remip={from} tunnelip={address} user="{who}" group="VPN-CB" dst_host="N/A" reason="User request" duration={seconds} sentbyte={} rcvdbyte={} msg="SSL tunnel shutdown""#,
            m.below(90_000_000),
            m.below(20_000_000)
        );
        forti(m, after, agency, down);
    }
}

/// An administrator at a FortiGate: in, a change, out; `fails` wrong passwords before.
pub(super) fn forti_admin(m: &mut Maker, at: i64, agency: usize, who: &str, from: Ipv4Addr, fails: u32, change: bool) {
    let mut at = at;
    let (_, own) = world::fortigate(agency);
    for _ in 0..fails {
        let head = forti_head(at, agency, 185, "0100032002", ("event", "system"), "alert");
        let text = format!(
            r#"{head} logdesc="Admin login failed" sn="0" user="{who}" ui="https({from})" method="https" srcip={from} dstip={own} action="login" status="failed" reason="passwd_invalid" msg="Administrator {who} login failed from https({from}) because of invalid password""#
        );
        forti(m, at, agency, text);
        at += (5 + m.below(10) as i64) * SECOND;
    }
    let head = forti_head(at, agency, 190, "0100032001", ("event", "system"), "information");
    let text = format!(
        r#"{head} logdesc="Admin login successful" sn="{}" user="{who}" ui="https({from})" method="https" srcip={from} dstip={own} action="login" status="success" reason="none" profile="super_admin" msg="Administrator {who} logged in successfully from https({from})""#,
        at / SECOND
    );
    forti(m, at, agency, text);
    if change {
        at += (60 + m.below(400) as i64) * SECOND;
        let head = forti_head(at, agency, 190, "0100044547", ("event", "system"), "information");
        let text = format!(
            r#"{head} logdesc="Object attribute configured" user="{who}" ui="GUI({from})" action="Edit" cfgtid={} cfgpath="firewall.address" cfgobj="srv-{}" cfgattr="comment[cap nhat]" msg="Edit firewall.address""#,
            m.below(90_000_000),
            m.below(90)
        );
        forti(m, at, agency, text);
    }
}

/// A name asked at the data centre's resolver, seen by Zeek.
pub(super) fn zeek_dns(m: &mut Maker, at: i64) {
    let pc = world::computer(m.below(world::COMPUTERS));
    let (address, name, _) = world::site(m);
    let mistyped = m.once_in(40);
    let (name, code, answers) = if mistyped {
        (m.pick(&["dichvucong.gov.vnn", "wpad.laichau.local", "googl.com.vn", "isatap.laichau.local"]), ("NXDOMAIN", 3), String::new())
    } else {
        (name, ("NOERROR", 0), format!(r#","answers":["{address}"],"TTLs":[300.0]"#))
    };
    let (uid, port, id) = (m.rng.next_u64(), 10_000 + m.below(50_000), m.below(65_536));
    let text = format!(
        r#"{{"_path":"dns","ts":{}.{:06},"uid":"C{uid:016x}","id.orig_h":"{}","id.orig_p":{port},"id.resp_h":"10.16.0.10","id.resp_p":53,"proto":"udp","trans_id":{id},"rtt":0.0{},"query":"{name}","qclass":1,"qclass_name":"C_INTERNET","qtype":1,"qtype_name":"A","rcode":{},"rcode_name":"{}","AA":false,"TC":false,"RD":true,"RA":true,"Z":0,"rejected":false{answers}}}"#,
        at / SECOND,
        at % SECOND / 1000,
        pc.ip,
        10 + id % 80,
        code.1,
        code.0
    );
    m.send(at, world::SENSOR, Kind::Sensor, text);
}

/// A signature of little weight that Suricata reports now and then.
pub(super) fn suricata(m: &mut Maker, at: i64) {
    let pc = world::computer(m.below(world::COMPUTERS));
    let (address, _, _) = world::site(m);
    let (id, signature) = m.pick(&[
        (2_027_865, "ET INFO Observed DNS Query to .cloud TLD"),
        (2_013_504, "ET POLICY GNU/Linux APT User-Agent Outbound likely related to package management"),
        (2_022_973, "ET INFO Possible Kali Linux hostname in DHCP Request Packet"),
    ]);
    let time = local(at).strftime("%Y-%m-%dT%H:%M:%S%.6f%z").to_string();
    let text = format!(
        r#"{{"timestamp":"{time}","flow_id":{},"in_iface":"ens5","event_type":"alert","src_ip":"{}","src_port":{},"dest_ip":"{address}","dest_port":80,"proto":"TCP","alert":{{"action":"allowed","gid":1,"signature_id":{id},"rev":3,"signature":"{signature}","category":"Misc activity","severity":3}},"app_proto":"http"}}"#,
        m.below(1 << 50),
        pc.ip,
        10_000 + m.below(50_000)
    );
    m.send(at, world::SENSOR, Kind::Sensor, text);
}
