/** Counts over time as bars; dragging chooses a range. Draws with uPlot; colours and fonts come from the stylesheet. */
import { useElementSize } from "@mantine/hooks";
import { useEffect, useMemo, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Bucket } from "../api/types";
import { useStable } from "../components/useStable";
import { useAppearance } from "../shell/useAppearance";
import { useText } from "../time/useText";
import { timeText } from "../time/zone";
import styles from "./TimeBars.module.css";

interface TimeBarsProps {
  buckets: Bucket[];
  intervalMs: number;
  height: number;
  label: string;
  /** Without it the bars are only looked at. */
  onRange?: (from: number, to: number) => void;
  /** What one bar counts, for the tooltip. */
  countText: (count: number) => string;
}

const BARS = uPlot.paths.bars?.({ size: [0.84, 60], align: 1, radius: 0.12 });

const colour = (element: Element, name: string): string => getComputedStyle(element).getPropertyValue(name).trim();

/** Ticks read as clock times within two days, as dates beyond. */
function tick(seconds: number, zone: string, spanMs: number): string {
  const at = seconds * 1000;
  const clock = timeText(at, zone, "clock").slice(0, spanMs < 600_000 ? 8 : 5);
  if (spanMs > 4 * 86_400_000) return timeText(at, zone, "day");
  return clock === "00:00" ? timeText(at, zone, "day") : clock;
}

export function TimeBars({ buckets, intervalMs, height, label, onRange, countText }: TimeBarsProps) {
  const { ref, width } = useElementSize<HTMLDivElement>();
  const host = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const text = useText();
  const { light } = useAppearance();
  const brush = onRange !== undefined;
  const choose = useStable((from: number, to: number) => onRange?.(from, to));
  const say = useStable(countText);

  const data = useMemo<uPlot.AlignedData>(() => [buckets.map((b) => b.t / 1000), buckets.map((b) => b.count)], [buckets]);
  const from = buckets[0]?.t ?? 0;
  const to = (buckets.at(-1)?.t ?? 0) + intervalMs;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `light` stands for the colours read from the stylesheet
  useEffect(() => {
    const element = host.current;
    if (!element || width === 0 || from === 0) return;
    const grid = colour(element, "--line");
    const faint = colour(element, "--faint");
    const accent = colour(element, "--accent");
    const font = `11px ${colour(element, "--sans") || "sans-serif"}`;
    const showTip = (u: uPlot) => {
      const box = tip.current;
      if (!box) return;
      const index = u.cursor.idx;
      const bucket = index === null || index === undefined ? undefined : buckets[index];
      box.hidden = !bucket;
      if (!bucket) return;
      const style = intervalMs >= 86_400_000 ? "day" : "seconds";
      box.textContent = `${text.time(bucket.t, style)} · ${say(bucket.count)}`;
      const left = Math.min(
        Math.max((u.cursor.left ?? 0) + u.bbox.left / devicePixelRatio, box.offsetWidth / 2),
        width - box.offsetWidth / 2,
      );
      box.style.transform = `translateX(${left - box.offsetWidth / 2}px)`;
    };
    const chart = new uPlot(
      {
        width,
        height,
        tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), text.zone),
        // At the right, room for half the last tick.
        padding: [6, 18, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: brush, y: false, setScale: false, dist: 4 } },
        select: { show: brush, left: 0, top: 0, width: 0, height: 0 },
        scales: { x: { time: true, range: () => [from / 1000, to / 1000] }, y: { range: (_, __, max) => [0, Math.max(max, 1) * 1.08] } },
        axes: [
          {
            stroke: faint,
            font,
            size: 24,
            gap: 4,
            grid: { show: false },
            ticks: { show: false },
            space: 70,
            values: (_, splits) => splits.map((s) => tick(s, text.zone, to - from)),
          },
          {
            stroke: faint,
            font,
            size: 46,
            gap: 6,
            grid: { stroke: grid, width: 1 },
            ticks: { show: false },
            space: 34,
            values: (_, splits) => splits.map((s) => (Number.isInteger(s) ? text.compact(s) : "")),
          },
        ],
        series: [
          {},
          {
            stroke: accent,
            fill: `${accent}c8`,
            width: 0,
            points: { show: false },
            ...(BARS ? { paths: BARS } : {}),
          },
        ],
        hooks: {
          setCursor: [showTip],
          setSelect: [
            (u) => {
              if (u.select.width < 4) return;
              choose(u.posToVal(u.select.left, "x") * 1000, u.posToVal(u.select.left + u.select.width, "x") * 1000);
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      data,
      element,
    );
    let alive = true;
    // A canvas drawn before its font has come keeps the wrong one.
    void document.fonts.load(font).then(() => alive && chart.redraw());
    return () => {
      alive = false;
      chart.destroy();
    };
  }, [width, height, data, from, to, intervalMs, brush, text, light, choose, say, buckets]);

  return (
    <div ref={ref} className={styles.frame} style={{ height }}>
      <div ref={host} className={styles.plot} data-brush={brush} role="img" aria-label={label} />
      <div ref={tip} className={`${styles.tip} num`} hidden />
    </div>
  );
}
