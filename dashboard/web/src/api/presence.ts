/**
 * Whether a person is at the keyboard. The console asks for fresh numbers all the time; only what somebody's hands caused may keep
 * their session alive, so every other request is marked as background.
 */

/** A request this soon after a touch of key, wheel or pointer counts as the person's own, milliseconds. */
const RECENT = 10_000;

let last = Date.now(); // opening the page is an act

function note(): void {
  last = Date.now();
}

for (const event of ["pointerdown", "pointermove", "keydown", "wheel"] as const) {
  window.addEventListener(event, note, { capture: true, passive: true });
}

export const personPresent = (now: number = Date.now()): boolean => now - last < RECENT;
