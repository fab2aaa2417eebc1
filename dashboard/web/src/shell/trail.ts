/**
 * The way a person came: from a list to an incident, an address, a search, and on. Going back to a place on it cuts the rest off; a list
 * begins it anew. Kept in memory only.
 */
import { useEffect, useSyncExternalStore } from "react";

type Found = Record<string, unknown>;

export interface Step {
  /** The page's path, `/entity`. */
  page: string;
  /** Tells places of one page apart; empty for lists. */
  key: string;
  pathname: string;
  search: Found;
}

/** Steps shown; who comes farther is lost anyway. */
const MOST = 6;

/** The step that an address is. */
export function stepOf(pathname: string, search: Found): Step {
  const word = (name: string): string => (typeof search[name] === "string" ? search[name] : "");
  const at = { pathname, search };
  if (pathname.startsWith("/incidents/")) return { page: "/incidents/$id", key: pathname.slice("/incidents/".length), ...at };
  if (pathname === "/entity") return { page: pathname, key: word("value"), ...at };
  if (pathname === "/search") return { page: pathname, key: word("q"), ...at };
  return { page: pathname, key: "", ...at };
}

/** The trail after coming to `step`. Pure. */
export function walked(trail: readonly Step[], step: Step): readonly Step[] {
  const known = trail.findIndex((s) => s.page === step.page && s.key === step.key);
  if (known >= 0) return [...trail.slice(0, known), step];
  return step.key === "" ? [step] : [...trail, step].slice(-MOST);
}

const listeners = new Set<() => void>();
let trail: readonly Step[] = [];

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useTrail = (): readonly Step[] => useSyncExternalStore(subscribe, () => trail);

/** Notes where the person is, for the frame. */
export function useWalk({ pathname, search }: { pathname: string; search: Found }): void {
  useEffect(() => {
    trail = walked(trail, stepOf(pathname, search));
    for (const listener of listeners) listener();
  }, [pathname, search]);
}
