/** Panels that tell whether we are blind: sources, losses, how far behind we are. */
import { useTranslation } from "react-i18next";
import { useServerNow } from "../../../time/clock";
import { useText } from "../../../time/useText";
import { instant } from "../../../time/zone";
import styles from "../Wall.module.css";
import { Quiet, useWhole, WallPanel } from "../WallPanel";
import { Big, Rows } from "./Rows";
import type { PanelProps } from "./situation";

export function Health({ data }: PanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const { value, at } = data.overview;
  if (!value) return <WallPanel title={t("overview.health")} at={at} />;
  const { total, active, silent, unparsed_share } = value.sources;
  const tone = total === 0 ? "bad" : silent > 0 ? "warn" : "good";
  return (
    <WallPanel title={t("overview.health")} at={at} tone={tone}>
      <Big value={`${text.number(active)}/${text.number(total)}`} words={t("wall.sending")} tone={tone} />
      <p className={styles.note} data-tone={silent > 0 ? "warn" : undefined}>
        {t("wall.silent_count", { value: text.number(silent) })}
      </p>
      <p className={styles.note} data-tone={(unparsed_share ?? 0) > 0.05 ? "warn" : undefined}>
        {unparsed_share === null ? t("state.no_source") : t("wall.unparsed", { value: text.percent(unparsed_share, 2) })}
      </p>
    </WallPanel>
  );
}

export function Silent({ data }: PanelProps) {
  const { t } = useTranslation();
  const span = useWhole();
  const now = useServerNow();
  const { value, at } = data.wall;
  const silent = (value?.sources ?? []).filter((s) => !s.active).sort((a, b) => instant(b.last_seen) - instant(a.last_seen));
  return (
    <WallPanel title={t("wall.silent")} at={at} tone={silent.length ? "warn" : undefined}>
      {value && silent.length === 0 && <Quiet>{t("overview.verdict_seeing")}</Quiet>}
      <Rows lines={silent.map((s) => ({ key: s.id, words: s.host ?? s.id, figure: span(now - instant(s.last_seen)) }))} />
    </WallPanel>
  );
}

export function Sources({ data }: PanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const { value, at } = data.wall;
  const list = [...(value?.sources ?? [])].sort((a, b) => b.kept - a.kept);
  const most = Math.max(1, ...list.map((s) => s.kept));
  return (
    <WallPanel title={t("wall.talkers")} at={at}>
      <Rows
        lines={list.map((s) => ({
          key: s.id,
          words: s.host ?? s.id,
          figure: text.compact(s.kept),
          share: s.kept / most,
        }))}
      />
    </WallPanel>
  );
}

export function Refused({ data }: PanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const { value, at } = data.wall;
  const losing = (value?.sources ?? []).filter((s) => s.refused > 0).sort((a, b) => b.refused - a.refused);
  return (
    <WallPanel title={t("wall.refused")} at={at} tone={losing.length ? "warn" : undefined}>
      {value && losing.length === 0 && <Quiet>{t("wall.refused_none")}</Quiet>}
      <Rows lines={losing.map((s) => ({ key: s.id, words: s.host ?? s.id, figure: text.compact(s.refused) }))} />
    </WallPanel>
  );
}

export function Lag({ data }: PanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const { value, at } = data.wall;
  if (!value) return <WallPanel title={t("overview.pipeline")} at={at} />;
  const { lag, disk, alarm } = value;
  const tone = lag.seconds > 60 || alarm ? "bad" : lag.seconds > 10 ? "warn" : "good";
  const free = disk.total > 0 ? disk.free / disk.total : 0;
  return (
    <WallPanel title={t("overview.pipeline")} at={at} tone={tone}>
      <Big value={text.span(lag.seconds * 1000)} words={t("overview.lag_seconds")} tone={tone} />
      <p className={styles.note}>{t("wall.waiting_analysis", { value: text.compact(lag.analyzer) })}</p>
      <p className={styles.note} data-tone={free < 0.1 ? "bad" : undefined}>
        {t("wall.disk", { value: text.percent(free, 0) })}
      </p>
      {alarm && (
        <p className={styles.note} data-tone="bad">
          {alarm}
        </p>
      )}
    </WallPanel>
  );
}
