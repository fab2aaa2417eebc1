/** Values by count, each with a bar for its share of the greatest; a click goes where the page says. */
import type { ReactNode } from "react";
import styles from "./BarList.module.css";

export interface BarItem {
  key: string;
  label: ReactNode;
  title: string;
  count: number;
  /** A colour of the palette. */
  tone?: string;
}

interface BarListProps {
  items: BarItem[];
  countText: (count: number) => string;
  onPick?: (key: string) => void;
  empty: string;
}

export function BarList({ items, countText, onPick, empty }: BarListProps) {
  const most = Math.max(1, ...items.map((i) => i.count));
  if (items.length === 0) return <p className={styles.empty}>{empty}</p>;
  return (
    <ul className={styles.list}>
      {items.map(({ key, label, title, count, tone }) => {
        const inside = (
          <>
            <span className={styles.bar} style={{ width: `${(count / most) * 100}%`, ...(tone ? { background: tone } : {}) }} />
            <span className={`${styles.label} cut`} title={title}>
              {label}
            </span>
            <span className={`${styles.count} num`}>{countText(count)}</span>
          </>
        );
        return (
          <li key={key}>
            {onPick ? (
              <button type="button" className={styles.item} onClick={() => onPick(key)}>
                {inside}
              </button>
            ) : (
              <div className={styles.item}>{inside}</div>
            )}
          </li>
        );
      })}
    </ul>
  );
}
