/** Actions and playbooks of the mock: the contract's shapes over a few made-up devices. */
const now = () => new Date().toISOString();
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

const DEVICES = [
  { name: "fw-core", does: ["block"] },
  { name: "soc-mail", does: ["notify"] },
];

const BLANK = { peers: [], hosts: [], users: [], services: [] };
const IMPACT = {
  days: 7,
  known: true,
  events: 1284,
  peers: [{ name: "10.16.0.21", count: 1200 }],
  hosts: [{ name: "web01", count: 1284 }],
  users: [{ name: "lan.pt", count: 3 }],
  services: [{ name: "443", count: 1184 }],
};

let made = 0;

function action(kind, target, device, state, more = {}) {
  made += 1;
  const id = `00000000-0000-4000-8000-${String(made).padStart(12, "0")}`;
  return {
    id,
    agency: "default",
    kind,
    target,
    device,
    level: target.startsWith("10.") ? "high" : kind === "notify" ? "informational" : "medium",
    state,
    reason: "Dò quét máy chủ web",
    incident: null,
    run: null,
    requested: { who: "lan", at: ago(12) },
    approved: null,
    two_person: target.startsWith("10."),
    seconds: 14_400,
    done: null,
    expires: null,
    retry: null,
    attempts: 0,
    answer: "",
    answer_vi: "",
    verification: {
      verdict: "none",
      since: null,
      until: null,
      passed: 0,
      last: null,
      via: [],
      stopped: 0,
      text: "",
      text_vi: "",
      events: [],
    },
    plan: [`nft add element inet fansipan blocked4 { ${target} timeout 14520s comment "fansipan-${id.replaceAll("-", "")}" }`],
    impact: kind === "notify" ? { days: 7, events: 0, known: true, ...BLANK } : IMPACT,
    parameters: {},
    journal: [
      {
        at: ago(12),
        who: "lan",
        step: "requested",
        text: `asked for: ${kind} ${target} on ${device}`,
        text_vi: `đề nghị: ${kind} ${target} trên ${device}`,
      },
    ],
    ...more,
  };
}

const verdict = (word, text, text_vi) => ({
  verdict: word,
  since: ago(8),
  until: ago(-2),
  passed: 0,
  last: null,
  via: [],
  stopped: 41,
  text,
  text_vi,
  events: [
    {
      id: "0193f1c2-0000-7000-8000-000000000001",
      at: ago(5),
      passed: word === "ineffective",
      via: word === "ineffective" ? "fw-02" : "fw-core",
      record: "<4>Nov 28 07:09:00 fw-02 kernel: IN=eth0 OUT=eth1 SRC=198.51.100.9 DST=10.20.30.5 PROTO=TCP DPT=445",
      sha256: "9f2c4a7be4f1d0c3a86e5b7790d1f2a3c4b5e6f708192a3b4c5d6e7f8091a2b3",
    },
  ],
});

const ACTIONS = [
  action("block", "10.20.30.40", "fw-core", "proposed"),
  action("block", "203.0.113.7", "fw-core", "done", {
    approved: { who: "binh", at: ago(10) },
    done: ago(9),
    expires: ago(-220),
    answer: "1 element(s) in force",
    answer_vi: "1 phần tử đang hiệu lực",
    verification: verdict("effective", "0 flows since 2026-11-28T07:03:12Z", "0 luồng kể từ 2026-11-28T07:03:12Z"),
  }),
  action("block", "198.51.100.9", "fw-core", "done", {
    done: ago(30),
    verification: verdict(
      "ineffective",
      "still passing: 12 flows, last at 2026-11-28T07:09:00Z, via fw-02",
      "vẫn còn đi qua: 12 luồng, lần cuối 2026-11-28T07:09:00Z, qua fw-02",
    ),
  }),
  action("block", "203.0.113.44", "fw-core", "handed_over", {
    attempts: 5,
    answer: "fw-core: connection refused",
    answer_vi: "fw-core: kết nối bị từ chối",
  }),
];

const PLAYBOOKS = [
  ["denial-of-service", "Denial of service", "Tấn công từ chối dịch vụ", true],
  ["ransomware", "Ransomware", "Mã độc tống tiền (mã hóa dữ liệu)", false],
].map(([id, title, title_vi, fits]) => ({
  id,
  title,
  title_vi,
  summary: "Keeps a public service reachable.",
  summary_vi: "Giữ dịch vụ công truy cập được.",
  group: id,
  steps: 10,
  fits,
}));

const RUNS = [];

function task(step) {
  const tasks = {
    measure: {
      step: "measure",
      title: "Measure it",
      title_vi: "Đo mức độ",
      advice: "Which service, since when, from how many sources?",
      advice_vi: "Dịch vụ nào, từ lúc nào, từ bao nhiêu nguồn?",
      answers: ["few_sources", "many_sources", "false_alarm"],
      since: now(),
    },
    lessons: {
      step: "lessons",
      title: "Close with lessons",
      title_vi: "Kết thúc và rút kinh nghiệm",
      advice: "Write cause and what to change.",
      advice_vi: "Ghi nguyên nhân và điều cần thay đổi.",
      answers: ["done"],
      since: now(),
    },
  };
  return tasks[step];
}

const reached = (t) => ({
  step: t.step,
  title: t.title,
  title_vi: t.title_vi,
  outcome: "",
  actions: [],
  began: now(),
  ended: null,
  who: null,
  note: "",
  note_vi: "",
});

/** What a GET of these paths answers; `undefined`: not ours. */
export function readResponse(path, params) {
  const [area, id] = path.slice(1).split("/");
  if (path === "/actions/devices") return { items: DEVICES };
  if (path === "/actions") return { items: ACTIONS };
  if (area === "actions") return ACTIONS.find((a) => a.id === id);
  if (path === "/playbooks")
    return { items: PLAYBOOKS.map((p) => ({ ...p, fits: p.fits && params.get("incident") !== null })), refused: [], refused_vi: [] };
  if (path === "/runs") return { items: RUNS.filter((r) => !params.get("incident") || r.incident === params.get("incident")) };
  return undefined;
}

function ask(input, who) {
  const refused = (detail) => ({ problem: "bad_request", status: 400, detail });
  if (!input.reason) return refused("FSP-ACT-007 a reason is needed, of at most 8 KiB: the journal must say why");
  if (/^(127\.|::1|192\.0\.2\.)/.test(input.target))
    return refused(`FSP-ACT-002 ${input.target} is protected (protected.networks lists 192.0.2.0/24): no action may touch it`);
  const wanted = action(input.kind, input.target, input.device, "proposed", { reason: input.reason, requested: { who, at: now() } });
  if (!input.dry_run) ACTIONS.unshift(wanted);
  return wanted;
}

function decide(found, verb, who) {
  if (verb === "approve" && found.two_person && found.requested.who === who)
    return { problem: "forbidden", status: 403, detail: `FSP-ACT-005 this action needs a second person: ${who} asked for it` };
  const states = { approve: "done", reject: "rejected", undo: found.state === "proposed" ? "cancelled" : "undone", "by-hand": "done" };
  found.state = states[verb];
  if (verb === "approve") found.approved = { who, at: now() };
  found.journal.push({
    at: now(),
    who,
    step: verb === "approve" ? "approved" : verb === "reject" ? "rejected" : "undo",
    text: verb,
    text_vi: verb,
  });
  return found;
}

/** What a POST of these paths does. */
export function changeResponse(path, input, who) {
  const missing = { problem: "not_found", status: 404, detail: "no such thing" };
  const [area, id, verb] = path.slice(1).split("/");
  if (path === "/actions") return ask(input, who);
  if (area === "actions") {
    const found = ACTIONS.find((a) => a.id === id);
    return found ? decide(found, verb, who) : missing;
  }
  if (path === "/runs") {
    const playbook = PLAYBOOKS.find((p) => p.id === input.playbook);
    if (!playbook) return missing;
    const first = task("measure");
    const { title, title_vi } = playbook;
    const run = { id: `run-${RUNS.length + 1}`, agency: "default", incident: input.incident, playbook: playbook.id, title, title_vi };
    RUNS.unshift({ ...run, started: { who, at: now() }, state: "waiting", wake: null, task: first, steps: [reached(first)] });
    return RUNS[0];
  }
  const run = RUNS.find((r) => r.id === id);
  if (!run) return missing;
  if (verb === "cancel") return Object.assign(run, { state: "cancelled", task: null });
  Object.assign(run.steps.at(-1), { outcome: input.answer, ended: now(), who, note: input.note, note_vi: input.note });
  run.task = run.task?.step === "measure" ? task("lessons") : null;
  if (run.task) run.steps.push(reached(run.task));
  else run.state = "done";
  return run;
}
