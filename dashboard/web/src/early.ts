/**
 * What the first page is about to ask for, asked while the browser still reads the page's code: the session, the words, the page's own
 * code and its first numbers start side by side instead of one after the other. The pages ask again under the same keys and find the
 * answers there or under way; whoever is not signed in is refused here as there, and nothing comes of it.
 */
import type { QueryClient } from "@tanstack/react-query";
import { alertFilter, alertsQuery } from "./api/alerts";
import { entityAlertsQuery, entityCondition, isKind } from "./api/entity";
import { handoverQuery } from "./api/handover";
import { incidentQuery, incidentsQuery } from "./api/incidents";
import { eventsQuery, histogramQuery, overviewQuery, rulesQuery, sessionQuery, sourcesQuery, statusQuery } from "./api/queries";
import { actionsQuery } from "./api/response";
import { coverageQuery } from "./api/rules";
import { deviceQuery, wallQuery } from "./api/wall";
import { workspaceQuery } from "./api/workspace";
import { ENTITY_BARS, ENTITY_SINCE } from "./pages/entity/window";
import { rangeOf } from "./pages/search/range";
import type { ConsoleRouter } from "./router";

type Found = Record<string, string | undefined>;

/** First numbers of each page, by its path. */
const FIRST: Record<string, (client: QueryClient, search: Found) => void> = {
  "/": (client, { since = "24h" }) => void client.prefetchQuery(overviewQuery(since)),
  "/alerts": (client, search) => void client.prefetchInfiniteQuery(alertsQuery(alertFilter(search))),
  "/incidents": (client, { status = "open" }) => void client.prefetchQuery(incidentsQuery(status)),
  "/search": (client, { q = "", since, from, to }) => {
    const range = rangeOf({ ...(since ? { since } : {}), ...(from ? { from } : {}), ...(to ? { to } : {}) });
    void client.prefetchInfiniteQuery(eventsQuery(q, range));
  },
  "/entity": (client, { kind, value, since = ENTITY_SINCE }) => {
    if (!isKind(kind) || !value) return;
    void client.prefetchQuery(entityAlertsQuery(value, since));
    void client.prefetchQuery(histogramQuery(entityCondition(kind, value), { since }, ENTITY_BARS));
  },
  "/actions": (client) => void client.prefetchQuery(actionsQuery),
  "/sources": (client) => void client.prefetchQuery(sourcesQuery),
  "/rules": (client, { view }) => {
    if (view === "coverage") void client.prefetchQuery(coverageQuery("7d"));
    else void client.prefetchQuery(rulesQuery);
  },
  "/handover": (client) => void client.prefetchQuery(handoverQuery("")),
  "/status": (client) => void client.prefetchQuery(statusQuery),
  "/wall": (client) => {
    void client.prefetchQuery(deviceQuery);
    void client.prefetchQuery(wallQuery);
    void client.prefetchQuery(overviewQuery("24h"));
  },
};

/** Starts all that the page at this address waits for. */
export function beginEarly(router: ConsoleRouter, client: QueryClient): void {
  const { pathname, search } = window.location;
  if (pathname !== "/wall") void client.prefetchQuery(sessionQuery);
  for (const match of router.matchRoutes(router.latestLocation)) {
    const { component } = router.routesById[match.routeId as keyof ConsoleRouter["routesById"]].options;
    if (component && "preload" in component) void component.preload?.();
  }
  if (pathname === "/login") return;
  const incident = /^\/incidents\/(\w+)$/.exec(pathname)?.[1];
  if (incident) {
    void client.prefetchQuery(incidentQuery(incident));
    void client.prefetchQuery(workspaceQuery(incident));
  } else FIRST[pathname]?.(client, Object.fromEntries(new URLSearchParams(search)));
}
