/** Instants in named zones, there and back. */
import { describe, expect, it } from "vitest";
import { boundsOf, fixed, rangeOf, widened } from "../../src/pages/search/range";
import { durationMs, instantOf, offsetText, timeText } from "../../src/time/zone";

const AT = Date.UTC(2026, 10, 23, 17, 4, 5, 678);

describe("zones", () => {
  it.each([
    ["Asia/Ho_Chi_Minh", "2026-11-24 00:04:05.678 +07:00"],
    ["UTC", "2026-11-23 17:04:05.678 +00:00"],
    ["Asia/Kathmandu", "2026-11-23 22:49:05.678 +05:45"],
    ["America/St_Johns", "2026-11-23 13:34:05.678 -03:30"],
  ])("%s", (zone, expected) => {
    expect(timeText(AT, zone, "full")).toBe(expected);
    expect(instantOf(timeText(AT, zone, "input"), zone)).toBe(AT - 678);
  });

  it("knows an hour that a clock skips or repeats", () => {
    // Berlin, 2026-03-29: 02:00 becomes 03:00.
    expect(timeText(instantOf("2026-03-29 02:30:00", "Europe/Berlin") ?? 0, "Europe/Berlin", "seconds")).toMatch(
      /^2026-03-29 0[13]:30:00$/,
    );
    expect(offsetText(Date.UTC(2026, 6, 1), "Europe/Berlin")).toBe("+02:00");
  });

  it("shows nothing for what is no time", () => {
    expect(timeText(Number.NaN, "UTC", "full")).toBe("");
    expect(instantOf("yesterday", "UTC")).toBeNull();
  });
});

it("durations", () => {
  expect(["15m", "24h", "7d", "30s"].map(durationMs)).toEqual([900_000, 86_400_000, 604_800_000, 30_000]);
  expect(["", "h", "1w", "-1h", "1.5h"].map(durationMs)).toEqual([null, null, null, null, null]);
});

describe("ranges", () => {
  it("believe only what makes sense", () => {
    expect(rangeOf({})).toEqual({ since: "24h" });
    expect(rangeOf({ since: "rubbish" })).toEqual({ since: "24h" });
    expect(rangeOf({ from: "2026-11-23T00:00:00Z", to: "2026-11-22T00:00:00Z", since: "1h" })).toEqual({ since: "1h" });
    expect(rangeOf({ from: "2026-11-22T07:00:00+07:00", to: "2026-11-23T00:00:00Z" })).toEqual({
      from: "2026-11-22T00:00:00.000Z",
      to: "2026-11-23T00:00:00.000Z",
    });
    expect(rangeOf({ from: "2026-11-22T00:00:00Z" })).toEqual({ from: "2026-11-22T00:00:00.000Z" });
  });

  it("fix and widen around now", () => {
    expect(boundsOf({ since: "1h" }, AT)).toEqual({ from: AT - 3_600_000, to: AT });
    expect(fixed({ since: "1h" }, AT)).toEqual({ from: "2026-11-23T16:04:05.678Z", to: "2026-11-23T17:04:05.678Z" });
    expect(widened({ since: "1h" }, AT)).toEqual({ from: "2026-11-23T15:04:05.678Z", to: "2026-11-23T17:04:05.678Z" });
  });
});
