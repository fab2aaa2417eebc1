/** Everything that happened in an incident, in order of time: events with their source and its clock, alerts, what people did. */
import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { TimelineEntry } from "../../api/workspace";
import { Failed, Waiting } from "../../components/States";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import { useSkewText } from "../sources/useSkewText";
import styles from "./Incident.module.css";

function Entry({ entry }: { entry: TimelineEntry }) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const skewText = useSkewText();
  const words = (language === "vi" && entry.text_vi) || entry.text;
  const about = [
    entry.source,
    entry.who,
    entry.received && t("incidents.received", { time: text.time(entry.received, "clock") }),
    entry.skew !== null && t("incidents.skew", { skew: skewText(entry.skew / 1e6) }),
  ].filter(Boolean);
  return (
    <li data-testid="timeline-entry" data-kind={entry.kind}>
      <span className={`${styles.when} num`}>{text.time(entry.at, "seconds")}</span>
      <span className={styles.step}>
        <span className={styles.tactic}>{[t(`incidents.kind.${entry.kind}`), ...about].join(" · ")}</span>
        {entry.kind === "alert" ? (
          <Link to="/alerts" search={{ id: entry.id, status: "all" }} className={styles.stepText}>
            {words}
          </Link>
        ) : (
          <span className={entry.kind === "event" ? `${styles.stepText} mono` : styles.stepText}>{words}</span>
        )}
      </span>
    </li>
  );
}

export function Everything({ query }: { query: UseQueryResult<{ entries: TimelineEntry[]; complete: boolean }> }) {
  const { t } = useTranslation();
  if (query.isPending) return <Waiting rows={6} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} compact />;
  return (
    <>
      <ol className={styles.story} data-testid="everything">
        {query.data.entries.map((entry) => (
          <Entry key={`${entry.kind} ${entry.id} ${entry.at}`} entry={entry} />
        ))}
      </ol>
      {!query.data.complete && <p className="dim">{t("incidents.incomplete")}</p>}
    </>
  );
}
