/** Lines of a wall panel: glyph or bar, words, a number; as many as can be read from afar. */
import type { CSSProperties, ReactNode } from "react";
import type { Level } from "../../../api/types";
import { LevelGlyph } from "../../../components/Level";
import styles from "../Wall.module.css";

export interface Line {
  key: string;
  level?: Level | undefined;
  words: string;
  figure: string;
  /** Below the figure: how many. */
  many?: string | undefined;
  /** 0–1: a bar behind the line. */
  share?: number;
}

/** Lines that fit under a title at the wall's smallest type. */
const FIT = 7;
/** And of those that may need two lines. */
const FIT_TALL = 4;

/** `tall`: words too long for a line go on in a second one instead of being cut. */
export function Rows({ lines, tall = false, children }: { lines: Line[]; tall?: boolean; children?: ReactNode }) {
  return (
    <ul className={styles.rows}>
      {lines.slice(0, tall ? FIT_TALL : FIT).map(({ key, level, words, figure, many, share }) => (
        <li
          key={key}
          className={styles.row}
          data-tall={tall}
          style={share === undefined ? undefined : ({ "--share": `${share * 100}%` } as CSSProperties)}
        >
          {level && <LevelGlyph level={level} size={72} />}
          <span className={styles.words}>{words}</span>
          <span className={`${styles.figure} num`}>
            {figure}
            {many && <small>{many}</small>}
          </span>
        </li>
      ))}
      {children}
    </ul>
  );
}

/** A number to be read across the room, with what it counts. */
export function Big({ value, words, tone }: { value: string; words: string; tone?: "good" | "warn" | "bad" | undefined }) {
  return (
    <div className={styles.big} data-tone={tone}>
      <span className={`${styles.number} num`} data-long={value.length > 7}>
        {value}
      </span>
      <span className={styles.what}>{words}</span>
    </div>
  );
}
