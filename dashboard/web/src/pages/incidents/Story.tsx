/** What happened, step by step, and when: the steps in words beside a line of time. */
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { IncidentDetail, Step } from "../../api/incidents";
import type { Level } from "../../api/types";
import { LevelGlyph } from "../../components/Level";
import { useNames } from "../../components/useNames";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import { instant } from "../../time/zone";
import styles from "./Incident.module.css";

export function Story({ incident }: { incident: IncidentDetail }) {
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

const WIDTH = 1000;
const LANE = 38;
const LEFT = 230;

/** Each tactic a lane in order of an attack, each step a mark at its time. */
export function Timeline({ incident }: { incident: IncidentDetail }) {
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
  const x = (step: Step) => LEFT + ((instant(step.at) - from) / (to - from)) * (WIDTH - LEFT - 30);
  const height = lanes.length * LANE + 28;
  return (
    <svg className={styles.timeline} viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={t("incidents.timeline")}>
      {lanes.map((lane, i) => (
        <g key={lane} transform={`translate(0 ${i * LANE + LANE / 2})`}>
          <text x={0} y={6}>
            {lane ? named("tactic", lane) : "–"}
          </text>
          <line x1={LEFT} x2={WIDTH - 30} y1={0} y2={0} />
        </g>
      ))}
      {steps.map((step) => (
        <circle
          key={step.alert}
          cx={x(step)}
          cy={lanes.indexOf(step.tactic ?? "") * LANE + LANE / 2}
          r={6}
          data-level={levels.get(step.alert) ?? "informational"}
        />
      ))}
      <text x={LEFT} y={height - 6} className="num">
        {text.time(from, "minutes")}
      </text>
      <text x={WIDTH - 30} y={height - 6} textAnchor="end" className="num">
        {text.time(to, "minutes")}
      </text>
    </svg>
  );
}
