/** One run of a playbook: what was done, and what a person is asked to do now. */
import { ActionIcon, Button, Textarea } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleStop, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import type { Run } from "../../api/response";
import { useMay } from "../../api/user";
import { Age } from "../../components/Age";
import { useRefused } from "../../components/useRefused";
import { useLanguage } from "../../i18n";
import styles from "../actions/ActionsPage.module.css";

/** The answers and outcomes that shipped playbooks use have words; an operator's own are shown as written. */
export function useOutcome(): (word: string) => string {
  const { t, i18n } = useTranslation();
  return (word) => {
    if (word.startsWith("to ")) return t("playbooks.goes_on", { step: word.slice(3) });
    if (i18n.exists(`playbooks.outcome.${word}`)) return t(`playbooks.outcome.${word}` as "playbooks.outcome.done");
    if (i18n.exists(`actions.state.${word}`)) return t(`actions.state.${word}` as "actions.state.done");
    return word;
  };
}

function TaskBox({ run }: { run: Run }) {
  const { t } = useTranslation();
  const refused = useRefused();
  const language = useLanguage();
  const outcome = useOutcome();
  const client = useQueryClient();
  const [note, setNote] = useState("");
  const may = useMay("respond");
  const task = run.task;
  const answer = useMutation({
    mutationFn: (word: string) => post(`/runs/${run.id}/tasks/${task?.step}`, { answer: word, note }),
    onSuccess: () => setNote(""),
    onError: refused,
    onSettled: () => void client.invalidateQueries({ queryKey: ["runs"] }),
  });
  if (!task) return null;
  return (
    <section className={styles.section} data-testid="run-task">
      <h3>{language === "vi" ? task.title_vi : task.title}</h3>
      <p>{language === "vi" ? task.advice_vi : task.advice}</p>
      {may && (
        <>
          <Textarea label={t("playbooks.note")} value={note} onChange={(e) => setNote(e.currentTarget.value)} autosize minRows={2} />
          <div className="row" style={{ flexWrap: "wrap", marginTop: 8 }}>
            {task.answers.map((word) => (
              <Button key={word} variant="default" loading={answer.isPending} onClick={() => answer.mutate(word)} data-testid="task-answer">
                {outcome(word)}
              </Button>
            ))}
          </div>
        </>
      )}
    </section>
  );
}

function Steps({ run }: { run: Run }) {
  const { t } = useTranslation();
  const language = useLanguage();
  const outcome = useOutcome();
  return (
    <section className={styles.section}>
      <h3>{t("playbooks.steps_done")}</h3>
      <ol className={styles.journal} data-testid="run-steps">
        {run.steps.map((step) => (
          <li key={step.step}>
            <strong>{language === "vi" ? step.title_vi : step.title}</strong> ·{" "}
            {step.outcome ? outcome(step.outcome) : t("playbooks.under_way")} · <Age at={step.began} className="dim" />
            {step.who && <span className="dim"> · {step.who}</span>}
            {step.note && <div className="dim">{(language === "vi" && step.note_vi) || step.note}</div>}
            {step.actions.map((id, i) => (
              <div key={id}>
                <Link to="/actions" search={{ id }}>
                  {t("playbooks.action", { number: i + 1 })}
                </Link>
              </div>
            ))}
          </li>
        ))}
      </ol>
    </section>
  );
}

export function RunPanel({ run, onClose }: { run: Run; onClose: () => void }) {
  const { t } = useTranslation();
  const refused = useRefused();
  const language = useLanguage();
  const client = useQueryClient();
  const may = useMay("respond");
  const cancel = useMutation({
    mutationFn: () => post(`/runs/${run.id}/cancel`, { reason: "" }),
    onError: refused,
    onSettled: () => void client.invalidateQueries({ queryKey: ["runs"] }),
  });
  return (
    <aside className={styles.panel} aria-label={t("playbooks.panel")} data-testid="run-panel">
      <header className={styles.panelHead}>
        <div className="grow">
          <h2 className="cut">{language === "vi" ? run.title_vi : run.title}</h2>
          <p className="dim cut">
            {t(`playbooks.run_state.${run.state}` as "playbooks.run_state.done")} · {run.started.who} · <Age at={run.started.at} />
          </p>
        </div>
        <ActionIcon size={28} aria-label={t("state.close")} onClick={onClose}>
          <X size={16} />
        </ActionIcon>
      </header>
      <TaskBox key={run.task?.step} run={run} />
      <Steps run={run} />
      {may && (run.state === "running" || run.state === "waiting") && (
        <div className={styles.buttons}>
          <Button variant="default" leftSection={<CircleStop size={15} />} loading={cancel.isPending} onClick={() => cancel.mutate()}>
            {t("playbooks.cancel")}
          </Button>
        </div>
      )}
    </aside>
  );
}
