/** The two answers an analyst wants in five seconds, in words and colour. */
import { Link } from "@tanstack/react-router";
import { Eye, EyeOff, ShieldAlert, ShieldCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Overview } from "../../api/types";
import { useText } from "../../time/useText";
import styles from "./OverviewPage.module.css";

export function Answer({ overview }: { overview: Overview }) {
  const { t } = useTranslation();
  const text = useText();
  const critical = overview.alerts.by_level.critical ?? 0;
  const high = overview.alerts.by_level.high ?? 0;
  const { total, silent } = overview.sources;
  const attackTone = critical > 0 ? "bad" : high > 0 ? "warn" : "good";
  const blindTone = total === 0 ? "bad" : silent > 0 ? "warn" : "good";
  const attackText =
    critical > 0
      ? t("overview.verdict_attack", { value: text.number(critical) })
      : high > 0
        ? t("overview.verdict_high", { value: text.number(high) })
        : t("overview.verdict_calm");
  const blindText =
    total === 0
      ? t("overview.verdict_nosource")
      : silent > 0
        ? t("overview.verdict_blind", { silent: text.number(silent), total: text.number(total) })
        : t("overview.verdict_seeing");
  const AttackIcon = attackTone === "good" ? ShieldCheck : ShieldAlert;
  const BlindIcon = blindTone === "good" ? Eye : EyeOff;
  return (
    <div className={styles.answers}>
      <Link
        to="/alerts"
        search={critical > 0 ? { level: ["critical"] } : {}}
        className={styles.answer}
        data-tone={attackTone}
        data-testid="answer-attack"
      >
        <AttackIcon size={22} aria-hidden="true" />
        <span className={styles.answerText}>{attackText}</span>
        <span className={styles.answerGo}>{t("overview.see_alerts")}</span>
      </Link>
      <Link
        to="/sources"
        search={silent > 0 ? { state: "silent" } : {}}
        className={styles.answer}
        data-tone={blindTone}
        data-testid="answer-blind"
      >
        <BlindIcon size={22} aria-hidden="true" />
        <span className={styles.answerText}>{blindText}</span>
        <span className={styles.answerGo}>{t("overview.see_sources")}</span>
      </Link>
    </div>
  );
}
