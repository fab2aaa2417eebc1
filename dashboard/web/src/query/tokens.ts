/** Cuts a query into coloured pieces for the search box. Never judges: what is wrong, the server says. */

export type TokenKind = "field" | "value" | "word" | "pipe" | "function" | "plain";

export interface Token {
  kind: TokenKind;
  text: string;
}

const PIECE = /(\s+)|([@A-Za-z_][\w.@-]*)(:)|("(?:\\.|[^"\\])*"?)|([|])|([()])|([^\s()|"]+)/gy;
const WORDS = new Set(["and", "or", "not", "by", "as"]);
const COMMANDS = new Set(["stats", "timechart", "sort", "head", "tail", "fields", "where"]);

export function tokens(query: string): Token[] {
  const out: Token[] = [];
  let afterField = false;
  let afterPipe = false;
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < query.length) {
    const at = PIECE.lastIndex;
    const m = PIECE.exec(query);
    if (!m) {
      out.push({ kind: "plain", text: query.slice(at) });
      break;
    }
    const [text, space, field, , quoted, pipe, bracket] = m;
    if (space) {
      out.push({ kind: "plain", text });
      continue;
    }
    if (field) {
      out.push({ kind: "field", text: `${field}:` });
      afterField = true;
      continue;
    }
    if (pipe) out.push({ kind: "pipe", text });
    else if (bracket) out.push({ kind: "plain", text });
    else if (afterField || quoted) out.push({ kind: "value", text });
    else if (afterPipe && COMMANDS.has(text.toLowerCase())) out.push({ kind: "function", text });
    else if (WORDS.has(text.toLowerCase())) out.push({ kind: "word", text });
    else out.push({ kind: "plain", text });
    afterField = false;
    afterPipe = pipe !== undefined;
  }
  return out;
}

/** A position counted in characters (code points), as the server counts, to one counted in UTF-16 units, as JavaScript does. */
export function unitPosition(text: string, characters: number): number {
  let units = 0;
  let seen = 0;
  for (const c of text) {
    if (seen++ >= characters) break;
    units += c.length;
  }
  return units;
}
