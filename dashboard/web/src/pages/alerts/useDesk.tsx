/** The analyst's desk in this page: changes shown through the query cache, told in messages with their undo. */
import { Button } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { spread } from "../../api/alerts";
import { ApiError, get } from "../../api/client";
import type { AlertDetail } from "../../api/types";
import { useUser } from "../../api/user";
import { dismiss, notify } from "../../components/notify";
import { useRefused } from "../../components/useRefused";
import { useStable } from "../../components/useStable";
import { serverNow } from "../../time/clock";
import { Desk, type Done } from "./desk";

function UndoMessage({ text, onUndo }: { text: string; onUndo: () => void }) {
  const { t } = useTranslation();
  return (
    <span className="row">
      <span className="grow">{text}</span>
      <Button variant="subtle" size="compact-xs" rightSection={<kbd>u</kbd>} onClick={onUndo}>
        {t("alerts.undo")}
      </Button>
    </span>
  );
}

export function useDesk(): Desk {
  const client = useQueryClient();
  const me = useUser().name;
  const { t } = useTranslation();

  const words = useStable((what: Done): string => {
    if (what.kind === "release" || what.kind === "reopen") return t(`alerts.done_${what.kind}`);
    const reason = String(t(`reason.${what.verdict}.${what.reason}` as "reason.benign.admin"));
    if (what.kind === "judge_many") return t("alerts.done_many", { count: what.count, verdict: t(`status.${what.verdict}`), reason });
    return t("alerts.done_verdict", { verdict: t(`status.${what.verdict}`), reason });
  });
  const say = useStable((key: "alerts.undone" | "alerts.undo_nothing") => notify({ message: t(key), autoClose: 2000 }));
  const refuse = useRefused();

  return useMemo(() => {
    const desk: Desk = new Desk({
      me,
      read: (id) => get<AlertDetail>(`/alerts/${encodeURIComponent(id)}`),
      show: (alert) => spread(client, alert, serverNow()),
      undone: () => say("alerts.undone"),
      nothingToUndo: () => say("alerts.undo_nothing"),
      refused: (error, alert) => {
        spread(client, alert, serverNow());
        void client.invalidateQueries({ queryKey: ["alert", alert.id] });
        if (error instanceof ApiError && error.kind === "conflict") void client.invalidateQueries({ queryKey: ["alerts"] });
        refuse(error);
      },
      changedMany: () => {
        void client.invalidateQueries({ queryKey: ["alerts"] });
        void client.invalidateQueries({ queryKey: ["alert"] });
      },
      refusedMany: refuse,
      done: (what) => {
        const onUndo = () => {
          dismiss(id);
          void desk.undo();
        };
        const id = notify({ autoClose: 6000, message: <UndoMessage text={words(what)} onUndo={onUndo} /> });
      },
    });
    return desk;
  }, [client, me, refuse, say, words]);
}
