/** Instants to text and back in a named zone. Pure: the zone and the language are arguments. */

export interface WallTime {
  year: string;
  month: string;
  day: string;
  hour: string;
  minute: string;
  second: string;
  ms: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string): Intl.DateTimeFormat {
  let found = formats.get(zone);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      fractionalSecondDigits: 3,
      hourCycle: "h23",
    });
    formats.set(zone, found);
  }
  return found;
}

export function wallTime(ms: number, zone: string): WallTime {
  const parts: Record<string, string> = {};
  for (const part of format(zone).formatToParts(ms)) parts[part.type] = part.value;
  return {
    year: parts.year ?? "",
    month: parts.month ?? "",
    day: parts.day ?? "",
    hour: parts.hour ?? "",
    minute: parts.minute ?? "",
    second: parts.second ?? "",
    ms: parts.fractionalSecond ?? "000",
  };
}

/** Minutes east of UTC at that instant. */
export function zoneOffset(ms: number, zone: string): number {
  const w = wallTime(ms, zone);
  const asUtc = Date.UTC(+w.year, +w.month - 1, +w.day, +w.hour, +w.minute, +w.second, +w.ms);
  return Math.round((asUtc - Math.floor(ms)) / 60_000);
}

/** `+07:00` */
export function offsetText(ms: number, zone: string): string {
  const minutes = zoneOffset(ms, zone);
  const size = Math.abs(minutes);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** The instant at which a clock in `zone` shows `2026-11-23 22:14:05`; in a gap of the clock, the instant just after it. */
export function instantOf(text: string, zone: string): number | null {
  const m = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?/.exec(text);
  if (!m) return null;
  const guess = Date.UTC(+(m[1] ?? 0), +(m[2] ?? 1) - 1, +(m[3] ?? 1), +(m[4] ?? 0), +(m[5] ?? 0), +(m[6] ?? 0));
  const first = guess - zoneOffset(guess, zone) * 60_000;
  return guess - zoneOffset(first, zone) * 60_000;
}

export type TimeStyle = "full" | "seconds" | "minutes" | "clock" | "clock_ms" | "day" | "input";

/** An instant in `zone`; unambiguous numbers, the same in both languages. */
export function timeText(ms: number, zone: string, style: TimeStyle): string {
  if (!Number.isFinite(ms)) return "";
  const w = wallTime(ms, zone);
  const date = `${w.year}-${w.month}-${w.day}`;
  const clock = `${w.hour}:${w.minute}:${w.second}`;
  switch (style) {
    case "full":
      return `${date} ${clock}.${w.ms} ${offsetText(ms, zone)}`;
    case "seconds":
      return `${date} ${clock}`;
    case "minutes":
      return `${w.day}/${w.month} ${w.hour}:${w.minute}`;
    case "clock":
      return clock;
    case "clock_ms":
      return `${clock}.${w.ms}`;
    case "day":
      return `${w.day}/${w.month}`;
    case "input":
      return `${date} ${clock}`;
  }
}

/** RFC 3339 text to milliseconds; NaN when it is not a time. */
export const instant = (text: string | null | undefined): number => (text ? Date.parse(text) : Number.NaN);

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `15m`, `24h`, `7d` to milliseconds. */
export function durationMs(text: string): number | null {
  const m = /^(\d{1,5})([smhd])$/.exec(text);
  return m ? Number(m[1]) * (UNITS[m[2] ?? ""] ?? 0) : null;
}
