/**
 * Values a person watches (`w`): an alert about one is announced and beeps, whatever its level. Kept for as long as the tab is open, never
 * beyond: what is watched says something about an investigation.
 */
import { useSyncExternalStore } from "react";
import type { Alert } from "./api/types";

const KEY = "fansipan.watched";
/** More would be a rule. */
const MOST = 12;

const listeners = new Set<() => void>();
let watched: readonly string[] = read();

function read(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((v): v is string => typeof v === "string").slice(-MOST) : [];
  } catch {
    return []; // storage may be forbidden, or hold what we did not write
  }
}

/** Watches `value`, or no longer; gives whether it is watched now. */
export function toggleWatch(value: string): boolean {
  const on = !watched.includes(value);
  watched = on ? [...watched, value].slice(-MOST) : watched.filter((v) => v !== value);
  try {
    sessionStorage.setItem(KEY, JSON.stringify(watched));
  } catch {
    // Then it lasts as long as the page.
  }
  for (const listener of listeners) listener();
  return on;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useWatched = (): readonly string[] => useSyncExternalStore(subscribe, () => watched);

/** The first watched value that an alert is about. */
export const watchedIn = ({ entities }: Pick<Alert, "entities">): string | undefined =>
  watched.find((value) => entities.some((entity) => entity.value === value));

/** A short tone. Silent where the browser has heard no key or click yet, or the machine has no sound. */
export function beep(): void {
  try {
    const sound = new AudioContext();
    const tone = sound.createOscillator();
    const loudness = sound.createGain();
    tone.frequency.value = 880;
    loudness.gain.value = 0.12;
    tone.connect(loudness).connect(sound.destination);
    tone.onended = () => void sound.close();
    tone.start();
    tone.stop(sound.currentTime + 0.18);
  } catch {
    // The message on screen says the same.
  }
}
