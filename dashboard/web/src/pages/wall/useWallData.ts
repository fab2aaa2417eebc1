/** Everything the wall shows, asked for under fixed keys so that weeks of running hold no more than the first minute. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { startLive, useLive } from "../../api/live";
import { overviewQuery, soon } from "../../api/queries";
import { type WallAlert, wallQuery } from "../../api/wall";
import { madeAt } from "../../time/clock";
import { instant } from "../../time/zone";

/** Fresh alerts gather this long before the wall is read again: far below the second, and a storm costs four reads a second. */
const GATHER = 250;

/** A number and when the server made it. */
export interface Dated<T> {
  value: T | null;
  at: number;
}

const dated = <T extends { generated_at: string }>({ data }: { data: T | undefined }): Dated<T> => ({
  value: data ?? null,
  at: madeAt(data),
});

/** Reads the wall again soon after an alert came, and at most every `GATHER` milliseconds. */
function useFresh(): void {
  const client = useQueryClient();
  const due = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    const again = () => {
      due.current ??= setTimeout(() => {
        due.current = undefined;
        void client.invalidateQueries({ queryKey: wallQuery.queryKey });
      }, GATHER);
    };
    const stop = startLive(client, again, false);
    return () => {
      stop();
      clearTimeout(due.current);
      due.current = undefined;
    };
  }, [client]);
}

export function useWallData() {
  useFresh();
  const overview = useQuery({ ...overviewQuery("24h"), refetchInterval: soon(5_000) });
  const wall = useQuery(wallQuery);
  const { mode, tick, tickAt } = useLive();
  return { mode, tick: { value: tick, at: tickAt }, overview: dated(overview), wall: dated(wall) };
}

export type WallData = ReturnType<typeof useWallData>;

const RANK = { critical: 0, high: 1, medium: 2, low: 3, informational: 4 } as const;

/** The queue as it is worked: worst first, then latest. */
export function byPriority(alerts: readonly WallAlert[]): WallAlert[] {
  return [...alerts].sort((a, b) => RANK[a.level] - RANK[b.level] || instant(b.raised) - instant(a.raised));
}

/** Alerts of one rule in a row of the queue are one line with their number: four lines tell more than the same one four times. */
export function alike(alerts: readonly WallAlert[]): { first: WallAlert; count: number }[] {
  const groups = new Map<string, { first: WallAlert; count: number }>();
  for (const alert of alerts) {
    const key = `${alert.level} ${alert.title}`;
    const group = groups.get(key);
    if (group) group.count++;
    else groups.set(key, { first: alert, count: 1 });
  }
  return [...groups.values()];
}
