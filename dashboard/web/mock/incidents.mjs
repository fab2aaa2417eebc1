/** Incidents of the invented province: alerts that share an attacker become one. */
import { raise } from "./store.mjs";

const OPEN = ["new", "acknowledged"];
const RANK = ["informational", "low", "medium", "high", "critical"];
const TACTICS = ["reconnaissance", "initial-access", "credential-access", "execution", "privilege-escalation", "discovery"];

const sentence = (alert, vietnamese) =>
  vietnamese
    ? `${alert.rule.title_vi ?? alert.rule.title}: ${alert.entities.map((e) => e.value).join(", ")}`
    : `${alert.rule.title}: ${alert.entities.map((e) => e.value).join(", ")}`;

/** An incident over `alerts`, earliest first. */
export function makeIncident(store, alerts, opened) {
  const items = [...alerts].sort((a, b) => (a.first_seen < b.first_seen ? -1 : 1));
  const worst = items.reduce((a, b) => (RANK.indexOf(b.rule.level) > RANK.indexOf(a.rule.level) ? b : a));
  const who = items[0].entities[0]?.value ?? "";
  const entities = [...new Map(items.flatMap((a) => a.entities).map((e) => [`${e.field}=${e.value}`, e])).values()].slice(0, 12);
  const tactics = TACTICS.filter((t) => items.some((a) => a.rule.tags.includes(`attack.${t}`)));
  return {
    id: store.random.hex(32),
    agency: "default",
    title: `${worst.rule.title}, from ${who}`,
    title_vi: `${worst.rule.title_vi ?? worst.rule.title}, từ ${who}`,
    groups: ["unauthorized-access"],
    level: worst.rule.level,
    status: "new",
    assignee: null,
    opened: opened ?? items[0].raised,
    first_seen: items[0].first_seen,
    last_seen: items.at(-1).last_seen,
    alerts: items.length,
    events: items.reduce((n, a) => n + a.count, 0),
    tactics,
    entities,
    drill: false,
    merged_into: null,
    version: 1,
    items,
  };
}

export function makeIncidents(store) {
  const open = store.alerts.filter((a) => OPEN.includes(a.status));
  const by = new Map();
  for (const alert of open) {
    const key = alert.entities[0]?.value;
    if (key) by.set(key, [...(by.get(key) ?? []), alert]);
  }
  return [...by.values()]
    .filter((list) => list.length > 2)
    .slice(0, 14)
    .map((list, i) => {
      const made = makeIncident(store, list.slice(0, 30));
      // What is open for long, somebody has.
      if (made.level === "critical" || i % 3 === 0) Object.assign(made, { status: "acknowledged", assignee: "thuhuong" });
      return made;
    });
}

export const listed = ({ items: _, workspace: __, ...incident }) => incident;

export const detailed = ({ workspace: _, ...incident }) => ({
  ...incident,
  story: incident.items.map((a) => ({
    alert: a.id,
    at: a.first_seen,
    tactic: TACTICS.find((t) => a.rule.tags.includes(`attack.${t}`)) ?? null,
    text: sentence(a, false),
    text_vi: sentence(a, true),
  })),
});

const SKEWED = { host: "fw-huyen-thanuyen", id: "udp:10.12.0.1", skew: 414e9 };

const entry = (at, kind, id, text, more = {}) => ({
  at,
  kind,
  id,
  who: null,
  text,
  text_vi: text,
  level: null,
  source: null,
  received: null,
  skew: null,
  ...more,
});

/** Everything that happened in it; the clock of one firewall is seven minutes fast. */
export function timelineOf(store, incident) {
  const { story } = detailed(incident);
  const steps = story.map((s) => entry(s.at, "alert", s.alert, s.text, { text_vi: s.text_vi }));
  const ids = incident.items.flatMap((a) => a.event_ids).slice(0, 200);
  const events = ids.map((id) => {
    const event = store.byId.get(id);
    const source = event["observer.name"] === SKEWED.host ? SKEWED.id : event["fansipan.source"];
    const skew = source === SKEWED.id ? SKEWED.skew : 12e6;
    return entry(event["@timestamp"], "event", id, String(event.message).slice(0, 500), {
      source,
      received: event["event.ingested"],
      skew,
    });
  });
  const items = (incident.workspace?.items ?? []).map((i) => entry(i.at, i.kind, i.id, Object.values(i.body).join(" "), { who: i.who }));
  const entries = [...steps, ...events, ...items].sort((a, b) => (a.at < b.at ? -1 : 1));
  return { zone: "UTC", entries, complete: true };
}

/** A critical incident that opens now. */
export function openIncident(store) {
  const alerts = [raise(store, 6), raise(store, 1), raise(store, 8)];
  const made = makeIncident(store, alerts, new Date().toISOString());
  store.incidents.unshift(made);
  return made;
}
