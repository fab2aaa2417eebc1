/** The alert in hand: what happened, to whom, why the rule fired, what to do, and the verdict. */
import { Tooltip } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { ArrowRight, FlaskConical, UserRound } from "lucide-react";
import type { ReactNode, RefObject } from "react";
import { useTranslation } from "react-i18next";
import type { Alert, EcsEvent } from "../../api/types";
import { Age } from "../../components/Age";
import { attackTags, techniqueName } from "../../components/attack";
import { LevelMark } from "../../components/Level";
import { Empty, Failed } from "../../components/States";
import { useNames } from "../../components/useNames";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import { AlertActions, type AlertActionsProps } from "./AlertActions";
import { AlertContext } from "./AlertContext";
import { AlertEvents } from "./AlertEvents";
import styles from "./AlertPanel.module.css";

interface AlertPanelProps extends Omit<AlertActionsProps, "alert"> {
  panelRef: RefObject<HTMLElement | null>;
  alert: Alert | null;
  events: EcsEvent[] | null;
  error: unknown;
  retry: () => void;
}

function Section({ title, children }: { title: ReactNode; children: ReactNode }) {
  return (
    <section className={styles.section}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Facts({ alert }: { alert: Alert }) {
  const { t, i18n } = useTranslation();
  const text = useText();
  const reason = alert.reason ? `reason.${alert.status}.${alert.reason}` : null;
  return (
    <dl className={styles.facts}>
      <div>
        <dt>{t("status.label")}</dt>
        <dd className={styles.status} data-status={alert.status}>
          {t(`status.${alert.status}`)}
          {alert.reason && (
            <span className="dim"> · {reason && i18n.exists(reason) ? String(t(reason as "reason.benign.admin")) : alert.reason}</span>
          )}
        </dd>
      </div>
      <div>
        <dt>{t("alerts.assignee")}</dt>
        <dd className="row">
          {alert.assignee ? (
            <>
              <UserRound size={14} aria-hidden="true" /> <span className="cut">{alert.assignee}</span>
            </>
          ) : (
            <span className="faint">{t("alerts.nobody")}</span>
          )}
        </dd>
      </div>
      <div>
        <dt>{t("alerts.count")}</dt>
        <dd className="num">{text.number(alert.count)}</dd>
      </div>
      {(["first_seen", "last_seen", "raised"] as const).map((key) => (
        <div key={key}>
          <dt>{t(`alerts.${key}`)}</dt>
          <dd className="num">
            {text.time(alert[key], "seconds")}
            <Age at={alert[key]} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Entities({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <div className={styles.entities}>
      {alert.entities.map((entity) => (
        <Tooltip key={`${entity.field}=${entity.value}`} label={t("alerts.pivot", { value: entity.value })}>
          <button
            type="button"
            className={styles.entity}
            data-testid="alert-entity"
            onClick={() => void navigate({ to: "/entity", search: { kind: entity.kind, value: entity.value } })}
          >
            <span className={styles.kind}>{t(`entity.${entity.kind}`)}</span>
            <span className="mono cut">{entity.value}</span>
            <ArrowRight size={12} aria-hidden="true" />
          </button>
        </Tooltip>
      ))}
    </div>
  );
}

function Head({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const language = useLanguage();
  const navigate = useNavigate({ from: "/alerts" });
  const named = useNames();
  const title = (language === "vi" && alert.rule.title_vi) || alert.rule.title;
  const other = language === "vi" ? alert.rule.title_vi && alert.rule.title : alert.rule.title_vi;
  return (
    <header className={styles.head}>
      <div className={styles.marks}>
        <LevelMark level={alert.rule.level} />
        {alert.drill && (
          <span className={styles.drill}>
            <FlaskConical size={12} aria-hidden="true" /> {t("alerts.drill")}
          </span>
        )}
        {attackTags(alert.rule.tags).map((tag) => (
          <span key={tag.text} className={styles.tag} data-kind={tag.kind} title={techniqueName(tag.text) ?? undefined}>
            {tag.kind === "tactic" ? named("tactic", tag.text) : tag.text}
            {tag.kind === "technique" && techniqueName(tag.text) && <span className={styles.tagName}> {techniqueName(tag.text)}</span>}
          </span>
        ))}
      </div>
      <h2 className={styles.title}>{title}</h2>
      {other && <p className="faint">{other}</p>}
      <p className={styles.summary}>{alert.summary}</p>
      <p className={styles.rule}>
        {alert.agency !== "default" && (
          <span>
            {t("alerts.agency")}: {alert.agency} ·{" "}
          </span>
        )}
        <button
          type="button"
          className={`${styles.link} plain`}
          onClick={() => void navigate({ search: { rule: alert.rule.id, status: "all", id: alert.id } })}
        >
          {t("alerts.only_rule")}
        </button>
        {" · "}
        <button
          type="button"
          className={`${styles.link} plain`}
          onClick={() => void navigate({ to: "/rules", search: { id: alert.rule.id } })}
        >
          {t("rules.text")}
        </button>
      </p>
    </header>
  );
}

export function AlertPanel({ panelRef, alert, events, error, retry, ...actions }: AlertPanelProps) {
  const { t } = useTranslation();
  const language = useLanguage();
  if (!alert) {
    return (
      <aside className={styles.panel} ref={panelRef} tabIndex={-1} aria-label={t("alerts.panel_label")}>
        {error ? (
          <Failed error={error} retry={retry} />
        ) : (
          <Empty title={t("alerts.pick")} hint={t("alerts.pick_hint")} icon={<kbd>n</kbd>} />
        )}
      </aside>
    );
  }
  const advice = (language === "vi" && alert.rule.advice_vi) || alert.rule.advice;
  return (
    <aside
      className={styles.panel}
      ref={panelRef}
      tabIndex={-1}
      aria-label={t("alerts.panel_label")}
      data-testid="alert-panel"
      data-level={alert.rule.level}
    >
      <Head alert={alert} />
      <AlertActions alert={alert} {...actions} />
      <Facts alert={alert} />
      {alert.entities.length > 0 && (
        <Section title={t("alerts.entities")}>
          <Entities alert={alert} />
        </Section>
      )}
      {alert.matched.length > 0 && (
        <Section title={t("alerts.matched")}>
          <dl className={styles.matched}>
            {alert.matched.map((m) => (
              <div key={`${m.field}=${m.value}`}>
                <dt className="mono">{m.field}</dt>
                <dd className="mono">
                  <mark>{m.value}</mark>
                </dd>
              </div>
            ))}
          </dl>
        </Section>
      )}
      <Section title={t("alerts.advice")}>
        <p className={advice ? styles.advice : "faint"}>{advice ?? t("alerts.no_advice")}</p>
      </Section>
      <AlertContext id={alert.id} />
      <AlertEvents alert={alert} events={events} />
    </aside>
  );
}
