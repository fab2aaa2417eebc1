/** Everything the wall shows, asked for under fixed keys so that weeks of running hold no more than the first minute. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { get } from "../../api/client";
import { incidentQuery, incidentsQuery } from "../../api/incidents";
import { startLive, useLive } from "../../api/live";
import { overviewQuery, sourcesQuery, statusQuery } from "../../api/queries";
import type { Alert, Page } from "../../api/types";
import { instant } from "../../time/zone";

/** Alerts kept for the queue and the shift: more do not fit on a screen. */
const ALERTS = 100;
/** Fresh alerts gather this long before the queue is read again: far below the second, and a storm costs four reads a second. */
const GATHER = 250;

const queueKey = ["wall", "alerts"] as const;

/** A number and when it was true, by the server's clock where the server said so. */
export interface Dated<T> {
  value: T | null;
  at: number;
}

const dated = <T>(query: { data: T | undefined; dataUpdatedAt: number }): Dated<T> => ({
  value: query.data ?? null,
  at: query.dataUpdatedAt,
});

/** Reads the queue again soon after an alert came, and at most every `GATHER` milliseconds. */
function useFreshQueue(): void {
  const client = useQueryClient();
  const due = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    const again = () => {
      due.current ??= setTimeout(() => {
        due.current = undefined;
        void client.invalidateQueries({ queryKey: queueKey });
        void client.invalidateQueries({ queryKey: ["incidents"] });
      }, GATHER);
    };
    const stop = startLive(client, again);
    return () => {
      stop();
      clearTimeout(due.current);
      due.current = undefined;
    };
  }, [client]);
}

export function useWallData(incident: string | null) {
  useFreshQueue();
  const overview = useQuery({ ...overviewQuery("24h"), refetchInterval: 5_000 });
  const queue = useQuery({
    queryKey: queueKey,
    queryFn: ({ signal }) => get<Page<Alert>>("/alerts", { status: "open", level: "critical,high", limit: ALERTS }, signal),
    refetchInterval: 5_000,
  });
  const incidents = useQuery(incidentsQuery("open"));
  const sources = useQuery(sourcesQuery);
  const status = useQuery(statusQuery);
  // The key of an incident that left the wall is dropped at once.
  const detail = useQuery({ ...incidentQuery(incident ?? ""), enabled: incident !== null, gcTime: 0 });
  const { mode, tick, tickAt } = useLive();
  return {
    mode,
    tick: { value: tick, at: tickAt },
    overview: dated(overview),
    queue: dated(queue),
    incidents: dated(incidents),
    sources: dated(sources),
    status: dated(status),
    incident: dated(detail),
  };
}

export type WallData = ReturnType<typeof useWallData>;

const RANK = { critical: 0, high: 1, medium: 2, low: 3, informational: 4 } as const;

/** The queue as it is worked: worst first, then latest. */
export function byPriority(alerts: readonly Alert[]): Alert[] {
  return [...alerts].sort((a, b) => RANK[a.rule.level] - RANK[b.rule.level] || instant(b.raised) - instant(a.raised));
}
