/** Tables as CSV that a spreadsheet may open: RFC 4180, and no cell is ever a formula. */
import type { Scalar } from "../../api/types";

function cell(value: Scalar): string {
  let text = value === null ? "" : String(value);
  // Log text is the attacker's text: a leading = + - @ or control character would run in the reader's spreadsheet.
  if (typeof value !== "number" && /^[=+\-@\t\r\n]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** With a byte order mark: without it Excel takes Vietnamese for Latin-1. */
export const csv = (columns: readonly string[], rows: readonly (readonly Scalar[])[]): string =>
  `\ufeff${[columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
