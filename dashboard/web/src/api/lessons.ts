/** What is learned from an incident: its cause, how long it took beside others, and changes that it suggests. */
import { queryOptions } from "@tanstack/react-query";
import { get } from "./client";

/** How long it took, seconds; null: not yet. */
export interface Times {
  began: string;
  detected: string;
  detect_s: number;
  triage_s: number | null;
  contain_s: number | null;
  recover_s: number | null;
  close_s: number | null;
}

/** The same on average. */
export interface MeanTimes {
  days: number;
  incidents: number;
  /** Incidents of these days over which the means are not taken. */
  left_out: number;
  detect_s: number | null;
  contain_s: number | null;
  recover_s: number | null;
}

export interface Proposal {
  kind: "exception" | "level" | "rule" | "gap" | "hunt";
  text: string;
  text_vi: string;
  /** What to type for a look at it; changes nothing yet. */
  command: string;
}

export interface Lessons {
  category: string | null;
  verdict: string | null;
  root_cause: string | null;
  lessons: string | null;
  times: Times;
  mean: MeanTimes;
  proposals: Proposal[];
}

/** Dear to compute and noted in the audit trail, so it is read when somebody looks, and again when the incident changed. */
export const lessonsQuery = (id: string, version: number) =>
  queryOptions({
    queryKey: ["lessons", id, version],
    queryFn: ({ signal }) => get<Lessons>(`/incidents/${encodeURIComponent(id)}/lessons`, {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: (before) => before,
  });
