/** One action: where it stands, what can be decided, whether it worked, every step. */
import { ActionIcon, Button, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, Hand, Undo2, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import { type ActionDetail, actionQuery } from "../../api/response";
import { useMay } from "../../api/user";
import { Age } from "../../components/Age";
import { LevelMark } from "../../components/Level";
import { Failed, Waiting } from "../../components/States";
import { useRefused } from "../../components/useRefused";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import { Impact, Plan } from "./ActionDetails";
import styles from "./ActionsPage.module.css";

type Verb = "approve" | "reject" | "undo" | "by-hand";

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Decide({ action }: { action: ActionDetail }) {
  const { t } = useTranslation();
  const refused = useRefused();
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const [mayAct, mayApprove] = [useMay("respond"), useMay("approve")];
  const decide = useMutation({
    mutationFn: (verb: Verb) => post(`/actions/${action.id}/${verb}`, { reason }),
    onSuccess: () => setReason(""),
    onError: refused,
    onSettled: () => void client.invalidateQueries({ queryKey: ["actions"] }),
  });
  const { state, kind } = action;
  const proposed = state === "proposed";
  const undoable = kind !== "notify" && (state === "done" || state === "handed_over");
  if (!(proposed && (mayApprove || mayAct)) && !(mayAct && (undoable || state === "handed_over"))) return null;
  const button = (verb: Verb, label: string, icon: ReactNode, main = false) => (
    <Button
      variant={main ? "filled" : "default"}
      leftSection={icon}
      loading={decide.isPending && decide.variables === verb}
      onClick={() => decide.mutate(verb)}
      data-testid={`action-${verb}`}
    >
      {label}
    </Button>
  );
  return (
    <>
      <div className={styles.section}>
        <TextInput label={t("actions.reason")} value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
      </div>
      <div className={styles.buttons}>
        {proposed && mayApprove && button("approve", t("actions.approve"), <Check size={15} />, true)}
        {proposed && mayApprove && button("reject", t("actions.reject"), <X size={15} />)}
        {proposed && mayAct && button("undo", t("actions.withdraw"), <Undo2 size={15} />)}
        {undoable && mayAct && button("undo", t("actions.undo"), <Undo2 size={15} />)}
        {state === "handed_over" && mayAct && button("by-hand", t("actions.by_hand"), <Hand size={15} />)}
      </div>
    </>
  );
}

function Journal({ action }: { action: ActionDetail }) {
  const { t, i18n } = useTranslation();
  const language = useLanguage();
  const text = useText();
  const step = (word: string) => (i18n.exists(`actions.step.${word}`) ? t(`actions.step.${word}` as "actions.step.begun") : word);
  return (
    <section className={styles.section}>
      <h3>{t("actions.journal")}</h3>
      <ol className={styles.journal} data-testid="action-journal">
        {action.journal.map((entry) => (
          <li key={`${entry.at} ${entry.step}`}>
            <strong>{step(entry.step)}</strong> · <Age at={entry.at} className="dim" /> · <span className="dim">{entry.who}</span>
            {/* what was asked for stands above already */}
            {entry.step !== "requested" && <div className="dim">{text.inWords((language === "vi" && entry.text_vi) || entry.text)}</div>}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Body({ action }: { action: ActionDetail }) {
  const { t, i18n } = useTranslation();
  const language = useLanguage();
  const text = useText();
  const { verification: v } = action;
  const state = `actions.state.${action.state}`;
  return (
    <>
      <dl className={styles.facts}>
        <Fact label={t("actions.col_state")}>{i18n.exists(state) ? t(state as "actions.state.done") : action.state}</Fact>
        <Fact label={t("actions.col_level")}>
          <LevelMark level={action.level} />
        </Fact>
        <Fact label={t("actions.asked_by")}>
          {action.requested.who} · <Age at={action.requested.at} />
        </Fact>
        <Fact label={t("actions.approved_by")}>
          {action.approved ? (
            <>
              {action.approved.who} · <Age at={action.approved.at} />
            </>
          ) : action.two_person ? (
            t("actions.second_person")
          ) : (
            "–"
          )}
        </Fact>
        <Fact label={t("actions.why")}>{action.reason}</Fact>
        {action.expires && (
          <Fact label={t("actions.col_until")}>
            <Age at={action.expires} />
          </Fact>
        )}
        {action.answer && <Fact label={t("actions.answer")}>{(language === "vi" && action.answer_vi) || action.answer}</Fact>}
        {action.run && action.incident && (
          <Fact label={t("actions.run")}>
            <Link to="/playbooks" search={{ incident: action.incident, id: action.run }}>
              {t("actions.open_run")}
            </Link>
          </Fact>
        )}
      </dl>
      {v.text && (
        <section className={styles.section}>
          <h3>{t("actions.worked")}</h3>
          <p className={styles.verdict} data-verdict={v.verdict} data-testid="action-verdict">
            {t(`actions.verdict.${v.verdict}` as "actions.verdict.effective")}: {text.inWords(language === "vi" ? v.text_vi : v.text)}
          </p>
          {v.events.length > 0 && (
            <details data-testid="action-records">
              <summary>{t("actions.records", { count: v.events.length })}</summary>
              <ol className={styles.journal}>
                {v.events.map((e) => (
                  <li key={e.id}>
                    {t(e.passed ? "actions.record_passed" : "actions.record_stopped")} · <Age at={e.at} className="dim" /> ·{" "}
                    <span className="dim">{e.via}</span>
                    <div className="mono">{e.record}</div>
                    <div className="mono dim">SHA-256 {e.sha256}</div>
                  </li>
                ))}
              </ol>
            </details>
          )}
        </section>
      )}
      <Decide action={action} />
      <Plan action={action} />
      <Impact action={action} />
      <Journal action={action} />
    </>
  );
}

export function ActionPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation();
  const query = useQuery(actionQuery(id));
  const action = query.data;
  return (
    <aside className={styles.panel} aria-label={t("actions.panel")} data-testid="action-panel">
      <header className={styles.panelHead}>
        <div className="grow">
          <h2 className="cut">{action ? `${t(`actions.kind.${action.kind}`)} ${action.kind === "notify" ? "" : action.target}` : "…"}</h2>
          <p className="mono dim cut">{action?.device}</p>
        </div>
        <ActionIcon size={28} aria-label={t("state.close")} onClick={onClose}>
          <X size={16} />
        </ActionIcon>
      </header>
      {query.isPending && <Waiting rows={8} />}
      {query.isError && <Failed error={query.error} retry={() => void query.refetch()} />}
      {action && <Body key={action.id} action={action} />}
    </aside>
  );
}
