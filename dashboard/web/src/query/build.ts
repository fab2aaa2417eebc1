/**
 * Builds and edits text of the pipe language: adding a condition from a click must leave what the person typed as it was.
 * Only quotes, brackets and pipes are understood here; the server parses.
 */
import type { Scalar } from "../api/types";

const PLAIN = /^[A-Za-z0-9_@][A-Za-z0-9_.@-]*$/;
const RESERVED = new Set(["and", "or", "not"]);

/** A value as it is written after `field:`; quoted whenever a bare word could mean something else. */
export function quote(value: Scalar): string {
  const text = String(value);
  if (PLAIN.test(text) && !RESERVED.has(text.toLowerCase())) return text;
  return `"${text.replace(/\\/g, "\\\\").replace(/"/g, '\\"')}"`;
}

export const condition = (field: string, value: Scalar): string => `${field}:${quote(value)}`;

/** The filter and the pipes after it, split at the first `|` outside quotes. */
export function split(query: string): { filter: string; pipes: string } {
  let quoted = false;
  for (let i = 0; i < query.length; i++) {
    const c = query[i];
    if (c === "\\" && quoted) i++;
    else if (c === '"') quoted = !quoted;
    else if (c === "|" && !quoted) return { filter: query.slice(0, i).trim(), pipes: query.slice(i).trim() };
  }
  return { filter: query.trim(), pipes: "" };
}

const join = (filter: string, pipes: string): string => (pipes ? `${filter || "*"} ${pipes}` : filter);

/** Whether an `or` stands outside brackets and quotes. */
function loose(filter: string): boolean {
  let depth = 0;
  const words = filter.match(/"(?:\\.|[^"\\])*"|[()]|[^\s()"]+/g) ?? [];
  for (const word of words) {
    if (word === "(") depth++;
    else if (word === ")") depth--;
    else if (depth === 0 && word.toLowerCase() === "or") return true;
  }
  return false;
}

/** The query narrowed by one more condition; pipes stay. A condition already there is not repeated; its contrary is replaced. */
export function narrow(query: string, field: string, value: Scalar, exclude = false): string {
  const { filter, pipes } = split(query);
  const plain = condition(field, value);
  const wanted = exclude ? `not ${plain}` : plain;
  if (filter === "" || filter === "*") return join(wanted, pipes);
  const contrary = exclude ? plain : `not ${plain}`;
  const terms = loose(filter) ? null : filter.split(/\s+and\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/i);
  if (!terms) return join(`(${filter}) and ${wanted}`, pipes);
  if (terms.includes(wanted)) return join(filter, pipes);
  return join([...terms.filter((t) => t !== contrary), wanted].join(" and "), pipes);
}
