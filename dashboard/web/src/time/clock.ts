/**
 * What time it is on the server. Ages are differences between the server's times and now; an analyst's machine with a wrong clock
 * must not make fresh data look old. Learns from the Date header, which has seconds only.
 */
import { useSyncExternalStore } from "react";
import { instant } from "./zone";

let offset = 0;

/** Takes the Date header of an answer that has just arrived. */
export function learnServerTime(header: string | null): void {
  const time = header ? Date.parse(header) : Number.NaN;
  if (Number.isNaN(time)) return;
  const seen = time + 500 - Date.now(); // the header is cut to the second: half of one too early on average
  // Below two seconds it is rounding and network, not a wrong clock.
  offset = Math.abs(seen) < 2_000 ? 0 : seen;
}

export const serverNow = (): number => Date.now() + offset;

/** When the server made an answer, by this machine's clock; 0: there is none. It shares answers among readers: one may be older than its arrival. */
export const madeAt = (answer: { generated_at: string } | undefined): number => (answer ? instant(answer.generated_at) - offset : 0);

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let second = Math.floor(Date.now() / 1000);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    second = Math.floor(Date.now() / 1000);
    for (const each of listeners) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Rerenders once a second; returns the server's time in milliseconds. One timer serves the whole page. */
export function useServerNow(): number {
  useSyncExternalStore(subscribe, () => second);
  return serverNow();
}
