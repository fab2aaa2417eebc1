/** Reading flat ECS events: values as text, the fields that say most first. Pure. */
import type { EcsEvent, Scalar } from "../api/types";

export const valuesOf = (event: EcsEvent, field: string): Scalar[] => {
  const value = event[field];
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
};

export const textOf = (event: EcsEvent, field: string): string => valuesOf(event, field).map(String).join(", ");

export const eventId = (event: EcsEvent): string => textOf(event, "event.id");

export const isUnparsed = (event: EcsEvent): boolean => event["event.kind"] === "pipeline_error";

/** Who sent it, in the shortest form that identifies. */
export const senderOf = (event: EcsEvent): string =>
  textOf(event, "host.name") || textOf(event, "observer.name") || textOf(event, "fansipan.peer.ip") || textOf(event, "fansipan.source");

/** The record as received; `base64` when it is not UTF-8. */
export function originalOf(event: EcsEvent): { text: string; base64: boolean } | null {
  const original = textOf(event, "event.original");
  if (original) return { text: original, base64: false };
  const raw = textOf(event, "fansipan.raw");
  return raw ? { text: raw, base64: true } : null;
}

/** One line that tells the event. */
export const summaryOf = (event: EcsEvent): string =>
  textOf(event, "message") || textOf(event, "event.original") || textOf(event, "process.command_line") || textOf(event, "event.action");

/** Shown apart, not in the table of fields. */
const APART = new Set(["event.original", "fansipan.raw"]);
const FIRST = ["@timestamp", "event.", "source.", "destination.", "user.", "host.", "process.", "url.", "http.", "dns.", "file."];
const LAST = ["observer.", "winlog.", "fansipan."];

function weight(field: string): number {
  const first = FIRST.findIndex((p) => field.startsWith(p));
  if (first >= 0) return first;
  const last = LAST.findIndex((p) => field.startsWith(p));
  return last >= 0 ? 100 + last : 50;
}

/** Names of the fields in reading order: what happened, who, to whom; then the vendor's; then ours. */
export const fieldsOf = (event: EcsEvent): string[] =>
  Object.keys(event)
    .filter((f) => !APART.has(f) && f !== "message")
    .sort((a, b) => weight(a) - weight(b) || (a < b ? -1 : 1));
