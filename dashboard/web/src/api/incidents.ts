/** Incidents as the API gives them, and the questions pages ask about them. */
import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./client";
import { whileDeaf } from "./live";
import type { Alert, AlertStatus, Entity, Level } from "./types";

export interface Incident {
  id: string;
  agency: string;
  title: string;
  title_vi: string;
  groups: string[];
  level: Level;
  status: AlertStatus;
  assignee: string | null;
  opened: string;
  first_seen: string;
  last_seen: string;
  alerts: number;
  events: number;
  /** In the order of an attack. */
  tactics: string[];
  entities: Entity[];
  drill: boolean;
  merged_into: string | null;
  version: number;
}

export interface Step {
  alert: string;
  at: string;
  tactic: string | null;
  text: string;
  text_vi: string;
}

export interface IncidentDetail extends Incident {
  story: Step[];
  items: Alert[];
}

export const incidentsQuery = (status: string) =>
  queryOptions({
    queryKey: ["incidents", status],
    queryFn: ({ signal }) => get<{ items: Incident[] }>("/incidents", { status }, signal),
    refetchInterval: whileDeaf(5_000),
  });

export const incidentQuery = (id: string) =>
  queryOptions({
    queryKey: ["incident", id],
    queryFn: ({ signal }) => get<IncidentDetail>(`/incidents/${encodeURIComponent(id)}`, {}, signal),
    refetchInterval: whileDeaf(5_000),
  });

/** A decision about an incident; each can be taken back by another. */
export type IncidentDecision =
  | { act: "status"; status: AlertStatus }
  | { act: "assign"; assignee: string | null }
  | { act: "merge"; into: string }
  | { act: "split"; alerts: string[] }
  | { act: "detach"; alert: string };

/** Gives the incident that is to be shown next: for a split, the new one. */
export const decide = (id: string, decision: IncidentDecision, version: number, reason: string | null) =>
  post<Incident>(`/incidents/${encodeURIComponent(id)}`, { ...decision, reason, version });
