/** What the pages ask of the server, as TanStack Query options: one place for keys, paths and freshness. The alert queue is in alerts.ts. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { madeAt } from "../time/clock";
import { ApiError, get } from "./client";
import type {
  AlertDetail,
  Bucket,
  EcsEvent,
  EventPage,
  EventTable,
  Facet,
  Overview,
  QueryCheck,
  RuleList,
  RuleRow,
  SourceList,
  SystemStatus,
  User,
} from "./types";

/** The signed-in user, or `null` when nobody is. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }): Promise<User | null> => {
    try {
      return (await get<{ user: User }>("/session", {}, signal)).user;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
  retry: 1,
});

/** When to ask again: as `usual`, milliseconds; soon where the server gave an older answer at once and is making a new one. */
export const soon = (usual: number) => (query: { state: { data: Overview | undefined } }) =>
  Date.now() - madeAt(query.state.data) > 3_000 ? 1_000 : usual;

/** What a page that has nothing yet takes for its first picture, seconds past its time at most: it says how old, and the present follows. */
const FIRST = { max_stale: "30" };

export const overviewQuery = (since: string) =>
  queryOptions({
    queryKey: ["overview", since],
    queryFn: ({ signal, client, queryKey }) =>
      get<Overview>("/overview", { since, ...(client.getQueryData(queryKey) ? {} : FIRST) }, signal),
    placeholderData: keepPreviousData,
  });

export const alertQuery = (id: string) =>
  queryOptions({
    queryKey: ["alert", id],
    queryFn: ({ signal }): Promise<AlertDetail> => get<AlertDetail>(`/alerts/${encodeURIComponent(id)}`, {}, signal),
    // an alert is there before its events are searchable: ask again until they are
    refetchInterval: (query) => (query.state.data?.events.length === 0 ? 500 : false),
    staleTime: 10_000,
  });

/** A time range as the API takes it: `since`, or `from` and `to`. */
export interface Range {
  since?: string;
  from?: string;
  to?: string;
}

export const EVENT_PAGE = 200;

export const isTable = (page: EventPage | EventTable): page is EventTable => "columns" in page;

export const eventsQuery = (q: string, range: Range) =>
  infiniteQueryOptions({
    queryKey: ["events", q, range],
    queryFn: ({ pageParam, signal }) =>
      get<EventPage | EventTable>("/events", { q, ...range, limit: EVENT_PAGE, after: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => (isTable(page) ? null : page.next),
    staleTime: 30_000,
    retry: false,
  });

export const histogramQuery = (q: string, range: Range, buckets: number) =>
  queryOptions({
    queryKey: ["histogram", q, range, buckets],
    queryFn: ({ signal }) => get<{ interval_ms: number; buckets: Bucket[] }>("/events/histogram", { q, ...range, buckets }, signal),
    staleTime: 30_000,
    placeholderData: keepPreviousData,
    retry: false,
  });

export const facetsQuery = (q: string, range: Range, fields: string[]) =>
  queryOptions({
    queryKey: ["facets", q, range, fields],
    queryFn: ({ signal }) => get<{ facets: Facet[] }>("/events/facets", { q, ...range, fields: fields.join(",") }, signal),
    staleTime: 30_000,
    placeholderData: keepPreviousData,
    retry: false,
  });

export const eventQuery = (id: string) =>
  queryOptions({
    queryKey: ["event", id],
    queryFn: ({ signal }) => get<EcsEvent>(`/events/${encodeURIComponent(id)}`, {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const validateQuery = (q: string) =>
  queryOptions({
    queryKey: ["validate", q],
    queryFn: ({ signal }) => get<QueryCheck>("/search/validate", { q }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    retry: false,
  });

export const sourcesQuery = queryOptions({
  queryKey: ["sources"],
  queryFn: ({ signal }) => get<SourceList>("/sources", {}, signal),
  refetchInterval: 5_000,
});

export const rulesQuery = queryOptions({
  queryKey: ["rules"],
  queryFn: ({ signal }) => get<RuleList>("/rules", {}, signal),
  staleTime: 60_000,
});

export const ruleQuery = (id: string) =>
  queryOptions({
    queryKey: ["rule", id],
    queryFn: ({ signal }) => get<RuleRow & { text: string }>(`/rules/${encodeURIComponent(id)}`, {}, signal),
    staleTime: 60_000,
  });

export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: ({ signal }) => get<SystemStatus>("/status", {}, signal),
  refetchInterval: 5_000,
});
