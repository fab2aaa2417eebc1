/** A titled surface, with the age of its numbers where it shows numbers. */
import type { ReactNode } from "react";
import { useServerNow } from "../time/clock";
import { useText } from "../time/useText";
import styles from "./Panel.module.css";

/** Numbers older than this are shown grey, milliseconds. */
const STALE = 20_000;

interface PanelProps {
  title: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  className?: string | undefined;
  /** `Date.now()` when its numbers came; absent: no numbers, or ageless ones. */
  updatedAt?: number;
}

/** How old the numbers are, kept current; `stale` once they no longer tell the present. */
export function useAge(updatedAt: number | undefined): { text: string; stale: boolean } | null {
  useServerNow(); // once a second
  const text = useText();
  if (!updatedAt) return null;
  const age = Date.now() - updatedAt;
  return { text: text.age(age), stale: age > STALE };
}

export function Panel({ title, aside, children, className, updatedAt }: PanelProps) {
  const age = useAge(updatedAt);
  return (
    <section className={[styles.panel, className].filter(Boolean).join(" ")} data-stale={age?.stale ?? false}>
      <header className={styles.head}>
        <h2 className="cut grow">{title}</h2>
        {aside}
        {age && <span className={`${styles.age} num`}>{age.text}</span>}
      </header>
      <div className={styles.body}>{children}</div>
    </section>
  );
}
