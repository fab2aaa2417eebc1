/**
 * Shapes of the HTTP API as the console reads them. Everything that comes from the network is data: text is shown as text,
 * and a field the server did not send is absent, never invented.
 */

export type Level = "informational" | "low" | "medium" | "high" | "critical";
export type AlertStatus = "new" | "acknowledged" | "true_positive" | "false_positive" | "benign";
export type Verdict = Extract<AlertStatus, "true_positive" | "false_positive" | "benign">;
export type EntityKind = "host" | "user" | "address" | "file" | "hash" | "process" | "domain";

/** Levels from worst to mildest: the order of the queue. */
export const LEVELS: readonly Level[] = ["critical", "high", "medium", "low", "informational"];
export const ALERT_STATUSES: readonly AlertStatus[] = ["new", "acknowledged", "true_positive", "false_positive", "benign"];

export interface User {
  name: string;
  display_name: string;
  roles: string[];
  must_change_password: boolean;
  must_set_up_second_factor?: boolean;
  second_factor?: boolean;
  language: string;
}

export interface RuleRef {
  id: string;
  title: string;
  title_vi: string | null;
  level: Level;
  hash: string;
  tags: string[];
  advice: string | null;
  advice_vi: string | null;
}

export interface Entity {
  kind: EntityKind;
  field: string;
  value: string;
}

export interface MatchedField {
  field: string;
  value: string;
}

/** One alert; times are RFC 3339 text. */
export interface Alert {
  id: string;
  agency: string;
  rule: RuleRef;
  first_seen: string;
  last_seen: string;
  raised: string;
  count: number;
  entities: Entity[];
  matched: MatchedField[];
  summary: string;
  status: AlertStatus;
  assignee: string | null;
  drill: boolean;
  version: number;
  /** Its place in the queue: in lists, and when it is raised. */
  priority?: number;
  /** Ids of the first events. */
  event_ids: string[];
  /** Why it was judged so, as far as this window knows: the reason itself is kept in the audit trail. */
  reason?: string | null;
}

export type Scalar = string | number | boolean | null;
/** A flat ECS event: dotted names to scalars, or to lists of scalars where a field has several values. */
export type EcsEvent = Record<string, Scalar | Scalar[]>;

export type AlertDetail = Alert & { events: EcsEvent[] };

export interface Page<T> {
  items: T[];
  next: string | null;
  total: number;
  /** Whether counted to the end; else there are at least so many. */
  total_exact: boolean;
}

export interface Bucket {
  t: number;
  count: number;
}

export interface ValueCount {
  value: string;
  count: number;
}

export interface RuleCount {
  id: string;
  title: string;
  title_vi: string | null;
  level: Level;
  count: number;
}

export interface Lag {
  analyzer: number;
  indexer: number;
  seconds: number;
}

export interface Overview {
  generated_at: string;
  from: string;
  to: string;
  events: { total: number; per_second: number; previous_total: number };
  alerts: { open: number; by_level: Partial<Record<Level, number>>; new_last_hour: number };
  sources: { total: number; active: number; silent: number; unparsed_share: number | null };
  histogram: Bucket[];
  top: { source_ip: ValueCount[]; user: ValueCount[]; host: ValueCount[]; rule: RuleCount[] };
  attack: { technique: string; count: number }[];
  lag: Lag;
  /** `null`: nothing feeds this number yet. It is never shown as zero. */
  counters: { incidents: number | null; vulnerabilities: number | null; attacks: number | null };
  /** The last hour against the same hour of past weeks. */
  trends: { events: Trend; alerts: Trend; attacks: Trend };
  /** Events by the country of their source address; `source` null: nobody knows countries. */
  map: { source: "events" | "database" | null; countries: ValueCount[] };
}

export interface Trend {
  now: number;
  /** `null`: no past week to compare with. */
  usual: number | null;
  weeks: number;
}

export interface EventPage {
  items: EcsEvent[];
  next: string | null;
  total: number;
  total_exact: boolean;
  took_ms: number;
}

export interface EventTable {
  columns: string[];
  rows: Scalar[][];
  /** `false`: a limit left rows out; those shown are exact. */
  complete: boolean;
  took_ms: number;
}

export interface Facet {
  field: string;
  values: ValueCount[];
}

/** Where a query is wrong: `position` counts characters (code points) from 0. */
export interface QueryFault {
  position: number;
  /** What kind of fault: stable, `FSP-Qnnn`. */
  code: string;
  message: string;
  message_vi: string;
  help: string;
  help_vi: string;
}

export type QueryCheck = { ok: true } | ({ ok: false } & QueryFault);

export interface SourceCounters {
  received: number;
  kept: number;
  parsed: number;
  unparsed: number;
  bytes: number;
  refused: Record<string, number>;
}

/** Frames on an interface that the network sensor listens to, since the program started. */
export interface PacketCounters {
  coverage: number;
  seen: number;
  bytes: number;
  kernel_drops: number;
  interface_drops: number;
  own_drops: number;
  up: boolean;
  flows: number;
  flows_evicted: number;
  flows_given_up: number;
  /** The packet ring; null: packets are not kept. */
  ring: PacketRing | null;
}

/** Packets that are kept for a while. */
export interface PacketRing {
  packets: number;
  /** Left out because their flow was long, as configured. */
  cut: number;
  dropped: number;
  unwritten: number;
  bytes: number;
  oldest: string | null;
  trouble: string | null;
}

export interface SourceInfo {
  id: string;
  agency: string;
  transport: string;
  peer: string | null;
  tls_identity: string | null;
  host: string | null;
  format: string | null;
  product: string | null;
  confidence: number;
  pinned: boolean;
  /** Whether it sent something within the last five minutes. */
  active: boolean;
  first_seen: string;
  last_seen: string;
  /** Device clock minus ours, nanoseconds. */
  skew: number | null;
  counters: SourceCounters;
  /** What the network sensor saw and lost there; null: not a sensor's. */
  packets: PacketCounters | null;
}

export interface SourceList {
  generated_at: string;
  items: SourceInfo[];
  /** Names of the formats that can be pinned. */
  formats: string[];
}

export interface RuleRow {
  id: string;
  title: string;
  title_vi: string | null;
  level: Level;
  /** `windows/process_creation`, `linux/sshd`… */
  logsource: string;
  file: string;
  status: string | null;
  enabled: boolean;
  /** `null` for those who do not see every agency. */
  matches: number | null;
  last_match: string | null;
  /** Of the centre's own: can be edited here. */
  own: boolean;
  /** What people judged its alerts to be; `null` for those who do not see every agency. */
  verdicts: { true_positive: number; false_positive: number; benign: number } | null;
  /** People judged nearly all of its alerts to be nothing. */
  noisy: boolean;
}

export interface RuleDiagnostic {
  code: string;
  severity: string;
  file: string;
  line: number | null;
  column: number | null;
  message: string;
  message_vi: string;
  help: string;
  help_vi: string;
}

export interface RuleList {
  items: RuleRow[];
  diagnostics: RuleDiagnostic[];
}

export interface SystemStatus {
  generated_at: string;
  version: string;
  role: string;
  bus: { head: number; bytes: number; consumers: { name: string; offset: number; lag: number }[]; alarm: string | null };
  store: { events: number; bytes: number; indexes: number; quarantined: number };
  rules: { loaded: number; failed: number };
  disk: { free: number; total: number };
  per_second: number;
  lag: Lag;
  uptime_s: number;
}

export interface Tick {
  at: string;
  events_total: number;
  per_second: number;
  open_alerts: number;
  lag: Lag;
  sources_active: number;
}
