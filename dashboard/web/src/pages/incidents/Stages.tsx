/** How far the handling is: the stages in order, what the next one demands, and the clocks that run. */
import { Button, Modal, Select, Textarea, TextInput } from "@mantine/core";
import { Check, Clock4 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Clock, type Demand, STAGES, type Stage, type Workspace } from "../../api/workspace";
import { useLanguage } from "../../i18n";
import { useServerNow } from "../../time/clock";
import { useText } from "../../time/useText";
import { instant } from "../../time/zone";
import type { Act } from "./useWorkspace";
import styles from "./Workspace.module.css";

const place = (stage: Stage): number => STAGES.indexOf(stage);

/** Everything demanded up to a stage: what is known already may be put right. */
const demanded = (workspace: Workspace, stage: Stage): Demand[] => workspace.demands.filter((d) => place(d.stage) <= place(stage));

function Field({ demand, value, onChange }: { demand: Demand; value: string; onChange: (value: string) => void }) {
  const language = useLanguage();
  const label = language === "vi" ? demand.title_vi : demand.title;
  if (demand.words.length > 0) {
    return (
      <Select
        label={label}
        data={demand.words.map((word) => ({ value: word, label: word.replaceAll(/[-_]/g, " ") }))}
        value={value || null}
        onChange={(next) => onChange(next ?? "")}
        required
        comboboxProps={{ withinPortal: true }}
        data-testid={`fact-${demand.field}`}
      />
    );
  }
  return (
    <TextInput
      label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      required
      data-testid={`fact-${demand.field}`}
    />
  );
}

interface DialogProps {
  workspace: Workspace;
  stage: Stage | null;
  onClose: () => void;
  act: Act;
}

function StageDialog({ workspace, stage, onClose, act }: DialogProps) {
  const { t } = useTranslation();
  const [facts, setFacts] = useState<Record<string, string>>({});
  const [reason, setReason] = useState("");
  const back = stage !== null && place(stage) < place(workspace.stage);
  const fields = stage && !back ? demanded(workspace, stage) : [];
  const value = (field: string) => facts[field] ?? workspace.facts[field] ?? "";
  const ready = back ? reason.trim() !== "" : fields.every((d) => value(d.field).trim() !== "");
  const submit = async () => {
    if (!stage || !ready) return;
    await act({ stage, facts, reason }).then(
      () => {
        setFacts({});
        setReason("");
        onClose();
      },
      () => null, // said already; what was typed stays
    );
  };
  return (
    <Modal
      opened={stage !== null}
      onClose={onClose}
      title={stage ? t("workspace.lead_to", { stage: t(`workspace.stage_${stage}`) }) : ""}
      closeButtonProps={{ "aria-label": t("state.close") }}
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {fields.map((demand) => (
          <Field
            key={demand.field}
            demand={demand}
            value={value(demand.field)}
            onChange={(next) => setFacts({ ...facts, [demand.field]: next })}
          />
        ))}
        <Textarea
          label={t("workspace.reason")}
          description={back ? t("workspace.reason_back") : undefined}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          required={back}
          autosize
          minRows={2}
        />
        <Button type="submit" disabled={!ready} data-testid="stage-submit">
          {stage ? t("workspace.lead_to", { stage: t(`workspace.stage_${stage}`) }) : ""}
        </Button>
      </form>
    </Modal>
  );
}

function ClockMark({ clock }: { clock: Clock }) {
  const { t } = useTranslation();
  const text = useText();
  const now = useServerNow();
  const left = clock.reached ? clock.seconds_left * 1000 : instant(clock.due) - now;
  const state = clock.reached ? clock.state : left < 0 ? "late" : clock.state;
  return (
    <span className={styles.clock} data-state={state} title={text.time(clock.due)}>
      <Clock4 size={13} aria-hidden="true" /> {t(`workspace.stage_${clock.stage}`)}:{" "}
      {t(`workspace.clock_${state}`, { value: text.span(Math.abs(left)) })}
    </span>
  );
}

export function Stages({ workspace, act, may }: { workspace: Workspace; act: Act; may: boolean }) {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState<Stage | null>(null);
  const now = place(workspace.stage);
  return (
    <div className={styles.stages}>
      <ol className={styles.steps} aria-label={t("workspace.stages")}>
        {STAGES.map((stage, i) => (
          <li key={stage} data-state={i < now ? "done" : i === now ? "now" : "ahead"} aria-current={i === now ? "step" : undefined}>
            <button
              type="button"
              className="plain"
              disabled={!may || i === now}
              onClick={() => setWanted(stage)}
              data-testid={`stage-${stage}`}
            >
              {i < now && <Check size={13} aria-hidden="true" />}
              {t(`workspace.stage_${stage}`)}
            </button>
          </li>
        ))}
      </ol>
      <div className={styles.clocks}>
        {workspace.clocks.map((clock) => (
          <ClockMark key={clock.stage} clock={clock} />
        ))}
      </div>
      <StageDialog workspace={workspace} stage={wanted} onClose={() => setWanted(null)} act={act} />
    </div>
  );
}
