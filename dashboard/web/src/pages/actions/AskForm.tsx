/** Asks for an action: first its dry run, then the action itself. */
import { Button, Modal, Select, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import { type ActionDetail, type ActionKind, devicesQuery } from "../../api/response";
import { useErrorText } from "../../components/States";
import { Impact, Plan } from "./ActionDetails";
import styles from "./ActionsPage.module.css";

const KINDS = ["block", "disable", "notify"] as const;

export function AskForm({ opened, onClose, onAsked }: { opened: boolean; onClose: () => void; onAsked: (id: string) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const client = useQueryClient();
  const devices = useQuery({ ...devicesQuery, enabled: opened });
  const [kind, setKind] = useState<ActionKind>("block");
  const [target, setTarget] = useState("");
  const [device, setDevice] = useState<string | null>(null);
  const [lasts, setLasts] = useState("4h");
  const [reason, setReason] = useState("");
  const able = (devices.data?.items ?? []).filter((d) => d.does.includes(kind)).map((d) => d.name);
  const chosen = device !== null && able.includes(device) ? device : (able[0] ?? null);
  const body = (dry_run: boolean) => ({
    kind,
    target: kind === "notify" ? "" : target,
    device: chosen,
    for: lasts,
    reason,
    dry_run,
    parameters: kind === "notify" ? { text: target, subject: "Fansipan" } : {},
  });
  const dry = useMutation({ mutationFn: () => post<ActionDetail>("/actions", body(true)) });
  const ask = useMutation({
    mutationFn: () => post<ActionDetail>("/actions", body(false)),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ["actions"] });
      dry.reset();
      onAsked(made.id);
    },
  });
  const change = <T,>(set: (value: T) => void) => {
    return (value: T) => {
      set(value);
      dry.reset(); // what was shown is no longer what would be done
    };
  };
  const failure = ask.error ?? dry.error;
  return (
    <Modal opened={opened} onClose={onClose} title={t("actions.ask")} size={640} closeButtonProps={{ "aria-label": t("state.close") }}>
      <div className={styles.form}>
        <Select
          label={t("actions.col_what")}
          data={KINDS.map((value) => ({ value, label: t(`actions.kind.${value}`) }))}
          value={kind}
          allowDeselect={false}
          onChange={change((v) => setKind((KINDS as readonly (string | null)[]).includes(v) ? (v as ActionKind) : "block"))}
        />
        {kind === "notify" ? (
          <Textarea label={t("actions.text")} value={target} onChange={(e) => change(setTarget)(e.currentTarget.value)} />
        ) : (
          <TextInput
            label={t("actions.col_target")}
            value={target}
            onChange={(e) => change(setTarget)(e.currentTarget.value)}
            data-testid="ask-target"
          />
        )}
        <Select
          label={t("actions.col_device")}
          data={able}
          value={chosen}
          onChange={change(setDevice)}
          description={able.length === 0 ? t("actions.no_device") : undefined}
        />
        {kind !== "notify" && (
          <TextInput label={t("actions.lasts")} value={lasts} onChange={(e) => change(setLasts)(e.currentTarget.value)} />
        )}
        <TextInput
          label={t("actions.why")}
          value={reason}
          onChange={(e) => change(setReason)(e.currentTarget.value)}
          data-testid="ask-reason"
        />
        {failure && (
          <p role="alert" data-testid="ask-refused">
            {errorText(failure)}
          </p>
        )}
        {dry.data && <Plan action={dry.data} />}
        {dry.data && <Impact action={dry.data} />}
        {dry.data ? (
          <Button loading={ask.isPending} onClick={() => ask.mutate()} data-testid="ask-go">
            {dry.data.two_person ? t("actions.ask_second") : t("actions.ask_go")}
          </Button>
        ) : (
          <Button variant="default" loading={dry.isPending} disabled={chosen === null} onClick={() => dry.mutate()} data-testid="ask-dry">
            {t("actions.dry_run")}
          </Button>
        )}
      </div>
    </Modal>
  );
}
