/** The time range of a search as it stands in the URL. Relative ranges move with the clock, fixed ones do not. Pure. */
import type { Range } from "../../api/queries";
import type { EventSearch } from "../../router";
import { durationMs, instant } from "../../time/zone";

export const PRESETS = ["15m", "1h", "4h", "24h", "7d", "30d"] as const;
export type Preset = (typeof PRESETS)[number];
export const DEFAULT_SINCE: Preset = "24h";

export const isPreset = (text: string): text is Preset => (PRESETS as readonly string[]).includes(text);

/** What the API is asked with; nonsense in the URL falls back to the default. */
export function rangeOf({ since, from, to }: Pick<EventSearch, "since" | "from" | "to">): Range {
  const a = instant(from);
  const b = instant(to);
  if (!Number.isNaN(a) && (Number.isNaN(b) ? !to : b > a)) {
    return { from: new Date(a).toISOString(), ...(Number.isNaN(b) ? {} : { to: new Date(b).toISOString() }) };
  }
  return { since: since && durationMs(since) ? since : DEFAULT_SINCE };
}

/** Its ends in milliseconds at `now`. */
export function boundsOf(range: Range, now: number): { from: number; to: number } {
  if (range.from) return { from: instant(range.from), to: range.to ? instant(range.to) : now };
  return { from: now - (durationMs(range.since ?? DEFAULT_SINCE) ?? 0), to: now };
}

/** The range fixed in place, for a link that must show the same tomorrow. */
export function fixed(range: Range, now: number): { from: string; to: string } {
  const { from, to } = boundsOf(range, now);
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

/** Three times as long around the same middle, never beyond `now`. */
export function widened(range: Range, now: number): { from: string; to: string } {
  const { from, to } = boundsOf(range, now);
  const span = to - from;
  return { from: new Date(from - span).toISOString(), to: new Date(Math.min(now, to + span)).toISOString() };
}
