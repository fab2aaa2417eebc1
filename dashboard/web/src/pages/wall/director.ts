/**
 * The director: which scene is on the wall now. A pure function of the server's time and the open incidents, so that six machines
 * driving six screens agree without talking to each other. A critical incident nobody has taken raises its scene, and lets go when
 * somebody takes it or its time is over.
 */
import type { Incident } from "../../api/incidents";
import { instant } from "../../time/zone";
import type { SceneName, WallSettings } from "./settings";

export type PanelName =
  | "answer"
  | "counters"
  | "queue"
  | "incidents"
  | "volume"
  | "flood"
  | "health"
  | "techniques"
  | "sources"
  | "addresses"
  | "hosts"
  | "users"
  | "rules"
  | "lag"
  | "silent"
  | "refused"
  | "clock"
  | "waiting"
  | "desk"
  | "case"
  | "story"
  | "path"
  | "entities";

/** The panels of each scene in order of weight: a wall with fewer screens shows the first ones first, then turns the page. */
const PANELS: Record<SceneName | "incident", readonly PanelName[]> = {
  overview: ["answer", "counters", "queue", "incidents", "volume", "health"],
  attacks: ["queue", "addresses", "techniques", "rules", "hosts", "incidents"],
  network: ["flood", "volume", "addresses", "hosts", "counters", "lag"],
  health: ["health", "silent", "sources", "refused", "lag", "volume"],
  shift: ["clock", "waiting", "desk", "incidents", "queue", "answer"],
  incident: ["case", "story", "path", "entities", "queue", "answer"],
};

export interface Showing {
  scene: SceneName | "incident";
  /** The incident on the wall. */
  incident: Incident | null;
  /** One panel a screen, in reading order. */
  panels: readonly PanelName[];
}

/** The incident that must be on the wall: critical, nobody has taken it, opened within `hold` seconds; the latest of them. */
function urgent(incidents: readonly Incident[], now: number, hold: number): Incident | null {
  const fits = incidents.filter((i) => {
    const age = now - instant(i.opened);
    return i.level === "critical" && i.status === "new" && !i.merged_into && age < hold * 1000;
  });
  return fits.reduce<Incident | null>((latest, i) => (latest && instant(latest.opened) >= instant(i.opened) ? latest : i), null);
}

/** `pinned`: a scene somebody chose at the wall; incidents still come before it. */
export function direct(settings: WallSettings, incidents: readonly Incident[], now: number, pinned: SceneName | null = null): Showing {
  const screens = settings.columns * settings.rows;
  const turn = Math.floor(now / (settings.dwell * 1000));
  const incident = urgent(incidents, now, settings.hold);
  if (incident) return { scene: "incident", incident, panels: page(PANELS.incident, screens, turn) };
  // Every page of every scene in turn.
  const scenes = pinned ? [pinned] : settings.scenes;
  const turns = scenes.flatMap((scene) => Array.from({ length: pages(PANELS[scene], screens) }, (_, at) => ({ scene, at })));
  const { scene, at } = turns[turn % turns.length] ?? { scene: "overview" as const, at: 0 };
  return { scene, incident: null, panels: page(PANELS[scene], screens, at) };
}

const pages = (panels: readonly PanelName[], screens: number): number => Math.ceil(panels.length / screens);

function page(panels: readonly PanelName[], screens: number, turn: number): readonly PanelName[] {
  const start = (turn % pages(panels, screens)) * screens;
  // The last page is filled from the front; more screens than panels show some of them twice.
  return Array.from({ length: screens }, (_, i) => panels[(start + i) % panels.length] ?? "answer");
}
