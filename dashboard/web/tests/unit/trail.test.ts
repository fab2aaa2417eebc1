/** The way back and what is watched. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Alert } from "../../src/api/types";
import { type Step, stepOf, walked } from "../../src/shell/trail";
import { toggleWatch, watchedIn } from "../../src/watch";

const names = (trail: readonly Step[]) => trail.map((s) => `${s.page} ${s.key}`.trim());
const walk = (...addresses: [string, Record<string, unknown>?][]) =>
  names(addresses.reduce((trail, [path, search = {}]) => walked(trail, stepOf(path, search)), [] as readonly Step[]));

describe("the way back", () => {
  it.each([
    [
      "goes on from a list to what is in it",
      [["/alerts"], ["/entity", { value: "10.0.0.5" }], ["/search", { q: "user.name:an" }]],
      ["/alerts", "/entity 10.0.0.5", "/search user.name:an"],
    ],
    [
      "is cut where one goes back",
      [["/incidents"], ["/incidents/ab12"], ["/entity", { value: "web-01" }], ["/incidents/ab12"]],
      ["/incidents", "/incidents/$id ab12"],
    ],
    ["begins anew with a list", [["/incidents"], ["/incidents/ab12"], ["/alerts"]], ["/alerts"]],
    ["knows a link of somebody else's", [["/entity", { value: "web-01" }]], ["/entity web-01"]],
  ] as [string, [string, Record<string, unknown>?][], string[]][])("%s", (_, addresses, expected) => {
    expect(walk(...addresses)).toEqual(expected);
  });

  it("shows the last steps of a long way", () => {
    const way = Array.from({ length: 20 }, (_, i): [string, Record<string, unknown>] => ["/entity", { value: `host-${i}` }]);
    expect(walk(["/alerts"], ...way)).toHaveLength(6);
  });
});

describe("what is watched", () => {
  const about = (...values: string[]) =>
    ({ entities: values.map((value) => ({ kind: "host", field: "host.name", value })) }) as Pick<Alert, "entities">;
  beforeEach(() => sessionStorage.clear());

  it("is found in an alert, until it is watched no longer", () => {
    expect(toggleWatch("web-01")).toBe(true);
    expect(watchedIn(about("db-01", "web-01"))).toBe("web-01");
    expect(watchedIn(about("db-01"))).toBeUndefined();
    expect(sessionStorage.getItem("fansipan.watched")).toContain("web-01");
    expect(toggleWatch("web-01")).toBe(false);
    expect(watchedIn(about("web-01"))).toBeUndefined();
  });
});
