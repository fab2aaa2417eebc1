/**
 * The alert queue on the client: the server pages by time raised, the queue goes by priority, so it is read level by level, worst
 * first. Also how a streamed alert finds its place among the pages already shown. Pure but for the fetches.
 */
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
  /** `priority`: worst level first, then latest raised. `newest`: latest raised first. */
  order: "priority" | "newest";
}

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
    order: order === "newest" ? "newest" : "priority",
    ...(rule ? { rule } : {}),
    ...(q ? { q } : {}),
    ...(since ? { since } : {}),
  };
}

/** Where the next page starts: which level of the queue, and the server's cursor within it. */
interface Place {
  segment: number;
  after: string | null;
}

export interface AlertPage {
  items: Alert[];
  next: Place | null;
  total: number;
  /** Whether the server counted to the end; else there are at least so many. */
  exact: boolean;
}

type Pages = InfiniteData<AlertPage, Place>;

const PAGE = 100;
const START: Place = { segment: 0, after: null };

/** The levels asked for one after another; `null` stands for all that the filter lets through at once. */
export function segments(filter: AlertFilter): (Level[] | null)[] {
  const wanted = filter.levels.length ? LEVELS.filter((l) => filter.levels.includes(l)) : LEVELS;
  if (filter.order === "priority") return wanted.map((l) => [l]);
  return [filter.levels.length ? [...wanted] : null];
}

function ask(filter: AlertFilter, levels: Level[] | null, limit: number, after: string | null, signal?: AbortSignal) {
  const { status, rule, q, since } = filter;
  return get<Page<Alert>>("/alerts", { status, level: levels?.join(","), rule, q, since, limit, after }, signal);
}

async function fetchPage(filter: AlertFilter, start: Place, signal?: AbortSignal): Promise<AlertPage> {
  const list = segments(filter);
  const everything = filter.levels.length ? filter.levels : null;
  // One request for the count of the whole queue, beside the first page.
  const counting = start === START && list.length > 1 ? ask(filter, everything, 1, null, signal) : null;
  // Few alerts are critical: the next level is asked for at the same time.
  const ahead = start === START && list.length > 1 ? ask(filter, list[1] ?? null, PAGE, null, signal) : null;
  for (const early of [counting, ahead]) early?.catch(() => null); // whoever waits for it hears of it
  const items: Alert[] = [];
  let total = 0;
  let exact = true;
  let place: Place | null = start;
  while (place && items.length < PAGE) {
    const asked: Promise<Page<Alert>> | null = place.segment === 1 && !place.after ? ahead : null;
    const page: Page<Alert> = await (asked ?? ask(filter, list[place.segment] ?? null, PAGE, place.after, signal));
    items.push(...page.items);
    total = page.total;
    exact = page.total_exact;
    const { segment }: Place = place;
    if (page.next) place = { segment, after: page.next };
    else place = segment + 1 < list.length ? { segment: segment + 1, after: null } : null;
  }
  const counted = await counting;
  return { items, next: place, total: counted?.total ?? total, exact: counted?.total_exact ?? exact };
}

export const alertsQuery = (filter: AlertFilter) =>
  infiniteQueryOptions({
    queryKey: ["alerts", filter],
    queryFn: ({ pageParam, signal }) => fetchPage(filter, pageParam, signal),
    initialPageParam: START,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    staleTime: 15_000,
  });

const rank = (level: Level): number => LEVELS.indexOf(level);

/** The order of the queue. */
export function precedes(a: Alert, b: Alert, order: AlertFilter["order"]): boolean {
  if (order === "priority" && a.rule.level !== b.rule.level) return rank(a.rule.level) < rank(b.rule.level);
  const at = instant(a.raised);
  const bt = instant(b.raised);
  return at === bt ? a.id > b.id : at > bt;
}

const isOpen = (status: AlertStatus): boolean => status === "new" || status === "acknowledged";

/** Whether the filter lets the alert through, judged here; the server has the last word on the next fetch. */
export function matches(alert: Alert, filter: AlertFilter, now: number): boolean {
  if (filter.status === "open" ? !isOpen(alert.status) : filter.status !== "all" && alert.status !== filter.status) return false;
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
    return { ...pages, pages: pages.pages.map((p) => ({ ...p, items: p.items.map((a) => (a.id === alert.id ? alert : a)) })) };
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
