/** The workspace of an incident: stage, facts, clocks, and what people put into it. */
import { queryOptions } from "@tanstack/react-query";
import { get, post, upload, url } from "./client";
import { whileDeaf } from "./live";

export const STAGES = ["new", "triaged", "contained", "eradicated", "recovered", "closed"] as const;
export type Stage = (typeof STAGES)[number];

/** A fact that a stage demands before it is reached. */
export interface Demand {
  stage: Stage;
  field: string;
  title: string;
  title_vi: string;
  /** Words it may be; empty: any text. */
  words: string[];
}

export interface Clock {
  stage: Stage;
  due: string;
  reached: string | null;
  state: "met" | "missed" | "running" | "late";
  seconds_left: number;
}

interface Common {
  id: string;
  at: string;
  who: string;
  version: number;
}

export type Item = Common &
  (
    | { kind: "note"; body: { text: string } }
    | { kind: "task"; body: { title: string; done: boolean; assignee: string | null; due: string | null } }
    | { kind: "indicator"; body: { indicator: string; value: string; comment: string } }
    | { kind: "person"; body: { name: string; role: string; contact: string } }
    | {
        kind: "evidence";
        body: { name: string; sha256: string; size: number; comment: string; custody: { at: string; who: string; act: string }[] };
      }
    | { kind: "event"; body: { event: string; seen: string; host: string; text: string } }
    | { kind: "stage"; body: { from: Stage; to: Stage; reason: string } }
  );

export type ItemInput =
  | { kind: "note"; text: string }
  | { kind: "task"; title: string; done: boolean; assignee: string | null; due: string | null }
  | { kind: "indicator"; indicator: string; value: string; comment: string }
  | { kind: "person"; name: string; role: string; contact: string }
  | { kind: "event"; event: string };

export interface Workspace {
  stage: Stage;
  facts: Record<string, string>;
  demands: Demand[];
  clocks: Clock[];
  items: Item[];
  present: string[];
  version: number;
}

const path = (id: string): string => `/incidents/${encodeURIComponent(id)}`;

export const workspaceQuery = (id: string) =>
  queryOptions({
    queryKey: ["incident", id, "workspace"],
    queryFn: ({ signal }) => get<Workspace>(`${path(id)}/workspace`, {}, signal),
    refetchInterval: whileDeaf(5_000),
  });

/** Says that one has it open; tells who else has. */
export const presenceQuery = (id: string) =>
  queryOptions({
    queryKey: ["presence", id],
    queryFn: ({ signal }) => get<{ present: string[] }>(`${path(id)}/presence`, {}, signal),
    refetchInterval: 10_000,
    gcTime: 0,
  });

export const advance = (id: string, stage: Stage, facts: Record<string, string>, reason: string, version: number) =>
  post<Workspace>(`${path(id)}/stage`, { stage, facts, reason, version });

export const addItem = (id: string, item: ItemInput) => post<Item>(`${path(id)}/items`, item);

/** `null`: it is taken out. */
export const changeItem = (id: string, item: string, version: number, now: ItemInput | null) =>
  post<Item>(`${path(id)}/items/${encodeURIComponent(item)}`, { item: now, version });

export const evidenceUrl = (id: string, item: string): string => url(`${path(id)}/evidence/${encodeURIComponent(item)}`);

/** Everything of it in one file with proofs, which `fansipan verify` checks. */
export const bundleUrl = (id: string): string => url(`${path(id)}/bundle`);

/** Hands in a file; its SHA-256 is the server's. */
export const handIn = (id: string, file: File, comment: string) => upload<Item>(`${path(id)}/evidence`, { name: file.name, comment }, file);
