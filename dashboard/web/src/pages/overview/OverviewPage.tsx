/** Are we under attack, are we blind: the answer first, the numbers behind it below. Every panel tells the age of its numbers. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { overviewQuery, soon } from "../../api/queries";
import { TimeBars } from "../../charts/TimeBars";
import { Choice } from "../../components/Choice";
import { Later } from "../../components/Later";
import { Panel } from "../../components/Panel";
import { Failed, Waiting } from "../../components/States";
import { madeAt } from "../../time/clock";
import { useText } from "../../time/useText";
import { durationMs } from "../../time/zone";
import { Answer } from "./Answer";
import { Counters } from "./Counters";
import styles from "./OverviewPage.module.css";
import { Attack, ByLevel, Countries, Health, Tops } from "./OverviewPanels";

const WINDOWS = ["1h", "24h", "7d", "30d"];

export function OverviewPage() {
  const { t } = useTranslation();
  const text = useText();
  const navigate = useNavigate();
  const { since = "24h" } = useSearch({ from: "/inside/" });
  const window = WINDOWS.includes(since) ? since : "24h";
  const spanMs = durationMs(window) ?? 86_400_000;
  // Long windows cost the server more and change less.
  const query = useQuery({ ...overviewQuery(window), refetchInterval: soon(spanMs > 86_400_000 ? 15_000 : 5_000) });
  const data = query.data;
  const at = madeAt(data);

  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{t("overview.title")}</h1>
        <p className="dim cut grow">{t("overview.question")}</p>
        <Choice
          label={t("overview.window")}
          value={window}
          onChange={(value) => void navigate({ to: "/", search: value === "24h" ? {} : { since: value } })}
          options={WINDOWS.map((value) => ({ value, label: text.span(durationMs(value) ?? 0) }))}
        />
      </header>
      {!data && query.isError && <Failed error={query.error} retry={() => void query.refetch()} />}
      {!data && query.isPending && <Waiting rows={12} height={26} />}
      {data && (
        <>
          <Answer overview={data} />
          <Counters overview={data} updatedAt={at} />
          <Later>
            <div className={styles.grid} data-dimmed={query.isPlaceholderData}>
              <Panel className={styles.volume} title={t("overview.volume")} updatedAt={at}>
                <Volume histogram={data.histogram} />
              </Panel>
              <ByLevel overview={data} updatedAt={at} />
              <Tops overview={data} updatedAt={at} since={window} />
              <Countries overview={data} updatedAt={at} since={window} />
              <Attack overview={data} updatedAt={at} />
              <Health overview={data} updatedAt={at} />
            </div>
          </Later>
        </>
      )}
    </div>
  );
}

function Volume({ histogram }: { histogram: { t: number; count: number }[] }) {
  const { t } = useTranslation();
  const text = useText();
  const navigate = useNavigate();
  const interval = (histogram[1]?.t ?? 0) - (histogram[0]?.t ?? 0) || 60_000;
  return (
    <TimeBars
      buckets={histogram}
      intervalMs={interval}
      height={184}
      label={t("search.histogram")}
      countText={(n) => t("overview.count_events", { value: text.number(n) })}
      onRange={(from, to) =>
        void navigate({ to: "/search", search: { from: new Date(from).toISOString(), to: new Date(to).toISOString() } })
      }
    />
  );
}
