/** Countries shaded by how much comes from them. Colour is not alone: the list beside it says the same in words. */
import { useQuery } from "@tanstack/react-query";
import type { CSSProperties } from "react";
import { useTranslation } from "react-i18next";
import type { ValueCount } from "../api/types";
import { Failed, Waiting } from "../components/States";
import { useLanguage } from "../i18n";
import { useText } from "../time/useText";
import { countryName } from "./countries";
import styles from "./WorldMap.module.css";
import { ARCHIPELAGOS, HEIGHT, project, WIDTH, world } from "./world";

const worldQuery = { queryKey: ["map"], staleTime: Number.POSITIVE_INFINITY, gcTime: Number.POSITIVE_INFINITY };

/** Their names; from afar large, above and below each other, and short. */
function Archipelagos({ afar }: { afar: boolean }) {
  const { t } = useTranslation();
  return (["hoang_sa", "truong_sa"] as const).map((name) => {
    const [lon, lat] = ARCHIPELAGOS[name][0];
    const [x, y] = project(lon, lat);
    return (
      <text key={name} className={styles.islands} data-afar={afar} x={x + (afar ? 60 : 12)} y={y + (afar ? AFAR[name] : 3)}>
        {t(afar ? `map.${name}_short` : `map.${name}`)}
      </text>
    );
  });
}

/** How far below its first island a name stands, so that the two do not meet at the size read from afar. */
const AFAR = { hoang_sa: -10, truong_sa: 50 } as const;

export function WorldMap({ countries, afar = false }: { countries: readonly ValueCount[]; afar?: boolean }) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const query = useQuery({ ...worldQuery, queryFn: ({ signal }) => world(signal) });
  if (query.isPending) return <Waiting rows={8} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} compact />;
  const counts = new Map(countries.map((c) => [c.value, c.count]));
  const most = Math.max(1, ...counts.values());
  // By logarithm: one country that sends a million must not make the rest look cold.
  const heat = (code: string | null) => {
    const count = counts.get(code ?? "") ?? 0;
    return count === 0 ? 0 : Math.round(18 + (82 * Math.log1p(count)) / Math.log1p(most));
  };
  return (
    <svg className={styles.map} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t("map.label")} data-testid="map">
      {query.data.shapes.map((shape) => {
        const count = counts.get(shape.code ?? "");
        return (
          <g
            key={shape.key}
            className={styles.country}
            data-code={shape.code}
            data-on={count !== undefined}
            style={{ "--heat": `${heat(shape.code)}%` } as CSSProperties}
          >
            {shape.code && (
              <title>
                {countryName(shape.code, language)}
                {count !== undefined && `: ${t("overview.count_events", { value: text.number(count) })}`}
              </title>
            )}
            {shape.path && <path d={shape.path} />}
            {shape.points.map(([x, y]) => (
              <circle key={`${x},${y}`} cx={x} cy={y} r={1.3} />
            ))}
          </g>
        );
      })}
      {!query.data.own && <Archipelagos afar={afar} />}
    </svg>
  );
}
