/** Panels of the incident on the wall: what it is, how it unfolded, how far the attacker came, who is hit. */
import { useTranslation } from "react-i18next";
import type { Incident } from "../../../api/incidents";
import { useNames } from "../../../components/useNames";
import { useLanguage } from "../../../i18n";
import { useServerNow } from "../../../time/clock";
import { useText } from "../../../time/useText";
import { instant } from "../../../time/zone";
import styles from "../Wall.module.css";
import { useWhole, WallPanel } from "../WallPanel";
import { Big, Rows } from "./Rows";
import type { PanelProps } from "./situation";

interface CaseProps extends PanelProps {
  incident: Incident | null;
}

export function Case({ data, incident }: CaseProps) {
  const { t } = useTranslation();
  const span = useWhole();
  const text = useText();
  const language = useLanguage();
  const now = useServerNow();
  if (!incident) return <WallPanel title={t("wall.case")} at={0} />;
  return (
    <WallPanel title={incident.drill ? t("wall.case_drill") : t("wall.case")} at={data.wall.at} tone="bad">
      <p className={styles.headline} data-testid="wall-incident">
        {(language === "vi" && incident.title_vi) || incident.title}
      </p>
      <Big value={span(now - instant(incident.opened))} words={t("wall.since_opened")} tone="bad" />
      <p className={styles.note}>{t("wall.case_size", { alerts: text.number(incident.alerts), events: text.compact(incident.events) })}</p>
    </WallPanel>
  );
}

export function Story({ data, incident }: CaseProps) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const { value, at } = data.wall;
  // The latest steps fit; what began it is in the headline.
  const steps = value?.story && value.story.incident === incident?.id ? value.story.steps.slice(-4) : [];
  return (
    <WallPanel title={t("wall.story")} at={at}>
      <ol className={styles.story}>
        {steps.map((step) => (
          <li key={step.alert}>
            <span className="num">{text.time(step.at, "clock")}</span> {(language === "vi" && step.text_vi) || step.text}
          </li>
        ))}
      </ol>
    </WallPanel>
  );
}

export function Path({ data, incident }: CaseProps) {
  const { t } = useTranslation();
  const named = useNames();
  const tactics = incident?.tactics ?? [];
  return (
    <WallPanel title={t("wall.path")} at={data.wall.at}>
      <Rows lines={tactics.map((tactic, i) => ({ key: tactic, words: named("tactic", tactic), figure: String(i + 1) }))} />
    </WallPanel>
  );
}

export function Entities({ data, incident }: CaseProps) {
  const { t } = useTranslation();
  return (
    <WallPanel title={t("wall.entities")} at={data.wall.at}>
      <Rows
        lines={(incident?.entities ?? []).map((e) => ({ key: `${e.kind}:${e.value}`, words: e.value, figure: t(`entity.${e.kind}`) }))}
      />
    </WallPanel>
  );
}
