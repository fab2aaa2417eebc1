/** What a wall shows, read from its address: the grid of screens, the scenes it plays, and for how long. Pure. */
import type { WallSearch } from "../../router";

export const SCENES = ["overview", "attacks", "network", "health", "shift"] as const;
export type SceneName = (typeof SCENES)[number];

export interface WallSettings {
  columns: number;
  rows: number;
  /** One screen of the grid, from 1; absent: the whole grid is this window. */
  screen?: number;
  scenes: readonly SceneName[];
  /** Seconds a scene stays. */
  dwell: number;
  /** Seconds an incident stays on the wall after it opened, unless somebody takes it before. */
  hold: number;
  /** Width of the frame between two screens, in pixels of the picture. */
  bezel: number;
}

const whole = (value: unknown, least: number, most: number, otherwise: number): number => {
  const n = Number(value);
  return value !== undefined && Number.isInteger(n) && n >= least && n <= most ? n : otherwise;
};

/** Unknown words and senseless numbers fall back: a wall must show something. */
export function wallSettings(raw: WallSearch): WallSettings {
  const grid = /^(\d)x(\d)$/.exec(String(raw.grid ?? "3x2"));
  const columns = whole(grid?.[1], 1, 8, 3);
  const rows = whole(grid?.[2], 1, 8, 2);
  const named = String(raw.scenes ?? "").split(",");
  const scenes = SCENES.filter((s) => named.includes(s));
  const screen = whole(raw.screen, 1, columns * rows, 0);
  return {
    columns,
    rows,
    ...(screen ? { screen } : {}),
    scenes: scenes.length ? scenes : SCENES,
    dwell: whole(raw.dwell, 5, 86_400, 60),
    hold: whole(raw.hold, 10, 86_400, 300),
    bezel: whole(raw.bezel, 0, 400, 0),
  };
}
