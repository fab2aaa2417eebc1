/** The invented province the mock tells of: hosts, people, attackers, rules. Names are fiction; addresses are documentation or private ranges. */

export const HOSTS = [
  "srv-egov-01", "srv-egov-02", "srv-mail-01", "srv-db-cddt", "srv-file-ubnd", "srv-web-congtt", "dc-laichau-01", "dc-laichau-02",
  "vpn-gw-01", "proxy-dmz-01", "ws-sotttt-017", "ws-sotc-042", "ws-tamduong-003", "ws-muongte-011", "ws-sinho-008", "srv-backup-01",
];
export const FIREWALLS = ["fw-bien-01", "fw-bien-02", "fw-dmz-01", "fw-huyen-thanuyen"];
export const USERS = [
  "nguyenvanan", "tranthibinh", "lovanchung", "giangadinh", "vuthiduyen", "phamquochung", "sungthimy", "hoangvanphuc", "root", "admin",
  "svc_backup", "svc_ioffice", "oracle", "postgres", "test",
];
export const ATTACKERS = ["203.0.113.45", "203.0.113.112", "198.51.100.23", "198.51.100.77", "192.0.2.201", "2001:db8:5e1f::9a"];
export const INSIDE = ["10.8.1.12", "10.8.1.45", "10.8.4.7", "10.12.0.33", "10.21.3.18", "10.30.7.200", "172.16.5.9", "192.168.40.61"];

const advice_vi =
  "Kiểm tra xem địa chỉ nguồn có thuộc đơn vị quản lý không. Nếu đăng nhập thành công sau chuỗi thất bại: khóa tài khoản, thu thập nhật ký máy đích trong 24 giờ gần nhất và báo trực ban.";
const advice =
  "Check whether the source address belongs to a managed unit. If a logon succeeded after the failures: lock the account, collect the target's logs of the last 24 hours and tell the officer on duty.";

export const RULES = [
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef001", title: "SSH password brute force from one address", title_vi: "Dò mật khẩu SSH từ một địa chỉ", level: "high", tags: ["attack.t1110", "attack.t1110.001", "attack.credential-access"], dataset: "system.auth", logsource: { product: "linux", service: "sshd" }, advice, advice_vi },
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef002", title: "SSH login succeeded after repeated failures", title_vi: "Đăng nhập SSH thành công sau nhiều lần thất bại", level: "critical", tags: ["attack.t1110", "attack.t1078", "attack.initial-access"], dataset: "system.auth", logsource: { product: "linux", service: "sshd" }, advice, advice_vi },
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef003", title: "Sudo: command not allowed", title_vi: "Sudo: lệnh không được phép", level: "medium", tags: ["attack.t1548.003", "attack.privilege-escalation"], dataset: "system.auth", logsource: { product: "linux", service: "sudo" }, advice: null, advice_vi: null },
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef004", title: "Web path traversal attempt", title_vi: "Thử vượt thư mục trên ứng dụng web", level: "medium", tags: ["attack.t1190", "attack.initial-access"], dataset: "nginx.access", logsource: { category: "webserver" }, advice, advice_vi },
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef005", title: "SQL injection in query string", title_vi: "Chèn mã SQL trong chuỗi truy vấn", level: "high", tags: ["attack.t1190", "attack.initial-access"], dataset: "nginx.access", logsource: { category: "webserver" }, advice, advice_vi },
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef006", title: "Port scan blocked at the border firewall", title_vi: "Quét cổng bị chặn tại tường lửa biên", level: "low", tags: ["attack.t1046", "attack.discovery"], dataset: "fortinet.firewall", logsource: { product: "fortigate" }, advice: null, advice_vi: null },
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef007", title: "Windows logon failures spread over many accounts (password spraying)", title_vi: "Đăng nhập Windows thất bại rải trên nhiều tài khoản (rải mật khẩu)", level: "high", tags: ["attack.t1110.003", "attack.credential-access"], dataset: "windows.security", logsource: { product: "windows", service: "security" }, advice, advice_vi },
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef008", title: "Suspicious PowerShell download cradle", title_vi: null, level: "high", tags: ["attack.t1059.001", "attack.execution", "attack.t1105"], dataset: "windows.sysmon_operational", logsource: { product: "windows", category: "process_creation" }, advice, advice_vi },
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef009", title: "LSASS memory read by an unusual process", title_vi: "Tiến trình lạ đọc bộ nhớ LSASS", level: "critical", tags: ["attack.t1003.001", "attack.credential-access"], dataset: "windows.sysmon_operational", logsource: { product: "windows", category: "process_access" }, advice, advice_vi },
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef010", title: "VPN login from an unexpected country", title_vi: "Đăng nhập VPN từ quốc gia lạ", level: "medium", tags: ["attack.t1133", "attack.t1078", "attack.initial-access"], dataset: "fortinet.firewall", logsource: { product: "fortigate", service: "vpn" }, advice, advice_vi },
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef011", title: "New local administrator created", title_vi: "Tạo mới tài khoản quản trị cục bộ", level: "medium", tags: ["attack.t1136.001", "attack.persistence"], dataset: "windows.security", logsource: { product: "windows", service: "security" }, advice: null, advice_vi: null },
  { id: "5f1abf38-291f-4f5c-9d1c-6a1f7a3ef012", title: "Clock of a device is more than five minutes off", title_vi: "Đồng hồ thiết bị lệch quá năm phút", level: "informational", tags: [], dataset: "system.syslog", logsource: { category: "pipeline" }, advice: null, advice_vi: null },
];

const source = (transport, address, host, format, product, extra = {}) => ({
  id: address ? `${transport}:${address}` : `${transport}:${host}`,
  agency: "default", transport, peer: address, tls_identity: null, host, format, product,
  confidence: 0.99, pinned: false, skew: 12_000_000, idle_ms: 800, rate: 1, parsed: 0.998, refused: {}, ...extra,
});

export const SOURCES = [
  source("udp", "10.8.0.1", "fw-bien-01", "fortigate", "Fortinet FortiGate", { rate: 40, parsed: 0.9997 }),
  source("udp", "10.8.0.2", "fw-bien-02", "fortigate", "Fortinet FortiGate", { rate: 31, parsed: 0.9995 }),
  source("tls", "10.8.2.20", "srv-egov-01", "sshd", "OpenSSH, Linux", { tls_identity: "CN=srv-egov-01.laichau.gov.vn,O=UBND tỉnh Lai Châu", rate: 6 }),
  source("tls", "10.8.2.21", "srv-egov-02", "nginx", "nginx", { tls_identity: "CN=srv-egov-02.laichau.gov.vn,O=UBND tỉnh Lai Châu", rate: 12 }),
  source("tcp", "10.8.2.30", "srv-db-cddt", "auditd", "Linux auditd", { rate: 5, pinned: true, parsed: 0.96, confidence: 0.96 }),
  source("tcp", "10.8.3.10", "dc-laichau-01", "winlogbeat", "Microsoft Windows (Winlogbeat)", { rate: 22, skew: -340_000_000 }),
  source("tcp", "10.8.3.11", "dc-laichau-02", "winlogbeat", "Microsoft Windows (Winlogbeat)", { rate: 18, skew: -410_000_000 }),
  source("udp", "10.12.0.1", "fw-huyen-thanuyen", "cisco_asa", "Cisco ASA", { rate: 3, skew: 412_000_000_000, refused: { rate_limit: 1284, too_large: 3 } }),
  source("udp", "10.21.0.254", "sw-core-sinho", null, null, { rate: 0.4, parsed: 0, confidence: 0, refused: {} }),
  source("udp", "10.30.7.254", "ap-muongte-3", "syslog", "Syslog (RFC 3164)", { rate: 0.2, parsed: 0.61, confidence: 0.61, idle_ms: 5_400_000 }),
  source("file", null, "/var/log/suricata/eve.json", "suricata_eve", "Suricata EVE", { rate: 15, skew: 0 }),
  source("http", null, "ioffice-app", "json", "JSON", { rate: 4, skew: null, refused: { bad_json: 41 } }),
  source("tls", "10.8.9.5", "mail-gw-01", "postfix", "Postfix", { tls_identity: "CN=mail-gw-01.laichau.gov.vn", idle_ms: 26 * 3600_000, rate: 0 }),
  source("tcp", "10.8.2.40", "proxy-dmz-01", "squid", "Squid", { rate: 9, idle_ms: 2_000 }),
];
