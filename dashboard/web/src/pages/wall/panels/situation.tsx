/** Panels that answer: are we under attack, are we blind, what waits. */
import { Eye, EyeOff, ShieldAlert, ShieldCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useLanguage } from "../../../i18n";
import { useServerNow } from "../../../time/clock";
import { useText } from "../../../time/useText";
import { instant } from "../../../time/zone";
import { alike, byPriority, type WallData } from "../useWallData";
import styles from "../Wall.module.css";
import { Quiet, useWhole, WallPanel } from "../WallPanel";
import { Rows } from "./Rows";

export interface PanelProps {
  data: WallData;
}

export function Answer({ data }: PanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const { value, at } = data.overview;
  const critical = value?.alerts.by_level.critical ?? 0;
  const high = value?.alerts.by_level.high ?? 0;
  const { total = 0, silent = 0 } = value?.sources ?? {};
  const attack = critical > 0 ? "bad" : high > 0 ? "warn" : "good";
  const blind = total === 0 ? "bad" : silent > 0 ? "warn" : "good";
  const AttackIcon = attack === "good" ? ShieldCheck : ShieldAlert;
  const BlindIcon = blind === "good" ? Eye : EyeOff;
  return (
    <WallPanel title={t("wall.answer")} at={at} tone={attack}>
      {value && (
        <div className={styles.answers}>
          <p className={styles.answer} data-tone={attack}>
            <AttackIcon aria-hidden="true" />
            <span>
              {attack === "good"
                ? t("wall.calm")
                : attack === "bad"
                  ? t("wall.critical", { value: text.number(critical) })
                  : t("wall.high", { value: text.number(high) })}
            </span>
          </p>
          <p className={styles.answer} data-tone={blind}>
            <BlindIcon aria-hidden="true" />
            <span>
              {total === 0
                ? t("wall.no_sources")
                : silent > 0
                  ? t("wall.blind", { silent: text.number(silent), total: text.number(total) })
                  : t("wall.seeing", { total: text.number(total) })}
            </span>
          </p>
        </div>
      )}
    </WallPanel>
  );
}

export function Counters({ data }: PanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const { value, at } = data.overview;
  const figures = value && [
    ["events", value.events.total],
    ["alerts", value.alerts.open],
    ["incidents", value.counters.incidents],
    ["vulnerabilities", value.counters.vulnerabilities],
    ["attacks", value.counters.attacks],
  ];
  return (
    <WallPanel title={t("wall.counters")} at={at}>
      <dl className={styles.counters}>
        {figures &&
          (figures as [keyof WallCounters, number | null][]).map(([key, count]) => (
            <div key={key} data-empty={count === null} data-testid={`wall-${key}`}>
              <dt>{t(`overview.${key}`)}</dt>
              <dd className="num">{count === null ? t("state.no_source") : text.compact(count)}</dd>
            </div>
          ))}
      </dl>
    </WallPanel>
  );
}

type WallCounters = Record<"events" | "alerts" | "incidents" | "vulnerabilities" | "attacks", number | null>;

export function Queue({ data }: PanelProps) {
  const { t } = useTranslation();
  const span = useWhole();
  const text = useText();
  const language = useLanguage();
  const now = useServerNow();
  const { value, at } = data.wall;
  const alerts = byPriority(value?.alerts ?? []);
  return (
    <WallPanel title={t("wall.queue")} at={at} tone={alerts[0]?.level === "critical" ? "bad" : undefined}>
      {value && alerts.length === 0 && <Quiet>{t("wall.queue_empty")}</Quiet>}
      <Rows
        tall
        lines={alike(alerts).map(({ first: a, count }) => ({
          key: a.id,
          level: a.level,
          words: (language === "vi" && a.title_vi) || a.title,
          figure: span(now - instant(a.raised)),
          many: count > 1 ? `${value?.more ? "≥ " : "×"}${text.number(count)}` : undefined,
        }))}
      />
    </WallPanel>
  );
}

export function Incidents({ data }: PanelProps) {
  const { t } = useTranslation();
  const span = useWhole();
  const text = useText();
  const language = useLanguage();
  const now = useServerNow();
  const { value, at } = data.wall;
  const open = [...(value?.incidents ?? [])].sort((a, b) => instant(b.opened) - instant(a.opened));
  return (
    <WallPanel title={t("wall.incidents", { value: text.number(open.length) })} at={at}>
      {value && open.length === 0 && <Quiet>{t("wall.incidents_none")}</Quiet>}
      <Rows
        tall
        lines={open.map((i) => ({
          key: i.id,
          level: i.level,
          words: (language === "vi" && i.title_vi) || i.title,
          figure: span(now - instant(i.opened)),
        }))}
      />
    </WallPanel>
  );
}
