/**
 * What an analyst does to alerts: take, give back, judge, reopen, undo. The screen changes at once; if the server refuses, it changes
 * back and says why. Versions make a claim atomic: who comes second is told.
 */
import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { setAssignee, setStatus, spread } from "../../api/alerts";
import { ApiError, get } from "../../api/client";
import type { Alert, AlertDetail, AlertStatus, Verdict } from "../../api/types";
import { useUser } from "../../api/user";
import { useErrorText } from "../../components/States";
import { serverNow } from "../../time/clock";

type Before = Pick<Alert, "id" | "status" | "assignee" | "reason">;

/** The last changes of this person in this window, newest last. */
const undoable: Before[] = [];
const UNDO_LIMIT = 50;

export interface Triage {
  /** Whether the alert is now ours. `quiet`: no message when somebody was faster. */
  claim: (alert: Alert, quiet?: boolean) => Promise<boolean>;
  release: (alert: Alert) => Promise<void>;
  judge: (alert: Alert, verdict: Verdict, reason: string) => Promise<void>;
  reopen: (alert: Alert) => Promise<void>;
  /** Takes back the last change; returns the alert's id. */
  undo: () => Promise<string | null>;
}

export function useTriage(): Triage {
  const client = useQueryClient();
  const user = useUser();
  const { t } = useTranslation();
  const errorText = useErrorText();

  // biome-ignore lint/correctness/useExhaustiveDependencies: errorText changes with the language, which t stands for
  return useMemo(() => {
    /** The alert after `action`; asked for when the server answers with nothing. */
    const settled = async (id: string, action: Promise<Alert | null>): Promise<Alert> =>
      (await action) ?? (await get<AlertDetail>(`/alerts/${encodeURIComponent(id)}`));

    const show = (alert: Alert) => spread(client, alert, serverNow());
    const refuse = (error: unknown, alert: Alert) => {
      spread(client, alert, serverNow());
      if (error instanceof ApiError && error.kind === "conflict") {
        void client.invalidateQueries({ queryKey: ["alerts"] });
        void client.invalidateQueries({ queryKey: ["alert", alert.id] });
      }
      notifications.show({ color: "red", message: errorText(error) });
    };
    const remember = (alert: Alert) => {
      undoable.push({ id: alert.id, status: alert.status, assignee: alert.assignee, reason: alert.reason ?? null });
      if (undoable.length > UNDO_LIMIT) undoable.shift();
    };
    /** Brings status and holder of an alert to what is wanted, in as few calls as it takes. */
    const bring = async (alert: Alert, status: AlertStatus, assignee: string | null, reason: string | null): Promise<Alert> => {
      let now = alert;
      if (now.assignee !== assignee) now = await settled(now.id, setAssignee(now, assignee));
      if (now.status !== status) now = await settled(now.id, setStatus(now, status, reason));
      // Setting a status may take or drop the alert on its own.
      if (now.assignee !== assignee) now = await settled(now.id, setAssignee(now, assignee));
      return now;
    };
    const undo = async (): Promise<string | null> => {
      const before = undoable.pop();
      if (!before) {
        notifications.show({ message: t("alerts.undo_nothing"), autoClose: 2000 });
        return null;
      }
      const alert = await get<AlertDetail>(`/alerts/${encodeURIComponent(before.id)}`);
      try {
        show({ ...(await bring(alert, before.status, before.assignee, before.reason ?? null)) });
        notifications.show({ message: t("alerts.undone"), autoClose: 2000 });
      } catch (error) {
        refuse(error, alert);
      }
      return before.id;
    };
    const done = (message: string) => {
      const id = notifications.show({
        autoClose: 6000,
        message: (
          <span className="row">
            <span className="grow">{message}</span>
            <Button
              variant="subtle"
              size="compact-xs"
              onClick={() => {
                notifications.hide(id);
                void undo();
              }}
            >
              {t("alerts.undo")} <kbd style={{ marginLeft: 6 }}>u</kbd>
            </Button>
          </span>
        ),
      });
    };
    const change = async (alert: Alert, wanted: Partial<Alert>, action: () => Promise<Alert>, message: string): Promise<void> => {
      show({ ...alert, ...wanted });
      try {
        const now = await action();
        remember(alert);
        show(now);
        done(message);
      } catch (error) {
        refuse(error, alert);
      }
    };

    return {
      claim: async (alert, quiet = false) => {
        if (alert.assignee === user.name && alert.status !== "new") return true;
        const status: AlertStatus = alert.status === "new" ? "acknowledged" : alert.status;
        show({ ...alert, assignee: user.name, status });
        try {
          show(await bring(alert, status, user.name, null));
          remember(alert);
          return true;
        } catch (error) {
          if (quiet && error instanceof ApiError && error.kind === "conflict") {
            show(await get<AlertDetail>(`/alerts/${encodeURIComponent(alert.id)}`));
          } else refuse(error, alert);
          return false;
        }
      },
      release: (alert) => change(alert, { assignee: null, status: "new" }, () => bring(alert, "new", null, null), t("alerts.done_release")),
      judge: (alert, verdict, reason) =>
        change(
          alert,
          { status: verdict, reason, assignee: alert.assignee ?? user.name },
          () => settled(alert.id, setStatus(alert, verdict, reason)),
          t("alerts.done_verdict", {
            verdict: t(`status.${verdict}`),
            reason: String(t(`reason.${verdict}.${reason}` as "reason.benign.admin")),
          }),
        ),
      reopen: (alert) =>
        change(alert, { status: "acknowledged" }, () => settled(alert.id, setStatus(alert, "acknowledged", null)), t("alerts.done_reopen")),
      undo,
    };
  }, [client, user.name, t]);
}
