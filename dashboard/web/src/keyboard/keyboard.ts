/**
 * The keyboard: one listener, shortcuts registered by whatever is on screen, the latest first. A shortcut is a key or a short
 * sequence (`g a`). Never acts while a person types, or behind an open dialog.
 */
import type { ParseKeys } from "i18next";
import { useEffect, useRef } from "react";

export interface Shortcut {
  /** `n`, `?`, `Enter`, `g a`. */
  keys: string;
  /** What it does, for the sheet. Without one it is not listed. */
  label?: ParseKeys;
  group?: "anywhere" | "lists" | "alerts";
  run: () => void;
}

type Layer = { current: Shortcut[] };

const layers: Layer[] = [];
const PAUSE = 1_000;
let pending = "";
let pendingAt = 0;

/** The shortcuts that work now. */
export const activeShortcuts = (): Shortcut[] => layers.flatMap((layer) => layer.current);

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** The key as written in a shortcut. Vietnamese input methods may hide letters from `key`; the physical key then tells. */
export function keyName(event: Pick<KeyboardEvent, "key" | "code">): string {
  if (event.key === "Process" || event.key === "Unidentified" || event.key === "Dead") {
    const letter = /^(?:Key|Digit)([A-Z0-9])$/.exec(event.code);
    return letter?.[1]?.toLowerCase() ?? event.key;
  }
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}

function find(keys: string): Shortcut | undefined {
  for (let i = layers.length - 1; i >= 0; i--) {
    const found = layers[i]?.current.find((s) => s.keys === keys);
    if (found) return found;
  }
  return undefined;
}

/** Whether the focused control has its own meaning for the key: Enter and Space press buttons and links, lists use arrows. */
function ownKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement) || !["Enter", " "].includes(key)) return false;
  return target.closest("button, a[href], [role=tab], [role=option], [role=menuitem], summary") !== null && !target.closest("[data-list]");
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target) || document.querySelector("[aria-modal=true]")) return;
  const key = keyName(event);
  if (ownKey(event.target, key)) return;
  // when it was pressed, not when a busy page comes to it
  const now = event.timeStamp;
  const sequence = pending && now - pendingAt < PAUSE ? `${pending} ${key}` : key;
  const hit = find(sequence) ?? (sequence === key ? undefined : find(key));
  pending = "";
  if (hit) {
    event.preventDefault();
    hit.run();
  } else if (activeShortcuts().some((s) => s.keys.startsWith(`${key} `))) {
    pending = key;
    pendingAt = now;
  }
}

/**
 * Registers shortcuts while the component is mounted. The list may change with every render. `ground`: they give way to every
 * other one, though the frame mounts after the page inside it.
 */
export function useShortcuts(shortcuts: Shortcut[], ground = false): void {
  const layer = useRef<Shortcut[]>(shortcuts);
  layer.current = shortcuts;
  useEffect(() => {
    if (layers.length === 0) window.addEventListener("keydown", onKey);
    if (ground) layers.unshift(layer);
    else layers.push(layer);
    return () => {
      layers.splice(layers.indexOf(layer), 1);
      if (layers.length === 0) window.removeEventListener("keydown", onKey);
    };
  }, [ground]);
}
