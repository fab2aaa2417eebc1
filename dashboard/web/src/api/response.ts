/** Actions on devices, playbooks and their runs: shapes and queries. */
import { queryOptions } from "@tanstack/react-query";
import { get } from "./client";
import type { Level } from "./types";

export type ActionKind = "block" | "disable" | "notify";

interface Decision {
  who: string;
  at: string;
}

interface SeenName {
  name: string;
  count: number;
}

export interface Action {
  id: string;
  agency: string;
  kind: ActionKind;
  target: string;
  device: string;
  level: Level;
  state: string;
  reason: string;
  incident: string | null;
  run: string | null;
  requested: Decision;
  approved: Decision | null;
  two_person: boolean;
  done: string | null;
  expires: string | null;
  answer: string;
  answer_vi: string;
  verification: {
    verdict: string;
    text: string;
    text_vi: string;
    /** The latest events that were counted, as they were recorded. */
    events: { id: string; at: string; passed: boolean; via: string; record: string; sha256: string }[];
  };
}

interface Entry {
  at: string;
  who: string;
  step: string;
  text: string;
  text_vi: string;
}

export interface ActionDetail extends Action {
  plan: string[];
  impact: {
    days: number;
    events: number;
    known: boolean;
    peers: SeenName[];
    hosts: SeenName[];
    users: SeenName[];
    services: SeenName[];
  };
  journal: Entry[];
}

export interface Playbook {
  id: string;
  title: string;
  title_vi: string;
  summary: string;
  summary_vi: string;
  group: string;
  steps: number;
  fits: boolean;
}

interface RunStep {
  step: string;
  title: string;
  title_vi: string;
  outcome: string;
  actions: string[];
  began: string;
  ended: string | null;
  who: string | null;
  note: string;
  note_vi: string;
}

export interface Run {
  id: string;
  incident: string;
  playbook: string;
  title: string;
  title_vi: string;
  started: Decision;
  state: string;
  wake: string | null;
  task: { step: string; title: string; title_vi: string; advice: string; advice_vi: string; answers: string[] } | null;
  steps: RunStep[];
}

/** The live stream tells of changes; asked again all the same, should it be broken. */
const AGAIN = 15_000;

export const actionsQuery = queryOptions({
  queryKey: ["actions"],
  queryFn: ({ signal }) => get<{ items: Action[] }>("/actions", { limit: 500 }, signal),
  refetchInterval: AGAIN,
});

export const actionQuery = (id: string) =>
  queryOptions({
    queryKey: ["actions", id],
    queryFn: ({ signal }) => get<ActionDetail>(`/actions/${encodeURIComponent(id)}`, {}, signal),
  });

export const devicesQuery = queryOptions({
  queryKey: ["devices"],
  queryFn: ({ signal }) => get<{ items: { name: string; does: ActionKind[] }[] }>("/actions/devices", {}, signal),
  staleTime: 60_000,
});

export const playbooksQuery = (incident: string) =>
  queryOptions({
    queryKey: ["playbooks", incident],
    queryFn: ({ signal }) => get<{ items: Playbook[]; refused: string[]; refused_vi: string[] }>("/playbooks", { incident }, signal),
    staleTime: 30_000,
    retry: false,
  });

export const runsQuery = (incident: string) =>
  queryOptions({
    queryKey: ["runs", incident],
    queryFn: ({ signal }) => get<{ items: Run[] }>("/runs", { incident, limit: 200 }, signal),
    refetchInterval: AGAIN,
  });
