/** What was found, newest first: virtual rows, more fetched near the end, columns as chosen. */
import { ActionIcon, Button, Select, Tooltip } from "@mantine/core";
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { SearchX, X } from "lucide-react";
import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { isTable } from "../../api/queries";
import type { EcsEvent, EventPage, EventTable } from "../../api/types";
import { eventId, isUnparsed, senderOf, summaryOf, textOf } from "../../components/event";
import { Empty, Waiting } from "../../components/States";
import { useList } from "../../components/useList";
import { FIELDS } from "../../query/fields";
import { useText } from "../../time/useText";
import styles from "./ResultList.module.css";

interface ResultListProps {
  query: UseInfiniteQueryResult<InfiniteData<EventPage | EventTable>>;
  items: EcsEvent[];
  columns: string[];
  selected: string | undefined;
  onOpen: (event: EcsEvent) => void;
  onAdd: (field: string) => void;
  onRemove: (field: string) => void;
  onWiden: () => void;
  seen: string[];
}

const ROW = 31;

const template = (columns: string[]): string =>
  ["166px", "minmax(92px, 150px)", ...columns.map(() => "minmax(80px, 170px)"), "minmax(200px, 1fr)"].join(" ");

const Row = memo(function Row({
  event,
  columns,
  selected,
  onOpen,
}: {
  event: EcsEvent;
  columns: string[];
  selected: boolean;
  onOpen: (e: EcsEvent) => void;
}) {
  const { t } = useTranslation();
  const text = useText();
  const at = textOf(event, "@timestamp");
  const sender = senderOf(event);
  const message = summaryOf(event);
  const bad = isUnparsed(event);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list takes the keys; rows are its options
    <div
      id={`event-${eventId(event)}`}
      role="option"
      aria-selected={selected}
      tabIndex={-1}
      className={styles.row}
      data-outcome={bad ? "unparsed" : textOf(event, "event.outcome")}
      data-testid="result-row"
      style={{ gridTemplateColumns: template(columns) }}
      onClick={() => onOpen(event)}
    >
      <span className={`${styles.time} num`} title={text.time(at, "full")}>
        {text.time(at, "day")} {text.time(at, "clock_ms")}
      </span>
      <span className="cut" title={sender}>
        {sender}
      </span>
      {columns.map((column) => {
        const value = textOf(event, column);
        return (
          <span key={column} className="cut" title={value}>
            {value || <span className="faint">–</span>}
          </span>
        );
      })}
      <span className={`${styles.message} cut`} title={message.slice(0, 600)}>
        {bad && <span className={styles.flag}>{t("event.unparsed")}</span>}
        {message}
      </span>
    </div>
  );
});

function Count({ query, items }: Pick<ResultListProps, "query" | "items">) {
  const { t } = useTranslation();
  const text = useText();
  const first = query.data?.pages[0];
  if (!first || isTable(first)) return null;
  const value = text.number(first.total);
  return (
    <span className={styles.count}>
      <strong className="num" data-testid="result-count" data-total={first.total}>
        {first.total_exact ? t("search.results", { count: first.total, value }) : t("search.results_least", { value })}
      </strong>
      <span className="faint num">
        {items.length < first.total && `${t("search.loaded", { value: text.number(items.length) })} · `}
        {t("search.took", { value: text.number(first.took_ms) })}
      </span>
    </span>
  );
}

const Head = memo(function Head({ columns, onAdd, onRemove, seen }: Pick<ResultListProps, "columns" | "onAdd" | "onRemove" | "seen">) {
  const { t } = useTranslation();
  const names = useMemo(
    () => [...new Set([...seen, ...FIELDS.filter((f) => f.core).map((f) => f.name)])].filter((f) => !columns.includes(f)).sort(),
    [columns, seen],
  );
  return (
    <div className={styles.head} style={{ gridTemplateColumns: template(columns) }}>
      <span>{t("search.col_time")}</span>
      <span className="cut">{t("search.col_source")}</span>
      {columns.map((column) => (
        <span key={column} className={styles.column}>
          <span className="cut mono" title={column}>
            {column}
          </span>
          <Tooltip label={t("search.column_remove", { field: column })}>
            <ActionIcon size={18} aria-label={t("search.column_remove", { field: column })} onClick={() => onRemove(column)}>
              <X size={11} />
            </ActionIcon>
          </Tooltip>
        </span>
      ))}
      <span className={styles.last}>
        <span className="grow">{t("search.col_message")}</span>
        <Select
          className={styles.add}
          searchable
          size="xs"
          placeholder={t("search.column_add")}
          aria-label={t("search.column_add")}
          value={null}
          limit={40}
          data={names}
          comboboxProps={{ width: 260, position: "bottom-end" }}
          onChange={(field) => field && onAdd(field)}
        />
      </span>
    </div>
  );
});

export function ResultList(props: ResultListProps) {
  const { query, items, columns, selected, onOpen, onWiden } = props;
  const { t } = useTranslation();
  const index = items.findIndex((e) => eventId(e) === selected);
  const { scroller, rows } = useList({
    count: items.length,
    rowHeight: ROW,
    selected: index,
    onSelect: (i) => {
      const event = items[i];
      if (event) onOpen(event);
    },
    onEnd: () => {
      if (query.hasNextPage && !query.isFetchingNextPage) void query.fetchNextPage();
    },
  });
  if (query.isPending) return <Waiting rows={16} height={16} />;
  return (
    <div className={styles.results}>
      <div className={styles.bar}>
        <Count query={query} items={items} />
      </div>
      {items.length === 0 ? (
        <Empty
          icon={<SearchX size={24} aria-hidden="true" />}
          title={t("search.empty_title")}
          hint={t("search.empty_hint")}
          action={
            <Button variant="default" onClick={onWiden}>
              {t("search.widen")}
            </Button>
          }
        />
      ) : (
        <div className={styles.scroll}>
          <Head columns={columns} onAdd={props.onAdd} onRemove={props.onRemove} seen={props.seen} />
          <div
            ref={scroller}
            className={styles.list}
            role="listbox"
            data-list
            tabIndex={0}
            aria-label={t("search.list_label")}
            aria-activedescendant={index >= 0 ? `event-${selected}` : undefined}
          >
            <div style={{ height: rows.getTotalSize(), position: "relative" }} role="presentation">
              {rows.getVirtualItems().map((row) => {
                const event = items[row.index];
                return (
                  event && (
                    <div
                      key={row.key}
                      role="presentation"
                      style={{ position: "absolute", insetInline: 0, height: ROW, transform: `translateY(${row.start}px)` }}
                    >
                      <Row event={event} columns={columns} selected={row.index === index} onOpen={onOpen} />
                    </div>
                  )
                );
              })}
            </div>
          </div>
        </div>
      )}
    </div>
  );
}
