/** MITRE ATT&CK names as Sigma tags write them (`attack.t1110.001`, `attack.credential-access`). Names stay in English: they are identifiers. */

export interface AttackTag {
  kind: "technique" | "tactic";
  /** `T1110.001`, or the tactic's words. */
  text: string;
}

export function attackTags(tags: readonly string[]): AttackTag[] {
  const out: AttackTag[] = [];
  for (const tag of tags) {
    const rest = /^attack\.(.+)$/i.exec(tag)?.[1];
    if (!rest) continue;
    if (/^t\d{4}(\.\d{3})?$/i.test(rest)) out.push({ kind: "technique", text: rest.toUpperCase() });
    else if (!/^[gs]\d{4}$/i.test(rest)) out.push({ kind: "tactic", text: rest.replace(/[-_]/g, " ") });
  }
  return out;
}

/** Names of the techniques most often seen; others show their number alone. */
const NAMES: Record<string, string> = {
  T1003: "OS Credential Dumping",
  T1005: "Data from Local System",
  T1010: "Application Window Discovery",
  T1016: "System Network Configuration Discovery",
  T1018: "Remote System Discovery",
  T1021: "Remote Services",
  T1027: "Obfuscated Files or Information",
  T1033: "System Owner/User Discovery",
  T1036: "Masquerading",
  T1040: "Network Sniffing",
  T1041: "Exfiltration Over C2 Channel",
  T1046: "Network Service Discovery",
  T1047: "Windows Management Instrumentation",
  T1048: "Exfiltration Over Alternative Protocol",
  T1049: "System Network Connections Discovery",
  T1053: "Scheduled Task/Job",
  T1055: "Process Injection",
  T1056: "Input Capture",
  T1057: "Process Discovery",
  T1059: "Command and Scripting Interpreter",
  T1068: "Exploitation for Privilege Escalation",
  T1069: "Permission Groups Discovery",
  T1070: "Indicator Removal",
  T1071: "Application Layer Protocol",
  T1078: "Valid Accounts",
  T1082: "System Information Discovery",
  T1083: "File and Directory Discovery",
  T1087: "Account Discovery",
  T1090: "Proxy",
  T1095: "Non-Application Layer Protocol",
  T1098: "Account Manipulation",
  T1102: "Web Service",
  T1105: "Ingress Tool Transfer",
  T1110: "Brute Force",
  T1112: "Modify Registry",
  T1133: "External Remote Services",
  T1134: "Access Token Manipulation",
  T1136: "Create Account",
  T1140: "Deobfuscate/Decode Files",
  T1189: "Drive-by Compromise",
  T1190: "Exploit Public-Facing Application",
  T1203: "Exploitation for Client Execution",
  T1204: "User Execution",
  T1210: "Exploitation of Remote Services",
  T1218: "System Binary Proxy Execution",
  T1219: "Remote Access Software",
  T1485: "Data Destruction",
  T1486: "Data Encrypted for Impact",
  T1489: "Service Stop",
  T1490: "Inhibit System Recovery",
  T1498: "Network Denial of Service",
  T1499: "Endpoint Denial of Service",
  T1505: "Server Software Component",
  T1543: "Create or Modify System Process",
  T1546: "Event Triggered Execution",
  T1547: "Boot or Logon Autostart Execution",
  T1548: "Abuse Elevation Control Mechanism",
  T1550: "Use Alternate Authentication Material",
  T1552: "Unsecured Credentials",
  T1555: "Credentials from Password Stores",
  T1557: "Adversary-in-the-Middle",
  T1558: "Steal or Forge Kerberos Tickets",
  T1560: "Archive Collected Data",
  T1562: "Impair Defenses",
  T1564: "Hide Artifacts",
  T1566: "Phishing",
  T1567: "Exfiltration Over Web Service",
  T1569: "System Services",
  T1570: "Lateral Tool Transfer",
  T1571: "Non-Standard Port",
  T1572: "Protocol Tunneling",
  T1573: "Encrypted Channel",
  T1574: "Hijack Execution Flow",
  T1583: "Acquire Infrastructure",
  T1587: "Develop Capabilities",
  T1588: "Obtain Capabilities",
  T1590: "Gather Victim Network Information",
  T1595: "Active Scanning",
};

export const techniqueName = (id: string): string | null => NAMES[id.split(".")[0] ?? ""] ?? null;
