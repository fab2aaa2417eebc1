/** A severity, told three ways at once: colour, number of bars, word. Colour alone never carries it. */
import { useTranslation } from "react-i18next";
import { LEVELS, type Level } from "../api/types";
import styles from "./Level.module.css";

export function LevelGlyph({ level, size = 14 }: { level: Level; size?: number }) {
  const filled = LEVELS.length - LEVELS.indexOf(level);
  return (
    <svg className={styles.glyph} data-level={level} width={size} height={size} viewBox="0 0 14 14" aria-hidden="true">
      {[0, 1, 2, 3, 4].map((i) => (
        <rect key={i} x={i * 2.9} y={11 - i * 2.4} width="2" height={3 + i * 2.4} rx="0.8" opacity={i < filled ? 1 : 0.22} />
      ))}
    </svg>
  );
}

/** Glyph and word. */
export function LevelMark({ level, word = true }: { level: Level; word?: boolean }) {
  const { t } = useTranslation();
  return (
    <span className={styles.mark} data-level={level}>
      <LevelGlyph level={level} />
      {word ? <span className="cut">{t(`level.${level}`)}</span> : <span className="hidden-visually">{t(`level.${level}`)}</span>}
    </span>
  );
}
