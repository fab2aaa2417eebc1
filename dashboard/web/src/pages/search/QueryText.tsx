/** A query shown, coloured as in the box. */
import { pieces } from "./QueryMirror";
import styles from "./QueryText.module.css";

export function QueryText({ text }: { text: string }) {
  return (
    <code className={styles.query}>
      {pieces(text, null).map((p) => (
        <span key={p.at} data-kind={p.kind}>
          {p.text}
        </span>
      ))}
    </code>
  );
}
