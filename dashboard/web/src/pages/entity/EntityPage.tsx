/** All that is known of one thing: its alerts, its events over time, what appears beside it. Every value leads to its own page. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { ArrowLeft, Eye, Search } from "lucide-react";
import { useTranslation } from "react-i18next";
import { entityAlertsQuery, entityCondition, isKind } from "../../api/entity";
import { facetsQuery, histogramQuery } from "../../api/queries";
import type { EntityKind } from "../../api/types";
import { TimeBars } from "../../charts/TimeBars";
import { BarList } from "../../components/BarList";
import { Choice } from "../../components/Choice";
import { Crumbs } from "../../components/Crumbs";
import { Later } from "../../components/Later";
import { LevelMark } from "../../components/Level";
import { Panel } from "../../components/Panel";
import { Empty, Failed, Waiting } from "../../components/States";
import { useWatch } from "../../components/useWatch";
import { useLanguage } from "../../i18n";
import { useShortcuts } from "../../keyboard/keyboard";
import { useText } from "../../time/useText";
import { durationMs } from "../../time/zone";
import { useWatched } from "../../watch";
import styles from "./EntityPage.module.css";
import { ENTITY_BARS, ENTITY_SINCE } from "./window";

const WINDOWS = ["24h", "7d", "30d"];

/** What stands beside it, and what kind of thing each is. */
const BESIDE: readonly [string, EntityKind | null][] = [
  ["source.ip", "address"],
  ["destination.ip", "address"],
  ["user.name", "user"],
  ["host.name", "host"],
  ["process.name", "process"],
  ["event.action", null],
  ["destination.port", null],
  ["event.dataset", null],
];

interface PartProps {
  kind: EntityKind;
  value: string;
  since: string;
}

function Alerts({ value, since }: PartProps) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const query = useQuery(entityAlertsQuery(value, since));
  return (
    <Panel className={styles.alerts} title={t("entity_page.alerts")} updatedAt={query.dataUpdatedAt}>
      {query.isPending && <Waiting rows={5} />}
      {query.isError && <Failed error={query.error} compact />}
      {query.data?.items.length === 0 && <p className="dim">{t("entity_page.no_alerts")}</p>}
      <ul className={styles.list} data-testid="entity-alerts">
        {query.data?.items.map((alert) => (
          <li key={alert.id}>
            <LevelMark level={alert.rule.level} word={false} />
            <Link to="/alerts" search={{ id: alert.id, status: "all" }} className={`${styles.link} cut grow`}>
              {(language === "vi" && alert.rule.title_vi) || alert.rule.title}
            </Link>
            <span className={`${styles.status} dim cut`}>{t(`status.${alert.status}`)}</span>
            <span className={`${styles.when} dim num`}>{text.time(alert.last_seen, "minutes")}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Activity({ kind, value, since }: PartProps) {
  const { t } = useTranslation();
  const text = useText();
  const navigate = useNavigate();
  const q = entityCondition(kind, value);
  const query = useQuery(histogramQuery(q, { since }, ENTITY_BARS));
  return (
    <Panel className={styles.activity} title={t("entity_page.activity")} updatedAt={query.dataUpdatedAt}>
      {query.isError && <Failed error={query.error} compact />}
      {query.data && (
        <TimeBars
          buckets={query.data.buckets}
          intervalMs={query.data.interval_ms}
          height={150}
          label={t("search.histogram")}
          countText={(n) => t("overview.count_events", { value: text.number(n) })}
          onRange={(from, to) =>
            void navigate({ to: "/search", search: { q, from: new Date(from).toISOString(), to: new Date(to).toISOString() } })
          }
        />
      )}
    </Panel>
  );
}

function Beside({ kind, value, since }: PartProps) {
  const { t } = useTranslation();
  const text = useText();
  const navigate = useNavigate();
  const q = entityCondition(kind, value);
  const query = useQuery(
    facetsQuery(
      q,
      { since },
      BESIDE.map(([field]) => field),
    ),
  );
  const kinds = new Map(BESIDE);
  if (query.isError) return <Failed error={query.error} compact />;
  return query.data?.facets
    .map(({ field, values }) => ({ field, values: values.filter((v) => v.value !== value).slice(0, 6) }))
    .filter(({ values }) => values.length > 0)
    .map(({ field, values }) => {
      const beside = kinds.get(field) ?? null;
      return (
        <Panel key={field} title={<span className="mono">{field}</span>} updatedAt={query.dataUpdatedAt}>
          <BarList
            empty={t("overview.empty_top")}
            countText={text.compact}
            {...(beside ? { onPick: (key: string) => void navigate({ to: "/entity", search: { kind: beside, value: key, since } }) } : {})}
            items={values.map((v) => ({ key: v.value, label: <span className="mono">{v.value}</span>, title: v.value, count: v.count }))}
          />
        </Panel>
      );
    });
}

export function EntityPage() {
  const { t } = useTranslation();
  const text = useText();
  const navigate = useNavigate();
  const { history } = useRouter();
  const { kind, value, since = ENTITY_SINCE } = useSearch({ from: "/inside/entity" });
  const watch = useWatch(value);
  const watching = useWatched().includes(value ?? "");
  useShortcuts([{ keys: "Backspace", label: "keys.back", group: "lists", run: () => history.back() }, watch]);
  if (!isKind(kind) || !value) return <Empty title={t("entity_page.nothing")} hint={t("entity_page.nothing_hint")} />;
  const window = WINDOWS.includes(since) ? since : ENTITY_SINCE;
  const part = { kind, value, since: window };
  return (
    <div className={styles.page} data-testid="entity">
      <Crumbs above="/search" />
      <header className={styles.head}>
        <Button variant="subtle" px={8} aria-label={t("keys.back")} onClick={() => history.back()}>
          <ArrowLeft size={15} />
        </Button>
        <span className="dim">{t(`entity.${kind}`)}</span>
        <h1 className="mono cut grow">{value}</h1>
        <Choice
          label={t("overview.window")}
          value={window}
          onChange={(next) => void navigate({ to: "/entity", search: { kind, value, since: next }, replace: true })}
          options={WINDOWS.map((w) => ({ value: w, label: text.span(durationMs(w) ?? 0) }))}
        />
        <Button
          variant={watching ? "filled" : "default"}
          leftSection={<Eye size={14} />}
          rightSection={<kbd>w</kbd>}
          aria-pressed={watching}
          onClick={watch.run}
          data-testid="watch"
        >
          {t("watch.button")}
        </Button>
        <Button
          variant="default"
          leftSection={<Search size={14} />}
          renderRoot={(props) => <Link {...props} to="/search" search={{ q: entityCondition(kind, value), since: window }} />}
        >
          {t("entity_page.events")}
        </Button>
      </header>
      <div className={styles.grid}>
        <Activity {...part} />
        <Alerts {...part} />
        <Later>
          <Beside {...part} />
        </Later>
      </div>
    </div>
  );
}
