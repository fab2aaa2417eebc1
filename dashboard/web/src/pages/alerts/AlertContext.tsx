/** What is known around the alert in hand: the last 30 days of who it is about, and how alerts like it were judged. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Siren } from "lucide-react";
import { useTranslation } from "react-i18next";
import { type AlertContext as Context, contextQuery } from "../../api/queue";
import { Failed, Waiting } from "../../components/States";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import styles from "./AlertPanel.module.css";
import { VERDICTS } from "./reasons";
import { useEscalation } from "./useEscalation";

/** Alerts a day, the last one today: bars of equal width. */
function Days({ days, label }: { days: readonly number[]; label: string }) {
  const most = Math.max(1, ...days);
  return (
    <svg className={styles.days} viewBox={`0 0 ${days.length * 4} 20`} preserveAspectRatio="none" role="img" aria-label={label}>
      {days.map((count, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its day
        <rect key={i} x={i * 4} width={3} y={20 - Math.max(count ? 2 : 0.6, (count / most) * 20)} height={20} data-any={count > 0} />
      ))}
    </svg>
  );
}

function Entities({ entities }: Pick<Context, "entities">) {
  const { t } = useTranslation();
  const text = useText();
  return (
    <ul className={styles.history}>
      {entities.map(({ kind, value, total, more, days }) => (
        <li key={`${kind}:${value}`}>
          <span className={styles.kind}>{t(`entity.${kind}`)}</span>
          <Link to="/entity" search={{ kind, value, since: "30d" }} className={`${styles.link} mono cut grow`}>
            {value}
          </Link>
          <Days days={days} label={t("alerts.days", { value: text.number(total) })} />
          <span className={`${styles.times} num`}>
            {more ? "≥ " : ""}
            {text.number(total)}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Similar({ context }: { context: Context }) {
  const { t, i18n } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const reason = (status: string, word: string | null) => {
    const key = `reason.${status}.${word}`;
    return word && i18n.exists(key) ? String(t(key as "reason.benign.admin")) : (word ?? "");
  };
  return (
    <>
      <p className={styles.tally}>
        {VERDICTS.map((verdict) => (
          <span key={verdict}>
            {t(`status.${verdict}`)} <b className="num">{text.number(context.verdicts[verdict])}</b>
          </span>
        ))}
      </p>
      <ul className={styles.history}>
        {context.similar.slice(0, 5).map((alert) => (
          <li key={alert.id}>
            <span className={styles.status} data-status={alert.status}>
              {t(`status.${alert.status}`)}
            </span>
            <Link to="/alerts" search={{ id: alert.id, status: "all" }} className={`${styles.link} cut grow`}>
              {reason(alert.status, alert.reason) || (language === "vi" && alert.rule.title_vi) || alert.rule.title}
            </Link>
            <span className="dim num">{text.time(alert.last_seen, "minutes")}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Escalation({ id }: { id: string }) {
  const { t } = useTranslation();
  const { incident, may, sure, busy, run } = useEscalation(id);
  if (!incident && !may) return null;
  return (
    <p className={styles.section}>
      {incident ? (
        <Link to="/incidents/$id" params={{ id: incident }} className={styles.link}>
          {t("alerts.in_incident")} <kbd>e</kbd>
        </Link>
      ) : (
        <Button
          variant={sure ? "filled" : "default"}
          leftSection={<Siren size={14} />}
          rightSection={<kbd>e</kbd>}
          loading={busy}
          onClick={run}
          data-testid="escalate"
        >
          {t(sure ? "alerts.escalate_sure" : "alerts.escalate")}
        </Button>
      )}
    </p>
  );
}

export function AlertContext({ id }: { id: string }) {
  const { t } = useTranslation();
  const query = useQuery(contextQuery(id));
  const context = query.data;
  if (query.isPending) return <Waiting rows={3} />;
  if (!context) return <Failed error={query.error} compact />;
  return (
    <>
      <Escalation id={id} />
      <section className={styles.section} data-testid="alert-history">
        <h3>{t("alerts.history")}</h3>
        <Entities entities={context.entities} />
      </section>
      <section className={styles.section} data-testid="alert-similar">
        <h3>{t("alerts.similar")}</h3>
        <Similar context={context} />
      </section>
    </>
  );
}
