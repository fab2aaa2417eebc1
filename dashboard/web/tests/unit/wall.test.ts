/** What is on the wall when: the director is a function of time and incidents, so all of it can be written down. */
import { describe, expect, it } from "vitest";
import type { Incident } from "../../src/api/incidents";
import { direct } from "../../src/pages/wall/director";
import { wallSettings } from "../../src/pages/wall/settings";

const NOW = Date.parse("2026-11-28T10:00:00Z");

const incident = (change: Partial<Incident>): Incident => ({
  id: "a",
  agency: "default",
  title: "t",
  title_vi: "t",
  groups: [],
  level: "critical",
  status: "new",
  assignee: null,
  opened: new Date(NOW - 10_000).toISOString(),
  first_seen: "",
  last_seen: "",
  alerts: 1,
  events: 1,
  tactics: [],
  entities: [],
  drill: false,
  merged_into: null,
  version: 1,
  ...change,
});

const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

describe("the director", () => {
  it.each<[string, Partial<Incident>, string]>([
    ["a new critical incident is raised", {}, "incident"],
    ["one that somebody has taken is not", { status: "acknowledged" }, "overview"],
    ["nor one of a lower level", { level: "high" }, "overview"],
    ["nor one that was merged", { merged_into: "b" }, "overview"],
    ["it stays until its time is over", { opened: ago(299) }, "incident"],
    ["and then lets go", { opened: ago(300) }, "overview"],
    ["a drill is raised as well", { drill: true }, "incident"],
  ])("%s", (_, change, scene) => {
    expect(direct(wallSettings({ scenes: "overview" }), [incident(change)], NOW).scene).toBe(scene);
  });

  it("shows the latest of several, pinned or not", () => {
    const two = [incident({ id: "old", opened: ago(90) }), incident({ id: "new", opened: ago(9) })];
    expect(direct(wallSettings({}), two, NOW).incident?.id).toBe("new");
    expect(direct(wallSettings({}), two, NOW, "shift").scene).toBe("incident");
  });

  it("plays every scene in turn, each as long as told", () => {
    const settings = wallSettings({ scenes: "overview,shift", dwell: "30" });
    const start = Math.ceil(NOW / 60_000) * 60_000;
    const played = [0, 29, 30, 59, 60].map((s) => direct(settings, [], start + s * 1000).scene);
    expect(played).toEqual(["overview", "overview", "shift", "shift", "overview"]);
  });

  it.each([
    ["3x2", 6, 1],
    ["2x1", 2, 3],
    ["1x1", 1, 6],
    ["4x2", 8, 1],
  ])("fills a grid of %s and shows every panel in time", (grid, screens, turns) => {
    const settings = wallSettings({ grid, scenes: "overview", dwell: "10" });
    const start = Math.ceil(NOW / 60_000) * 60_000;
    const seen = new Set<string>();
    for (let turn = 0; turn < turns; turn++) {
      const { panels } = direct(settings, [], start + turn * 10_000);
      expect(panels).toHaveLength(screens);
      for (const panel of panels) seen.add(panel);
    }
    expect([...seen].sort()).toEqual(["answer", "counters", "health", "incidents", "queue", "volume"]);
  });

  it("takes senseless settings for none", () => {
    expect(wallSettings({ grid: "0x99", dwell: "-4", screen: "77", scenes: "nonsense", bezel: "x" })).toEqual(wallSettings({}));
  });
});
