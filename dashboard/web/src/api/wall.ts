/** What the wall shows, in one answer, and the credential a screen has of its own. */
import { queryOptions } from "@tanstack/react-query";
import { ApiError, get, post } from "./client";
import type { Incident, Step } from "./incidents";
import type { AlertStatus, Bucket, Lag, Level } from "./types";

export interface WallAlert {
  id: string;
  level: Level;
  title: string;
  title_vi: string | null;
  raised: string;
  status: AlertStatus;
  assignee: string | null;
}

export interface WallSource {
  id: string;
  host: string | null;
  active: boolean;
  last_seen: string;
  kept: number;
  refused: number;
}

export interface WallAnswer {
  generated_at: string;
  alerts: WallAlert[];
  more: boolean;
  incidents: Incident[];
  /** Of the latest critical incident that nobody has taken. */
  story: { incident: string; steps: Step[] } | null;
  sources: WallSource[];
  lag: Lag;
  disk: { free: number; total: number };
  alarm: string | null;
}

/** An address that receives or sends packets. */
export interface Sender {
  address: string;
  packets: number;
  bytes: number;
  /** Packets in its busiest second. */
  highest_second: number;
}

/** Who sends how much a second to whom, of the flows of the last five minutes. */
export interface Talkers {
  generated_at: string;
  flows: number;
  /** Whether all flows were looked at. */
  complete: boolean;
  /** Who receives most. */
  targets: Sender[];
  /** Packets of the first target, second by second. */
  series: Bucket[];
  senders: number;
  /** Who sends most to it. */
  talkers: Sender[];
}

export const talkersQuery = queryOptions({
  queryKey: ["talkers"],
  queryFn: ({ signal }) => get<Talkers>("/network/talkers", {}, signal),
  refetchInterval: 5_000,
});

export const wallQuery = queryOptions({
  queryKey: ["wall"],
  queryFn: ({ signal }) => get<WallAnswer>("/wall", {}, signal),
  refetchInterval: 5_000,
});

/** Whether this browser is an enrolled screen; a person's session is none. */
export const deviceQuery = queryOptions({
  queryKey: ["wall-device"],
  queryFn: async ({ signal }): Promise<{ name: string } | null> => {
    try {
      return await get<{ name: string }>("/wall/device", {}, signal);
    } catch (error) {
      if (error instanceof ApiError && [401, 403, 404].includes(error.status)) return null;
      throw error;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
  retry: 1,
});

/** Makes this browser a screen; the server answers with a cookie that pages cannot read. */
export const enrol = (code: string) => post<{ device: { name: string } }>("/wall/enrol", { code, terminal: false });
