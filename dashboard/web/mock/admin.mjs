/** What administrators look at, invented: people, tokens, open sessions, screens of the wall, the audit trail. */
const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
const ahead = (days) => new Date(Date.now() + days * 86_400_000).toISOString();

const person = (name, display_name, roles, more = {}) => ({
  name,
  display_name,
  roles,
  agencies: null,
  must_change_password: false,
  disabled: false,
  created: ago(90 * 1440),
  last_login: ago(45),
  second_factor: true,
  provider: null,
  ...more,
});

const USERS = () => [
  person("admin", "Quản trị viên", ["administrator"]),
  person("analyst", "Lò Thị Thu Hương", ["analyst"]),
  person("responder", "Vàng A Sử", ["responder"], { second_factor: false }),
  person("thanh-tra", "Nguyễn Thị Minh Nguyệt", ["auditor", "viewer"], { provider: "oidc", last_login: ago(3 * 1440) }),
  person("so-y-te", "Cán bộ chuyên trách Sở Y tế tỉnh Lai Châu", ["viewer"], {
    agencies: ["so-y-te"],
    must_change_password: true,
    last_login: null,
  }),
  person("nghi-viec", "Tẩn A Páo", ["analyst"], { disabled: true, last_login: ago(40 * 1440) }),
];

const TOKENS = () => [
  { name: "zabbix", roles: ["viewer"], made_by: "admin", created: ago(30 * 1440), expires: ahead(60), last_used: ago(2) },
  { name: "sao-luu-dem", roles: ["engineer"], made_by: "chief", created: ago(200 * 1440), expires: ahead(3), last_used: null },
];

const SESSIONS = () =>
  [
    ["s1", "chief", "10.0.2.15", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", true],
    ["s2", "analyst", "10.0.2.31", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0", false],
    ["s3", "responder", "2001:db8:7:19::31", "fansipan/0.1.0", false],
  ].map(([id, user, peer, agent, current], i) => ({
    id,
    user,
    created: ago(120 + i * 60),
    expires: ahead(1),
    last_used: ago(i * 4),
    peer,
    agent,
    current,
  }));

const WALLS = () => [
  {
    name: "tuong-1",
    made_by: "chief",
    created: ago(20 * 1440),
    expires: ahead(345),
    enrolled: ago(20 * 1440),
    last_used: ago(0),
    peer: "10.0.2.60",
  },
  { name: "phong-hop", made_by: "admin", created: ago(5), expires: ahead(0.02), enrolled: null, last_used: null, peer: null },
];

const DEEDS = [
  ["session.login", "analyst", "analyst", {}, true],
  ["incidents.view", "analyst", "0".repeat(32), {}, true],
  ["events.search", "analyst", 'event.outcome:failure and user.name:"root"', { since: "24h" }, true],
  ["alerts.judge", "responder", "a".repeat(32), { status: "false_positive", reason: "backup" }, true],
  ["users.create", "so-y-te", "so-y-te", { roles: ["viewer"] }, false],
  ["rules.save", "engineer", "sigma-0003", { version: 4, why: "Ngưỡng quá thấp trong giờ sao lưu" }, true],
];

function audit(params) {
  const fits = (word, name) => !params.get(name) || word.startsWith(params.get(name));
  const items = Array.from({ length: 60 }, (_, i) => {
    const [verb, who, object, details, allowed] = DEEDS[i % DEEDS.length];
    return { number: 4_060 - i, at: ago(i * 7), who, verb, object, details: JSON.stringify(details), peer: "10.0.2.31", allowed };
  });
  return { items: items.filter((d) => fits(d.who, "who") && fits(d.verb, "verb")), next: null };
}

/** What a GET answers; `undefined`: not ours. */
export function readAdmin(path, params) {
  const lists = { "/users": USERS, "/tokens": TOKENS, "/sessions": SESSIONS, "/wall-devices": WALLS };
  if (Object.hasOwn(lists, path)) return { items: lists[path]() };
  return path === "/audit" ? audit(params) : undefined;
}
