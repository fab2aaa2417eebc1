/**
 * Live data: the server's event stream while it lasts, polling while it does not. Alerts from the stream go straight into the
 * query cache; ticks are kept here. Never shows an old number as a new one: who reads a tick gets its time of arrival too.
 */
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { serverNow } from "../time/clock";
import { spread } from "./alerts";
import { get, url } from "./client";
import type { Alert, Overview, Tick } from "./types";

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

/** Connects until the returned function is called. `onAlert` hears of alerts that are new on this screen. */
export function startLive(client: QueryClient, onAlert: (alert: Alert) => void): () => void {
  let source: EventSource | null = null;
  let lastMessage = 0;
  let gathered: Alert[] = [];
  let gathering: ReturnType<typeof setTimeout> | undefined;

  const deliver = () => {
    gathering = undefined;
    const alerts = gathered;
    gathered = [];
    const now = serverNow();
    for (const alert of alerts) {
      spread(client, alert, now);
      if (alert.status === "new" && alert.version <= 1) onAlert(alert);
    }
    void client.invalidateQueries({ queryKey: ["overview"] });
  };

  const heard = () => {
    lastMessage = Date.now();
    if (state.mode !== "live") {
      update({ mode: "live" });
      // What happened while the stream was down is not replayed.
      void client.invalidateQueries({ queryKey: ["alerts"] });
    }
  };

  const connect = () => {
    source?.close();
    source = new EventSource(url("/stream"));
    source.addEventListener("open", heard);
    source.addEventListener("tick", (event) => {
      heard();
      const tick = parse<Tick>(event);
      if (tick) update({ tick, tickAt: Date.now() });
    });
    source.addEventListener("alert", (event) => {
      heard();
      const alert = parse<Alert>(event);
      if (!alert) return;
      gathered.push(alert);
      gathering ??= setTimeout(deliver, GATHER);
    });
    // Alerts were too many for this reader: what was missed is fetched.
    source.addEventListener("gap", () => void client.invalidateQueries({ queryKey: ["alerts"] }));
    // The session is over; asking for it brings the person to the login page.
    source.addEventListener("end", () => {
      source?.close();
      void get("/session").catch(() => null);
    });
    source.addEventListener("error", () => {
      if (state.mode === "live") update({ mode: "polling" });
    });
  };

  const poll = async () => {
    if (source?.readyState === EventSource.OPEN && Date.now() - lastMessage < SILENCE) return;
    if (source?.readyState !== EventSource.CONNECTING) connect();
    try {
      const overview = await get<Overview>("/overview", { since: "1h" });
      if (source?.readyState === EventSource.OPEN && Date.now() - lastMessage < SILENCE) return;
      update({
        mode: "polling",
        tickAt: Date.now(),
        tick: {
          at: overview.generated_at,
          events_total: overview.events.total,
          per_second: overview.events.per_second,
          open_alerts: overview.alerts.open,
          lag: overview.lag,
          sources_active: overview.sources.active,
        },
      });
      void client.invalidateQueries({ queryKey: ["alerts"] });
      void client.invalidateQueries({ queryKey: ["overview"] });
    } catch {
      update({ mode: "offline" });
    }
  };

  connect();
  const timer = setInterval(() => void poll(), POLL);
  return () => {
    clearInterval(timer);
    clearTimeout(gathering);
    source?.close();
    state = { mode: "polling", tick: null, tickAt: 0 };
  };
}
