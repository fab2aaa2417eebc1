/** Where a streamed alert lands in the queue. */
import { describe, expect, it } from "vitest";
import { type AlertFilter, alertFilter, matches, placeIn, precedes } from "../../src/api/alerts";
import type { Alert, Level } from "../../src/api/types";

const NOW = Date.UTC(2026, 10, 23, 12);
const open: AlertFilter = { status: "open", levels: [], order: "priority" };

function alert(id: string, level: Level, minutesAgo: number, change: Partial<Alert> = {}): Alert {
  const at = new Date(NOW - minutesAgo * 60_000).toISOString();
  return {
    id,
    agency: "default",
    rule: {
      id: `rule-${level}`,
      title: `Title ${id}`,
      title_vi: `Tiêu đề ${id}`,
      level,
      hash: "",
      tags: [],
      advice: null,
      advice_vi: null,
    },
    first_seen: at,
    last_seen: at,
    raised: at,
    count: 1,
    entities: [{ kind: "address", field: "source.ip", value: "203.0.113.9" }],
    matched: [],
    event_ids: [],
    summary: "Failed password for root",
    status: "new",
    assignee: null,
    drill: false,
    version: 1,
    ...change,
  };
}

const pages = (items: Alert[], next: string | null = null) => ({
  pages: [{ items, next, total: items.length, total_exact: true }],
  pageParams: [null],
});
const ids = (p: ReturnType<typeof placeIn>) => p.pages.flatMap((x) => x.items.map((a) => a.id));
const queue = [alert("a", "critical", 5), alert("b", "high", 9), alert("c", "high", 1), alert("d", "low", 2)];

describe("the queue", () => {
  const sorted = (alerts: Alert[], order: AlertFilter["order"]) =>
    alerts.toSorted((x, y) => (precedes(x, y, order) ? -1 : 1)).map((a) => a.id);

  it("goes by priority, then the oldest first", () => {
    expect(sorted(queue.toReversed(), "priority")).toEqual(["a", "b", "c", "d"]);
    expect(sorted([...queue, alert("e", "medium", 0, { priority: 1400 })], "priority")).toEqual(["e", "a", "b", "c", "d"]);
    expect(sorted(queue, "newest")).toEqual(["c", "d", "a", "b"]);
  });

  it("is of open alerts: decided ones go by time", () => {
    expect(alertFilter({}).order).toBe("priority");
    expect(alertFilter({ order: "newest" }).order).toBe("newest");
    expect(alertFilter({ status: "benign" }).order).toBe("newest");
    expect(alertFilter({ status: "all" }).order).toBe("newest");
  });
});

describe("a streamed alert", () => {
  it("takes its place", () => {
    expect(ids(placeIn(pages(queue), alert("n", "high", 0), open, NOW))).toEqual(["a", "b", "c", "n", "d"]);
    expect(ids(placeIn(pages(queue), alert("n", "high", 0, { priority: 900 }), open, NOW))).toEqual(["a", "n", "b", "c", "d"]);
    expect(ids(placeIn(pages(queue), alert("n", "informational", 0), open, NOW))).toEqual(["a", "b", "c", "d", "n"]);
  });

  it("waits on a page not fetched yet, but counts", () => {
    const placed = placeIn(pages(queue, "x"), alert("n", "informational", 0), open, NOW);
    expect(ids(placed)).toEqual(["a", "b", "c", "d"]);
    expect(placed.pages[0]?.total).toBe(5);
  });

  it("replaces its older version, never its newer", () => {
    const grown = placeIn(pages(queue), alert("b", "high", 1, { count: 9, version: 3 }), open, NOW);
    expect(grown.pages[0]?.items[1]).toMatchObject({ count: 9, version: 3 });
    expect(placeIn(grown, alert("b", "high", 1, { version: 2 }), open, NOW)).toBe(grown);
    const placed = placeIn(pages([alert("b", "high", 1, { priority: 900 })]), alert("b", "high", 1, { version: 2 }), open, NOW);
    expect(placed.pages[0]?.items[0]).toMatchObject({ version: 2, priority: 900 });
  });

  it("leaves when it no longer fits, and comes back", () => {
    const judged = placeIn(pages(queue), alert("b", "high", 1, { status: "benign", version: 2 }), open, NOW);
    expect(ids(judged)).toEqual(["a", "c", "d"]);
    expect(judged.pages[0]?.total).toBe(3);
    expect(ids(placeIn(judged, alert("b", "high", 1, { version: 3 }), open, NOW))).toEqual(["a", "b", "c", "d"]);
  });

  it("is filtered as the server filters", () => {
    const a = alert("a", "high", 30);
    const yes: Partial<AlertFilter>[] = [
      { q: "TIÊU ĐỀ A" },
      { q: "203.0.113" },
      { rule: "rule-high" },
      { since: "1h" },
      { status: "all" },
      { levels: ["high"] },
      { status: "new" },
    ];
    const no: Partial<AlertFilter>[] = [{ q: "zzz" }, { rule: "other" }, { since: "15m" }, { status: "acknowledged" }, { levels: ["low"] }];
    for (const part of yes) expect(matches(a, { ...open, ...part }, NOW), JSON.stringify(part)).toBe(true);
    for (const part of no) expect(matches(a, { ...open, ...part }, NOW), JSON.stringify(part)).toBe(false);
  });
});
