/** What a result table can be drawn as. Pure. */
import type { EventTable, Scalar } from "../../api/types";
import { instant } from "../../time/zone";

export const isTimeColumn = (name: string): boolean => name === "_time" || name === "@timestamp";

/** Columns that hold numbers in every row that has a value. */
export function measures(table: EventTable): number[] {
  return table.columns.flatMap((name, i) => {
    const values = table.rows.map((r) => r[i]).filter((v) => v !== null);
    return !isTimeColumn(name) && values.length > 0 && values.every((v) => typeof v === "number") ? [i] : [];
  });
}

export function chartable(table: EventTable): boolean {
  return table.rows.length > 1 && table.columns.length > 1 && measures(table).length > 0 && measures(table).length < table.columns.length;
}

export interface Shape {
  kind: "time" | "bars";
  /** Milliseconds for `time`, labels for `bars`. */
  axis: (number | string)[];
  series: { name: string; values: (number | null)[] }[];
}

/** More lines than this tell nothing; the smaller ones are left to the table. */
const SERIES = 8;
const BARS = 25;

const total = (values: (number | null)[]): number => values.reduce<number>((sum, v) => sum + (v ?? 0), 0);
const number = (value: Scalar | undefined): number | null => (typeof value === "number" ? value : null);
const word = (value: Scalar | undefined): string => (value === null || value === undefined ? "–" : String(value));

/** Instants without rows are instants without events: the axis shows them, or a gap would look like none. */
function filled(times: number[]): number[] {
  const sorted = [...new Set(times)].sort((a, b) => a - b);
  const first = sorted[0] ?? 0;
  const last = sorted.at(-1) ?? 0;
  const step = Math.min(...sorted.slice(1).map((t, i) => t - (sorted[i] ?? 0)));
  // Months of unequal length, or a span too fine for its range: left as they are.
  if (!Number.isFinite(step) || (last - first) / step > 1000 || sorted.some((t) => (t - first) % step !== 0)) return sorted;
  return Array.from({ length: Math.round((last - first) / step) + 1 }, (_, i) => first + i * step);
}

function overTime(table: EventTable, time: number, values: number[]): Shape {
  const split = table.columns.findIndex((_, i) => i !== time && !values.includes(i));
  const axis = filled(table.rows.map((r) => instant(String(r[time]))));
  const place = new Map(axis.map((t, i) => [t, i]));
  const series = new Map<string, (number | null)[]>();
  for (const row of table.rows) {
    for (const value of values) {
      const name =
        split < 0 ? (table.columns[value] ?? "") : values.length > 1 ? `${word(row[split])} · ${table.columns[value]}` : word(row[split]);
      const list = series.get(name) ?? Array<number | null>(axis.length).fill(null);
      series.set(name, list);
      const at = place.get(instant(String(row[time])));
      if (at !== undefined) list[at] = number(row[value]);
    }
  }
  const ordered = [...series].map(([name, list]) => ({ name, values: list })).sort((a, b) => total(b.values) - total(a.values));
  return { kind: "time", axis, series: ordered.slice(0, SERIES) };
}

export function shapeOf(table: EventTable): Shape {
  const values = measures(table);
  const time = table.columns.findIndex(isTimeColumn);
  if (time >= 0) return overTime(table, time, values);
  const labels = table.columns.flatMap((_, i) => (values.includes(i) ? [] : [i]));
  const rows = table.rows.slice(0, BARS);
  return {
    kind: "bars",
    axis: rows.map((r) => labels.map((i) => word(r[i])).join(" · ")),
    series: values.slice(0, SERIES).map((i) => ({ name: table.columns[i] ?? "", values: rows.map((r) => number(r[i])) })),
  };
}
