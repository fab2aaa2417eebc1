/** The queue: virtual rows, two lines each. */
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { BellOff, FlaskConical, UserRound } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { AlertFilter } from "../../api/alerts";
import type { Alert, Page } from "../../api/types";
import { Age } from "../../components/Age";
import { LevelGlyph } from "../../components/Level";
import { Empty, Failed, Waiting } from "../../components/States";
import { useList } from "../../components/useList";
import { useStable } from "../../components/useStable";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import styles from "./AlertsPage.module.css";

const ROW = 54;

/** What the alert is about, shortest useful form. */
export function entityLine(alert: Alert): string {
  const shown = alert.entities.filter((e) => ["user", "address", "host", "domain", "process"].includes(e.kind)).slice(0, 4);
  return shown.map((e) => e.value).join(" · ");
}

const Row = memo(function Row({ alert, selected, onSelect }: { alert: Alert; selected: boolean; onSelect: (alert: Alert) => void }) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const title = (language === "vi" && alert.rule.title_vi) || alert.rule.title;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys; rows are its options
    <div
      id={`alert-${alert.id}`}
      role="option"
      aria-selected={selected}
      tabIndex={-1}
      className={styles.row}
      data-status={alert.status}
      data-level={alert.rule.level}
      data-testid="alert-row"
      onClick={() => onSelect(alert)}
    >
      <span className={styles.glyph}>
        <LevelGlyph level={alert.rule.level} size={16} />
        <span className="hidden-visually">{t(`level.${alert.rule.level}`)}</span>
      </span>
      <span className={styles.main}>
        <span className={`${styles.rowTitle} cut`}>
          {title}
          {alert.drill && (
            <span className={styles.drill}>
              <FlaskConical size={11} aria-hidden="true" /> {t("alerts.drill")}
            </span>
          )}
        </span>
        <span className={`${styles.entities} cut`} title={alert.summary}>
          {entityLine(alert)}
          <span className={styles.about}>{alert.summary}</span>
        </span>
      </span>
      <span className={`${styles.count} num`} title={t("alerts.times", { value: text.number(alert.count) })}>
        {alert.count > 1 && `×${text.compact(alert.count)}`}
      </span>
      <span className={styles.when}>
        <Age at={alert.last_seen} className="num" />
        <span className={styles.state} data-status={alert.status}>
          {alert.assignee && alert.status === "acknowledged" ? (
            <>
              <UserRound size={11} aria-hidden="true" /> <span className="cut">{alert.assignee}</span>
            </>
          ) : (
            <span className="cut">{t(`status.${alert.status}`)}</span>
          )}
        </span>
      </span>
    </div>
  );
});

interface AlertListProps {
  query: UseInfiniteQueryResult<InfiniteData<Page<Alert>>>;
  items: Alert[];
  filter: AlertFilter;
  selected: number;
  onSelect: (alert: Alert) => void;
  onOpen: () => void;
}

export function AlertList({ query, items, filter, selected, onSelect, onOpen }: AlertListProps) {
  const { t } = useTranslation();
  const { scroller, rows } = useList({
    count: items.length,
    rowHeight: ROW,
    selected,
    onSelect: (i) => {
      const alert = items[i];
      if (alert) onSelect(alert);
    },
    onOpen,
    onEnd: () => {
      if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
    },
  });
  const current = items[selected];
  const pick = useStable((alert: Alert) => {
    onSelect(alert);
    scroller.current?.focus({ preventScroll: true });
  });
  const filtered = filter.levels.length > 0 || filter.q || filter.rule || filter.since || filter.status !== "open";
  if (query.isPending) return <Waiting rows={14} height={26} />;
  if (query.isError && items.length === 0) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (items.length === 0) {
    return (
      <Empty
        icon={<BellOff size={24} aria-hidden="true" />}
        title={t("alerts.empty_title")}
        hint={filtered ? t("alerts.empty_filtered") : t("alerts.empty_open")}
      />
    );
  }
  return (
    <div
      ref={scroller}
      className={styles.list}
      role="listbox"
      data-list
      tabIndex={0}
      aria-label={t("alerts.list_label")}
      aria-activedescendant={current ? `alert-${current.id}` : undefined}
      data-dimmed={query.isPlaceholderData}
    >
      <div style={{ height: rows.getTotalSize(), position: "relative" }} role="presentation">
        {rows.getVirtualItems().map((row) => {
          const alert = items[row.index];
          return (
            alert && (
              <div
                key={alert.id}
                role="presentation"
                style={{ position: "absolute", insetInline: 0, height: ROW, transform: `translateY(${row.start}px)` }}
              >
                <Row alert={alert} selected={row.index === selected} onSelect={pick} />
              </div>
            )
          );
        })}
      </div>
      {!query.hasNextPage && <p className={styles.end}>{t("alerts.end")}</p>}
    </div>
  );
}
