/** Cuts YAML into coloured pieces, line by line: keys, comments, the rest. For reading only; it understands no structure. */

interface Part {
  at: number;
  text: string;
  kind: "key" | "comment" | "plain";
}

interface Line {
  number: number;
  parts: Part[];
}

function cut(line: string): Part[] {
  const comment = /(?:^|\s)#.*$/.exec(line);
  const quoted = comment !== null && (line.slice(0, comment.index).split(/['"]/).length - 1) % 2 === 1;
  const end = comment && !quoted ? comment.index : line.length;
  const key = /^(\s*(?:- )?)([\w.|@*-]+:)(?=\s|$)/.exec(line.slice(0, end));
  const parts: Part[] = [];
  let at = 0;
  if (key) {
    const lead = key[1] ?? "";
    parts.push({ at: 0, text: lead, kind: "plain" }, { at: lead.length, text: key[2] ?? "", kind: "key" });
    at = key[0].length;
  }
  if (at < end) parts.push({ at, text: line.slice(at, end), kind: "plain" });
  if (end < line.length) parts.push({ at: end, text: line.slice(end), kind: "comment" });
  return parts.filter((p) => p.text !== "");
}

export const yamlLines = (text: string): Line[] =>
  text
    .replace(/\n$/, "")
    .split("\n")
    .map((line, i) => ({ number: i + 1, parts: cut(line) }));
