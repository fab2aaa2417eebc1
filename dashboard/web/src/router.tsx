/** Paths and what they show. Filters live in the URL: every search parameter is read here and nothing else is believed. */
import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { sessionQuery } from "./api/queries";
import { LEVELS, type Level } from "./api/types";
import { deviceQuery } from "./api/wall";
import { Crash } from "./components/Crash";
import { NotFound } from "./shell/NotFound";
import { Shell } from "./shell/Shell";

interface Context {
  client: QueryClient;
}

type Raw = Record<string, unknown>;

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : undefined;
/** From the URL it is `a,b`; from a link within the console already a list. */
const list = (value: unknown): string[] | undefined => {
  const words = Array.isArray(value) ? value.filter((w) => typeof w === "string") : text(value)?.split(",").filter(Boolean);
  return words?.length ? words : undefined;
};

const on = (value: unknown): boolean => value === true || value === "true";

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  errorComponent: Crash,
  notFoundComponent: NotFound,
});

/** A path of this console, never another site's. */
const localPath = (value: unknown): string | undefined => {
  const path = text(value);
  return path?.startsWith("/") && !path.startsWith("//") && !path.includes("\\") ? path : undefined;
};

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (raw: Raw): { next?: string; expired?: boolean; change?: boolean } => {
    const next = localPath(raw.next);
    return { ...(next ? { next } : {}), ...(on(raw.expired) ? { expired: true } : {}), ...(on(raw.change) ? { change: true } : {}) };
  },
  component: lazyRouteComponent(() => import("./pages/login/LoginPage"), "LoginPage"),
});

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  beforeLoad: async ({ context, location }) => {
    const user = await context.client.ensureQueryData(sessionQuery);
    if (!user || user.must_change_password || user.must_set_up_second_factor)
      throw redirect({ to: "/login", search: location.href === "/" ? {} : { next: location.href } });
    return { user };
  },
});

const overview = createRoute({
  getParentRoute: () => inside,
  path: "/",
  validateSearch: (raw: Raw): { since?: string } => (text(raw.since) ? { since: text(raw.since) as string } : {}),
  component: lazyRouteComponent(() => import("./pages/overview/OverviewPage"), "OverviewPage"),
});

export interface AlertSearch {
  status?: string;
  level?: Level[];
  rule?: string;
  q?: string;
  since?: string;
  order?: "newest";
  id?: string;
}

const alerts = createRoute({
  getParentRoute: () => inside,
  path: "/alerts",
  validateSearch: (raw: Raw): AlertSearch => {
    const out: AlertSearch = {};
    for (const key of ["status", "rule", "q", "since", "id"] as const) {
      const value = text(raw[key]);
      if (value) out[key] = value;
    }
    const levels = list(raw.level)?.filter((l): l is Level => (LEVELS as readonly string[]).includes(l));
    if (levels?.length) out.level = levels;
    if (raw.order === "newest") out.order = "newest";
    return out;
  },
  component: lazyRouteComponent(() => import("./pages/alerts/AlertsPage"), "AlertsPage"),
});

export interface EventSearch {
  q?: string;
  since?: string;
  from?: string;
  to?: string;
  cols?: string[];
  id?: string;
}

const search = createRoute({
  getParentRoute: () => inside,
  path: "/search",
  validateSearch: (raw: Raw): EventSearch => {
    const out: EventSearch = {};
    for (const key of ["q", "since", "from", "to", "id"] as const) {
      const value = text(raw[key]);
      if (value) out[key] = value;
    }
    const cols = list(raw.cols);
    if (cols) out.cols = cols;
    return out;
  },
  component: lazyRouteComponent(() => import("./pages/search/SearchPage"), "SearchPage"),
});

const incidents = createRoute({
  getParentRoute: () => inside,
  path: "/incidents",
  validateSearch: (raw: Raw): { status?: string; id?: string } => {
    const id = text(raw.id);
    const status = text(raw.status);
    return { ...(status ? { status } : {}), ...(id ? { id } : {}) };
  },
  component: lazyRouteComponent(() => import("./pages/incidents/IncidentsPage"), "IncidentsPage"),
});

const incident = createRoute({
  getParentRoute: () => inside,
  path: "/incidents/$id",
  component: lazyRouteComponent(() => import("./pages/incidents/IncidentPage"), "IncidentPage"),
});

const entity = createRoute({
  getParentRoute: () => inside,
  path: "/entity",
  validateSearch: (raw: Raw): { kind?: string; value?: string; since?: string } => {
    const out: { kind?: string; value?: string; since?: string } = {};
    for (const key of ["kind", "value", "since"] as const) {
      const found = text(raw[key]);
      if (found) out[key] = found;
    }
    return out;
  },
  component: lazyRouteComponent(() => import("./pages/entity/EntityPage"), "EntityPage"),
});

const sources = createRoute({
  getParentRoute: () => inside,
  path: "/sources",
  validateSearch: (raw: Raw): { id?: string; state?: string } => {
    const id = text(raw.id);
    const state = text(raw.state);
    return { ...(id ? { id } : {}), ...(state ? { state } : {}) };
  },
  component: lazyRouteComponent(() => import("./pages/sources/SourcesPage"), "SourcesPage"),
});

const actions = createRoute({
  getParentRoute: () => inside,
  path: "/actions",
  validateSearch: (raw: Raw): { id?: string; state?: string } => {
    const id = text(raw.id);
    const state = text(raw.state);
    return { ...(id ? { id } : {}), ...(state ? { state } : {}) };
  },
  component: lazyRouteComponent(() => import("./pages/actions/ActionsPage"), "ActionsPage"),
});

const playbooks = createRoute({
  getParentRoute: () => inside,
  path: "/playbooks",
  validateSearch: (raw: Raw): { id?: string; incident?: string } => {
    const id = text(raw.id);
    const incident = text(raw.incident);
    return { ...(id ? { id } : {}), ...(incident ? { incident } : {}) };
  },
  component: lazyRouteComponent(() => import("./pages/playbooks/PlaybooksPage"), "PlaybooksPage"),
});

/** `rule` and `q` begin an exception. */
export type RuleSearch = Partial<Record<"id" | "view" | "rule" | "q", string>>;

const rules = createRoute({
  getParentRoute: () => inside,
  path: "/rules",
  validateSearch: (raw: Raw): RuleSearch => {
    const out: RuleSearch = {};
    for (const key of ["id", "view", "rule", "q"] as const) {
      const value = text(raw[key]);
      if (value) out[key] = value;
    }
    return out;
  },
  component: lazyRouteComponent(() => import("./pages/rules/RulesPage"), "RulesPage"),
});

const ruleEdit = createRoute({
  getParentRoute: () => inside,
  path: "/rules/edit",
  validateSearch: (raw: Raw): { id?: string } => (text(raw.id) ? { id: text(raw.id) as string } : {}),
  component: lazyRouteComponent(() => import("./pages/rules/RuleEditor"), "RuleEditor"),
});

const handover = createRoute({
  getParentRoute: () => inside,
  path: "/handover",
  component: lazyRouteComponent(() => import("./pages/handover/HandoverPage"), "HandoverPage"),
});

const account = createRoute({
  getParentRoute: () => inside,
  path: "/account",
  component: lazyRouteComponent(() => import("./pages/account/AccountPage"), "AccountPage"),
});

const status = createRoute({
  getParentRoute: () => inside,
  path: "/status",
  component: lazyRouteComponent(() => import("./pages/status/StatusPage"), "StatusPage"),
});

const admin = createRoute({
  getParentRoute: () => inside,
  path: "/admin",
  validateSearch: (raw: Raw): { part?: string } => (text(raw.part) ? { part: text(raw.part) as string } : {}),
  component: lazyRouteComponent(() => import("./pages/admin/AdminPage"), "AdminPage"),
});

/** Kept as written: the page reads them, and an unknown word falls back there. */
export type WallSearch = Partial<Record<"grid" | "screen" | "scenes" | "dwell" | "hold" | "bezel", string>>;

const wall = createRoute({
  getParentRoute: () => root,
  path: "/wall",
  validateSearch: (raw: Raw): WallSearch => {
    const out: WallSearch = {};
    for (const key of ["grid", "screen", "scenes", "dwell", "hold", "bezel"] as const) {
      const value = text(raw[key]);
      if (value) out[key] = value;
    }
    return out;
  },
  // A screen's own credential first: it keeps nobody logged in.
  beforeLoad: async ({ context }) => {
    if (await context.client.ensureQueryData(deviceQuery)) return { known: true };
    const user = await context.client.ensureQueryData(sessionQuery);
    return { known: user !== null && !user.must_change_password };
  },
  component: lazyRouteComponent(() => import("./pages/wall/WallPage"), "WallPage"),
});

const tree = root.addChildren([
  login,
  wall,
  inside.addChildren([
    overview,
    alerts,
    incidents,
    incident,
    entity,
    search,
    actions,
    playbooks,
    sources,
    rules,
    ruleEdit,
    handover,
    account,
    status,
    admin,
  ]),
]);

/** Lists travel as `a,b`, so that a shared link stays readable. */
function stringify(search: Raw): string {
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (value === undefined || value === null || value === "") continue;
    out.set(key, Array.isArray(value) ? value.join(",") : String(value));
  }
  const joined = out.toString();
  return joined ? `?${joined}` : "";
}

/** Values stay text, whatever they look like: `1.10` in a query is not a number. */
function parseSearch(found: string): Raw {
  return Object.fromEntries([...new URLSearchParams(found)]);
}

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { client },
    stringifySearch: stringify,
    parseSearch,
    defaultPreload: "intent",
    defaultErrorComponent: Crash,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: false,
  });
}

export type ConsoleRouter = ReturnType<typeof makeRouter>;

/** The code of the page at this address, asked for at once; the router by itself would wait for the session first. */
export async function fetchPage(router: ConsoleRouter): Promise<void> {
  const parts = router.matchRoutes(router.latestLocation).map(({ routeId }) => {
    const { component } = router.routesById[routeId as keyof ConsoleRouter["routesById"]].options;
    return component && "preload" in component ? component.preload?.() : undefined;
  });
  await Promise.allSettled(parts); // what cannot be had is told where the page would be
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ConsoleRouter;
  }
}
