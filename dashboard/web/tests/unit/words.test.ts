/** Both languages say everything, with the same holes to fill; the code asks for no word that does not exist, and no word lies unused. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import en from "../../src/i18n/en";
import vi from "../../src/i18n/vi";

type Tree = { [key: string]: string | Tree };

const flat = (tree: Tree, prefix = ""): [string, string][] =>
  Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "string" ? [[prefix + key, value] as [string, string]] : flat(value, `${prefix}${key}.`),
  );
const holes = (text: string): string[] => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1] ?? "").sort();
const files = (dir: string): string[] =>
  readdirSync(dir).flatMap((name) => (statSync(join(dir, name)).isDirectory() ? files(join(dir, name)) : [join(dir, name)]));

const vietnamese = new Map(flat(vi));
const english = new Map(flat(en));
const code = files("src")
  .filter((f) => /\.tsx?$/.test(f) && !f.includes("i18n/"))
  .map((f) => readFileSync(f, "utf8"))
  .join("\n");

describe("words", () => {
  it("are the same keys in both languages", () => {
    expect([...english.keys()].sort()).toEqual([...vietnamese.keys()].sort());
  });

  it("have the same holes in both languages", () => {
    for (const [key, text] of vietnamese) expect(holes(english.get(key) ?? ""), key).toEqual(holes(text));
  });

  it("are never empty, and Vietnamese is composed (NFC)", () => {
    for (const [key, text] of [...vietnamese, ...english]) {
      expect(text.trim(), key).not.toBe("");
      expect(text.normalize("NFC"), key).toBe(text);
    }
  });

  it("are all used", () => {
    // `t(`status.${x}`)` uses every key below `status.`.
    const computed = [...code.matchAll(/[`"]([a-z_.]+\.(?:[a-z]+_)?)\$\{/g)].map((m) => m[1] ?? "");
    const unused = [...vietnamese.keys()].filter((key) => {
      const plain = key.replace(/_(one|other)$/, "");
      return !code.includes(`"${plain}"`) && !computed.some((prefix) => key.startsWith(prefix));
    });
    expect(unused).toEqual([]);
  });
});
