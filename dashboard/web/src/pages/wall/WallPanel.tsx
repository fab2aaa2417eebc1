/** One screen of the wall: what it is, how old its numbers are, and a grey face once they are too old to act on. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useServerNow } from "../../time/clock";
import { useText } from "../../time/useText";
import styles from "./Wall.module.css";

/** Older than this, a number no longer tells the present, milliseconds. */
const STALE = 15_000;

interface WallPanelProps {
  title: string;
  /** `Date.now()` when its numbers came; 0: not yet; absent: it has none. */
  at?: number;
  tone?: "good" | "warn" | "bad" | undefined;
  children?: ReactNode;
}

/** A length of time in whole units from seconds up: tenths only flicker. */
export function useWhole(): (ms: number) => string {
  const { t } = useTranslation();
  const text = useText();
  return (ms) => {
    const size = Math.max(0, ms);
    const unit = [86_400_000, 3_600_000, 60_000].find((u) => size >= u) ?? 1_000;
    const value = Math.floor(size / unit);
    return value === 0 ? t("age.short_seconds", { value: 0 }) : text.span(value * unit);
  };
}

function AgeMark({ at }: { at: number }) {
  const { t } = useTranslation();
  const span = useWhole();
  useServerNow(); // once a second
  const age = Date.now() - at;
  return (
    <span className={`${styles.age} num`} data-testid="wall-age">
      {at === 0 ? "…" : age > STALE ? t("wall.old", { value: span(age) }) : span(age)}
    </span>
  );
}

export function WallPanel({ title, at, tone, children }: WallPanelProps) {
  useServerNow();
  const stale = at !== undefined && (at === 0 || Date.now() - at > STALE);
  return (
    <section className={styles.panel} data-stale={stale} data-tone={stale ? undefined : tone} data-testid="wall-panel">
      <header className={styles.head}>
        <h2 className={styles.title}>{title}</h2>
        {at !== undefined && <AgeMark at={at} />}
      </header>
      <div className={styles.body}>{children}</div>
    </section>
  );
}

/** What a panel says when nothing feeds it, or there is nothing to tell. */
export function Quiet({ children }: { children: ReactNode }) {
  return <p className={styles.quiet}>{children}</p>;
}
