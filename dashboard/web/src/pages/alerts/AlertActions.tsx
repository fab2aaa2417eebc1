/** What can be done to the alert in hand: take, judge with a reason, reopen, go on. Every button tells its key. */
import { Button, Tooltip } from "@mantine/core";
import { ChevronsRight, RotateCcw, UserRoundCheck, UserRoundMinus } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Alert, Verdict } from "../../api/types";
import styles from "./AlertPanel.module.css";
import { REASONS, VERDICT_KEYS, VERDICTS } from "./reasons";
import type { Group } from "./useGroup";

export interface AlertActionsProps {
  alert: Alert;
  judging: Verdict | null;
  onJudging: (verdict: Verdict | null) => void;
  onJudge: (verdict: Verdict, reason: string) => void;
  onClaim: () => void;
  onReopen: () => void;
  onNext: () => void;
  /** The alerts a verdict falls on, when it is more than the one in hand. */
  group: Group;
  /** Whether the person holds the alert. */
  mine: boolean;
  /** Whether the person may take and judge alerts. */
  may: boolean;
}

function Reasons({ judging, onJudge }: { judging: Verdict; onJudge: AlertActionsProps["onJudge"] }) {
  const { t } = useTranslation();
  return (
    <div className={styles.reasons} role="group" aria-label={t("alerts.reason")} data-testid="verdict-reasons">
      <p className="dim">{t("alerts.pick_reason")}</p>
      <div className={styles.reasonList}>
        {REASONS[judging].map((reason, i) => (
          <button key={reason} type="button" className={styles.reason} onClick={() => onJudge(judging, reason)}>
            <kbd>{i + 1}</kbd> {String(t(`reason.${judging}.${reason}` as "reason.benign.admin"))}
          </button>
        ))}
      </div>
    </div>
  );
}

function Verdicts({ alert, judging, onJudging }: Pick<AlertActionsProps, "alert" | "judging" | "onJudging">) {
  const { t } = useTranslation();
  return (
    <span className={styles.verdicts} role="group" aria-label={t("alerts.verdict")}>
      {VERDICTS.map((verdict) => (
        <Button
          key={verdict}
          variant="default"
          className={styles.verdict}
          data-verdict={verdict}
          data-on={judging === verdict || alert.status === verdict}
          aria-pressed={alert.status === verdict}
          aria-expanded={judging === verdict}
          rightSection={<kbd>{VERDICT_KEYS[verdict]}</kbd>}
          onClick={() => onJudging(judging === verdict ? null : verdict)}
        >
          {t(`status.${verdict}`)}
        </Button>
      ))}
    </span>
  );
}

export function AlertActions({ alert, judging, onJudging, onJudge, onClaim, onReopen, onNext, group, mine, may }: AlertActionsProps) {
  const { t } = useTranslation();
  const judged = alert.status !== "new" && alert.status !== "acknowledged";
  const Icon = mine ? UserRoundMinus : UserRoundCheck;
  return (
    <div className={styles.actions}>
      <div className={styles.buttons}>
        {!may && <span className={`${styles.only} dim`}>{t("alerts.no_permission")}</span>}
        {may && judged && (
          <Button variant="default" leftSection={<RotateCcw size={14} />} onClick={onReopen}>
            {t("alerts.reopen")}
          </Button>
        )}
        {may && !judged && (
          <Button variant={mine ? "default" : "filled"} leftSection={<Icon size={14} />} rightSection={<kbd>c</kbd>} onClick={onClaim}>
            {mine ? t("alerts.release") : t("alerts.claim")}
          </Button>
        )}
        {may && <Verdicts alert={alert} judging={judging} onJudging={onJudging} />}
        <Tooltip label={t("alerts.next")}>
          <Button className={styles.next} variant="subtle" px={8} rightSection={<ChevronsRight size={15} />} onClick={onNext}>
            <kbd>n</kbd>
            <span className="hidden-visually">{t("alerts.next")}</span>
          </Button>
        </Tooltip>
      </div>
      {group.filter && (
        <p className={styles.group} role="status" data-testid="group">
          <span className="grow">
            {t(group.filter.q ? "alerts.group_same" : "alerts.group_rule", { count: group.count ?? 0, value: group.filter.q ?? "" })}
          </span>
          <kbd>*</kbd> <kbd>Esc</kbd>
        </p>
      )}
      {judging && <Reasons judging={judging} onJudge={onJudge} />}
    </div>
  );
}
