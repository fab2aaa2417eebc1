/**
 * What the first page is about to ask for, asked while the browser still reads the page's code: a file of its own that runs before
 * styles and frame are there. Session, words, the page's own code and its first numbers so start side by side. The pages ask again under
 * the same keys and find the answers there or under way; whoever is not signed in is refused here as there, and nothing comes of it.
 */
import "./look";
import { QueryClient } from "@tanstack/react-query";
import { ownSessionsQuery, ownTokensQuery } from "./api/account";
import { alertFilter, alertsQuery } from "./api/alerts";
import { ApiError } from "./api/client";
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

/** Words depend on nothing; whether they came is the frame's business, which asks for the same file. */
const words = document.documentElement.lang === "en" ? import("./i18n/en") : import("./i18n/vi");
words.catch(() => undefined);

/** Fonts every page needs, by letters of each of their files: the first lines are then set in them at once, and not twice. */
for (const weight of [400, 500, 600, 700]) void document.fonts.load(`${weight} 13px "Be Vietnam Pro"`, weight < 700 ? "aạ" : "a");
void document.fonts.load('400 13px "JetBrains Mono"', "a");

type Found = Record<string, string | undefined>;

/** First numbers of each page, by its path. */
const FIRST: Record<string, (search: Found) => void> = {
  "/": ({ since = "24h" }) => void client.prefetchQuery(overviewQuery(since)),
  "/alerts": (search) => void client.prefetchInfiniteQuery(alertsQuery(alertFilter(search))),
  "/incidents": ({ status = "open" }) => void client.prefetchQuery(incidentsQuery(status)),
  "/search": ({ q = "", since, from, to }) => {
    const range = rangeOf({ ...(since ? { since } : {}), ...(from ? { from } : {}), ...(to ? { to } : {}) });
    void client.prefetchInfiniteQuery(eventsQuery(q, range));
  },
  "/entity": ({ kind, value, since = ENTITY_SINCE }) => {
    if (!isKind(kind) || !value) return;
    void client.prefetchQuery(entityAlertsQuery(value, since));
    void client.prefetchQuery(histogramQuery(entityCondition(kind, value), { since }, ENTITY_BARS));
  },
  "/actions": () => void client.prefetchQuery(actionsQuery),
  "/sources": () => void client.prefetchQuery(sourcesQuery),
  "/rules": ({ view }) => {
    if (view === "coverage") void client.prefetchQuery(coverageQuery("7d"));
    else void client.prefetchQuery(rulesQuery);
  },
  "/handover": () => void client.prefetchQuery(handoverQuery("")),
  "/account": () => {
    void client.prefetchQuery(ownSessionsQuery);
    void client.prefetchQuery(ownTokensQuery);
  },
  "/status": () => void client.prefetchQuery(statusQuery),
  "/wall": () => {
    void client.prefetchQuery(wallQuery);
    void client.prefetchQuery(overviewQuery("24h"));
  },
};

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      // A refusal stays a refusal; only a server that did not answer is asked again.
      retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

const { pathname, search } = window.location;

/** Known once the server has said who asks: a person, or a screen of the wall. */
const caller = pathname === "/wall" ? client.prefetchQuery(deviceQuery) : client.prefetchQuery(sessionQuery);

const incident = /^\/incidents\/(\w+)$/.exec(pathname)?.[1];
if (incident) {
  void client.prefetchQuery(incidentQuery(incident));
  void client.prefetchQuery(workspaceQuery(incident));
} else FIRST[pathname]?.(Object.fromEntries(new URLSearchParams(search)));

export { caller, client };
