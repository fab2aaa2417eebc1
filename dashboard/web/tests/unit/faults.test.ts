/** Every sentence of the server's query language has its Vietnamese, and none is kept that the server no longer says. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inVietnamese, SENTENCES, told } from "../../src/query/faults";

const SOURCE = "../../storage/src/query/";
const code = ["mod", "filter", "names", "pipes", "text", "value"]
  .map((name) => readFileSync(`${SOURCE}${name}.rs`, "utf8").split("#[cfg(test)]")[0] ?? "")
  .join("\n")
  .split("\n")
  .filter((line) => !/^\s*(\/\/|#\[)/.test(line))
  .join("\n");

/** A sentence of the source: its holes without their expressions, its escapes undone. `format!` alone knows holes. */
const sentences = [...code.matchAll(/(format!\()?"((?:[^"\\\n]|\\.)*)"/g)]
  .map(([, format, text = ""]) => {
    const plain = text.replace(/\\(.)/g, "$1");
    return format ? plain.replace(/\{[^{}]*\}/g, "{}") : plain.replace(/[{}]/g, "$&$&");
  })
  .filter((text) => /[a-z] [a-z`{(/\w]|^add `/.test(text) && text !== "the end");
const shape = (sentence: string) => sentence.replace(/(?<!\{)\{\w+\}/g, "{}");

describe("faults of a query", () => {
  it("are each told in Vietnamese", () => {
    const known = new Set(SENTENCES.map(([english]) => shape(english)));
    expect(sentences.filter((s) => !known.has(s))).toEqual([]);
    expect(sentences.length).toBeGreaterThan(50);
  });

  it("are each still said by the server", () => {
    const said = new Set(sentences);
    expect(SENTENCES.map(([english]) => shape(english)).filter((s) => !said.has(s))).toEqual([]);
  });

  it("keep the piece of the query they are about, and have the same holes in both languages", () => {
    expect(inVietnamese("`statz` is no step")).toBe("`statz` không phải là một bước");
    expect(inVietnamese("a value is missing before the end")).toBe("thiếu một giá trị trước cuối câu");
    expect(inVietnamese("write [1 to 1024] or {1 to 1024}")).toBe("viết [1 to 1024] hoặc {1 to 1024}");
    expect(told({ position: 3, message: "something new", help: null }, "vi")).toEqual({
      position: 3,
      message: "something new",
      help: null,
    });
    const holes = (text: string) => [...text.matchAll(/(?<!\{)\{(\w+)\}/g)].map((m) => m[1]).sort();
    for (const [english, words] of SENTENCES) expect(holes(words), english).toEqual(holes(english));
  });
});
