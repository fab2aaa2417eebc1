/** Rules as people write, test, switch and except them. The list of rules is in queries.ts. */
import { queryOptions } from "@tanstack/react-query";
import { get, post } from "./client";
import type { Alert, Level, RuleDiagnostic, ValueCount } from "./types";

export interface Lint {
  ok: boolean;
  rules: string[];
  diagnostics: RuleDiagnostic[];
  /** The same as a query of the search box; `null`: that language cannot say it. */
  query: string | null;
  correlations: boolean;
}

export interface RuleTest {
  lint: Lint;
  matches: number;
  hosts: number;
  top_hosts: ValueCount[];
  sample: string[];
  examined: number;
  from: string;
  to: string;
  complete: boolean;
}

/** A version of a rule of the centre's own, or of a switch on one from elsewhere (`text` is `null`). */
export interface OwnRule {
  id: string;
  version: number;
  text: string | null;
  enabled: boolean;
  who: string;
  at: string;
  why: string;
}

/** Whether a rule can fire on what arrives. */
export type Sight = "sees" | "no_source" | "no_fields";

/** How a rule in force stands by what arrives, in the server's word. */
export type Standing = "alive" | "quiet" | "partly_blind" | "blind";

export interface RuleSight {
  id: string;
  title: string;
  title_vi: string | null;
  level: Level;
  logsource: string;
  standing: Standing;
  state: Sight;
  missing: string[];
  /** Whether it could fire and did not in all that time; `null`: not known, or it speaks through correlations only. */
  quiet: boolean | null;
  correlation: boolean;
  /** Of a correlation: the rules it refers to that cannot fire. */
  blind: { id: string; title: string; title_vi: string | null; logsource: string; state: Sight; missing: string[] }[];
  tactics: string[];
  techniques: string[];
}

export interface TechniqueSight {
  technique: string;
  tactics: string[];
  rules: number;
  seeing: number;
}

export interface Coverage {
  sampled: number;
  rules: RuleSight[];
  techniques: TechniqueSight[];
}

export type ExceptionKind = "exception" | "suppression" | "maintenance";

export interface Exception {
  id: string;
  kind: ExceptionKind;
  rule: string | null;
  filter: string;
  agency: string | null;
  owner: string;
  reason: string;
  from: string;
  until: string;
  active: boolean;
  created: string;
  made_by: string;
  version: number;
}

export interface Preview {
  since: string;
  events: number;
  rules: { id: string; title: string; events: number }[];
  alerts: number;
  partly: number;
  true_positives: number;
  items: Alert[];
  complete: boolean;
}

/** What an exception is about. */
export interface Holding {
  rule: string | null;
  filter: string;
  agency: string | null;
}

const of = (id: string, more = ""): string => `/rules/${encodeURIComponent(id)}${more}`;

export const coverageQuery = (since: string) =>
  queryOptions({
    queryKey: ["rules", "coverage", since],
    queryFn: ({ signal }) => get<Coverage>("/rules/coverage", { since }, signal),
    staleTime: 5 * 60_000,
  });

export const ownRulesQuery = queryOptions({
  queryKey: ["rules", "own"],
  queryFn: ({ signal }) => get<{ items: OwnRule[]; editable: boolean }>("/rules/own", {}, signal),
});

export const historyQuery = (id: string) =>
  queryOptions({
    queryKey: ["rule", id, "history"],
    queryFn: async ({ signal }) => (await get<{ versions: OwnRule[] }>(of(id, "/history"), {}, signal)).versions,
  });

export const lintQuery = (text: string) =>
  queryOptions({
    queryKey: ["lint", text],
    queryFn: () => post<Lint>("/rules/lint", { text }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    retry: false,
  });

export const testRule = (text: string, since: string) => post<RuleTest>("/rules/test", { text, since });
export const saveRule = (text: string, why: string, enabled: boolean, version: number) =>
  post<OwnRule>("/rules/own", { text, why, enabled, version });
export const switchRule = (id: string, enabled: boolean, why: string, version: number) =>
  post<OwnRule>(of(id, "/switch"), { enabled, why, version });

export const exceptionsQuery = (all: boolean) =>
  queryOptions({
    queryKey: ["exceptions", all],
    queryFn: async ({ signal }) => (await get<{ items: Exception[] }>("/exceptions", { all }, signal)).items,
    refetchInterval: 30_000,
  });

export const previewException = (holding: Holding, since: string) => post<Preview>("/exceptions/preview", { ...holding, since });
export const createException = (holding: Holding, more: { kind: ExceptionKind; owner: string | null; reason: string; until: string }) =>
  post<Exception>("/exceptions", { ...holding, ...more });
export const changeException = (id: string, version: number, change: { until?: string; reason?: string; owner?: string }) =>
  post<Exception>(`/exceptions/${encodeURIComponent(id)}`, { version, ...change });
