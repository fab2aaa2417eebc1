/**
 * Live data: the server's event stream while it lasts, polling while it does not. Alerts from the stream go straight into the
 * query cache; ticks are kept here. Never shows an old number as a new one: who reads a tick gets its time of arrival too.
 */
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { serverNow } from "../time/clock";
import { instant } from "../time/zone";
import { spread } from "./alerts";
import { get, url } from "./client";
import type { Alert, Overview, Page, Tick } from "./types";

export type LiveMode = "live" | "polling" | "offline";

export interface LiveState {
  mode: LiveMode;
  tick: Tick | null;
  /** `Date.now()` when the tick came. */
  tickAt: number;
}

const POLL = 5_000;
/** Ticks come every 2 s; after this long without one the stream counts as broken. */
const SILENCE = 9_000;
/** A burst of alerts is put on screen together, well within the second. */
const GATHER = 120;

const listeners = new Set<() => void>();
let state: LiveState = { mode: "polling", tick: null, tickAt: 0 };

function update(change: Partial<LiveState>): void {
  state = { ...state, ...change };
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useLive = (): LiveState => useSyncExternalStore(subscribe, () => state);

function parse<T>(event: MessageEvent<string>): T | null {
  try {
    return JSON.parse(event.data) as T;
  } catch {
    return null; // a broken message is worth less than the stream
  }
}

/**
 * How often a page asks again: hardly ever while the stream tells what changes, every `ms` while it does not. For `refetchInterval`.
 */
export const whileDeaf = (ms: number) => (): number => (state.mode === "live" ? Math.max(ms, 60_000) : ms);

/** How long the stream waits for the page's own answers, and how often it looks, milliseconds. */
const PATIENCE = 500;
const LOOK = 25;

/** What the stream says about an incident. */
interface IncidentNews {
  id: string;
  what: string;
  present?: string[];
}

/** The overview is asked for again at most this often because of alerts. */
const OVERVIEW = 2_000;
/** An alert raised this long before the page opened is still news, milliseconds. */
const NEWS = 5_000;
/** Ids remembered so that a growing alert is announced once. */
const ANNOUNCED = 5_000;
/** Alerts looked back on when the stream could not tell of them. */
const CATCH_UP = 100;

/** Connects until the returned function is called. `onAlerts` hears of alerts that are new on this screen. */
export function startLive(client: QueryClient, onAlerts: (alerts: Alert[]) => void, lists = true): () => void {
  const live = new Live(client, onAlerts, lists);
  live.start();
  return () => live.stop();
}

class Live {
  private source: EventSource | null = null;
  private lastMessage = 0;
  private gathered: Alert[] = [];
  private gathering: ReturnType<typeof setTimeout> | undefined;
  private overviewDue: ReturnType<typeof setTimeout> | undefined;
  private incidentsDue: ReturnType<typeof setTimeout> | undefined;
  private incidents = new Set<string>();
  private polling: ReturnType<typeof setInterval> | undefined;
  private opening: ReturnType<typeof setTimeout> | undefined;
  /** What was raised before this belongs to the queue one came to, not to the news. */
  private readonly since = serverNow() - NEWS;
  private announced = new Set<string>();

  constructor(
    private readonly client: QueryClient,
    private readonly onAlerts: (alerts: Alert[]) => void,
    /** Whether the reader may ask for alerts; a screen of the wall may not. */
    private readonly lists: boolean,
  ) {}

  start(): void {
    this.begin(0);
    this.polling = setInterval(() => void this.poll(), POLL);
  }

  stop(): void {
    clearTimeout(this.opening);
    clearInterval(this.polling);
    clearTimeout(this.gathering);
    clearTimeout(this.overviewDue);
    clearTimeout(this.incidentsDue);
    this.source?.close();
    state = { mode: "polling", tick: null, tickAt: 0 };
  }

  /** Opens the stream when the page has what it asked for: news must not hold the first picture up. */
  private begin(waited: number): void {
    if (waited < PATIENCE && this.client.isFetching() > 0) this.opening = setTimeout(() => this.begin(waited + LOOK), LOOK);
    else this.connect();
  }

  private take(alerts: Alert[]): void {
    const now = serverNow();
    for (const alert of alerts) spread(this.client, alert, now);
    const fresh = alerts.filter((a) => a.status === "new" && instant(a.raised) >= this.since && !this.announced.has(a.id));
    if (this.announced.size > ANNOUNCED) this.announced = new Set();
    for (const { id } of fresh) this.announced.add(id);
    if (fresh.length) this.onAlerts(fresh);
    if (alerts.length) {
      // an alert may have joined the incident that is open
      this.incidentChanged(null);
      this.overviewDue ??= setTimeout(() => {
        this.overviewDue = undefined;
        void this.client.invalidateQueries({ queryKey: ["overview"] });
      }, OVERVIEW);
    }
  }

  /** What the stream did not tell: the latest alerts, without fetching every page shown again. */
  private async catchUp(): Promise<void> {
    if (!this.lists) return;
    const page = await get<Page<Alert>>("/alerts", { status: "all", limit: CATCH_UP });
    this.take(page.items);
  }

  /** Reads an incident again (`null`: whichever is shown) and the lists, once for a burst of news. */
  private incidentChanged(id: string | null): void {
    this.incidents.add(id ?? "");
    this.incidentsDue ??= setTimeout(() => {
      this.incidentsDue = undefined;
      const ids = this.incidents;
      this.incidents = new Set();
      void this.client.invalidateQueries({ queryKey: ["incidents"] });
      if (ids.has("")) void this.client.invalidateQueries({ queryKey: ["incident"] });
      else for (const each of ids) void this.client.invalidateQueries({ queryKey: ["incident", each] });
    }, GATHER);
  }

  private heard(): void {
    this.lastMessage = Date.now();
    if (state.mode === "live") return;
    update({ mode: "live" });
    this.incidentChanged(null); // what changed while nobody listened
    void this.catchUp().catch(() => null);
  }

  private connect(): void {
    this.source?.close();
    const source = new EventSource(url("/stream"));
    this.source = source;
    source.addEventListener("open", () => this.heard());
    source.addEventListener("tick", (event) => {
      this.heard();
      const tick = parse<Tick>(event);
      if (tick) update({ tick, tickAt: Date.now() });
    });
    source.addEventListener("alert", (event) => {
      this.heard();
      const alert = parse<Alert>(event);
      if (!alert) return;
      this.gathered.push(alert);
      this.gathering ??= setTimeout(() => {
        this.gathering = undefined;
        this.take(this.gathered.splice(0));
      }, GATHER);
    });
    source.addEventListener("incident", (event) => {
      this.heard();
      const news = parse<IncidentNews>(event);
      if (!news) return;
      if (news.what === "presence") this.client.setQueryData(["presence", news.id], { present: news.present ?? [] });
      else this.incidentChanged(news.id);
    });
    // An action or a run of a playbook moved.
    source.addEventListener("response", () => {
      this.heard();
      void this.client.invalidateQueries({ queryKey: ["actions"] });
      void this.client.invalidateQueries({ queryKey: ["runs"] });
    });
    // Alerts were too many for this reader: pages are fetched again, once.
    source.addEventListener("gap", () => {
      void this.client.invalidateQueries({ queryKey: ["alerts"] });
      this.incidentChanged(null);
    });
    // The session is over; asking for it brings the person to the login page.
    source.addEventListener("end", () => {
      source.close();
      void get("/session").catch(() => null);
    });
    source.addEventListener("error", () => {
      if (state.mode === "live") update({ mode: "polling" });
    });
  }

  private streaming(): boolean {
    return this.source?.readyState === EventSource.OPEN && Date.now() - this.lastMessage < SILENCE;
  }

  private async poll(): Promise<void> {
    if (this.streaming()) return;
    if (this.source?.readyState !== EventSource.CONNECTING) this.connect();
    try {
      const { generated_at, events, alerts, lag, sources } = await get<Overview>("/overview", { since: "1h" });
      await this.catchUp();
      if (this.streaming()) return;
      const tick = {
        at: generated_at,
        events_total: events.total,
        per_second: events.per_second,
        open_alerts: alerts.open,
        lag,
        sources_active: sources.active,
      };
      update({ mode: "polling", tickAt: Date.now(), tick });
    } catch {
      update({ mode: "offline" });
    }
  }
}
