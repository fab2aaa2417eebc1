/** What an action does on its device and who is hit: shown before it is asked for, and afterwards. */
import { useTranslation } from "react-i18next";
import type { ActionDetail } from "../../api/response";
import { useText } from "../../time/useText";
import styles from "./ActionsPage.module.css";

export function Plan({ action }: { action: ActionDetail }) {
  const { t } = useTranslation();
  return (
    <section className={styles.section}>
      <h3>{t("actions.plan")}</h3>
      <pre className={`${styles.plan} mono`} data-testid="action-plan">
        {action.plan.join("\n")}
      </pre>
    </section>
  );
}

export function Impact({ action }: { action: ActionDetail }) {
  const { t } = useTranslation();
  const text = useText();
  const { impact } = action;
  if (!impact.known) {
    return (
      <section className={styles.section}>
        <h3>{t("actions.impact")}</h3>
        <p role="alert">{t("actions.impact_unknown")}</p>
      </section>
    );
  }
  const lists = [
    [t("actions.users"), impact.users],
    [t("actions.hosts"), impact.hosts],
    [t("actions.peers"), impact.peers],
    [t("actions.services"), impact.services],
  ] as const;
  return (
    <section className={styles.section} data-testid="action-impact">
      <h3>{t("actions.impact")}</h3>
      <p>{t("actions.impact_events", { value: text.number(impact.events), days: text.number(impact.days) })}</p>
      {lists
        .filter(([, names]) => names.length > 0)
        .map(([label, names]) => (
          <p key={label}>
            <span className="dim">{label}: </span>
            {names.map((n) => `${n.name} (${text.number(n.count)})`).join(", ")}
          </p>
        ))}
    </section>
  );
}
