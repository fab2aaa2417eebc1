/** The handover of a shift. */
import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./client";
import type { Incident } from "./incidents";
import type { Action } from "./response";
import type { OwnRule } from "./rules";
import type { Level } from "./types";

export interface Handover {
  number: number;
  at: string;
  since: string;
  who: string;
  note: string;
}

export interface HandoverPage {
  generated_at: string;
  since: string;
  /** Who says that the shift began then. */
  began_by: "asked" | "handover" | "none_yet" | "long_ago";
  alerts_raised: number;
  alerts_open: number;
  open_by_level: Partial<Record<Level, number>>;
  incidents: Incident[];
  closed: Incident[];
  actions: Action[];
  silent: { id: string; host: string | null; last_seen: string; new: boolean }[];
  rules: OwnRule[];
  handovers: Handover[];
}

/** `since` empty: from the last handover. */
export const handoverQuery = (since: string) =>
  queryOptions({
    queryKey: ["handover", since],
    queryFn: ({ signal }) => get<HandoverPage>("/handover", { since }, signal),
    refetchInterval: 60_000,
  });

export const signHandover = (since: string, note: string) => post<Handover>("/handover", { since, note });
