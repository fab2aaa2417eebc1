/** What was found over time; dragging narrows the range. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ZoomOut } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { histogramQuery, type Range } from "../../api/queries";
import { TimeBars } from "../../charts/TimeBars";
import { Failed } from "../../components/States";
import { serverNow } from "../../time/clock";
import { useText } from "../../time/useText";
import { widened } from "./range";
import styles from "./SearchPage.module.css";

interface ResultHistogramProps {
  q: string;
  range: Range;
  onRange: (range: Range) => void;
}

/** Opening an event changes nothing here. */
export const ResultHistogram = memo(function ResultHistogram({ q, range, onRange }: ResultHistogramProps) {
  const { t } = useTranslation();
  const text = useText();
  const query = useQuery(histogramQuery(q, range, 90));
  const data = query.data;
  return (
    <section className={styles.histogram} aria-label={t("search.histogram")} data-dimmed={query.isPlaceholderData}>
      {query.isError ? (
        <Failed error={query.error} compact />
      ) : (
        data && (
          <>
            <TimeBars
              buckets={data.buckets}
              intervalMs={data.interval_ms}
              height={92}
              label={t("search.histogram")}
              countText={(n) => t("overview.count_events", { value: text.number(n) })}
              onRange={(from, to) => onRange({ from: new Date(from).toISOString(), to: new Date(to).toISOString() })}
            />
            <div className={styles.histogramSide} title={t("search.per_bucket", { value: text.span(data.interval_ms) })}>
              <Tooltip label={t("search.zoom_out")}>
                <ActionIcon size={26} aria-label={t("search.zoom_out")} onClick={() => onRange(widened(range, serverNow()))}>
                  <ZoomOut size={15} />
                </ActionIcon>
              </Tooltip>
              <span className="faint num">{text.span(data.interval_ms)}</span>
            </div>
          </>
        )
      )}
    </section>
  );
});
