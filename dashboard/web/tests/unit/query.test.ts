/** Clicking a value must leave what the person typed as it was, and mean what it says. */
import { describe, expect, it } from "vitest";
import { wordAt } from "../../src/pages/search/Offers";
import { pieces } from "../../src/pages/search/QueryMirror";
import { condition, narrow, quote, split } from "../../src/query/build";
import { suggest } from "../../src/query/fields";
import { tokens, unitPosition } from "../../src/query/tokens";

describe("quote", () => {
  it.each([
    ["root", "root"],
    ["10.8.1.12", "10.8.1.12"],
    ["svc_backup", "svc_backup"],
    [4625, "4625"],
    ["2001:db8::1", '"2001:db8::1"'],
    ["or", '"or"'],
    ["NOT", '"NOT"'],
    ["svc_*", '"svc_*"'],
    ["-t", '"-t"'],
    ["", '""'],
    ['a "b" \\c', '"a \\"b\\" \\\\c"'],
    ["Lò Thị Hương", '"Lò Thị Hương"'],
    ["x | stats count()", '"x | stats count()"'],
  ])("%j → %s", (value, expected) => expect(quote(value)).toBe(expected));
});

describe("split", () => {
  it.each([
    ["a | stats count()", "a", "| stats count()"],
    ['message:"a | b" | head 5', 'message:"a | b"', "| head 5"],
    ['message:"a \\" | b"', 'message:"a \\" | b"', ""],
    ["", "", ""],
  ])("%s", (query, filter, pipes) => expect(split(query)).toEqual({ filter, pipes }));
});

describe("narrow", () => {
  const cases: [string, boolean, string][] = [
    ["", false, "user.name:root"],
    ["*", true, "not user.name:root"],
    ["event.outcome:failure", false, "event.outcome:failure and user.name:root"],
    ["event.outcome:failure and user.name:root", false, "event.outcome:failure and user.name:root"],
    ["event.outcome:failure and user.name:root", true, "event.outcome:failure and not user.name:root"],
    ["not user.name:root", false, "user.name:root"],
    ["a or b", false, "(a or b) and user.name:root"],
    ["(a or b) and c", false, "(a or b) and c and user.name:root"],
    ['message:"this or that"', false, 'message:"this or that" and user.name:root'],
    ["* | stats count() by host.name", false, "user.name:root | stats count() by host.name"],
    ["x | head 3", true, "x and not user.name:root | head 3"],
  ];
  it.each(cases)("%j, exclude %s", (query, exclude, expected) => expect(narrow(query, "user.name", "root", exclude)).toBe(expected));
});

describe("tokens", () => {
  it("put together are the query, whatever it is", () => {
    const queries = [
      "",
      " ",
      "a:b",
      'x:"unclosed',
      '"',
      "|||",
      "((",
      "đường:dẫn | thống_kê 🏔️",
      "@timestamp:>5 and not (a or b)| stats count() by c",
    ];
    for (const query of queries) {
      expect(
        tokens(query)
          .map((t) => t.text)
          .join(""),
      ).toBe(query);
      for (let at = 0; at <= query.length; at++)
        expect(
          pieces(query, at)
            .map((p) => p.text)
            .join("")
            .replace(/\u00a0/g, ""),
        ).toBe(query);
    }
  });

  it("tell fields, words, commands apart", () => {
    const kinds = (q: string) =>
      tokens(q)
        .filter((t) => t.kind !== "plain")
        .map((t) => [t.kind, t.text]);
    expect(kinds("user.name:root and x | stats count() by a")).toEqual([
      ["field", "user.name:"],
      ["value", "root"],
      ["word", "and"],
      ["pipe", "|"],
      ["function", "stats"],
      ["word", "by"],
    ]);
  });

  it("underline what stands at the position, counted in characters", () => {
    const query = "🏔️🏔️ a |  statz";
    const at = unitPosition(query, [...query].length - 5);
    expect(query.slice(at)).toBe("statz");
    expect(
      pieces(query, at)
        .filter((p) => p.fault)
        .map((p) => p.text),
    ).toEqual(["statz"]);
    expect(pieces("a and", 5).at(-1)).toMatchObject({ fault: true, at: 5 });
  });
});

describe("suggestions", () => {
  it("offer fields where a name can stand, and nowhere else", () => {
    expect(wordAt("source", 6)).toBe("source");
    expect(wordAt("a and (dest", 11)).toBe("dest");
    expect(wordAt("user.name:ro", 12)).toBe("");
    expect(wordAt('"quoted wor', 11)).toBe("");
    expect(wordAt("s", 1)).toBe("");
  });

  it("put indexed fields that begin with the word first", () => {
    expect(suggest("source.i")[0]).toBe("source.ip");
    expect(suggest("user.na")[0]).toBe("user.name");
    expect(suggest("vendor.x", ["vendor.xyz"])).toEqual(["vendor.xyz"]);
  });
});

it("condition", () => expect(condition("source.ip", "::1")).toBe('source.ip:"::1"'));
