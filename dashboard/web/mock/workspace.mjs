/** The workspace of an invented incident: stages with what they demand, clocks, and what people put in. */
import { createHash } from "node:crypto";

const STAGES = ["new", "triaged", "contained", "eradicated", "recovered", "closed"];
const demand = (stage, field, title, title_vi, words = []) => ({ stage, field, title, title_vi, words });
const DEMANDS = [
  demand("triaged", "category", "What kind of incident", "Loại sự cố", ["malware", "unauthorized-access", "denial-of-service", "phishing"]),
  demand("contained", "containment", "What was done to stop it", "Đã làm gì để ngăn chặn"),
  demand("eradicated", "cause", "Root cause", "Nguyên nhân gốc"),
  demand("closed", "lessons", "Lessons", "Bài học rút ra"),
];

export function workspaceOf(incident) {
  incident.workspace ??= { stage: "new", facts: {}, items: [], files: new Map() };
  const { stage, facts, items } = incident.workspace;
  const clock = (of, minutes) => {
    const due = Date.parse(incident.opened) + minutes * 60_000;
    const reached = STAGES.indexOf(stage) >= STAGES.indexOf(of);
    const left = Math.round((due - Date.now()) / 1000);
    return {
      stage: of,
      due: new Date(due).toISOString(),
      reached: reached ? new Date().toISOString() : null,
      state: reached ? (left < 0 ? "missed" : "met") : left < 0 ? "late" : "running",
      seconds_left: left,
    };
  };
  const clocks = [clock("triaged", 30), clock("contained", 240), clock("recovered", 1440)];
  return { stage, facts, demands: DEMANDS, clocks, items, present: [], version: incident.version };
}

/** What is learned: more true incidents than means are taken over, and one proposal. */
export function lessonsOf(incident) {
  const { facts } = workspaceOf(incident);
  const began = new Date(Date.parse(incident.opened) - 95_000).toISOString();
  const times = { began, detected: incident.opened, detect_s: 95, triage_s: 840, contain_s: null, recover_s: null, close_s: null };
  const mean = { days: 90, incidents: 500, left_out: 37, detect_s: 260, contain_s: 5400, recover_s: 86_400 };
  const proposal = {
    kind: "exception",
    text: "4 alerts of “Logon failures” were wrong or harmless: an exception for what they share",
    text_vi: "4 cảnh báo của luật “Đăng nhập sai” là nhầm hoặc vô hại: đặt ngoại lệ cho phần chung của chúng",
    command: "fansipan exceptions preview --rule 5b0a7c1e --filter 'host.name:\"dc-01\"' --since 30d",
  };
  const known = { category: facts.category ?? null, verdict: null, root_cause: facts.cause ?? null, lessons: facts.lessons ?? null };
  return { ...known, times, mean, proposals: [proposal] };
}

/** Answers `[status, body]`. */
export function advance(incident, input) {
  const { workspace } = incident;
  if (input.version !== incident.version) return [409, null];
  const facts = { ...workspace.facts, ...input.facts };
  const missing = DEMANDS.find((d) => STAGES.indexOf(d.stage) <= STAGES.indexOf(input.stage) && !facts[d.field]);
  if (missing) return [400, null];
  Object.assign(workspace, { facts, stage: input.stage });
  incident.version++;
  return [200, workspaceOf(incident)];
}

const put = (incident, random, who, kind, body) => {
  const item = { id: random.hex(16), at: new Date().toISOString(), who, kind, body, version: 1 };
  incident.workspace.items.push(item);
  return item;
};

export const add = (incident, random, who, { kind, ...body }) => put(incident, random, who, kind, body);

export function change(incident, id, { item, version }) {
  const { items } = incident.workspace;
  const at = items.findIndex((i) => i.id === id);
  if (at < 0 || items[at].version !== version) return null;
  const before = items[at];
  if (item === null) items.splice(at, 1);
  else {
    const { kind: _, ...body } = item;
    items[at] = { ...before, body, version: version + 1 };
  }
  return items[at] ?? before;
}

export function handIn(incident, random, who, name, bytes) {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const custody = [{ at: new Date().toISOString(), who, act: "taken" }];
  return put(incident, random, who, "evidence", { name, sha256, size: bytes.length, comment: "", custody });
}
