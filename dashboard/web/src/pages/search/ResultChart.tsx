/** A result table drawn: bars over time, or bars by value. ECharts, drawn as SVG; tooltips are drawn too, so log text never becomes HTML. */
import { BarChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { EventTable } from "../../api/types";
import { useAppearance } from "../../shell/useAppearance";
import { useText } from "../../time/useText";
import styles from "./ResultTable.module.css";
import { type Shape, shapeOf } from "./shape";

use([BarChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

/** Distinguishable for colour-blind eyes on both grounds (after Okabe and Ito). */
const SERIES = ["#3fb8aa", "#e69f00", "#56a5e9", "#d55e00", "#cc79a7", "#8a9a3b", "#9b7fd4", "#8291a0"];

type Texts = ReturnType<typeof useText>;

function option(shape: Shape, host: Element, text: Texts): EChartsCoreOption {
  const css = getComputedStyle(host);
  const read = (name: string) => css.getPropertyValue(name).trim();
  const faint = read("--dim");
  const many = shape.series.length > 1;
  const value = {
    type: "value",
    axisLabel: { color: faint, fontSize: 11, formatter: (n: number) => text.compact(n) },
    splitLine: { lineStyle: { color: read("--line") } },
    splitNumber: 4,
  };
  const time = shape.kind === "time";
  const span = time ? Number(shape.axis.at(-1)) - Number(shape.axis[0]) : 0;
  const category = {
    type: "category",
    data: time
      ? shape.axis.map((t) =>
          span > 2 * 86_400_000 ? text.time(Number(t), "minutes") : text.time(Number(t), "clock").slice(0, span < 600_000 ? 8 : 5),
        )
      : shape.axis,
    axisLabel: { color: faint, fontSize: 11, hideOverlap: true, ...(time ? {} : { width: 240, overflow: "truncate", interval: 0 }) },
    axisLine: { lineStyle: { color: read("--line-strong") } },
    axisTick: { show: false },
    ...(time ? {} : { inverse: true }),
  };
  return {
    animation: false,
    color: SERIES,
    textStyle: { fontFamily: read("--sans") || "sans-serif" },
    grid: { left: 8, right: 20, top: many ? 34 : 12, bottom: 6, containLabel: true },
    legend: many
      ? {
          top: 2,
          left: 4,
          type: "scroll",
          textStyle: { color: read("--text"), fontSize: 12 },
          icon: "roundRect",
          itemWidth: 10,
          itemHeight: 10,
        }
      : { show: false },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      axisPointer: { type: "shadow", shadowStyle: { color: read("--hover"), opacity: 0.6 } },
      backgroundColor: read("--raised"),
      borderColor: read("--line-strong"),
      textStyle: { color: read("--text"), fontSize: 12 },
      valueFormatter: (n: unknown) => (typeof n === "number" ? text.number(n) : "–"),
    },
    xAxis: time ? category : value,
    yAxis: time ? value : category,
    series: shape.series.map(({ name, values }) => ({
      name,
      type: "bar",
      data: values,
      barMaxWidth: time ? 40 : 18,
      ...(time ? { stack: "all" } : {}),
    })),
  };
}

export function ResultChart({ table }: { table: EventTable }) {
  const { t } = useTranslation();
  const host = useRef<HTMLDivElement>(null);
  const text = useText();
  const { light } = useAppearance();
  const shape = shapeOf(table);
  const height = shape.kind === "time" ? 260 : Math.min(420, 36 + shape.axis.length * (16 + 8 * shape.series.length));

  // biome-ignore lint/correctness/useExhaustiveDependencies: `light` stands for the colours read from the stylesheet
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const chart = init(element, null, { renderer: "svg" });
    chart.setOption(option(shapeOf(table), element, text));
    const observer = new ResizeObserver(() => chart.resize());
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.dispose();
    };
  }, [table, text, light]);
  return (
    <div ref={host} className={styles.chart} style={{ height }} role="img" aria-label={t("search.chart")} data-testid="result-chart" />
  );
}
