/** The alert queue on the client: its pages, and how a streamed alert finds its place among those already shown. Pure but for the fetches. */
import { type InfiniteData, infiniteQueryOptions, keepPreviousData, type QueryClient } from "@tanstack/react-query";
import { durationMs, instant } from "../time/zone";
import { get, post } from "./client";
import { type Alert, type AlertDetail, type AlertStatus, LEVELS, type Level, type Page } from "./types";

export interface AlertFilter {
  /** `open`, `all`, or one status. */
  status: string;
  /** Empty: every level. */
  levels: Level[];
  rule?: string;
  q?: string;
  /** `24h`; absent: any time. */
  since?: string;
  /** `priority`: as the queue gives alerts out, highest first, then oldest; open ones only. `newest`: latest raised first. */
  order: "priority" | "newest";
}

/** Whether alerts of this status have a place in the queue: decided ones have none. */
export const isQueued = (status: string): boolean => ["open", "new", "acknowledged"].includes(status);

/** The filter that the words of the URL stand for. */
export function alertFilter(search: {
  status?: string | undefined;
  level?: string | readonly string[] | undefined;
  rule?: string | undefined;
  q?: string | undefined;
  since?: string | undefined;
  order?: string | undefined;
}): AlertFilter {
  const { status = "open", level = [], rule, q, since, order } = search;
  const words: readonly string[] = typeof level === "string" ? level.split(",") : level;
  return {
    status,
    levels: words.filter((l): l is Level => (LEVELS as readonly string[]).includes(l)),
    order: isQueued(status) && order !== "newest" ? "priority" : "newest",
    ...(rule ? { rule } : {}),
    ...(q ? { q } : {}),
    ...(since ? { since } : {}),
  };
}

type Pages = InfiniteData<Page<Alert>, string | null>;

const PAGE = 100;

const fetchPage = ({ status, levels, rule, q, since, order }: AlertFilter, after: string | null, signal: AbortSignal) => {
  const level = levels.length ? levels.join(",") : undefined;
  const sort = order === "priority" ? order : undefined;
  return get<Page<Alert>>("/alerts", { status, level, rule, q, since, sort, limit: PAGE, after }, signal);
};

export const alertsQuery = (filter: AlertFilter) =>
  infiniteQueryOptions({
    queryKey: ["alerts", filter],
    queryFn: ({ pageParam, signal }) => fetchPage(filter, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    staleTime: 15_000,
  });

/** What alerts of a level begin with as their priority; verdicts on the rule and other alerts about the same things shift it. */
const USUAL: Record<Level, number> = { critical: 1000, high: 700, medium: 400, low: 200, informational: 50 };

const priority = (alert: Alert): number => alert.priority ?? USUAL[alert.rule.level];

/** The order of the queue. */
export function precedes(a: Alert, b: Alert, order: AlertFilter["order"]): boolean {
  const [ap, bp] = [priority(a), priority(b)];
  if (order === "priority" && ap !== bp) return ap > bp;
  const [at, bt] = [instant(a.raised), instant(b.raised)];
  if (order === "priority") return at === bt ? a.id < b.id : at < bt;
  return at === bt ? a.id > b.id : at > bt;
}

/** Whether the filter lets the alert through, judged here; the server has the last word on the next fetch. */
export function matches(alert: Alert, filter: AlertFilter, now: number): boolean {
  if (filter.status === "open" ? !isQueued(alert.status) : filter.status !== "all" && alert.status !== filter.status) return false;
  if (filter.levels.length && !filter.levels.includes(alert.rule.level)) return false;
  if (filter.rule && alert.rule.id !== filter.rule) return false;
  const window = filter.since ? durationMs(filter.since) : null;
  if (window !== null && instant(alert.last_seen) < now - window) return false;
  if (!filter.q) return true;
  const text = [alert.rule.title, alert.rule.title_vi, alert.rule.id, alert.summary, ...alert.entities.map((e) => e.value)].join("\n");
  return text.toLowerCase().includes(filter.q.toLowerCase());
}

/** The pages with this version of the alert in its place. `stay`: a judged alert keeps its row until the next fetch. */
export function placeIn(pages: Pages, alert: Alert, filter: AlertFilter, now: number, stay = false): Pages {
  const shown = pages.pages.flatMap((p) => p.items).find((a) => a.id === alert.id);
  if (shown && shown.version > alert.version) return pages;
  const held = shown !== undefined;
  const fits = matches(alert, filter, now);
  if (held && (fits || stay)) {
    // Its place does not change.
    const told = { ...alert, ...(shown.priority === undefined ? {} : { priority: shown.priority }) };
    return { ...pages, pages: pages.pages.map((p) => ({ ...p, items: p.items.map((a) => (a.id === alert.id ? told : a)) })) };
  }
  if (!held && !fits) return pages;
  const change = fits ? 1 : -1;
  let placed = !fits;
  const last = pages.pages.length - 1;
  const next = pages.pages.map((page, i) => {
    const items = page.items.filter((a) => a.id !== alert.id);
    if (!placed) {
      const at = items.findIndex((a) => precedes(alert, a, filter.order));
      // Beyond the last row shown, it belongs to a page not fetched yet.
      if (at >= 0) items.splice(at, 0, alert);
      else if (i === last && page.next === null) items.push(alert);
      placed = at >= 0;
    }
    return { ...page, items, total: page.total + change };
  });
  return { ...pages, pages: next };
}

/** Puts a new version of an alert wherever it is shown. Older versions than the one shown are ignored. */
export function spread(client: QueryClient, alert: Alert, now: number, stay = false): void {
  const detail = client.getQueryData<AlertDetail>(["alert", alert.id]);
  if (detail && detail.version > alert.version) return;
  if (detail) {
    const grown = detail.count !== alert.count;
    const reason = alert.reason ?? (alert.status === detail.status ? detail.reason : null) ?? null;
    client.setQueryData<AlertDetail>(["alert", alert.id], { ...detail, ...alert, reason, events: detail.events });
    if (grown) void client.invalidateQueries({ queryKey: ["alert", alert.id] });
  }
  for (const query of client.getQueryCache().findAll({ queryKey: ["alerts"] })) {
    const filter = query.queryKey[1] as AlertFilter;
    client.setQueryData<Pages>(query.queryKey, (pages) => pages && placeIn(pages, alert, filter, now, stay));
  }
}

export const setStatus = (alert: Alert, status: AlertStatus, reason: string | null) =>
  post<Alert | null>(`/alerts/${encodeURIComponent(alert.id)}/status`, { status, reason, version: alert.version });

export const setAssignee = (alert: Alert, assignee: string | null) =>
  post<Alert | null>(`/alerts/${encodeURIComponent(alert.id)}/assign`, { assignee, version: alert.version });
