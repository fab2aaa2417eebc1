/** The five counters of the founding document. A counter without a source says so; it is never zero. */
import { Tooltip } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { ArrowDownRight, ArrowUpRight, Equal } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useLive } from "../../api/live";
import type { Overview } from "../../api/types";
import { useAge } from "../../components/Panel";
import { useText } from "../../time/useText";
import styles from "./OverviewPage.module.css";

function Trend({ now, before }: { now: number; before: number }) {
  const { t } = useTranslation();
  const text = useText();
  if (before === 0) return <span>{t("overview.trend_none")}</span>;
  const change = (now - before) / before;
  const flat = Math.abs(change) < 0.01;
  const Icon = flat ? Equal : change > 0 ? ArrowUpRight : ArrowDownRight;
  const key = flat ? "overview.trend_same" : change > 0 ? "overview.trend_up" : "overview.trend_down";
  return (
    <span className="row">
      <Icon size={14} aria-hidden="true" />
      <span className="cut">{t(key, { value: text.percent(Math.abs(change), 0) })}</span>
    </span>
  );
}

interface CounterProps {
  label: string;
  value: number | null;
  children?: ReactNode;
  updatedAt: number;
  to?: "/alerts" | "/search";
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
  const { events, alerts, counters } = overview;
  const rate = pushed ? tick.per_second : events.per_second;
  return (
    <div className={styles.counters}>
      <Counter label={t("overview.events")} value={events.total} updatedAt={updatedAt} to="/search" testId="counter-events">
        <Trend now={events.total} before={events.previous_total} />
        <span className="num">{t("overview.per_second", { value: text.number(Math.round(rate)) })}</span>
      </Counter>
      <Counter
        label={t("overview.alerts")}
        value={pushed ? tick.open_alerts : alerts.open}
        updatedAt={pushed ? tickAt : updatedAt}
        to="/alerts"
        testId="counter-alerts"
      >
        <span>{t("overview.open_now")}</span>
        <span className="num">{t("overview.new_last_hour", { value: text.number(alerts.new_last_hour) })}</span>
      </Counter>
      <Counter label={t("overview.incidents")} value={counters.incidents} updatedAt={updatedAt} testId="counter-incidents" />
      <Counter
        label={t("overview.vulnerabilities")}
        value={counters.vulnerabilities}
        updatedAt={updatedAt}
        testId="counter-vulnerabilities"
      />
      <Counter label={t("overview.attacks")} value={counters.attacks} updatedAt={updatedAt} testId="counter-attacks" />
    </div>
  );
}
