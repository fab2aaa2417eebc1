/** The coloured copy behind the transparent text of the query box. Seen, never read: the box itself is what assistive tools meet. */
import { tokens } from "../../query/tokens";
import styles from "./QueryBox.module.css";

interface Piece {
  at: number;
  text: string;
  kind: string;
  fault: boolean;
}

/** Tokens cut again at the fault, which reaches to the end of the word it stands in. */
export function pieces(value: string, faultAt: number | null): Piece[] {
  const rest = faultAt === null ? null : /^\S+|^\s/.exec(value.slice(faultAt))?.[0];
  const from = faultAt ?? -1;
  const to = from + (rest?.length ?? 0);
  const out: Piece[] = [];
  let at = 0;
  for (const token of tokens(value)) {
    const cuts = [at, ...[from, to].filter((c) => c > at && c < at + token.text.length), at + token.text.length];
    for (let i = 0; i + 1 < cuts.length; i++) {
      const start = cuts[i] ?? 0;
      const end = cuts[i + 1] ?? start;
      out.push({ at: start, text: value.slice(start, end), kind: token.kind, fault: faultAt !== null && start >= from && start < to });
    }
    at += token.text.length;
  }
  // At the very end there is no text to underline: a space stands for what is missing.
  if (faultAt !== null && !out.some((p) => p.fault)) out.push({ at: value.length, text: "\u00a0\u00a0", kind: "plain", fault: true });
  return out;
}

export function QueryMirror({ value, faultAt }: { value: string; faultAt: number | null }) {
  return (
    <pre className={styles.mirror} aria-hidden="true">
      {pieces(value, faultAt).map((p) => (
        <span key={p.at} data-kind={p.kind} data-fault={p.fault}>
          {p.text}
        </span>
      ))}
      {"\u200b"}
    </pre>
  );
}
