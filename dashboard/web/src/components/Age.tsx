/** How old a thing is, kept current. */
import { useTranslation } from "react-i18next";
import { useServerNow } from "../time/clock";
import { useText } from "../time/useText";
import { instant } from "../time/zone";

/** The age of an instant the server named; the exact time on hover. */
export function Age({ at, className }: { at: string | number; className?: string }) {
  const now = useServerNow();
  const text = useText();
  const ms = typeof at === "number" ? at : instant(at);
  return (
    <time className={className} dateTime={new Date(Number.isNaN(ms) ? 0 : ms).toISOString()} title={text.time(ms, "full")}>
      {text.age(now - ms)}
    </time>
  );
}

/** The age of numbers on screen; turns into a warning when they are older than `limit` milliseconds. */
export function Freshness({ updatedAt, limit = 10_000 }: { updatedAt: number; limit?: number }) {
  const { t } = useTranslation();
  useServerNow(); // once a second
  const text = useText();
  if (!updatedAt) return null;
  const age = Date.now() - updatedAt;
  const stale = age > limit;
  return (
    <span className="num" data-stale={stale} style={{ color: stale ? "var(--warn)" : "var(--faint)", fontSize: 12 }}>
      {stale ? t("age.stale", { age: text.age(age) }) : t("age.updated", { age: text.age(age) })}
    </span>
  );
}
