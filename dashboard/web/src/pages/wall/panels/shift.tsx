/** Panels of the shift: what time it is, what waits how long, who holds what. */
import { useTranslation } from "react-i18next";
import { useLanguage } from "../../../i18n";
import { useServerNow } from "../../../time/clock";
import { useText } from "../../../time/useText";
import { instant, offsetText } from "../../../time/zone";
import styles from "../Wall.module.css";
import { Quiet, useWhole, WallPanel } from "../WallPanel";
import { Big, Rows } from "./Rows";
import type { PanelProps } from "./situation";

/** Somebody should have looked by then: critical in 5 minutes, the rest in half an hour. */
const PATIENCE = { critical: 300_000, other: 1_800_000 } as const;

export function Clock() {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const now = useServerNow();
  const date = new Intl.DateTimeFormat(language === "vi" ? "vi-VN" : "en-GB", {
    timeZone: text.zone,
    weekday: "long",
    day: "numeric",
    month: "long",
  }).format(now);
  return (
    <WallPanel title={t("wall.clock", { zone: `${text.zone} ${offsetText(now, text.zone)}` })}>
      <Big value={text.time(now, "clock")} words={date} />
    </WallPanel>
  );
}

export function Waiting({ data }: PanelProps) {
  const { t } = useTranslation();
  const span = useWhole();
  const text = useText();
  const now = useServerNow();
  const { value, at } = data.wall;
  const unclaimed = (value?.alerts ?? []).filter((a) => a.status === "new");
  const late = unclaimed.filter((a) => now - instant(a.raised) > (a.level === "critical" ? PATIENCE.critical : PATIENCE.other)).length;
  const oldest = unclaimed.reduce((most, a) => Math.max(most, now - instant(a.raised)), 0);
  const tone = late > 0 ? "bad" : unclaimed.length > 0 ? "warn" : "good";
  return (
    <WallPanel title={t("wall.waiting")} at={at} tone={tone}>
      {value && (
        <>
          <Big
            value={value.more ? t("wall.at_least", { value: text.number(unclaimed.length) }) : text.number(unclaimed.length)}
            words={t("wall.unclaimed")}
            tone={tone}
          />
          {unclaimed.length > 0 && <p className={styles.note}>{t("wall.oldest", { value: span(oldest) })}</p>}
          <p className={styles.note} data-tone={late > 0 ? "bad" : undefined}>
            {t("wall.late", { value: text.number(late) })}
          </p>
        </>
      )}
    </WallPanel>
  );
}

export function Desk({ data }: PanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const { value, at } = data.wall;
  const held = new Map<string, number>();
  for (const alert of value?.alerts ?? []) if (alert.assignee) held.set(alert.assignee, (held.get(alert.assignee) ?? 0) + 1);
  const people = [...held].sort((a, b) => b[1] - a[1]);
  const most = Math.max(1, ...people.map(([, n]) => n));
  return (
    <WallPanel title={t("wall.desk")} at={at}>
      {value && people.length === 0 && <Quiet>{t("wall.desk_none")}</Quiet>}
      <Rows lines={people.map(([name, n]) => ({ key: name, words: name, figure: text.number(n), share: n / most }))} />
    </WallPanel>
  );
}
