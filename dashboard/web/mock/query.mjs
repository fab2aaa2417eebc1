/** Enough of the pipe language for the mock: filters with and/or/not, wildcards, CIDR prefixes, and stats, timechart, sort, head, fields. */

export class QueryError extends Error {
  constructor(position, code, [message, message_vi], [help, help_vi]) {
    super(message);
    this.fault = { position, code, message, message_vi, help, help_vi };
  }
}

const WORD = ["write a word, a phrase or field:value", "viết một từ, một cụm từ hoặc trường:giá_trị"];
const stray = ({ text }) => [`\`${text}\` cannot stand here`, `\`${text}\` không đứng ở đây được`];

function lex(text) {
  const tokens = [];
  let i = 0;
  while (i < text.length) {
    const c = text[i];
    if (/\s/.test(c)) i++;
    else if (c === "(" || c === ")" || c === "|" || c === ",") tokens.push({ kind: c, text: c, at: i++ });
    else {
      const at = i;
      let out = "";
      let quoted = false;
      while (i < text.length && !/[\s()|,]/.test(text[i])) {
        if (text[i] === '"') {
          if (i === at) quoted = true;
          const open = i++;
          while (i < text.length && text[i] !== '"') {
            if (text[i] === "\\") i++;
            out += text[i++] ?? "";
          }
          if (i >= text.length)
            throw new QueryError(open, "FSP-Q031", ["this quote is not closed", "dấu nháy này chưa được đóng"], ['add `"`', 'thêm `"`']);
          i++;
        } else out += text[i++];
      }
      // stats functions keep their brackets: count() avg(field)
      if (!quoted && /^(count|sum|avg|min|max|dc)$/.test(out) && text[i] === "(") {
        const close = text.indexOf(")", i);
        if (close < 0)
          throw new QueryError(
            i,
            "FSP-Q070",
            ["`)` is missing before the end", "thiếu dấu `)` trước cuối câu"],
            ["count() counts events and takes no field", "count() đếm sự kiện, không nhận trường nào"],
          );
        out += text.slice(i, close + 1);
        i = close + 1;
      }
      tokens.push({ kind: "word", text: out, at, quoted });
    }
  }
  return tokens;
}

const values = (event, field) => {
  const v = event[field];
  return v === undefined || v === null ? [] : Array.isArray(v) ? v.map(String) : [String(v)];
};

function matcher(pattern) {
  const low = pattern.toLowerCase();
  const cidr = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(low);
  if (cidr) {
    const number = (ip) => ip.split(".").reduce((n, p) => n * 256 + Number(p), 0);
    const size = 2 ** (32 - Number(cidr[2]));
    const start = Math.floor(number(cidr[1]) / size) * size;
    return (v) => /^\d+\.\d+\.\d+\.\d+$/.test(v) && number(v) >= start && number(v) < start + size;
  }
  const compare = /^(>=|<=|>|<)(-?\d+(\.\d+)?)$/.exec(low);
  if (compare) {
    const n = Number(compare[2]);
    return (v) => ({ ">=": Number(v) >= n, "<=": Number(v) <= n, ">": Number(v) > n, "<": Number(v) < n })[compare[1]];
  }
  if (low.includes("*") || low.includes("?")) {
    const re = new RegExp(
      `^${low
        .replace(/[.+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("*", ".*")
        .replaceAll("?", ".")}$`,
      "s",
    );
    return (v) => re.test(v.toLowerCase());
  }
  return (v) => v.toLowerCase() === low;
}

function term(token) {
  const colon = token.quoted ? -1 : token.text.indexOf(":");
  const name = colon > 0 ? token.text.slice(0, colon) : "";
  if (colon > 0 && /^[@a-z_][\w.@-]*$/i.test(name)) {
    const wanted = token.text.slice(colon + 1);
    if (!wanted)
      throw new QueryError(
        token.at + colon + 1,
        "FSP-Q030",
        ["a value is missing before the end", "thiếu một giá trị trước cuối câu"],
        ['write a text, a "phrase", a number, * for any', 'viết một chữ, một "cụm từ", một số, hoặc * cho mọi giá trị'],
      );
    if (wanted === "*") return (event) => values(event, name).length > 0;
    const test = matcher(wanted);
    return (event) => values(event, name).some(test);
  }
  if (token.text === "*") return () => true;
  const word = token.text.toLowerCase().replaceAll("*", "");
  return (event) =>
    String(event.message ?? "")
      .toLowerCase()
      .includes(word);
}

function filter(tokens, end) {
  let i = 0;
  const keyword = (word) => tokens[i]?.kind === "word" && !tokens[i].quoted && tokens[i].text.toLowerCase() === word;
  const either = () => {
    let left = both();
    while (keyword("or")) {
      i++;
      const a = left;
      const b = both();
      left = (e) => a(e) || b(e);
    }
    return left;
  };
  const both = () => {
    let left = one();
    while (i < tokens.length && tokens[i].kind !== ")" && !keyword("or")) {
      if (keyword("and")) i++;
      const a = left;
      const b = one();
      left = (e) => a(e) && b(e);
    }
    return left;
  };
  const one = () => {
    const token = tokens[i];
    if (!token) throw new QueryError(end, "FSP-Q017", ["the filter ends too early", "bộ lọc kết thúc quá sớm"], WORD);
    if (keyword("not")) {
      i++;
      const inner = one();
      return (e) => !inner(e);
    }
    if (token.kind === "(") {
      i++;
      const inner = either();
      if (tokens[i]?.kind !== ")")
        throw new QueryError(token.at, "FSP-Q014", ["this `(` is not closed", "dấu `(` này chưa được đóng"], ["add `)`", "thêm `)`"]);
      i++;
      return inner;
    }
    if (token.kind !== "word") throw new QueryError(token.at, "FSP-Q019", stray(token), WORD);
    i++;
    return term(token);
  };
  if (tokens.length === 0) return () => true;
  const result = either();
  if (i < tokens.length)
    throw new QueryError(tokens[i].at, "FSP-Q011", stray(tokens[i]), [
      'quote it if it is text: "…"',
      'nếu là chữ cần tìm thì đặt trong nháy: "…"',
    ]);
  return result;
}

const STEP = ["write stats, timechart, where, sort, head, tail or fields", "viết stats, timechart, where, sort, head, tail hoặc fields"];
const STAGES = ["stats", "timechart", "sort", "head", "fields"];

export function parse(text) {
  const tokens = lex(text);
  const parts = [[]];
  for (const token of tokens) {
    if (token.kind === "|") parts.push([token]);
    else parts.at(-1).push(token);
  }
  const pipes = parts.slice(1).map(([bar, ...rest]) => {
    if (!rest.length)
      throw new QueryError(bar.at + 1, "FSP-Q065", ["a step is missing before the end", "thiếu một bước trước cuối câu"], STEP);
    if (!STAGES.includes(rest[0].text))
      throw new QueryError(rest[0].at, "FSP-Q066", [`\`${rest[0].text}\` is no step`, `\`${rest[0].text}\` không phải là một bước`], STEP);
    return {
      name: rest[0].text,
      args: rest
        .slice(1)
        .filter((t) => t.kind === "word")
        .map((t) => t.text),
    };
  });
  return { test: filter(parts[0], text.length), pipes };
}

const SPAN = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function group(events, keys, columns) {
  const rows = new Map();
  for (const event of events) {
    const key = keys.map((k) => k(event));
    const id = JSON.stringify(key);
    if (!rows.has(id)) rows.set(id, [...key, 0]);
    rows.get(id)[key.length]++;
  }
  return { columns: [...columns, "count"], rows: [...rows.values()] };
}

function aggregate(pipe, events) {
  const by = pipe.args.indexOf("by");
  const fields = by < 0 ? [] : pipe.args.slice(by + 1);
  const keys = fields.map((f) => (e) => values(e, f)[0] ?? null);
  if (pipe.name === "stats") return group(events, keys, fields);
  const span = /^span=(\d+)([smhd])$/.exec(pipe.args[0] ?? "");
  const width = span ? Number(span[1]) * SPAN[span[2]] : 3_600_000;
  const time = (e) => new Date(Math.floor(Date.parse(e["@timestamp"]) / width) * width).toISOString();
  const table = group(events, [time, ...keys], ["_time", ...fields]);
  table.rows.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return table;
}

/** Runs the pipes: a table when there was a stats or timechart, otherwise the events. */
export function run(query, events) {
  let table = null;
  let list = events.filter(query.test);
  for (const pipe of query.pipes) {
    if (pipe.name === "stats" || pipe.name === "timechart") table = aggregate(pipe, list);
    else if (pipe.name === "head") {
      const n = Number(pipe.args[0] ?? 10);
      if (table) table.rows = table.rows.slice(0, n);
      else list = list.slice(0, n);
    } else if (pipe.name === "sort" && table) {
      const down = pipe.args[0]?.startsWith("-");
      const at = table.columns.indexOf((pipe.args[0] ?? "").replace(/^[-+]/, ""));
      table.rows.sort((a, b) => (a[at] > b[at] ? 1 : -1) * (down ? -1 : 1));
    }
  }
  return { table, list };
}
