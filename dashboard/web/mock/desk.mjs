/** Rules, exceptions, saved searches, handovers and one's own account in the mock's memory. */
import { DIAGNOSTICS, rules } from "./store.mjs";

const problem = (status, kind, detail) => ({ status, problem: kind, detail });
const title = (text) => /^title:[ \t]*(\S.*)$/m.exec(text)?.[1]?.trim() ?? "";
const idOf = (text) => /^id:\s*(\S+)$/m.exec(text)?.[1] ?? "";

/** A few of the findings that the product's parser has. */
function lint(text) {
  const diagnostics = [];
  const fault = (code, line, [message, message_vi], [help, help_vi]) =>
    diagnostics.push({ code, severity: "error", file: "draft.yml", line, column: 1, message, message_vi, help, help_vi });
  if (!title(text)) fault("FSP-R010", 1, ["the rule has no title", "luật không có tiêu đề"], ["add title:", "thêm title:"]);
  const condition = /^\s*condition:\s*(.+)$/m.exec(text)?.[1];
  const line = text.split("\n").findIndex((l) => /^\s*condition:/.test(l)) + 1 || 1;
  if (!condition) fault("FSP-R012", 1, ["there is no condition", "không có điều kiện"], ["add condition:", "thêm condition:"]);
  else
    for (const word of condition.split(/\W+/).filter((w) => w && !["and", "or", "not", "of", "all", "them", "1"].includes(w)))
      if (!new RegExp(`^\\s+${word}:`, "m").test(text))
        fault(
          "FSP-R051",
          line,
          [`there is no selection named \`${word}\``, `không có selection nào tên \`${word}\``],
          [`define ${word}`, `hãy định nghĩa ${word}`],
        );
  return {
    ok: diagnostics.length === 0,
    rules: title(text) ? [title(text)] : [],
    diagnostics,
    query: diagnostics.length ? null : "event.outcome:failure",
    correlations: /^correlation:/m.test(text),
  };
}

const memory = (state) => {
  state.desk ??= {
    own: new Map(),
    exceptions: seedExceptions(),
    searches: [],
    handovers: [],
    tokens: [],
    factor: false,
    sessions: seedSessions(),
  };
  return state.desk;
};

function seedExceptions() {
  const now = Date.now();
  const one = (n, rest) => ({
    id: `ex-${n}`,
    kind: "exception",
    rule: null,
    filter: "",
    agency: null,
    owner: "responder",
    reason: "",
    from: new Date(now - 5 * 86_400_000).toISOString(),
    until: new Date(now + 25 * 86_400_000).toISOString(),
    active: true,
    created: new Date(now - 5 * 86_400_000).toISOString(),
    made_by: "responder",
    version: 1,
    ...rest,
  });
  return [
    one(1, { rule: "sigma-0003", filter: "source.ip:10.8.99.12", reason: "Máy quét lỗ hổng được cấp phép, chạy hằng đêm" }),
    one(2, { kind: "maintenance", agency: "so-y-te", reason: "Nâng cấp máy chủ tối thứ Sáu", owner: "engineer" }),
  ];
}

const seedSessions = () =>
  [true, false].map((current, i) => ({
    id: `session-${i}`,
    user: "analyst",
    created: new Date(Date.now() - (i + 1) * 5_400_000).toISOString(),
    expires: new Date(Date.now() + 8 * 3_600_000).toISOString(),
    last_used: new Date(Date.now() - i * 900_000).toISOString(),
    peer: `10.8.0.${21 + i}`,
    agent: i ? "Firefox 142 (Windows)" : "Chromium 139 (Linux)",
    current,
  }));

const TACTICS = ["initial-access", "execution", "persistence", "stealth", "credential-access", "discovery", "lateral-movement", "impact"];
const TECHNIQUES = [
  "T1190",
  "T1059",
  "T1053",
  "T1070",
  "T1110",
  "T1046",
  "T1021",
  "T1486",
  "T1078",
  "T1547",
  "T1003",
  "T1562",
  "T1018",
  "T1570",
  "T1490",
  "T1566",
];

function coverage(state) {
  const list = rules(state.store).map((rule, i) => {
    const at = i % TECHNIQUES.length;
    const state = at % 5 === 3 ? "no_source" : i % 7 === 2 ? "no_fields" : "sees";
    return {
      id: rule.id,
      title: rule.title,
      title_vi: rule.title_vi,
      level: rule.level,
      logsource: rule.logsource,
      standing: state !== "sees" ? "blind" : i % 4 === 1 ? "quiet" : "alive",
      state,
      missing: state === "no_fields" ? ["process.command_line"] : [],
      quiet: state === "sees" ? i % 4 === 1 : null,
      correlation: false,
      blind: [],
      tactics: [TACTICS[at % TACTICS.length]],
      techniques: [TECHNIQUES[at]],
    };
  });
  const techniques = TECHNIQUES.map((technique, at) => {
    const of = list.filter((r) => r.techniques.includes(technique));
    return { technique, tactics: [TACTICS[at % TACTICS.length]], rules: of.length, seeing: of.filter((r) => r.state === "sees").length };
  });
  return { sampled: 1240, rules: list, techniques };
}

function handover(state, params) {
  const { handovers } = memory(state);
  const asked = params.get("since");
  const began_by = asked ? "asked" : handovers.length > 0 ? "handover" : "none_yet";
  const since = asked ?? handovers[0]?.at ?? new Date(Date.now() - 8 * 3_600_000).toISOString();
  const from = /^\d+h$/.test(since) ? new Date(Date.now() - Number.parseInt(since, 10) * 3_600_000).toISOString() : since;
  const open = state.store.alerts.filter((a) => ["new", "acknowledged"].includes(a.status));
  const byLevel = {};
  for (const a of open) byLevel[a.rule.level] = (byLevel[a.rule.level] ?? 0) + 1;
  return {
    generated_at: new Date().toISOString(),
    since: from,
    began_by,
    alerts_raised: state.store.alerts.filter((a) => a.raised >= from).length,
    alerts_open: open.length,
    open_by_level: byLevel,
    incidents: state.store.incidents.slice(0, 4).map(({ items: _, story: __, ...i }) => i),
    closed: [],
    actions: [],
    silent: [{ id: "udp:10.8.0.7", host: "fw-mai-son", last_seen: new Date(Date.now() - 3_000_000).toISOString(), new: true }],
    rules: [...memory(state).own.values()].map((v) => ({ ...v.at(-1), text: null })),
    handovers,
  };
}

/** What a GET answers; `undefined`: not ours. */
export function readDesk(state, path, params, user) {
  const desk = memory(state);
  const [area, id, verb] = path.slice(1).split("/").map(decodeURIComponent);
  if (path === "/rules/own") return { items: [...desk.own.values()].map((v) => v.at(-1)), editable: true };
  if (path === "/rules/coverage") return coverage(state);
  if (area === "rules" && verb === "history") return { versions: [...(desk.own.get(id) ?? [])].reverse() };
  const own = desk.own.get(id)?.at(-1);
  if (area === "rules" && own?.text) return { ...row(own), text: own.text };
  if (area === "rules" && own && id) return { ...rules(state.store).find((r) => r.id === id), enabled: own.enabled, text: `id: ${id}\n` };
  if (path === "/rules") {
    const list = rules(state.store).map((r) => ({ ...r, enabled: r.enabled && desk.own.get(r.id)?.at(-1).enabled !== false }));
    return { items: [...[...desk.own.values()].filter((v) => v.at(-1).text).map((v) => row(v.at(-1))), ...list], diagnostics: DIAGNOSTICS };
  }
  if (path === "/exceptions") return { items: desk.exceptions.filter((e) => e.active || params.get("all") === "true") };
  if (path === "/searches") return { items: desk.searches.filter((s) => s.owner === user?.name || s.shared) };
  if (path === "/handover") return handover(state, params);
  if (path === "/session/open") return { items: desk.sessions };
  if (path === "/session/tokens") return { items: desk.tokens };
  return undefined;
}

const row = (own) => ({
  id: own.id,
  title: title(own.text),
  title_vi: /^title_vi:[ \t]*(\S.*)$/m.exec(own.text)?.[1] ?? null,
  level: /^level:\s*(\w+)$/m.exec(own.text)?.[1] ?? "medium",
  logsource: "linux/sshd",
  file: `/var/lib/fansipan/rules/${own.id}.yml`,
  status: "experimental",
  enabled: own.enabled,
  own: true,
  matches: 0,
  last_match: null,
  verdicts: { true_positive: 0, false_positive: 0, benign: 0 },
  noisy: false,
});

function keep(desk, user, { id, text, enabled, why, version }) {
  const versions = desk.own.get(id) ?? [];
  if ((versions.at(-1)?.version ?? 0) !== (version ?? 0)) return problem(409, "conflict", "somebody changed it");
  const kept = { id, version: versions.length + 1, text, enabled, who: user.name, at: new Date().toISOString(), why };
  desk.own.set(id, [...versions, kept]);
  return { body: kept };
}

function changeRule(state, desk, path, input, user) {
  const [, id, verb] = path.slice(1).split("/").map(decodeURIComponent);
  if (path === "/rules/lint") return { body: lint(input.text) };
  if (path === "/rules/test") {
    const hits = state.store.events.filter((e) => e["event.outcome"] === "failure");
    const hosts = new Map();
    for (const e of hits) hosts.set(e["host.name"], (hosts.get(e["host.name"]) ?? 0) + 1);
    const top = [...hosts]
      .filter(([h]) => h)
      .map(([value, count]) => ({ value, count }))
      .sort((a, b) => b.count - a.count);
    return {
      body: {
        lint: lint(input.text),
        matches: hits.length,
        hosts: top.length,
        top_hosts: top.slice(0, 10),
        sample: hits.slice(0, 20).map((e) => e["event.id"]),
        examined: state.store.events.length,
        from: new Date(Date.now() - 7 * 86_400_000).toISOString(),
        to: new Date().toISOString(),
        complete: true,
      },
    };
  }
  if (path === "/rules/own") {
    const found = lint(input.text);
    if (!found.ok) return problem(400, "bad_request", `the rule has faults and is not kept: ${found.diagnostics[0].message}`);
    return keep(desk, user, { ...input, id: idOf(input.text), enabled: input.enabled ?? true });
  }
  if (verb === "switch") return keep(desk, user, { ...input, id, text: desk.own.get(id)?.at(-1).text ?? null });
  return undefined;
}

function changeException(state, desk, path, input, user) {
  const hidden = () =>
    state.store.alerts.filter(
      (a) => (!input.rule || a.rule.id === input.rule) && (!input.filter || a.entities.some((e) => input.filter.includes(e.value))),
    );
  if (!input.rule && !input.filter && !path.match(/ex-/))
    return problem(400, "bad_request", "give a rule or a filter: this would hold back everything");
  if (path === "/exceptions/preview") {
    const list = hidden();
    const real = list.filter((a) => a.status === "true_positive").length;
    return {
      body: {
        since: new Date(Date.now() - 30 * 86_400_000).toISOString(),
        events: list.reduce((n, a) => n + a.count, 0),
        rules: [],
        alerts: list.length,
        partly: 0,
        true_positives: real,
        items: list.slice(0, 50),
        complete: true,
      },
    };
  }
  if (path === "/exceptions") {
    const days = Number.parseInt(input.until, 10) * (input.until.endsWith("h") ? 1 / 24 : 1);
    const now = new Date().toISOString();
    const made = {
      ...{ id: `ex-${desk.exceptions.length + 1}`, kind: input.kind, rule: input.rule, filter: input.filter, agency: input.agency },
      ...{ owner: input.owner ?? user.name, reason: input.reason, from: now, active: true, created: now, made_by: user.name, version: 1 },
      until: new Date(Date.now() + days * 86_400_000).toISOString(),
    };
    desk.exceptions.unshift(made);
    return { body: made };
  }
  const one = desk.exceptions.find((e) => path.endsWith(e.id));
  Object.assign(one, { active: input.until !== "now", version: one.version + 1 });
  return { body: one };
}

function account(state, desk, method, path, input, user) {
  if (path === "/session/second-factor") return { body: { secret: "JBSWY3DPEHPK3PXP", uri: "otpauth://totp/x", qr: QR } };
  if (path === "/session/second-factor/confirm") {
    if (input.code !== "123456") return problem(401, "login_failed", "the code does not fit");
    user.second_factor = true;
    return { body: { codes: ["aaaa-bbbb", "cccc-dddd"] } };
  }
  if (path === "/session/second-factor/remove") {
    user.second_factor = false;
    return { status: 204, body: null };
  }
  if (path === "/session/tokens") {
    const now = new Date().toISOString();
    const info = {
      name: `${user.name}/${input.name}`,
      roles: input.roles ?? user.roles,
      made_by: user.name,
      created: now,
      last_used: null,
    };
    desk.tokens.push({ ...info, agencies: null, expires: new Date(Date.now() + (input.expires_in_days ?? 90) * 86_400_000).toISOString() });
    return { status: 201, body: { info, token: `fsp_${state.store.random.hex(64)}` } };
  }
  const [, kind, id] = path.slice(1).split("/").map(decodeURIComponent);
  if (method !== "DELETE") return undefined;
  if (kind === "open") desk.sessions = desk.sessions.filter((s) => s.id !== id);
  else if (kind === "tokens") desk.tokens = desk.tokens.filter((t) => t.name !== id);
  else return undefined;
  return { status: 204, body: null };
}

const QR =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8" width="160" height="160"><path d="M0 0h3v3H0zM5 0h3v3H5zM0 5h3v3H0z"/></svg>';

/** What a change answers: `{ body }`, a problem, or `undefined` when it is not ours. */
export function changeDesk(state, method, path, input, user) {
  const desk = memory(state);
  if (path.startsWith("/rules")) return changeRule(state, desk, path, input, user);
  if (path.startsWith("/exceptions")) return changeException(state, desk, path, input, user);
  if (path.startsWith("/session/")) return account(state, desk, method, path, input, user);
  if (path === "/searches") {
    const found = {
      id: input.id ?? state.store.random.hex(8),
      owner: user.name,
      shared: input.shared,
      name: input.name,
      search: input.search,
    };
    desk.searches.push({ ...found, at: new Date().toISOString(), version: 1 });
    return { body: desk.searches.at(-1) };
  }
  if (path.startsWith("/searches/")) {
    desk.searches = desk.searches.filter((s) => !path.endsWith(s.id));
    return { status: 204, body: null };
  }
  if (path === "/handover") {
    const signed = {
      number: desk.handovers.length + 1,
      at: new Date().toISOString(),
      since: input.since,
      who: user.name,
      note: input.note,
    };
    desk.handovers.unshift(signed);
    return { status: 201, body: signed };
  }
  return undefined;
}
