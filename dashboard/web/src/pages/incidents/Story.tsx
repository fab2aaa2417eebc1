/** What happened, step by step, and when: a line of time, then the steps in words, or everything with what people did. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Clock } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { IncidentDetail, Step } from "../../api/incidents";
import type { Level } from "../../api/types";
import { type TimelineEntry, timelineQuery } from "../../api/workspace";
import { Choice } from "../../components/Choice";
import { LevelGlyph } from "../../components/Level";
import { useNames } from "../../components/useNames";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import { instant } from "../../time/zone";
import { useSkewText } from "../sources/useSkewText";
import { Everything } from "./Everything";
import styles from "./Incident.module.css";

/** A clock off by less hides no order, milliseconds. */
const SKEWED = 1_000;

/** Sources of the incident's events whose clock is off: how far, milliseconds. */
function skewedSources(entries: readonly TimelineEntry[]): Map<string, number> {
  const out = new Map<string, number>();
  for (const { source, skew } of entries) {
    if (source && skew !== null && Math.abs(skew) / 1e6 >= SKEWED) out.set(source, skew / 1e6);
  }
  return out;
}

function Skewed({ entries }: { entries: readonly TimelineEntry[] }) {
  const { t } = useTranslation();
  const skewText = useSkewText();
  return [...skewedSources(entries)].map(([source, skew]) => (
    <p key={source} className={styles.skewed} data-testid="skewed">
      <Clock size={14} aria-hidden="true" />
      <span>{t("incidents.skewed", { source, skew: skewText(skew) })}</span>
    </p>
  ));
}

function Steps({ incident }: { incident: IncidentDetail }) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const named = useNames();
  const levels = new Map(incident.items.map((a) => [a.id, a.rule.level]));
  if (incident.story.length === 0) return <p className="dim">{t("incidents.no_story")}</p>;
  return (
    <ol className={styles.story} data-testid="story">
      {incident.story.map((step) => (
        <li key={step.alert}>
          <span className={`${styles.when} num`}>{text.time(step.at, "seconds")}</span>
          <LevelGlyph level={levels.get(step.alert) ?? "informational"} />
          <span className={styles.step}>
            {step.tactic && <span className={styles.tactic}>{named("tactic", step.tactic)}</span>}
            <Link to="/alerts" search={{ id: step.alert, status: "all" }} className={styles.stepText}>
              {(language === "vi" && step.text_vi) || step.text}
            </Link>
          </span>
        </li>
      ))}
    </ol>
  );
}

export function Story({ incident }: { incident: IncidentDetail }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const query = useQuery(timelineQuery(incident.id));
  return (
    <>
      <Lanes incident={incident} />
      {query.data && <Skewed entries={query.data.entries} />}
      <Choice
        className={styles.shown ?? ""}
        label={t("incidents.shown")}
        value={all ? "all" : "steps"}
        onChange={(value) => setAll(value === "all")}
        options={[
          { value: "steps", label: t("incidents.steps") },
          { value: "all", label: <span data-testid="timeline-all">{t("incidents.everything")}</span> },
        ]}
      />
      {all ? <Everything query={query} /> : <Steps incident={incident} />}
    </>
  );
}

/** Each tactic a lane in order of an attack, each step a mark at its time. */
function Lanes({ incident }: { incident: IncidentDetail }) {
  const { t } = useTranslation();
  const text = useText();
  const named = useNames();
  const steps = incident.story;
  if (steps.length < 2) return null;
  const lanes = [...new Set([...incident.tactics, ...steps.map((s) => s.tactic ?? "")])].filter((l) =>
    steps.some((s) => (s.tactic ?? "") === l),
  );
  const levels = new Map<string, Level>(incident.items.map((a) => [a.id, a.rule.level]));
  const from = Math.min(...steps.map((s) => instant(s.at)));
  const to = Math.max(...steps.map((s) => instant(s.at)), from + 1);
  const left = (step: Step) => `${((instant(step.at) - from) / (to - from)) * 100}%`;
  return (
    <div className={styles.lanes} role="img" aria-label={t("incidents.timeline")}>
      {lanes.map((lane) => (
        <div key={lane} className={styles.lane}>
          <span className="cut">{lane ? named("tactic", lane) : t("incidents.no_tactic")}</span>
          <span className={styles.track}>
            {steps
              .filter((s) => (s.tactic ?? "") === lane)
              .map((step) => (
                <i key={step.alert} style={{ left: left(step) }} data-level={levels.get(step.alert) ?? "informational"} />
              ))}
          </span>
        </div>
      ))}
      <div className={styles.lane}>
        <span />
        <span className={`${styles.ends} num`}>
          <span>{text.time(from, "minutes")}</span>
          <span>{text.time(to, "minutes")}</span>
        </span>
      </div>
    </div>
  );
}
