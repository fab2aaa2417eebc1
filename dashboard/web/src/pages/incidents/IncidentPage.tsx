/** One incident as a place of work: what happened, to whom, when, and what is done about it. Shown anew as others work on it. */
import { Checkbox } from "@mantine/core";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { FlaskConical, Users } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Incident, IncidentDetail } from "../../api/incidents";
import { useMay, useUser } from "../../api/user";
import { Age } from "../../components/Age";
import { Crumbs } from "../../components/Crumbs";
import { Later } from "../../components/Later";
import { LevelMark } from "../../components/Level";
import { Panel } from "../../components/Panel";
import { Failed, Waiting } from "../../components/States";
import { useNames } from "../../components/useNames";
import { useLanguage } from "../../i18n";
import { useShortcuts } from "../../keyboard/keyboard";
import { useText } from "../../time/useText";
import { EntityGraph } from "./EntityGraph";
import styles from "./Incident.module.css";
import { IncidentActions } from "./IncidentActions";
import { Lessons } from "./Lessons";
import { Stages } from "./Stages";
import { Story } from "./Story";
import { useIncident } from "./useIncident";
import { useWorkspace } from "./useWorkspace";
import { Workspace } from "./Workspace";

function Facts({ incident }: { incident: Incident }) {
  const { t } = useTranslation();
  const text = useText();
  const named = useNames();
  return (
    <dl className={styles.facts}>
      <div>
        <dt>{t("status.label")}</dt>
        <dd data-testid="incident-status">{t(`status.${incident.status}`)}</dd>
      </div>
      <div>
        <dt>{t("alerts.assignee")}</dt>
        <dd data-testid="incident-assignee">{incident.assignee ?? <span className="faint">{t("alerts.nobody")}</span>}</dd>
      </div>
      <div>
        <dt>{t("incidents.opened")}</dt>
        <dd className="num">
          {text.time(incident.opened)} · <Age at={incident.opened} />
        </dd>
      </div>
      <div>
        <dt>{t("incidents.size")}</dt>
        <dd className="num">{t("wall.case_size", { alerts: text.number(incident.alerts), events: text.number(incident.events) })}</dd>
      </div>
      {incident.groups.length > 0 && (
        <div>
          <dt>{t("incidents.groups")}</dt>
          <dd>{incident.groups.map((g) => named("group", g)).join(", ")}</dd>
        </div>
      )}
    </dl>
  );
}

function Head({ incident, present }: { incident: Incident; present: readonly string[] }) {
  const { t } = useTranslation();
  const language = useLanguage();
  return (
    <header className={styles.head}>
      <Crumbs above="/incidents">
        {present.length > 0 && (
          <span className="row" data-testid="present">
            <Users size={13} aria-hidden="true" /> {t("workspace.present", { names: present.join(", ") })}
          </span>
        )}
      </Crumbs>
      <div className="row">
        <LevelMark level={incident.level} />
        {incident.drill && (
          <span className={styles.drill}>
            <FlaskConical size={12} aria-hidden="true" /> {t("alerts.drill")}
          </span>
        )}
        {incident.merged_into && (
          <Link to="/incidents/$id" params={{ id: incident.merged_into }} className={styles.link}>
            {t("incidents.merged")}
          </Link>
        )}
      </div>
      <h1>{(language === "vi" && incident.title_vi) || incident.title}</h1>
    </header>
  );
}

interface AlertsProps {
  incident: IncidentDetail;
  picked: readonly string[];
  onPick: (id: string) => void;
}

function Alerts({ incident, picked, onPick }: AlertsProps) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  return (
    <ul className={styles.alerts}>
      {incident.items.map((alert) => {
        const title = (language === "vi" && alert.rule.title_vi) || alert.rule.title;
        return (
          <li key={alert.id} data-testid="incident-alert">
            <Checkbox
              size="xs"
              checked={picked.includes(alert.id)}
              onChange={() => onPick(alert.id)}
              aria-label={t("incidents.pick", { title })}
            />
            <LevelMark level={alert.rule.level} word={false} />
            <Link to="/alerts" search={{ id: alert.id, status: "all" }} className={`${styles.stepText} cut grow`}>
              {title}
            </Link>
            <span className={`${styles.times} dim num`}>×{text.compact(alert.count)}</span>
            <span className={`${styles.seen} dim num`}>{text.time(alert.first_seen, "minutes")}</span>
            <span className={`${styles.status} dim cut`}>{t(`status.${alert.status}`)}</span>
          </li>
        );
      })}
    </ul>
  );
}

export function IncidentPage() {
  const { t } = useTranslation();
  const { id } = useParams({ from: "/inside/incidents/$id" });
  const navigate = useNavigate();
  const { query, incident, busy, change } = useIncident(id);
  const room = useWorkspace(id);
  const may = useMay("judge");
  const me = useUser().name;
  const [picked, setPicked] = useState<readonly string[]>([]);
  useShortcuts([
    { keys: "Backspace", label: "keys.back", group: "lists", run: () => void navigate({ to: "/incidents" }) },
    { keys: "Escape", label: "keys.close", group: "lists", run: () => void navigate({ to: "/incidents" }) },
  ]);
  if (!incident) {
    return query.isError ? <Failed error={query.error} retry={() => void query.refetch()} /> : <Waiting rows={12} height={24} />;
  }
  const split = async () => {
    const made = await change({ decision: { act: "split", alerts: [...picked] } }).catch(() => null);
    setPicked([]);
    if (made && made.id !== id) await navigate({ to: "/incidents/$id", params: { id: made.id } });
  };
  const toggle = (alert: string) => setPicked(picked.includes(alert) ? picked.filter((a) => a !== alert) : [...picked, alert]);
  const at = query.dataUpdatedAt;
  return (
    <article className={styles.page} data-testid="incident">
      <Head incident={incident} present={room.present.filter((name) => name !== me)} />
      <IncidentActions incident={incident} change={change} busy={busy} picked={picked} onSplit={() => void split()} />
      {room.workspace && <Stages workspace={room.workspace} act={room.act} may={may} />}
      {room.query.isError && !room.workspace && <Failed error={room.query.error} compact />}
      <Facts incident={incident} />
      <div className={styles.grid}>
        <Panel title={t("incidents.story")} updatedAt={at}>
          <Story incident={incident} />
        </Panel>
        <Panel title={t("incidents.graph")} updatedAt={at}>
          <EntityGraph incident={incident} />
        </Panel>
        <Panel title={t("incidents.alerts", { count: incident.items.length })} updatedAt={at} className={styles.wide}>
          <Later>
            <Alerts incident={incident} picked={picked} onPick={toggle} />
          </Later>
        </Panel>
      </div>
      <Later>{room.workspace && <Workspace id={id} workspace={room.workspace} act={room.act} may={may} />}</Later>
      <Later>
        <Lessons id={id} version={incident.version} />
      </Later>
    </article>
  );
}
