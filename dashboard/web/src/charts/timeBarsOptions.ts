/** How bars over time are drawn: axes, colours, what a drag does. Colours and fonts come from the stylesheet of the element drawn into. */
import uPlot from "uplot";
import type { Bucket } from "../api/types";
import { timeText } from "../time/zone";

/** What is drawn now. Read anew at every drawing, so that fresh counts need no new chart. */
export interface BarsNow {
  buckets: Bucket[];
  intervalMs: number;
}

interface BarsLook {
  width: number;
  height: number;
  zone: string;
  compact: (n: number) => string;
  now: () => BarsNow;
  /** Absent: the bars are only looked at. */
  onRange: ((from: number, to: number) => void) | undefined;
  onCursor: (chart: uPlot) => void;
}

const BARS = uPlot.paths.bars?.({ size: [0.84, 60], align: 1, radius: 0.12 });

/** First and last instant drawn, milliseconds. */
function bounds({ buckets, intervalMs }: BarsNow): [number, number] {
  return [buckets[0]?.t ?? 0, (buckets.at(-1)?.t ?? 0) + intervalMs];
}

/** Ticks read as clock times, midnight as its date: no date stands there twice. */
function tick(seconds: number, zone: string, spanMs: number): string {
  const at = seconds * 1000;
  const clock = timeText(at, zone, "clock").slice(0, spanMs < 600_000 ? 8 : 5);
  return clock === "00:00" ? timeText(at, zone, "day") : clock;
}

function axes(colour: (name: string) => string, font: string, look: BarsLook): uPlot.Axis[] {
  const shared = { stroke: colour("--faint"), font, ticks: { show: false } };
  const span = () => {
    const [from, to] = bounds(look.now());
    return to - from;
  };
  return [
    { ...shared, size: 24, gap: 4, space: 70, grid: { show: false }, values: (_, splits) => splits.map((s) => tick(s, look.zone, span())) },
    {
      ...shared,
      size: 46,
      gap: 6,
      space: 34,
      grid: { stroke: colour("--line"), width: 1 },
      values: (_, splits) => splits.map((s) => (Number.isInteger(s) ? look.compact(s) : "")),
    },
  ];
}

export const barsData = (buckets: Bucket[]): uPlot.AlignedData => [buckets.map((b) => b.t / 1000), buckets.map((b) => b.count)];

/** Options for a chart drawn into `element`, and the font to wait for. */
export function barsOptions(element: Element, look: BarsLook): { options: uPlot.Options; font: string } {
  const css = getComputedStyle(element);
  const colour = (name: string) => css.getPropertyValue(name).trim();
  const font = `11px ${colour("--sans") || "sans-serif"}`;
  const brush = look.onRange !== undefined;
  const onSelect = (chart: uPlot) => {
    const { left, width } = chart.select;
    if (width < 4) return;
    look.onRange?.(chart.posToVal(left, "x") * 1000, chart.posToVal(left + width, "x") * 1000);
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  };
  const range = (): [number, number] => {
    const [from, to] = bounds(look.now());
    return [from / 1000, to / 1000];
  };
  const options: uPlot.Options = {
    width: look.width,
    height: look.height,
    tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), look.zone),
    // At the right, room for half the last tick.
    padding: [6, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: brush, y: false, setScale: false, dist: 4 } },
    select: { show: brush, left: 0, top: 0, width: 0, height: 0 },
    scales: { x: { time: true, range }, y: { range: (_, __, max) => [0, Math.max(max, 1) * 1.08] } },
    axes: axes(colour, font, look),
    series: [
      {},
      { stroke: colour("--accent"), fill: `${colour("--accent")}c8`, width: 0, points: { show: false }, ...(BARS ? { paths: BARS } : {}) },
    ],
    hooks: { setCursor: [look.onCursor], setSelect: [onSelect] },
  };
  return { options, font };
}
