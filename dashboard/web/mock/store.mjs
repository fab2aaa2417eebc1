/** The mock's memory: events, alerts, sources, rules, and what happens to them while it runs. */
import { attackEvent, makeEvent } from "./events.mjs";
import { seeded } from "./random.mjs";
import { RULES, SOURCES } from "./world.mjs";

const DAY = 86_400_000;

export function makeStore({ seed = 20_261_123, events = 24_000, alerts = 3_200 } = {}) {
  const random = seeded(seed);
  // of its own: how often it is asked depends on the hour, and everything else must not
  const hours = seeded(seed + 1);
  const now = Date.now();
  const store = { random, started: now, events: [], alerts: [], byId: new Map(), total: 0, perSecond: 168.4, refused: {} };
  // Quieter at night, busy in office hours (UTC+7), and one burst an attacker made.
  for (let i = 0; i < events; i++) {
    let ms;
    let hour;
    do {
      ms = now - hours.next() * DAY;
      hour = (new Date(ms).getUTCHours() + 7) % 24;
    } while (!hours.chance(hour >= 7 && hour < 18 ? 1 : 0.35));
    store.events.push(makeEvent(ms, random));
  }
  for (let i = 0; i < 900; i++) store.events.push(attackEvent(RULES[0], now - 5 * 3600_000 + random.next() * 900_000, random));
  for (let i = 0; i < alerts; i++) store.alerts.push(makeAlert(store, now - random.next() ** 2 * 6 * DAY));
  for (let i = 0; i < 14; i++) store.alerts.push(makeAlert(store, now - random.next() * 3600_000, RULES[i % RULES.length], "new"));
  store.events.sort((a, b) => (a["@timestamp"] < b["@timestamp"] ? 1 : -1));
  store.alerts.sort(latest);
  for (const event of store.events) store.byId.set(event["event.id"], event);
  store.total = 14_562_918 + store.events.length;
  return store;
}

/** Latest raised first, then by id: the order in which the server pages. */
const latest = (a, b) => (a.raised < b.raised ? 1 : a.raised > b.raised ? -1 : a.id < b.id ? 1 : -1);

/** Rules as often as a province sees them: scans and spraying daily, a stolen credential once in a while. */
const OFTEN = [9, 1, 6, 9, 12, 40, 14, 4, 1, 7, 4, 8].flatMap((times, i) => Array(times).fill(RULES[i]));
const ENTITY = [
  ["source.ip", "address"],
  ["user.name", "user"],
  ["host.name", "host"],
  ["process.name", "process"],
  ["destination.ip", "address"],
];

const WEIGHT = { critical: 1000, high: 700, medium: 400, low: 200, informational: 50 };

export function makeAlert(store, ms, rule, status) {
  const { random } = store;
  const picked = rule ?? random.pick(OFTEN);
  const sample = Array.from({ length: random.int(1, 6) }, (_, i) => attackEvent(picked, ms - i * random.int(900, 40_000), random));
  for (const event of sample) {
    store.events.push(event);
    store.byId.set(event["event.id"], event);
  }
  const first = sample[0];
  const entities = ENTITY.filter(([field]) => first[field]).map(([field, kind]) => ({ kind, field, value: String(first[field]) }));
  const matched = ["event.dataset", "event.outcome", "event.action", "source.ip", "event.code", "url.original"]
    .filter((f) => first[f] !== undefined)
    .slice(0, 4)
    .map((field) => ({ field, value: String(first[field]) }));
  const old = Date.now() - ms > DAY / 2;
  const state =
    status ??
    (old
      ? random.pick(["true_positive", "false_positive", "false_positive", "benign", "new"])
      : random.pick(["new", "new", "new", "acknowledged"]));
  const { dataset, logsource, ...meta } = picked;
  const id = random.hex(32);
  return {
    id,
    agency: "default",
    rule: { ...meta, hash: random.hex(64) },
    first_seen: new Date(ms - random.int(2, 900) * 1000).toISOString(),
    last_seen: new Date(ms).toISOString(),
    raised: new Date(ms - 1500).toISOString(),
    count: random.chance(0.3) ? random.int(20, 4800) : sample.length,
    entities,
    matched,
    event_ids: sample.map((e) => e["event.id"]),
    summary: String(first.message).slice(0, 1024),
    status: state,
    assignee: state === "new" ? null : random.pick(["analyst", "thuhuong", "minhduc"]),
    drill: random.chance(0.01),
    version: 1,
    // a few stand higher than their level alone has them
    priority: Math.round((WEIGHT[meta.level] * (10 + (id.charCodeAt(0) % 3))) / 10),
  };
}

/** One tick of life: a few new events. */
export function live(store, count = 3) {
  for (let i = 0; i < count; i++) {
    const event = makeEvent(Date.now() - 300, store.random);
    store.events.unshift(event);
    store.byId.set(event["event.id"], event);
  }
  store.total += 330 + store.random.int(0, 40);
  store.perSecond = 160 + store.random.next() * 30;
}

/** A new alert, as the analyzer would raise it now; `priority` unless it is that of its level. */
export function raise(store, ruleIndex, priority) {
  const rule = RULES[ruleIndex ?? store.random.int(0, RULES.length - 2)];
  const alert = makeAlert(store, Date.now() - 400, rule, "new");
  if (priority) alert.priority = priority;
  store.alerts.push(alert);
  store.alerts.sort(latest);
  return alert;
}

export function sources(store) {
  const now = Date.now();
  const life = (now - store.started) / 1000 + 180_000;
  return SOURCES.map(({ idle_ms, rate, parsed, ...source }) => {
    const kept = Math.floor(rate * life) + (rate ? 0 : 88_211);
    const ok = Math.floor(kept * parsed);
    const refused = Object.values(source.refused).reduce((a, b) => a + b, 0);
    return {
      ...source,
      active: idle_ms < 300_000,
      first_seen: new Date(now - 31 * DAY).toISOString(),
      last_seen: new Date(now - idle_ms - (idle_ms < 3000 ? store.random.int(0, 1500) : 0)).toISOString(),
      counters: { received: kept + refused, kept, parsed: ok, unparsed: kept - ok, bytes: kept * 312, refused: source.refused },
    };
  });
}

export function rules(store) {
  const filler = Array.from({ length: 640 }, (_, i) => ({
    id: `sigma-${String(i).padStart(4, "0")}`,
    title: `${["Suspicious", "Potential", "Unusual", "Rare"][i % 4]} ${["process creation", "registry change", "DNS query", "service install", "logon", "file access"][i % 6]} pattern ${i + 1}`,
    title_vi: null,
    level: ["low", "medium", "medium", "high", "informational"][i % 5],
    logsource: "windows/process_creation",
    file: `rules/windows/process_creation/proc_creation_win_${i}.yml`,
    status: ["test", "stable", "experimental"][i % 3],
    enabled: i % 37 !== 0,
    own: false,
    verdicts: { true_positive: 0, false_positive: i % 53 === 5 ? 40 : 0, benign: 0 },
    noisy: i % 53 === 5,
    matches: i % 9 ? 0 : i * 3,
    last_match: i % 9 ? null : new Date(store.started - i * 900_000).toISOString(),
  }));
  const ours = RULES.map((r) => {
    const hits = store.alerts.filter((a) => a.rule.id === r.id);
    const last = hits
      .map((a) => a.last_seen)
      .sort()
      .at(-1);
    return {
      id: r.id,
      title: r.title,
      title_vi: r.title_vi,
      level: r.level,
      logsource: Object.values(r.logsource).join("/"),
      file: `rules/packs/${r.logsource.product ?? r.logsource.category}/${r.id.slice(-4)}.yml`,
      status: "stable",
      enabled: true,
      own: false,
      verdicts: { true_positive: 3, false_positive: 1, benign: 0 },
      noisy: false,
      matches: hits.reduce((n, a) => n + a.count, 0),
      last_match: last ?? null,
    };
  });
  return [...ours, ...filler];
}

export const DIAGNOSTICS = [
  {
    code: "FSP-R051",
    severity: "error",
    file: "rules/local/tuong-lua-noi-bo.yml",
    line: 14,
    column: 7,
    message: "there is no selection named `selection_2`",
    message_vi: "không có selection nào tên `selection_2`",
    help: "Define the selection under `detection:` or correct the name",
    help_vi: "Định nghĩa selection này dưới `detection:` hoặc sửa lại tên",
  },
  {
    code: "FSP-R053",
    severity: "warning",
    file: "rules/windows/registry/registry_event_legacy.yml",
    line: 22,
    column: 5,
    message: "the condition does not use `filter_legacy`",
    message_vi: "điều kiện không dùng `filter_legacy`",
    help: "Use the selection in the condition or remove it",
    help_vi: "Dùng selection này trong điều kiện hoặc bỏ nó đi",
  },
];
