/** The queue as the server keeps it: the next alert, decisions about many at once, what is known around one. */
import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./client";
import type { Incident } from "./incidents";
import type { Alert, AlertStatus, EntityKind, Verdict } from "./types";

/** Why an alert stands where it stands: factors per mille. */
export interface Rank {
  priority: number;
  level: number;
  confidence: number;
  risk: number;
}

export interface GroupFilter {
  status: string;
  rule: string;
  q?: string;
}

export interface AlertContext {
  rank: Rank;
  incident: string | null;
  verdicts: Record<Verdict, number>;
  similar: (Alert & { reason: string | null })[];
  entities: { kind: EntityKind; value: string; alerts: Alert[]; total: number; more: boolean; days: number[] }[];
}

interface NextFilter {
  level?: string;
  rule?: string;
  q?: string;
}

export interface Taken {
  /** `null`: none waits. */
  alert: Alert | null;
  rank: Rank | null;
  /** First in the queue now; nobody's. */
  following: Alert | null;
}

/** The first new alert of the queue, now the caller's; nobody else gets it. */
export const takeNext = (filter: NextFilter) => post<Taken>("/alerts/next", filter);

export const judgeMany = (filter: GroupFilter, status: AlertStatus, reason: string | null, dryRun = false) =>
  post<{ changed: number; token: string | null }>("/alerts/bulk", { filter, status, reason, dry_run: dryRun });

export const undoMany = (token: string) => post<{ restored: number; kept: number }>("/alerts/undo", { token });

/** Opens an incident about the alert, or gives the one it is in already. */
export const escalate = (id: string) => post<Incident>(`/alerts/${encodeURIComponent(id)}/escalate`);

export const contextQuery = (id: string) =>
  queryOptions({
    queryKey: ["alert-context", id],
    queryFn: ({ signal }) => get<AlertContext>(`/alerts/${encodeURIComponent(id)}/context`, {}, signal),
    staleTime: 30_000,
  });
