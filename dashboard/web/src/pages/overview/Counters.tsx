/** The five counters of the founding document. A counter without a source says so; it is never zero. */
import { Tooltip } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { ArrowDownRight, ArrowUpRight, Equal } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLive } from "../../api/live";
import type { Overview, Trend } from "../../api/types";
import { useAge } from "../../components/Panel";
import { useText } from "../../time/useText";
import styles from "./OverviewPage.module.css";

/** The last hour against what is usual at this hour of the week. */
function Usual({ trend }: { trend: Trend }) {
  const { t } = useTranslation();
  const text = useText();
  const { now, usual, weeks } = trend;
  if (usual === null) return <span data-testid="usual">{t("overview.usual_none")}</span>;
  const change = usual === 0 ? (now === 0 ? 0 : 1) : (now - usual) / usual;
  const flat = Math.abs(change) < 0.05;
  const Icon = flat ? Equal : change > 0 ? ArrowUpRight : ArrowDownRight;
  const key = flat ? "overview.usual_same" : change > 0 ? "overview.usual_up" : "overview.usual_down";
  const hint = t("overview.usual_hint", { now: text.number(Math.round(now)), usual: text.number(Math.round(usual)), count: weeks });
  return (
    <span className="row" title={hint} data-testid="usual">
      <Icon size={14} aria-hidden="true" />
      <span className="cut">{t(key, { value: text.percent(Math.abs(change), 0) })}</span>
      <span className="hidden-visually">{hint}</span>
    </span>
  );
}

interface CounterProps {
  label: string;
  value: number | null;
  children?: ReactNode;
  updatedAt: number;
  to?: "/alerts" | "/search" | "/incidents";
  testId: string;
}

function Counter({ label, value, children, updatedAt, to, testId }: CounterProps) {
  const { t } = useTranslation();
  const text = useText();
  const age = useAge(updatedAt);
  const inside = (
    <>
      <span className={styles.counterHead}>
        <span className="cut grow">{label}</span>
        {value !== null && <span className={`${styles.counterAge} num`}>{age?.text}</span>}
      </span>
      {value === null ? (
        <span className={styles.noSource}>{t("state.no_source")}</span>
      ) : (
        <span className={`${styles.figure} num`} title={text.number(value)}>
          {value >= 1e11 ? text.compact(value) : text.number(value)}
        </span>
      )}
      <span className={styles.counterFoot}>{children}</span>
    </>
  );
  const props = { className: styles.counter, "data-empty": value === null, "data-stale": age?.stale ?? false, "data-testid": testId };
  if (value === null) {
    return (
      <Tooltip label={t("state.no_source_hint")}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the hint must be reachable by keyboard */}
        <div {...props} tabIndex={0}>
          {inside}
        </div>
      </Tooltip>
    );
  }
  return to ? (
    <Link to={to} {...props}>
      {inside}
    </Link>
  ) : (
    <div {...props}>{inside}</div>
  );
}

export function Counters({ overview, updatedAt }: { overview: Overview; updatedAt: number }) {
  const { t } = useTranslation();
  const text = useText();
  const { tick, tickAt } = useLive();
  // The stream is fresher than the overview for what it carries.
  const pushed = tick !== null && tickAt > updatedAt;
  const { events, alerts, counters, trends } = overview;
  const rate = pushed ? tick.per_second : events.per_second;
  return (
    <div className={styles.counters}>
      <Counter label={t("overview.events")} value={events.total} updatedAt={updatedAt} to="/search" testId="counter-events">
        <Usual trend={trends.events} />
        <span className="num">{t("overview.per_second", { value: text.number(Math.round(rate)) })}</span>
      </Counter>
      <Counter
        label={t("overview.alerts")}
        value={pushed ? tick.open_alerts : alerts.open}
        updatedAt={pushed ? tickAt : updatedAt}
        to="/alerts"
        testId="counter-alerts"
      >
        <Usual trend={trends.alerts} />
        <span className="num">{t("overview.new_last_hour", { value: text.number(alerts.new_last_hour) })}</span>
      </Counter>
      <Counter
        label={t("overview.incidents")}
        value={counters.incidents}
        updatedAt={updatedAt}
        to="/incidents"
        testId="counter-incidents"
      />
      <Counter
        label={t("overview.vulnerabilities")}
        value={counters.vulnerabilities}
        updatedAt={updatedAt}
        testId="counter-vulnerabilities"
      />
      <Counter label={t("overview.attacks")} value={counters.attacks} updatedAt={updatedAt} testId="counter-attacks">
        {counters.attacks !== null && <Usual trend={trends.attacks} />}
      </Counter>
    </div>
  );
}
