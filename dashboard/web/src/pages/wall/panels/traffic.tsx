/** Panels of numbers over the last day: volume, commonest values, techniques. */
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Bucket, ValueCount } from "../../../api/types";
import { talkersQuery } from "../../../api/wall";
import { techniqueName } from "../../../components/attack";
import { useLanguage } from "../../../i18n";
import { countryName } from "../../../map/countries";
import { WorldMap } from "../../../map/WorldMap";
import { madeAt } from "../../../time/clock";
import { useText } from "../../../time/useText";
import styles from "../Wall.module.css";
import { Quiet, WallPanel } from "../WallPanel";
import { Big, type Line, Rows } from "./Rows";
import type { PanelProps } from "./situation";

const WIDTH = 1000;
const HEIGHT = 300;

/** Counts over time as one filled line: drawn anew each time, nothing kept. */
function Area({ buckets, label }: { buckets: Bucket[]; label: string }) {
  // The bucket under way would always look like a fall.
  const whole = buckets.slice(0, -1);
  const most = Math.max(1, ...whole.map((b) => b.count));
  const x = (i: number) => (i / Math.max(1, whole.length - 1)) * WIDTH;
  const y = (count: number) => HEIGHT - (count / most) * (HEIGHT - 12);
  const line = whole.map((b, i) => `${x(i).toFixed(1)},${y(b.count).toFixed(1)}`).join(" ");
  return (
    <svg className={styles.area} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <polygon points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
      <polyline points={line} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}

export function Volume({ data }: PanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const { tick, overview } = data;
  const rate = tick.value?.per_second ?? overview.value?.events.per_second;
  const { now, usual } = overview.value?.trends.events ?? { now: 0, usual: null };
  const change = usual ? (now - usual) / usual : null;
  return (
    <WallPanel title={t("wall.volume")} at={tick.at || overview.at}>
      {rate !== undefined && <Big value={text.number(Math.round(rate))} words={t("wall.per_second")} />}
      <p className={styles.note}>
        {change === null
          ? t("overview.usual_none")
          : t(change >= 0 ? "overview.usual_up" : "overview.usual_down", { value: text.percent(Math.abs(change), 0) })}
      </p>
      {overview.value && <Area buckets={overview.value.histogram} label={t("wall.volume")} />}
    </WallPanel>
  );
}

/** Who gets most packets a second, from whom: asked for while it is on the wall, so that others cost the server nothing. */
export function Flood() {
  const { t } = useTranslation();
  const text = useText();
  const { data } = useQuery(talkersQuery);
  const [target] = data?.targets ?? [];
  const most = Math.max(1, ...(data?.talkers.map((s) => s.highest_second) ?? []));
  return (
    <WallPanel title={target ? t("wall.flood_to", { value: target.address }) : t("wall.flood")} at={madeAt(data)}>
      {data && !target && <Quiet>{t("wall.flood_none")}</Quiet>}
      {data && target && (
        <>
          <p className={styles.note}>
            {t(data.complete ? "wall.flood_from" : "wall.flood_part", {
              rate: text.compact(target.highest_second),
              value: text.number(data.senders),
            })}
          </p>
          <Area buckets={data.series} label={t("wall.flood")} />
          <Rows
            lines={data.talkers.slice(0, 3).map((s) => ({
              key: s.address,
              words: s.address,
              figure: t("wall.flood_rate", { value: text.compact(s.highest_second) }),
              share: s.highest_second / most,
            }))}
          />
        </>
      )}
    </WallPanel>
  );
}

/** Where what arrives comes from: the world, and the countries that lead. */
export function Countries({ data }: PanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const { value, at } = data.overview;
  const countries = value?.map.countries ?? [];
  return (
    <WallPanel title={t("wall.map")} at={at}>
      {value?.map.source === null && <Quiet>{t("state.no_source")}</Quiet>}
      {value && value.map.source !== null && (
        <>
          <div className={styles.map}>
            <WorldMap countries={countries} afar />
          </div>
          <p className={styles.note}>
            {countries
              .slice(0, 3)
              .map((c) => `${countryName(c.value, language)} ${text.compact(c.count)}`)
              .join(" · ") || t("overview.empty_top")}
          </p>
        </>
      )}
    </WallPanel>
  );
}

function lines(values: readonly ValueCount[], count: (n: number) => string): Line[] {
  const most = Math.max(1, ...values.map((v) => v.count));
  return values.map((v) => ({ key: v.value, words: v.value, figure: count(v.count), share: v.count / most }));
}

const TOPS = { addresses: "source_ip", hosts: "host", users: "user" } as const;
const TITLES = { addresses: "overview.top_address", hosts: "overview.top_host", users: "overview.top_user" } as const;

export function Top({ data, what }: PanelProps & { what: keyof typeof TOPS }) {
  const { t } = useTranslation();
  const text = useText();
  const { value, at } = data.overview;
  const top = value?.top[TOPS[what]] ?? [];
  return (
    <WallPanel title={t(TITLES[what])} at={at}>
      {value && top.length === 0 && <Quiet>{t("overview.empty_top")}</Quiet>}
      <Rows lines={lines(top, text.compact)} />
    </WallPanel>
  );
}

export function TopRules({ data }: PanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const { value, at } = data.overview;
  const rules = value?.top.rule ?? [];
  const most = Math.max(1, ...rules.map((r) => r.count));
  return (
    <WallPanel title={t("overview.top_rule")} at={at}>
      {value && rules.length === 0 && <Quiet>{t("overview.empty_top")}</Quiet>}
      <Rows
        lines={rules.map((r) => ({
          key: r.id,
          level: r.level,
          words: (language === "vi" && r.title_vi) || r.title,
          figure: text.compact(r.count),
          share: r.count / most,
        }))}
      />
    </WallPanel>
  );
}

export function Techniques({ data }: PanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const { value, at } = data.overview;
  const seen = value?.attack ?? [];
  const most = Math.max(1, ...seen.map((a) => a.count));
  return (
    <WallPanel title={t("overview.attack")} at={at}>
      {value && seen.length === 0 && <Quiet>{t("overview.attack_none")}</Quiet>}
      <Rows
        lines={seen.map(({ technique, count }) => ({
          key: technique,
          words: `${technique} ${techniqueName(technique) ?? ""}`,
          figure: text.compact(count),
          share: count / most,
        }))}
      />
    </WallPanel>
  );
}
