/** The REST contract over the mock's memory. */
import { createHash } from "node:crypto";

import { readAdmin } from "./admin.mjs";
import { changeDesk, readDesk } from "./desk.mjs";
import { detailed, listed, makeIncident, timelineOf } from "./incidents.mjs";
import { parse, QueryError, run } from "./query.mjs";
import { changeResponse, readResponse } from "./response.mjs";
import { rules, sources } from "./store.mjs";
import { add, advance, change, handIn, lessonsOf, workspaceOf } from "./workspace.mjs";
import { SOURCES } from "./world.mjs";

const OPEN = ["new", "acknowledged"];
const WHY = { true_positive: "blocked", false_positive: "rule", benign: "scanner" };
const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const time = (text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text));

function range(params) {
  const since = /^(\d+)([smhd])$/.exec(params.get("since") ?? "");
  const to = params.get("to") ? time(params.get("to")) : Date.now() + 60_000;
  const from = params.get("from")
    ? time(params.get("from"))
    : since
      ? Date.now() - Number(since[1]) * UNITS[since[2]]
      : Date.now() - UNITS.d;
  return { from, to };
}

function json(response, status, value) {
  response.writeHead(status, { "Content-Type": status >= 400 ? "application/problem+json" : "application/json" });
  response.end(value === null ? undefined : JSON.stringify(value));
}

const CODES = {
  not_authenticated: "001",
  login_failed: "002",
  password_change_required: "005",
  cross_site: "007",
  not_found: "008",
  bad_query: "013",
  forbidden: "006",
  bad_request: "010",
  conflict: "014",
  weak_password: "015",
  store_unavailable: "018",
};
/** What each kind says in Vietnamese, where the case has no sentence of its own. */
const SAID = {
  login_failed: "sai tên đăng nhập hoặc mật khẩu, hoặc tài khoản đang bị chặn",
  not_authenticated: "hãy đăng nhập, hoặc dùng khóa API còn hiệu lực",
  not_found: "không tồn tại hoặc thuộc đơn vị mà bạn không được xem",
  conflict: "FSP-S06 mục này đã bị người khác sửa: tải lại rồi quyết định lại",
  store_unavailable: "kho dữ liệu gặp lỗi; xem nguyên nhân trong nhật ký của dịch vụ",
};
const fail = (response, status, kind, detail, more = {}) =>
  json(response, status, {
    type: `urn:fansipan:problem:${kind}`,
    title: kind.replaceAll("_", " "),
    status,
    code: `FSP-API-${CODES[kind]}`,
    detail,
    detail_vi: SAID[kind] ?? detail,
    ...more,
  });

function page(list, params, limit = 50) {
  const size = Number(params.get("limit") ?? limit);
  const start = Number(params.get("after") ?? 0);
  const next = start + size < list.length ? String(start + size) : null;
  return { items: list.slice(start, start + size), next, total: list.length, total_exact: true };
}

function inRange(state, params) {
  const { from, to } = range(params);
  const a = new Date(from).toISOString();
  const b = new Date(to).toISOString();
  return state.store.events.filter((e) => e["@timestamp"] >= a && e["@timestamp"] < b);
}

function buckets(events, from, to, count) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400].map((s) => s * 1000);
  const width = steps.find((s) => (to - from) / s <= count) ?? 86_400_000;
  const start = Math.floor(from / width) * width;
  const out = [];
  for (let t = start; t < to; t += width) out.push({ t, count: 0 });
  for (const event of events) {
    const bucket = out[Math.floor((Date.parse(event["@timestamp"]) - start) / width)];
    if (bucket) bucket.count++;
  }
  return { interval_ms: width, buckets: out };
}

function tops(events, field, size = 10) {
  const counts = new Map();
  for (const event of events)
    for (const value of [event[field]].flat()) if (value !== undefined) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count)
    .slice(0, size);
}

function overview(state, params) {
  const { from, to } = range(params);
  const events = inRange(state, params);
  const { store } = state;
  const open = store.alerts.filter((a) => OPEN.includes(a.status));
  const since = new Date(from).toISOString();
  const recent = store.alerts.filter((a) => a.last_seen >= since);
  const byLevel = {};
  for (const alert of open) byLevel[alert.rule.level] = (byLevel[alert.rule.level] ?? 0) + 1;
  const rule = new Map();
  const attack = new Map();
  for (const alert of recent) {
    const entry = rule.get(alert.rule.id) ?? {
      id: alert.rule.id,
      title: alert.rule.title,
      title_vi: alert.rule.title_vi,
      level: alert.rule.level,
      count: 0,
    };
    entry.count++;
    rule.set(alert.rule.id, entry);
    for (const tag of alert.rule.tags)
      if (/^attack\.t\d/.test(tag)) attack.set(tag.slice(7).toUpperCase(), (attack.get(tag.slice(7).toUpperCase()) ?? 0) + 1);
  }
  const list = sources(store);
  const silent = list.filter((s) => Date.now() - Date.parse(s.last_seen) > 900_000).length;
  const hour = new Date(Date.now() - 3_600_000).toISOString();
  return {
    generated_at: new Date().toISOString(),
    from: since,
    to: new Date().toISOString(),
    events: { total: events.length * 611, per_second: store.perSecond, previous_total: Math.round(events.length * 611 * 0.89) },
    alerts: { open: open.length, by_level: byLevel, new_last_hour: store.alerts.filter((a) => a.raised >= hour).length },
    sources: { total: list.length, active: list.length - silent, silent, unparsed_share: 0.0143 },
    histogram: buckets(events, from, Math.min(to, Date.now()), 96).buckets,
    top: {
      source_ip: tops(events, "source.ip"),
      user: tops(events, "user.name"),
      host: tops(events, "host.name"),
      rule: [...rule.values()].sort((a, b) => b.count - a.count).slice(0, 10),
    },
    attack: [...attack].map(([technique, count]) => ({ technique, count })).sort((a, b) => b.count - a.count),
    lag: { analyzer: 12, indexer: 140, seconds: 0.4 },
    counters: {
      incidents: store.incidents.filter((i) => !i.merged_into && OPEN.includes(i.status)).length,
      vulnerabilities: null,
      attacks: 37,
    },
    trends: {
      events: { now: 612_000, usual: 540_100, weeks: 4 },
      alerts: { now: 41, usual: 42, weeks: 4 },
      attacks: { now: 0, usual: null, weeks: 0 },
    },
    map: state.countries ?? {
      source: "events",
      countries: [
        ["VN", 412_001],
        ["CN", 31_822],
        ["US", 18_204],
        ["RU", 9_310],
        ["NL", 4_102],
        ["BR", 902],
        ["IN", 310],
        ["DE", 121],
      ].map(([value, count]) => ({ value, count })),
    },
  };
}

/** A flood against the portal that began two minutes ago. */
function talkers() {
  const second = Math.floor(Date.now() / 1000);
  const series = Array.from({ length: 301 }, (_, i) => ({
    t: (second - 300 + i) * 1000,
    count: i < 180 ? 900 + (i % 7) * 40 : 21_000 + (i % 11) * 300,
  }));
  const sender = (address, highest_second, share) => ({
    address,
    packets: highest_second * 100,
    bytes: highest_second * 6_000,
    highest_second,
    share,
  });
  return {
    generated_at: new Date().toISOString(),
    from: new Date((second - 300) * 1000).toISOString(),
    to: new Date().toISOString(),
    flows: 48_120,
    complete: true,
    targets: [sender("10.20.0.80", 24_000, 1), sender("10.20.0.53", 1_204, 0)],
    series,
    senders: 1_312,
    talkers: [sender("203.0.113.77", 6_104, 0.26), sender("198.51.100.9", 4_212, 0.17), sender("203.0.113.90", 90, 0.01)],
  };
}

/** What the wall shows besides the overview. */
function wall(state) {
  const { store } = state;
  const open = store.alerts.filter((a) => OPEN.includes(a.status) && ["critical", "high"].includes(a.rule.level));
  const incidents = incidentList(state, new URLSearchParams());
  const raised = store.incidents.find((i) => i.level === "critical" && i.status === "new" && !i.merged_into);
  const { lag, disk, bus } = status(state);
  return {
    generated_at: new Date().toISOString(),
    alerts: open.slice(0, 100).map(({ id, rule, raised: at, status, assignee }) => ({
      id,
      level: rule.level,
      title: rule.title,
      title_vi: rule.title_vi,
      raised: at,
      status,
      assignee,
    })),
    more: open.length > 100,
    incidents,
    story: raised ? { incident: raised.id, steps: detailed(raised).story.slice(-6) } : null,
    sources: sources(store).map(({ id, host, active, last_seen, counters }) => ({
      id,
      host,
      active,
      last_seen,
      kept: counters.kept,
      refused: Object.values(counters.refused).reduce((a, b) => a + b, 0),
    })),
    lag,
    disk,
    alarm: bus.alarm,
  };
}

/** A screen of the wall: one code, one cookie, the wall's paths alone. */
function wallDevice(state, request, response, path, input) {
  const screen = /wall=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
  if (path === "/wall/enrol") {
    if (input.code !== state.wallCode) return fail(response, 401, "login_failed", "the code is wrong or was used");
    const token = state.store.random.hex(16);
    state.walls.add(token);
    state.wallCode = null;
    response.setHeader("Set-Cookie", `wall=${token}; HttpOnly; SameSite=Strict; Path=/`);
    return json(response, 200, { device: { name: "tuong-1" }, token: null });
  }
  if (!state.walls.has(screen)) return undefined;
  if (path === "/wall/device") return json(response, 200, { name: "tuong-1" });
  return ["/wall", "/overview", "/network/talkers", "/stream"].includes(path)
    ? null
    : fail(response, 403, "forbidden", "a screen sees the wall alone");
}

function alertList(state, params) {
  const status = params.get("status") ?? "open";
  const since = params.get("since") ? new Date(range(params).from).toISOString() : null;
  const q = (params.get("q") ?? "").toLowerCase();
  const levels = params.get("level")?.split(",");
  const list = state.store.alerts.filter(
    (a) =>
      (status === "all" || (status === "open" ? OPEN.includes(a.status) : a.status === status)) &&
      (!levels || levels.includes(a.rule.level)) &&
      (!params.get("rule") || a.rule.id === params.get("rule")) &&
      (!since || a.last_seen >= since) &&
      (!params.get("entity") || a.entities.some((e) => e.value === params.get("entity"))) &&
      (!q || `${a.rule.title} ${a.rule.title_vi} ${a.summary} ${a.entities.map((e) => e.value).join(" ")}`.toLowerCase().includes(q)),
  );
  if (params.get("sort") === "priority") list.sort((a, b) => b.priority - a.priority || (a.raised < b.raised ? -1 : 1));
  return page(list, params);
}

function incidentList(state, params) {
  const status = params.get("status") || "open";
  return state.store.incidents
    .filter(
      (i) => !i.merged_into && (status === "all" || (status === "open" ? OPEN.includes(i.status) : status.split(",").includes(i.status))),
    )
    .map(listed);
}

/** The first new alert of the queue. */
function nextAlert(state, response, input, user) {
  const list = alertList(state, new URLSearchParams({ ...input, status: "new", sort: "priority", limit: "2" })).items;
  const alert = list[0] ?? null;
  if (alert) Object.assign(alert, { status: "acknowledged", assignee: user.name, version: alert.version + 1 });
  const rank = alert && { priority: alert.priority, level: 1000, confidence: 1000, risk: 1000 };
  return json(response, 200, { alert, rank, following: list[1] ?? null });
}

function bulk(state, response, input, user) {
  const list = alertList(state, new URLSearchParams({ ...input.filter, limit: "1000000" })).items;
  if (input.dry_run) return json(response, 200, { changed: list.length, token: null });
  const token = state.store.random.hex(16);
  state.bulk.set(
    token,
    list.map((alert) => ({ alert, status: alert.status, assignee: alert.assignee })),
  );
  for (const alert of list)
    Object.assign(alert, { status: input.status, reason: input.reason, assignee: alert.assignee ?? user.name, version: alert.version + 1 });
  return json(response, 200, { changed: list.length, token });
}

function undoBulk(state, response, input) {
  const before = state.bulk.get(input.token) ?? [];
  for (const { alert, status, assignee } of before) Object.assign(alert, { status, assignee, version: alert.version + 1 });
  state.bulk.delete(input.token);
  return json(response, 200, { restored: before.length, kept: 0 });
}

/** What is known around an alert. */
function context(state, alert) {
  const now = Date.now();
  const days = (list) => {
    const counts = Array(30).fill(0);
    for (const a of list) {
      const age = Math.floor((now - Date.parse(a.last_seen)) / UNITS.d);
      if (age < 30) counts[29 - age]++;
    }
    return counts;
  };
  const about = (value) => state.store.alerts.filter((a) => a.entities.some((e) => e.value === value));
  const sameRule = state.store.alerts.filter((a) => a.rule.id === alert.rule.id);
  const judged = sameRule.filter((a) => !OPEN.includes(a.status));
  return {
    rank: { priority: 900, level: 900, confidence: 1000, risk: 1000 },
    incident: state.store.incidents.find((i) => i.items.includes(alert))?.id ?? null,
    verdicts: Object.fromEntries(
      ["true_positive", "false_positive", "benign"].map((v) => [v, judged.filter((a) => a.status === v).length]),
    ),
    similar: judged.slice(0, 8).map((a) => ({ ...a, reason: a.reason ?? WHY[a.status] })),
    entities: alert.entities.map(({ kind, value }) => {
      const list = about(value);
      return { kind, value, alerts: list.slice(0, 20), total: list.length, more: false, days: days(list) };
    }),
  };
}

function changeAlert(state, response, id, verb, input, user) {
  const alert = state.store.alerts.find((a) => a.id === id);
  if (!alert) return fail(response, 404, "not_found", "No such alert");
  if (input.version !== alert.version) return fail(response, 409, "conflict", `the alert is at version ${alert.version}; read it again`);
  if (verb === "status") {
    alert.status = input.status;
    alert.reason = input.reason ?? null;
    if (input.status !== "new") alert.assignee ??= user.name;
  } else {
    alert.assignee = input.assignee;
    if (alert.assignee && alert.status === "new") alert.status = "acknowledged";
    else if (!alert.assignee && alert.status === "acknowledged") alert.status = "new";
  }
  alert.version++;
  return json(response, 200, alert);
}

/** Opens an incident about an alert that is in none. */
function escalate(state, response, id) {
  const { store } = state;
  const alert = store.alerts.find((a) => a.id === id);
  if (!alert) return fail(response, 404, "not_found", "No such alert");
  const known = store.incidents.find((i) => i.items.includes(alert));
  const made = known ?? makeIncident(store, [alert], new Date().toISOString());
  if (!known) store.incidents.unshift(made);
  return json(response, 200, listed(made));
}

/** What may be decided about an incident; each answers with the incident to be shown next. */
const DECISIONS = {
  status: (incident, input, user) => Object.assign(incident, { status: input.status, assignee: incident.assignee ?? user.name }),
  assign: (incident, input) => Object.assign(incident, { assignee: input.assignee, status: input.assignee ? "acknowledged" : "new" }),
  merge: (incident, input) => Object.assign(incident, { merged_into: input.into }),
  split: (incident, input, _, store) => {
    const parted = incident.items.filter((a) => input.alerts.includes(a.id));
    incident.items = incident.items.filter((a) => !input.alerts.includes(a.id));
    incident.alerts = incident.items.length;
    const made = makeIncident(store, parted);
    store.incidents.unshift(made);
    return made;
  },
};

/** What people put into an incident, and how far it is led. */
function work(state, response, incident, [verb, item], input, user, params) {
  const { random } = state.store;
  workspaceOf(incident);
  if (verb === "stage") {
    const [status, body] = advance(incident, input);
    return body ? json(response, status, body) : fail(response, status, status === 409 ? "conflict" : "bad_request", "a fact is missing");
  }
  if (verb === "evidence") return json(response, 200, handIn(incident, random, user.name, params.get("name"), input));
  const done = item ? change(incident, item, input) : add(incident, random, user.name, input);
  return done ? json(response, 200, done) : fail(response, 409, "conflict", "somebody changed it");
}

function decide(state, response, id, input, user, rest, params) {
  response.once("finish", () => state.send("incident", { id, what: rest[0] ?? "decision" }));
  const incident = state.store.incidents.find((i) => i.id === id);
  if (!incident) return fail(response, 404, "not_found", "No such incident");
  if (rest.length) return work(state, response, incident, rest, input, user, params);
  if (input.version !== incident.version) return fail(response, 409, "conflict", `the incident is at version ${incident.version}`);
  const shown = DECISIONS[input.act](incident, input, user, state.store);
  incident.version++;
  return json(response, 200, listed(shown));
}

function events(state, response, params) {
  const query = parse(params.get("q") ?? "");
  const { table, list } = run(query, inRange(state, params));
  if (table) return json(response, 200, { ...table, complete: true, took_ms: 14 });
  list.sort((a, b) => (a["@timestamp"] < b["@timestamp"] ? 1 : -1));
  return json(response, 200, { ...page(list, params, 100), took_ms: 9 });
}

function ruleDetail(state, response, id) {
  const rule = rules(state.store).find((r) => r.id === id);
  if (!rule) return fail(response, 404, "not_found", "No such rule");
  const [product, service] = rule.logsource.split("/");
  const source = `    product: ${product}${service ? `\n    service: ${service}` : ""}`;
  const text = `title: ${rule.title}\nid: ${rule.id}\nstatus: ${rule.status}\nlevel: ${rule.level}\nlogsource:\n${source}\ndetection:\n    selection:\n        event.outcome: failure\n        # địa chỉ quản trị được loại trừ\n    filter:\n        source.ip|cidr: 10.8.99.0/24\n    condition: selection and not filter\nfalsepositives:\n    - Máy quét được cấp phép\n`;
  return json(response, 200, { ...rule, text });
}

function status(state) {
  return {
    generated_at: new Date().toISOString(),
    version: "0.1.0",
    role: "all",
    per_second: state.store.perSecond,
    lag: { analyzer: 12, indexer: 140, seconds: 0.4 },
    bus: {
      head: state.store.total,
      bytes: 8_412_334_080,
      consumers: [
        { name: "analyzer", offset: state.store.total - 12, lag: 12 },
        { name: "indexer", offset: state.store.total - 140, lag: 140 },
      ],
      alarm: null,
    },
    store: { events: state.store.total, bytes: 2_120_114_176, indexes: 31, quarantined: 0 },
    rules: { loaded: 3792, failed: 2 },
    disk: { free: 412_316_860_416, total: 1_099_511_627_776 },
    uptime_s: 811_233,
  };
}

function signIn(state, response, input) {
  const account = state.users.get(input.username);
  if (!account || account.password !== input.password) return fail(response, 401, "login_failed", "Wrong user name or password");
  const token = state.store.random.hex(32);
  state.sessions.set(token, account);
  response.setHeader("Set-Cookie", `session=${token}; HttpOnly; SameSite=Strict; Path=/`);
  return json(response, 200, { user: account.user });
}

function changePassword(response, account, input) {
  if (account.password !== input.old) return fail(response, 403, "login_failed", "the current password is wrong");
  if (String(input.new).length < 12)
    return fail(response, 422, "weak_password", `the password has ${[...String(input.new)].length} characters; choose at least 12`, {
      detail_vi: `mật khẩu có ${[...String(input.new)].length} ký tự; hãy dùng ít nhất 12 ký tự`,
    });
  account.password = input.new;
  account.user = { ...account.user, must_change_password: false };
  return json(response, 204, null);
}

function stream(state, request, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.write(`event: tick\ndata: ${JSON.stringify(state.tick())}\n\n`);
  state.streams.add(response);
  request.on("close", () => state.streams.delete(response));
}

function read(state, request, response, path, params, user) {
  const [area, id] = path.slice(1).split("/").map(decodeURIComponent);
  if (path === "/overview") return json(response, 200, overview(state, params));
  if (path === "/map") return state.map ? json(response, 200, state.map) : json(response, 204, null);
  if (path === "/stream") return stream(state, request, response);
  if (path === "/alerts") return json(response, 200, alertList(state, params));
  if (area === "alerts" && path.endsWith("/context")) {
    const alert = state.store.alerts.find((a) => a.id === id);
    return alert ? json(response, 200, context(state, alert)) : fail(response, 404, "not_found", "No such alert");
  }
  if (area === "alerts") {
    const alert = state.store.alerts.find((a) => a.id === id);
    return alert
      ? json(response, 200, { ...alert, events: alert.event_ids.map((e) => state.store.byId.get(e)) })
      : fail(response, 404, "not_found", "No such alert");
  }
  if (area === "packets") {
    const bytes = Buffer.from("0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000", "hex");
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const at = new Date().toISOString();
    const figures = { sha256, bytes: bytes.length, packets: 214, first: at, last: at, cut: 0, damaged: 0, beyond: 0 };
    response.writeHead(200, { "Content-Type": "application/vnd.tcpdump.pcap", "X-Fansipan-Packets": JSON.stringify(figures) });
    return response.end(bytes);
  }
  if (path === "/network/talkers") return json(response, 200, talkers());
  if (path === "/wall") return json(response, 200, wall(state));
  if (path === "/incidents") return json(response, 200, { items: incidentList(state, params) });
  if (area === "incidents") {
    const incident = state.store.incidents.find((i) => i.id === id);
    if (incident && path.endsWith("/workspace")) return json(response, 200, workspaceOf(incident));
    if (incident && path.endsWith("/timeline")) return json(response, 200, timelineOf(state.store, incident));
    if (incident && path.endsWith("/lessons")) return json(response, 200, lessonsOf(incident));
    if (incident && path.endsWith("/presence")) return json(response, 200, { present: ["analyst", "minhduc"] });
    return incident ? json(response, 200, detailed(incident)) : fail(response, 404, "not_found", "No such incident");
  }
  if (path === "/events") return events(state, response, params);
  if (path === "/events/histogram") {
    const { from, to } = range(params);
    return json(
      response,
      200,
      buckets(
        run(parse(params.get("q") ?? ""), inRange(state, params)).list,
        from,
        Math.min(to, Date.now()),
        Number(params.get("buckets") ?? 60),
      ),
    );
  }
  if (path === "/events/facets") {
    const { list } = run(parse(params.get("q") ?? ""), inRange(state, params));
    return json(response, 200, {
      facets: params
        .get("fields")
        .split(",")
        .map((field) => ({ field, values: tops(list, field) })),
    });
  }
  if (area === "events")
    return state.store.byId.has(id) ? json(response, 200, state.store.byId.get(id)) : fail(response, 404, "not_found", "No such event");
  if (path === "/search/validate") {
    parse(params.get("q") ?? "");
    return json(response, 200, { ok: true });
  }
  if (path === "/sources")
    return json(response, 200, { generated_at: new Date().toISOString(), items: sources(state.store), formats: FORMATS });
  const kept = readDesk(state, path, params, user);
  if (kept) return kept.problem ? fail(response, kept.status, kept.problem, kept.detail) : json(response, 200, kept);
  if (area === "rules") return ruleDetail(state, response, id);
  if (path === "/status") return json(response, 200, status(state));
  const found = readAdmin(path, params) ?? readResponse(path, params);
  if (found) return json(response, 200, found);
  return fail(response, 404, "not_found", "No such path");
}

/** `(request, response, url, body)` → an answer. */
export function routes(state) {
  return (request, response, target, input) => {
    const path = target.pathname.replace(/^\/api\/v1/, "");
    const token = /session=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
    const account = state.sessions.get(token);
    if (state.faults.has(path))
      return fail(response, 503, "store_unavailable", "the event store does not answer; try again in a few seconds");
    if (request.method !== "GET" && request.headers["x-fansipan"] !== "1")
      return fail(response, 403, "cross_site", "the header X-Fansipan is missing");
    if (path === "/session" && request.method === "POST") return signIn(state, response, input);
    const screen = account ? undefined : wallDevice(state, request, response, path, input);
    if (screen === null) return read(state, request, response, path, target.searchParams);
    if (!account) return response.writableEnded ? undefined : fail(response, 401, "not_authenticated", "log in first");
    if (path === "/session" && request.method === "DELETE") {
      state.sessions.delete(token);
      return json(response, 204, null);
    }
    if (path === "/session") return json(response, 200, { user: account.user });
    if (path === "/session/settings") {
      account.user = { ...account.user, language: input.language };
      return json(response, 204, null);
    }
    if (path === "/session/password") return changePassword(response, account, input);
    if (account.user.must_change_password) return fail(response, 403, "password_change_required", "set your own password first");
    if (request.method !== "GET") {
      const done = changeDesk(state, request.method, path, input, account.user);
      if (done)
        return done.problem ? fail(response, done.status, done.problem, done.detail) : json(response, done.status ?? 200, done.body);
    }
    if (request.method === "POST") {
      const [area, id, verb] = path.slice(1).split("/").map(decodeURIComponent);
      if (path === "/alerts/next") return nextAlert(state, response, input, account.user);
      if (path === "/alerts/bulk") return bulk(state, response, input, account.user);
      if (path === "/alerts/undo") return undoBulk(state, response, input);
      if (area === "alerts" && verb === "escalate") return escalate(state, response, id);
      if (area === "alerts") return changeAlert(state, response, id, verb, input, account.user);
      if (area === "actions" || area === "runs") {
        const done = changeResponse(path, input, account.user.name);
        return done.problem ? fail(response, done.status, done.problem, done.detail) : json(response, 200, done);
      }
      if (area === "incidents")
        return decide(state, response, id, input, account.user, path.slice(1).split("/").slice(2), target.searchParams);
      if (area === "sources" && verb === "format") return pin(state, response, id, input);
    }
    try {
      return read(state, request, response, path, target.searchParams, account.user);
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      if (path === "/search/validate") return json(response, 200, { ok: false, ...error.fault });
      const { position, message, message_vi } = error.fault;
      const detail_vi = `ở ký tự ${position + 1}: ${message_vi}`;
      return fail(response, 400, "bad_query", `at character ${position + 1}: ${message}`, { query: error.fault, detail_vi });
    }
  };
}

const FORMATS = [
  "auditd",
  "cef",
  "cisco_asa",
  "fortigate",
  "json",
  "leef",
  "nginx",
  "paloalto",
  "postfix",
  "squid",
  "sshd",
  "sudo",
  "suricata_eve",
  "syslog",
  "winlogbeat",
  "zeek",
];

function pin(state, response, id, input) {
  const source = SOURCES.find((s) => s.id === id);
  if (!source) return fail(response, 404, "not_found", "this source does not exist");
  source.pinned = input.format !== null;
  if (input.format !== null) Object.assign(source, { format: input.format, product: input.format });
  return json(
    response,
    200,
    sources(state.store).find((s) => s.id === id),
  );
}
