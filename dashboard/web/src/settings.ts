/** What a person chose on this machine and nothing else: time zone, fields beside search results. Never holds anything about data or identity. */
import { useSyncExternalStore } from "react";

export const DEFAULT_ZONE = "Asia/Ho_Chi_Minh";

interface Setting {
  read: () => string;
  write: (value: string) => void;
  subscribe: (listener: () => void) => () => void;
}

function setting(key: string, fallback: string, allowed: (value: string) => boolean): Setting {
  const listeners = new Set<() => void>();
  let value = fallback;
  try {
    const stored = localStorage.getItem(key);
    if (stored && allowed(stored)) value = stored;
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  return {
    read: () => value,
    write: (next) => {
      value = next;
      try {
        localStorage.setItem(key, next);
      } catch {
        // As above.
      }
      for (const listener of listeners) listener();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function knownZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

export const zoneSetting = setting("fansipan.zone", DEFAULT_ZONE, knownZone);

/** Fields whose commonest values are shown beside search results. */
export const facetSetting = setting(
  "fansipan.facets",
  "event.dataset,host.name,source.ip,user.name,event.action,event.outcome,event.code,destination.port,fansipan.source",
  (value) => /^[\w.@,-]*$/.test(value),
);

export const useZone = (): string => useSyncExternalStore(zoneSetting.subscribe, zoneSetting.read);
