/** Makes events as the collector would: flat ECS objects, raw text kept. */
import { uuidv7 } from "./random.mjs";
import { ATTACKERS, FIREWALLS, HOSTS, INSIDE, USERS } from "./world.mjs";

const pad = (n) => String(n).padStart(2, "0");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const header = (ms) => {
  const d = new Date(ms + 7 * 3600_000);
  return `${MONTHS[d.getUTCMonth()]} ${String(d.getUTCDate()).padStart(2)} ${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}:${pad(d.getUTCSeconds())}`;
};

function base(ms, random, fields) {
  return {
    "@timestamp": new Date(ms).toISOString(),
    "event.id": uuidv7(ms + 40, random),
    "event.ingested": new Date(ms + random.int(20, 400)).toISOString(),
    "event.kind": "event",
    "fansipan.agency": "default",
    "fansipan.class": "default",
    ...fields,
  };
}

function sshd(ms, random, failing) {
  const host = random.pick(HOSTS);
  const user = failing ? random.pick(["root", "admin", "oracle", "test", "postgres"]) : random.pick(USERS);
  const ip = failing ? random.pick(ATTACKERS) : random.pick(INSIDE);
  const port = random.int(32000, 61000);
  const pid = random.int(900, 30000);
  const message = failing
    ? `Failed password for ${user === "test" ? "invalid user " : ""}${user} from ${ip} port ${port} ssh2`
    : `Accepted publickey for ${user} from ${ip} port ${port} ssh2: ED25519 SHA256:${random.hex(20)}`;
  return base(ms, random, {
    "fansipan.source": "tls:10.8.2.20",
    "fansipan.parser": "sshd",
    "fansipan.transport": "tls",
    "fansipan.peer.ip": "10.8.2.20",
    "fansipan.peer.port": 51514,
    "event.dataset": "system.auth",
    "event.category": ["authentication", "session"],
    "event.action": failing ? "ssh_login" : "ssh_login",
    "event.outcome": failing ? "failure" : "success",
    "host.name": host,
    "process.name": "sshd",
    "process.pid": pid,
    "user.name": user,
    "source.ip": ip,
    "source.port": port,
    message,
    "event.original": `<38>${header(ms)} ${host} sshd[${pid}]: ${message}`,
  });
}

function firewall(ms, random, denied) {
  const device = random.pick(FIREWALLS);
  const src = denied ? random.pick(ATTACKERS) : random.pick(INSIDE);
  const dst = denied ? random.pick(INSIDE) : `198.51.100.${random.int(2, 250)}`;
  const port = denied ? random.pick([22, 23, 445, 1433, 3389, 8080]) : random.pick([443, 443, 443, 53, 80]);
  const sport = random.int(1025, 65000);
  const bytes = random.int(60, 480000);
  const message = `date=${new Date(ms).toISOString().slice(0, 10)} devname="${device}" devid="FG100FTK20012345" type="traffic" subtype="forward" level="notice" vd="root" srcip=${src} srcport=${sport} srcintf="wan1" dstip=${dst} dstport=${port} dstintf="dmz" policyid=${random.int(1, 60)} proto=6 action="${denied ? "deny" : "accept"}" service="TCP/${port}" sentbyte=${bytes} rcvdbyte=${bytes * 3}`;
  return base(ms, random, {
    "fansipan.source": "udp:10.8.0.1",
    "fansipan.parser": "fortigate",
    "fansipan.transport": "udp",
    "fansipan.peer.ip": "10.8.0.1",
    "fansipan.peer.port": 514,
    "event.dataset": "fortinet.firewall",
    "event.category": "network",
    "event.action": denied ? "deny" : "accept",
    "event.outcome": denied ? "failure" : "success",
    "observer.name": device,
    "observer.vendor": "Fortinet",
    "observer.product": "FortiGate",
    "host.name": device,
    "source.ip": src,
    "source.port": sport,
    "destination.ip": dst,
    "destination.port": port,
    "network.transport": "tcp",
    "source.bytes": bytes,
    "destination.bytes": bytes * 3,
    "fortinet.firewall.policyid": String(random.int(1, 60)),
    "fortinet.firewall.subtype": "forward",
    message,
    "event.original": `<189>${message}`,
  });
}

const PATHS = [
  "/",
  "/dichvucong/thu-tuc?id=1.004873",
  "/ioffice/van-ban/den",
  "/api/v2/ho-so?trang=2",
  "/static/app.js",
  "/tin-tuc/lai-chau-hom-nay",
];
const EVIL = [
  "/../../../../etc/passwd",
  "/san-pham?id=1%27%20UNION%20SELECT%20username,password%20FROM%20users--",
  "/wp-login.php",
  "/?q=<script>alert(document.cookie)</script>",
];

function web(ms, random, evil) {
  const host = random.pick(["srv-egov-02", "srv-web-congtt", "proxy-dmz-01"]);
  const ip = evil ? random.pick(ATTACKERS) : random.pick(INSIDE);
  const path = evil ? random.pick(EVIL) : random.pick(PATHS);
  const status = evil ? random.pick([403, 404, 400, 200]) : random.pick([200, 200, 200, 304, 302]);
  const agent = evil
    ? "sqlmap/1.8.2#stable (https://sqlmap.org)"
    : "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36";
  const size = random.int(180, 92000);
  const message = `${ip} - - [${header(ms)}] "GET ${path} HTTP/1.1" ${status} ${size} "-" "${agent}"`;
  return base(ms, random, {
    "fansipan.source": "tls:10.8.2.21",
    "fansipan.parser": "nginx",
    "fansipan.transport": "tls",
    "fansipan.peer.ip": "10.8.2.21",
    "fansipan.peer.port": 40022,
    "event.dataset": "nginx.access",
    "event.category": "web",
    "event.outcome": status < 400 ? "success" : "failure",
    "host.name": host,
    "source.ip": ip,
    "http.request.method": "GET",
    "url.original": path,
    "http.response.status_code": status,
    "http.response.body.bytes": size,
    "user_agent.original": agent,
    message,
    "event.original": `<190>${header(ms)} ${host} nginx: ${message}`,
  });
}

function windows(ms, random, failing) {
  const host = random.pick(["dc-laichau-01", "dc-laichau-02", "ws-sotc-042", "ws-sotttt-017"]);
  const user = random.pick(USERS);
  const ip = failing ? random.pick([...ATTACKERS, ...INSIDE]) : random.pick(INSIDE);
  const code = failing ? "4625" : random.pick(["4624", "4672", "4688", "4634"]);
  const record = random.int(100000, 9999999);
  const text = failing ? "An account failed to log on." : "An account was successfully logged on.";
  return base(ms, random, {
    "fansipan.source": "tcp:10.8.3.10",
    "fansipan.parser": "winlogbeat",
    "fansipan.transport": "tcp",
    "fansipan.peer.ip": "10.8.3.10",
    "fansipan.peer.port": 50412,
    "event.dataset": "windows.security",
    "event.code": code,
    "event.category": "authentication",
    "event.action": failing ? "logon-failed" : "logged-in",
    "event.outcome": failing ? "failure" : "success",
    "host.name": host,
    "user.name": user,
    "user.domain": "LAICHAU",
    "source.ip": ip,
    "winlog.channel": "Security",
    "winlog.provider_name": "Microsoft-Windows-Security-Auditing",
    "winlog.computer_name": `${host}.laichau.gov.vn`,
    "winlog.record_id": record,
    "winlog.event_data.LogonType": failing ? "3" : "2",
    "winlog.event_data.TargetUserName": user,
    "winlog.event_data.Status": failing ? "0xc000006d" : "0x0",
    "winlog.event_data.WorkstationName": host.toUpperCase(),
    message: text,
    "event.original": JSON.stringify({
      "@timestamp": new Date(ms).toISOString(),
      winlog: { channel: "Security", event_id: code, record_id: record, computer_name: host },
      message: text,
    }),
  });
}

function sudo(ms, random) {
  const host = random.pick(HOSTS);
  const user = random.pick(USERS);
  const message = `${user} : TTY=pts/0 ; PWD=/home/${user} ; USER=root ; COMMAND=/usr/bin/systemctl restart ioffice`;
  return base(ms, random, {
    "fansipan.source": "tls:10.8.2.20",
    "fansipan.parser": "sudo",
    "fansipan.transport": "tls",
    "fansipan.peer.ip": "10.8.2.20",
    "fansipan.peer.port": 51514,
    "event.dataset": "system.auth",
    "event.category": "process",
    "event.action": "sudo",
    "event.outcome": "success",
    "host.name": host,
    "process.name": "sudo",
    "user.name": user,
    "user.effective.name": "root",
    "process.command_line": "/usr/bin/systemctl restart ioffice",
    message,
    "event.original": `<85>${header(ms)} ${host} sudo: ${message}`,
  });
}

function unparsed(ms, random) {
  const message = `%% ${random.hex(4).toUpperCase()} thiết bị không rõ định dạng: trạng thái cổng ${random.int(1, 48)} đổi sang XUỐNG ⚠ ${random.hex(12)}`;
  return base(ms, random, {
    "event.kind": "pipeline_error",
    "fansipan.source": "udp:10.21.0.254",
    "fansipan.transport": "udp",
    "fansipan.peer.ip": "10.21.0.254",
    "fansipan.peer.port": 514,
    "fansipan.error": "no format recognized this record",
    "host.name": "sw-core-sinho",
    message,
    "event.original": message,
  });
}

/** One event at `ms`, in the mix of a province: mostly firewall and Windows, some Linux and web, a little noise and attack. */
export function makeEvent(ms, random, attack = 0.04) {
  const roll = random.next();
  const evil = random.chance(attack);
  if (roll < 0.4) return firewall(ms, random, evil || random.chance(0.08));
  if (roll < 0.72) return windows(ms, random, evil || random.chance(0.03));
  if (roll < 0.84) return web(ms, random, evil);
  if (roll < 0.95) return sshd(ms, random, evil || random.chance(0.06));
  if (roll < 0.985) return sudo(ms, random);
  return unparsed(ms, random);
}

/** An event of the kind a rule looks for. */
export function attackEvent(rule, ms, random) {
  if (rule.dataset === "system.auth")
    return rule.logsource.service === "sudo" ? sudo(ms, random) : sshd(ms, random, !rule.title.includes("succeeded"));
  if (rule.dataset === "nginx.access") return web(ms, random, true);
  if (rule.dataset === "fortinet.firewall") return firewall(ms, random, true);
  if (rule.dataset.startsWith("windows")) return windows(ms, random, true);
  return unparsed(ms, random);
}
