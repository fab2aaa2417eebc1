/** What to paste into devices so that they send here. Text with the address and ports put in; nothing is executed. */

export interface Target {
  host: string;
  plain: string;
  tls: string;
}

export interface Snippet {
  id: string;
  name: string;
  /** Where the text goes. */
  file: string;
  /** Whether what is sent is encrypted. */
  tls: boolean;
  text: (target: Target) => string;
}

const ip = (host: string): string => (host.includes(":") ? `[${host}]` : host);

export const SNIPPETS: readonly Snippet[] = [
  {
    id: "rsyslog-tls",
    name: "rsyslog (TLS)",
    file: "/etc/rsyslog.d/60-fansipan.conf",
    tls: true,
    text: ({ host, tls }) => `# apt install rsyslog-gnutls
global(DefaultNetstreamDriverCAFile="/etc/ssl/certs/fansipan-ca.pem")
action(
  type="omfwd" target="${host}" port="${tls}" protocol="tcp"
  StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name"
  StreamDriverPermittedPeers="${host}"
  TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"
  queue.type="LinkedList" queue.filename="fansipan" queue.maxDiskSpace="1g"
  queue.saveOnShutdown="on" action.resumeRetryCount="-1"
)`,
  },
  {
    id: "rsyslog-tcp",
    name: "rsyslog (TCP)",
    file: "/etc/rsyslog.d/60-fansipan.conf",
    tls: false,
    text: ({ host, plain }) => `action(
  type="omfwd" target="${host}" port="${plain}" protocol="tcp"
  TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"
  queue.type="LinkedList" queue.filename="fansipan" queue.maxDiskSpace="1g"
  queue.saveOnShutdown="on" action.resumeRetryCount="-1"
)`,
  },
  {
    id: "rsyslog-udp",
    name: "rsyslog (UDP)",
    file: "/etc/rsyslog.d/60-fansipan.conf",
    tls: false,
    text: ({ host, plain }) =>
      `*.* action(type="omfwd" target="${host}" port="${plain}" protocol="udp" template="RSYSLOG_SyslogProtocol23Format")`,
  },
  {
    id: "syslog-ng",
    name: "syslog-ng",
    file: "/etc/syslog-ng/conf.d/fansipan.conf",
    tls: true,
    text: ({ host, tls }) => `destination d_fansipan {
  syslog("${host}" port(${tls}) transport("tls")
    tls(ca-file("/etc/ssl/certs/fansipan-ca.pem") peer-verify(required-trusted))
    disk-buffer(reliable(yes) disk-buf-size(1073741824)));
};
log { source(s_src); destination(d_fansipan); };`,
  },
  {
    id: "fortigate",
    name: "FortiGate",
    file: "FortiOS CLI",
    tls: false,
    text: ({ host, plain }) => `config log syslogd setting
    set status enable
    set server "${host}"
    set port ${plain}
    set mode reliable
    set format default
end
config log syslogd filter
    set severity information
end`,
  },
  {
    id: "cisco-asa",
    name: "Cisco ASA",
    file: "ASA CLI",
    tls: false,
    text: ({ host, plain }) => `logging enable
logging timestamp rfc5424
logging device-id hostname
logging trap informational
logging host inside ${host} tcp/${plain}
logging permit-hostdown`,
  },
  {
    id: "cisco-ios",
    name: "Cisco IOS",
    file: "IOS CLI",
    tls: false,
    text: ({ host, plain }) => `service timestamps log datetime msec show-timezone year
service sequence-numbers
logging origin-id hostname
logging host ${host} transport udp port ${plain}
logging trap informational`,
  },
  {
    id: "paloalto",
    name: "PAN-OS",
    file: "PAN-OS CLI",
    tls: true,
    text: ({ host, tls }) => `configure
set shared log-settings syslog fansipan server fansipan server ${host} transport SSL port ${tls} format IETF facility LOG_USER
set shared log-settings system match-list fansipan filter "All Logs" send-syslog fansipan
set shared log-settings config match-list fansipan filter "All Logs" send-syslog fansipan
commit`,
  },
  {
    id: "nxlog",
    name: "Windows (NXLog)",
    file: "C:\\Program Files\\nxlog\\conf\\nxlog.conf",
    tls: true,
    text: ({ host, tls }) => `<Extension json>
    Module  xm_json
</Extension>
<Input eventlog>
    Module  im_msvistalog
    ReadFromLast  TRUE
</Input>
<Output fansipan>
    Module  om_ssl
    Host    ${host}
    Port    ${tls}
    CAFile  %CERTDIR%\\fansipan-ca.pem
    Exec    to_json();
</Output>
<Route windows>
    Path    eventlog => fansipan
</Route>`,
  },
  {
    id: "winlogbeat",
    name: "Windows (Winlogbeat)",
    file: "winlogbeat.yml → Logstash / Filebeat relay",
    tls: false,
    text: ({ host, plain }) => `# winlogbeat.yml
winlogbeat.event_logs:
  - name: Security
  - name: System
  - name: Microsoft-Windows-Sysmon/Operational
  - name: Microsoft-Windows-PowerShell/Operational
output.logstash:
  hosts: ["RELAY:5044"]

# relay: /etc/logstash/conf.d/fansipan.conf
input  { beats { port => 5044 } }
output { tcp { host => "${host}" port => ${plain} codec => json_lines } }`,
  },
];

/** A line that shows whether anything arrives at all. */
export const testLine = ({ host, plain }: Target): string =>
  `logger --server ${ip(host)} --port ${plain} --tcp --tag fansipan-test "Xin chào Fansipan"`;
