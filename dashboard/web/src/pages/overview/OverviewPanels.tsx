/** The panels below the counters: levels, tops, techniques, health. */
import { useNavigate } from "@tanstack/react-router";
import type { CSSProperties } from "react";
import { useTranslation } from "react-i18next";
import { useLive } from "../../api/live";
import { LEVELS, type Level, type Overview } from "../../api/types";
import { techniqueName } from "../../components/attack";
import { BarList } from "../../components/BarList";
import { LevelGlyph, LevelMark } from "../../components/Level";
import { Panel } from "../../components/Panel";
import { useLanguage } from "../../i18n";
import { countryName } from "../../map/countries";
import { WorldMap } from "../../map/WorldMap";
import { condition } from "../../query/build";
import { useText } from "../../time/useText";
import styles from "./OverviewPage.module.css";

interface OverviewPanelProps {
  overview: Overview;
  updatedAt: number;
}

export function ByLevel({ overview, updatedAt }: OverviewPanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const navigate = useNavigate();
  return (
    <Panel className={styles.levels} title={t("overview.by_level")} updatedAt={updatedAt}>
      <BarList
        empty={t("overview.empty_top")}
        countText={text.number}
        onPick={(key) => void navigate({ to: "/alerts", search: { level: [key as Level] } })}
        items={LEVELS.map((level) => ({
          key: level,
          label: <LevelMark level={level} />,
          title: t(`level.${level}`),
          count: overview.alerts.by_level[level] ?? 0,
          tone: `var(--${level}-soft)`,
        }))}
      />
    </Panel>
  );
}

const FIELDS = { source_ip: "source.ip", user: "user.name", host: "host.name" } as const;
const TITLES = { source_ip: "overview.top_address", user: "overview.top_user", host: "overview.top_host" } as const;

export function Tops({ overview, updatedAt, since }: OverviewPanelProps & { since: string }) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const navigate = useNavigate();
  return (
    <>
      {(["source_ip", "user", "host"] as const).map((key) => (
        <Panel key={key} className={styles.top} title={t(TITLES[key])} updatedAt={updatedAt}>
          <BarList
            empty={t("overview.empty_top")}
            countText={text.compact}
            onPick={(value) => void navigate({ to: "/search", search: { q: condition(FIELDS[key], value), since } })}
            items={overview.top[key].slice(0, 8).map(({ value, count }) => ({
              key: value,
              label: <span className="mono">{value}</span>,
              title: value,
              count,
            }))}
          />
        </Panel>
      ))}
      <Panel className={styles.top} title={t("overview.top_rule")} updatedAt={updatedAt}>
        <BarList
          empty={t("overview.empty_top")}
          countText={text.compact}
          onPick={(rule) => void navigate({ to: "/alerts", search: { rule, status: "all" } })}
          items={overview.top.rule.slice(0, 8).map((rule) => {
            const title = (language === "vi" && rule.title_vi) || rule.title;
            return {
              key: rule.id,
              title,
              count: rule.count,
              tone: `var(--${rule.level}-soft)`,
              label: (
                <span className="row">
                  <LevelGlyph level={rule.level} size={12} />
                  <span className="cut">{title}</span>
                </span>
              ),
            };
          })}
        />
      </Panel>
    </>
  );
}

/** Where what arrives comes from, by country. */
export function Countries({ overview, updatedAt, since }: OverviewPanelProps & { since: string }) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const navigate = useNavigate();
  const { source, countries } = overview.map;
  const pick = (code: string) => void navigate({ to: "/search", search: { q: condition("source.geo.country_iso_code", code), since } });
  return (
    <Panel className={styles.map} title={t("map.title")} updatedAt={updatedAt}>
      {source === null ? (
        <p className={styles.none} data-testid="map-none">
          {t("state.no_source")}. {t("map.no_source")}
        </p>
      ) : (
        <div className={styles.mapBody}>
          <WorldMap countries={countries} />
          <BarList
            empty={t("overview.empty_top")}
            countText={text.compact}
            // a database knows countries that the events themselves do not name
            {...(source === "events" ? { onPick: pick } : {})}
            items={countries.slice(0, 10).map(({ value, count }) => {
              const name = countryName(value, language);
              return { key: value, title: name, count, label: <span className="cut">{name}</span>, tone: "var(--critical-soft)" };
            })}
          />
        </div>
      )}
    </Panel>
  );
}

export function Attack({ overview, updatedAt }: OverviewPanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const shown = overview.attack.slice(0, 24);
  const most = Math.max(1, ...shown.map((a) => a.count));
  return (
    <Panel className={styles.attack} title={t("overview.attack")} updatedAt={updatedAt}>
      {shown.length === 0 ? (
        <p className={styles.none}>{t("overview.attack_none")}</p>
      ) : (
        <ul className={styles.techniques}>
          {shown.map(({ technique, count }) => (
            <li
              key={technique}
              className={styles.technique}
              title={`${technique} ${techniqueName(technique) ?? ""}: ${t("overview.count_alerts", { value: text.number(count) })}`}
              // Heat by logarithm: one technique seen a thousand times must not make the rest look cold.
              style={{ "--heat": `${Math.round((Math.log1p(count) / Math.log1p(most)) * 100)}%` } as CSSProperties}
            >
              <span className={`${styles.techniqueId} mono`}>{technique}</span>
              <span className={`${styles.techniqueCount} num`}>{text.compact(count)}</span>
              <span className={`${styles.techniqueName} cut`}>{techniqueName(technique) ?? ""}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Figure({ label, value, tone }: { label: string; value: string; tone?: "warn" | "bad" | undefined }) {
  return (
    <div className={styles.healthFigure} data-tone={tone}>
      <dd className="num">{value}</dd>
      <dt>{label}</dt>
    </div>
  );
}

export function Health({ overview, updatedAt }: OverviewPanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const { tick, tickAt } = useLive();
  const pushed = tick !== null && tickAt > updatedAt;
  const lag = pushed ? tick.lag : overview.lag;
  const { total, silent, unparsed_share } = overview.sources;
  const active = pushed ? tick.sources_active : overview.sources.active;
  const slow = lag.seconds > 60 ? "bad" : lag.seconds > 10 ? "warn" : undefined;
  return (
    <Panel className={styles.health} title={t("overview.health")} updatedAt={pushed ? tickAt : updatedAt}>
      <div className={styles.share} role="img" aria-label={`${active} / ${total}`}>
        <span style={{ flexGrow: active, background: "var(--good)" }} />
        <span style={{ flexGrow: Math.max(0, total - active), background: "var(--warn)" }} />
      </div>
      <dl className={styles.healthFigures}>
        <Figure label={t("overview.health_active")} value={text.number(active)} />
        <Figure label={t("overview.health_silent")} value={text.number(silent)} tone={silent > 0 ? "warn" : undefined} />
        <Figure
          label={t("overview.health_unparsed")}
          value={unparsed_share === null ? t("state.no_source") : text.percent(unparsed_share, 2)}
          tone={(unparsed_share ?? 0) > 0.05 ? "warn" : undefined}
        />
      </dl>
      <h3 className={styles.sub}>{t("overview.pipeline")}</h3>
      <dl className={styles.healthFigures}>
        <Figure label={t("overview.lag_analyzer")} value={text.compact(lag.analyzer)} />
        <Figure label={t("overview.lag_indexer")} value={text.compact(lag.indexer)} />
        <Figure label={t("overview.lag_seconds")} value={text.span(lag.seconds * 1000)} tone={slow} />
      </dl>
    </Panel>
  );
}
