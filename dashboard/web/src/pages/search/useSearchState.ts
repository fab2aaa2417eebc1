/** The search in the URL, what was found, and the ways to change the one or walk the other. The page only draws. */
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { eventQuery, eventsQuery, isTable, type Range } from "../../api/queries";
import type { EcsEvent, Scalar } from "../../api/types";
import { eventId } from "../../components/event";
import { useStable } from "../../components/useStable";
import { condition, narrow, split } from "../../query/build";
import type { EventSearch } from "../../router";
import { serverNow } from "../../time/clock";
import { fixed, rangeOf } from "./range";

/** Whether the query makes a table, guessed before the server answers so that the page does not jump. */
const makesTable = (q: string): boolean => /\|\s*(stats|timechart|fields|sort)\b/i.test(split(q).pipes);

/** Events whose field names are offered as columns and in the query box. */
const SAMPLE = 50;

function useUrl() {
  const search = useSearch({ from: "/inside/search" });
  const navigate = useNavigate({ from: "/search" });
  const { since, from, to } = search;
  const range = useMemo(
    () => rangeOf({ ...(since ? { since } : {}), ...(from ? { from } : {}), ...(to ? { to } : {}) }),
    [since, from, to],
  );
  /** Absent values leave the URL. */
  const change = useStable((part: EventSearch, replace?: boolean) => {
    const merge = (old: EventSearch): EventSearch =>
      Object.fromEntries(Object.entries({ ...old, ...part }).filter(([, v]) => v !== undefined));
    void navigate({ search: merge, replace: replace === true });
  });
  return { q: search.q ?? "", columns: search.cols ?? NONE, id: search.id, range, change };
}

const NONE: string[] = [];

function useFound(q: string, range: Range, id: string | undefined) {
  const query = useInfiniteQuery(eventsQuery(q, range));
  const first = query.data?.pages[0];
  const table = first && isTable(first) ? first : null;
  const items = useMemo(() => query.data?.pages.flatMap((p) => (isTable(p) ? [] : p.items)) ?? [], [query.data]);
  const seen = useMemo(() => [...new Set(items.slice(0, SAMPLE).flatMap((e) => Object.keys(e)))], [items]);
  const listed = items.find((e) => eventId(e) === id);
  // An event named in a link may lie beyond the first page.
  const single = useQuery({ ...eventQuery(id ?? ""), enabled: id !== undefined && listed === undefined && !query.isPending });
  const event: EcsEvent | null = id === undefined ? null : (listed ?? single.data ?? null);
  return {
    query,
    table,
    items,
    seen,
    event,
    eventError: single.error,
    tabular: table !== null || (first === undefined && makesTable(q)),
    failed: query.isError && !first,
  };
}

export function useSearchState() {
  const client = useQueryClient();
  const url = useUrl();
  const { q, columns, id, range, change } = url;
  const found = useFound(q, range, id);

  const setRange = useStable((next: Range) => change({ since: undefined, from: undefined, to: undefined, id: undefined, ...next }));
  const ask = (text: string) => change({ q: text || undefined, id: undefined });
  /** Takes up a search that was kept. */
  const take = (text: string, since: string | null, cols: string[]) =>
    change({
      q: text || undefined,
      since: since ?? undefined,
      from: undefined,
      to: undefined,
      id: undefined,
      cols: cols.length ? cols : undefined,
    });
  const submit = (text: string) => {
    if (text.trim() !== q) ask(text.trim());
    // The same question again means: what is new?
    else for (const key of ["events", "histogram", "facets"]) void client.invalidateQueries({ queryKey: [key] });
  };
  const pivots = {
    onAdd: useStable((field: string, value: Scalar) => change({ q: narrow(q, field, value) })),
    onExclude: useStable((field: string, value: Scalar) => change({ q: narrow(q, field, value, true) })),
    onOnly: useStable((field: string, value: Scalar) => ask(condition(field, value))),
    onColumn: useStable((field: string) => {
      if (!columns.includes(field)) change({ cols: [...columns, field] }, true);
    }),
  };
  const removeColumn = useStable((field: string) => {
    const left = columns.filter((c) => c !== field);
    change({ cols: left.length ? left : undefined }, true);
  });
  const open = useStable((event: EcsEvent) => change({ id: eventId(event) }, id !== undefined));
  const close = () => change({ id: undefined }, true);
  const step = (by: number) => {
    const at = found.items.findIndex((e) => eventId(e) === id);
    const next = at < 0 ? undefined : found.items[at + by];
    if (next) open(next);
  };
  /** A link that shows the same tomorrow. */
  const link = () => {
    const more = { ...(q ? { q } : {}), ...(columns.length ? { cols: columns.join(",") } : {}), ...(id ? { id } : {}) };
    return `${location.origin}/search?${new URLSearchParams({ ...more, ...fixed(range, serverNow()) })}`;
  };
  return { ...url, ...found, setRange, ask, take, submit, pivots, removeColumn, open, close, step, link };
}
