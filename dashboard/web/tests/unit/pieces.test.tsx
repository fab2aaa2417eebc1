/** Small things that must hold: marked text, spreadsheets, charts, the ledger, passwords, the keyboard. */
import { render } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { EventTable, SourceInfo } from "../../src/api/types";
import { attackTags, techniqueName } from "../../src/components/attack";
import { fieldsOf, originalOf, senderOf } from "../../src/components/event";
import { Highlight, ranges } from "../../src/components/Highlight";
import { keyName } from "../../src/keyboard/keyboard";
import { checkPassword } from "../../src/pages/login/policy";
import { yamlLines } from "../../src/pages/rules/yaml";
import { csv } from "../../src/pages/search/csv";
import { chartable, shapeOf } from "../../src/pages/search/shape";
import { healthOf, imbalance, parsedShare } from "../../src/pages/sources/health";
import { SNIPPETS } from "../../src/pages/sources/snippets";

describe("marked text", () => {
  it("marks every occurrence once, overlaps together", () => {
    expect(ranges("root ROOT user root1", ["root", "root1"])).toEqual([
      [0, 4],
      [5, 9],
      [15, 20],
    ]);
    expect(ranges("abcd", ["abc", "bcd"])).toEqual([[0, 4]]);
    expect(ranges("a", ["a", ""])).toEqual([]);
  });

  it("stays text, whatever it holds", () => {
    const evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
    const { container } = render(<Highlight text={evil} values={["<script>", "img"]} />);
    expect(container.textContent).toBe(evil);
    expect(container.querySelector("img, script")).toBeNull();
    expect(container.querySelectorAll("mark")).toHaveLength(2);
  });
});

it("a spreadsheet never runs what a log says", () => {
  const text = csv(
    ["a", "b"],
    [
      ["=cmd|' /C calc'!A0", -5],
      ['@x,"y"', null],
      ["+1", "\tz"],
    ],
  );
  expect(text).toBe("\ufeffa,b\r\n'=cmd|' /C calc'!A0,-5\r\n\"'@x,\"\"y\"\"\",\r\n'+1,'\tz\r\n");
});

describe("charts of tables", () => {
  const table = (columns: string[], rows: EventTable["rows"]): EventTable => ({ columns, rows, complete: true, took_ms: 1 });
  it("over time, one series a value", () => {
    const t = table(
      ["_time", "event.outcome", "count"],
      [
        ["2026-11-23T01:00:00Z", "failure", 5],
        ["2026-11-23T00:00:00Z", "success", 7],
        ["2026-11-23T00:00:00Z", "failure", 1],
      ],
    );
    expect(shapeOf(t)).toEqual({
      kind: "time",
      axis: [Date.UTC(2026, 10, 23, 0), Date.UTC(2026, 10, 23, 1)],
      series: [
        { name: "success", values: [7, null] },
        { name: "failure", values: [1, 5] },
      ],
    });
  });
  it("over time, hours without rows shown as such", () => {
    const t = table(
      ["_time", "count"],
      [
        ["2026-11-23T00:00:00Z", 1],
        ["2026-11-23T03:00:00Z", 2],
        ["2026-11-23T04:00:00Z", 3],
      ],
    );
    expect(shapeOf(t).series).toEqual([{ name: "count", values: [1, null, null, 2, 3] }]);
  });
  it("bars by value", () => {
    const t = table(
      ["source.ip", "user.name", "count"],
      [
        ["10.0.0.1", null, 3],
        ["10.0.0.2", "root", 2],
      ],
    );
    expect(shapeOf(t)).toEqual({ kind: "bars", axis: ["10.0.0.1 · –", "10.0.0.2 · root"], series: [{ name: "count", values: [3, 2] }] });
  });
  it("not at all where there is nothing to see", () => {
    expect(chartable(table(["count"], [[5]]))).toBe(false);
    expect(
      chartable(
        table(
          ["a", "b"],
          [
            ["x", "y"],
            ["z", "w"],
          ],
        ),
      ),
    ).toBe(false);
    expect(chartable(table(["a", "count"], []))).toBe(false);
  });
});

describe("sources", () => {
  const source = (change: Partial<SourceInfo>, counters: Partial<SourceInfo["counters"]> = {}): SourceInfo => ({
    id: "udp:10.0.0.1",
    agency: "default",
    transport: "udp",
    peer: "10.0.0.1",
    tls_identity: null,
    host: null,
    format: null,
    product: null,
    confidence: 0,
    pinned: false,
    active: true,
    first_seen: "",
    last_seen: "",
    skew: null,
    counters: { received: 10, kept: 8, parsed: 8, unparsed: 0, bytes: 1, refused: { too_large: 2 }, ...counters },
    packets: null,
    ...change,
  });
  it("are silent before they are anything else", () => {
    expect(healthOf(source({}))).toBe("active");
    expect(healthOf(source({ active: false }))).toBe("silent");
    expect(healthOf(source({}, { parsed: 1, unparsed: 7 }))).toBe("unparsed");
  });
  it("balance: received is kept and refused", () => {
    expect(imbalance(source({}))).toBe(0);
    expect(imbalance(source({}, { received: 13 }))).toBe(3);
    expect(parsedShare(source({}, { kept: 0 }))).toBeNull();
  });
  it("every snippet carries the address and port given", () => {
    for (const snippet of SNIPPETS) {
      const text = snippet.text({ host: "log.laichau.gov.vn", plain: "1514", tls: "16514" });
      expect(text, snippet.id).toContain("log.laichau.gov.vn");
      expect(text, snippet.id).toContain(snippet.tls ? "16514" : "1514");
    }
  });
});

describe("events", () => {
  it("show what happened first and ours last, the record apart", () => {
    const event = {
      "fansipan.parser": "sshd",
      "winlog.channel": "x",
      "event.original": "raw",
      message: "m",
      "source.ip": "::1",
      "event.action": "a",
      "@timestamp": "t",
      "zeek.uid": "z",
    };
    expect(fieldsOf(event)).toEqual(["@timestamp", "event.action", "source.ip", "zeek.uid", "winlog.channel", "fansipan.parser"]);
    expect(originalOf(event)).toEqual({ text: "raw", base64: false });
    expect(originalOf({ "fansipan.raw": "//8=" })).toEqual({ text: "//8=", base64: true });
    expect(senderOf({ "fansipan.peer.ip": "10.0.0.1" })).toBe("10.0.0.1");
  });
});

it("ATT&CK tags", () => {
  expect(attackTags(["attack.t1110.001", "attack.credential-access", "attack.g0032", "cve.2021.44228"])).toEqual([
    { kind: "technique", text: "T1110.001" },
    { kind: "tactic", text: "credential-access" },
  ]);
  expect([techniqueName("T1110.003"), techniqueName("T1110.999"), techniqueName("T9999")]).toEqual([
    "Password Spraying",
    "Brute Force",
    null,
  ]);
});

it("the password policy is the server's", () => {
  const failing = (user: string, password: string, repeat = password) =>
    checkPassword(user, "old", password, repeat)
      .filter((r) => !r.met)
      .map((r) => r.rule);
  expect(failing("admin", "mật khẩu của tôi rất dài")).toEqual([]);
  expect(failing("admin", "my-Admin-pass-9")).toEqual(["name"]);
  expect(failing("bo", "elbow room 42")).toEqual([]);
  expect(failing("admin", "aaaaaaaaaaaa")).toEqual(["distinct"]);
  expect(failing("admin", "short", "shorter")).toEqual(["length", "repeat"]);
});

it("YAML put together is the text", () => {
  const text = 'title: "a # b"\nlevel: high # why\nselection:\n    - field|contains: x\n# note\n';
  expect(
    yamlLines(text)
      .map((l) => l.parts.map((p) => p.text).join(""))
      .join("\n"),
  ).toBe(text.trimEnd());
  expect(yamlLines(text)[1]?.parts.map((p) => p.kind)).toEqual(["key", "plain", "comment"]);
  expect(yamlLines(text)[0]?.parts.some((p) => p.kind === "comment")).toBe(false);
});

it("keys are read through Vietnamese input methods", () => {
  expect(keyName({ key: "Process", code: "KeyF" })).toBe("f");
  expect(keyName({ key: "T", code: "KeyT" })).toBe("t");
  expect(keyName({ key: "ArrowDown", code: "ArrowDown" })).toBe("ArrowDown");
});
