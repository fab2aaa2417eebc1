/** Counts over time as bars; dragging chooses a range. Draws with uPlot; fresh counts are put into the chart that stands. */
import { useElementSize } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Bucket } from "../api/types";
import { useStable } from "../components/useStable";
import { useAppearance } from "../shell/useAppearance";
import { useText } from "../time/useText";
import styles from "./TimeBars.module.css";
import { barsData, barsOptions } from "./timeBarsOptions";

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

/** Puts the tooltip above the bar under the pointer. */
function placeTip(box: HTMLElement, chart: uPlot, text: string | null): void {
  box.hidden = text === null;
  if (text === null) return;
  box.textContent = text;
  const half = box.offsetWidth / 2;
  const wanted = (chart.cursor.left ?? 0) + chart.bbox.left / devicePixelRatio;
  const left = Math.min(Math.max(wanted, half), chart.width - half);
  box.style.transform = `translateX(${left - half}px)`;
}

export function TimeBars({ buckets, intervalMs, height, label, onRange, countText }: TimeBarsProps) {
  const { ref, width } = useElementSize<HTMLDivElement>();
  const host = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const text = useText();
  const { light } = useAppearance();
  const brush = onRange !== undefined;
  const empty = buckets.length === 0;
  const now = useStable(() => ({ buckets, intervalMs }));
  const choose = useStable((from: number, to: number) => onRange?.(from, to));
  const onCursor = useStable((drawn: uPlot) => {
    const bucket = buckets[drawn.cursor.idx ?? -1];
    const style = intervalMs >= 86_400_000 ? "day" : "seconds";
    if (tip.current) placeTip(tip.current, drawn, bucket ? `${text.time(bucket.t, style)} · ${countText(bucket.count)}` : null);
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: `light` stands for the colours read from the stylesheet
  useEffect(() => {
    const element = host.current;
    if (!element || width === 0 || empty) return;
    const look = { width, height, zone: text.zone, compact: text.compact, now, onRange: brush ? choose : undefined, onCursor };
    const { options, font } = barsOptions(element, look);
    const drawn = new uPlot(options, barsData(now().buckets), element);
    chart.current = drawn;
    // A canvas drawn before its font has come keeps the wrong one.
    void document.fonts.load(font).then(() => chart.current === drawn && drawn.redraw());
    return () => {
      chart.current = null;
      drawn.destroy();
    };
  }, [width, height, empty, brush, text, light, now, choose, onCursor]);
  useEffect(() => chart.current?.setData(barsData(buckets)), [buckets]);

  return (
    <div ref={ref} className={styles.frame} style={{ height }}>
      <div ref={host} className={styles.plot} data-brush={brush} role="img" aria-label={label} />
      <div ref={tip} className={`${styles.tip} num`} hidden />
    </div>
  );
}
