/** One host, address, account or hash across everything stored: which fields may hold it, and what to ask about it. */
import { queryOptions } from "@tanstack/react-query";
import { condition } from "../query/build";
import { get } from "./client";
import type { Alert, EntityKind, Page } from "./types";

/** Fields in which a thing of each kind may stand. */
const FIELDS: Record<EntityKind, readonly string[]> = {
  address: ["source.ip", "destination.ip", "host.ip"],
  host: ["host.name", "observer.name"],
  user: ["user.name", "user.target.name"],
  hash: ["file.hash.sha256", "process.hash.sha256", "file.hash.md5"],
  domain: ["dns.question.name", "url.domain"],
  file: ["file.path", "file.name"],
  process: ["process.name", "process.executable"],
};

export const isKind = (text: string | undefined): text is EntityKind => text !== undefined && text in FIELDS;

/** The query that finds its events. */
export const entityCondition = (kind: EntityKind, value: string): string =>
  FIELDS[kind].map((field) => condition(field, value)).join(" or ");

export const entityAlertsQuery = (value: string, since: string) =>
  queryOptions({
    queryKey: ["entity-alerts", value, since],
    queryFn: ({ signal }) => get<Page<Alert>>("/alerts", { entity: value, status: "all", since, limit: 50 }, signal),
  });
