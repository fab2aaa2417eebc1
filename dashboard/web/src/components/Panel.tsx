/** A titled surface. */
import type { ReactNode } from "react";
import styles from "./Panel.module.css";

interface PanelProps {
  title: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  className?: string | undefined;
  /** The numbers inside are old: shown grey. */
  stale?: boolean;
}

export function Panel({ title, aside, children, className, stale = false }: PanelProps) {
  return (
    <section className={[styles.panel, className].filter(Boolean).join(" ")} data-stale={stale}>
      <header className={styles.head}>
        <h2 className="cut grow">{title}</h2>
        {aside}
      </header>
      <div className={styles.body}>{children}</div>
    </section>
  );
}
