/** The alert queue and the alert in hand. Filters and the alert in hand live in the URL. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { type AlertFilter, alertFilter, alertsQuery } from "../../api/alerts";
import type { Alert } from "../../api/types";
import { useStable } from "../../components/useStable";
import { useShortcuts } from "../../keyboard/keyboard";
import type { AlertSearch } from "../../router";
import { AlertFilters } from "./AlertFilters";
import { AlertList } from "./AlertList";
import { AlertPanel } from "./AlertPanel";
import styles from "./AlertsPage.module.css";
import { useHand } from "./useHand";

function useFilter(search: AlertSearch): AlertFilter {
  const { status, level, rule, q, since, order } = search;
  const levels = level?.join(",") ?? "";
  return useMemo(() => alertFilter({ status, level: levels, rule, q, since, order }), [status, levels, rule, q, since, order]);
}

export function AlertsPage() {
  const search = useSearch({ from: "/inside/alerts" });
  const filter = useFilter(search);
  const query = useInfiniteQuery(alertsQuery(filter));
  const items = useMemo(() => query.data?.pages.flatMap((p) => p.items) ?? [], [query.data]);
  const { alert, events, error, retry, index, select, actions } = useHand(search.id, items, filter);
  const onSelect = useStable((a: Alert) => select(a.id));
  const panel = useRef<HTMLElement>(null);
  const filterBox = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: "/", label: "keys.focus", group: "anywhere", run: () => filterBox.current?.focus() }]);

  return (
    <div className={styles.page}>
      <AlertFilters filter={filter} first={query.data?.pages[0]} updatedAt={query.dataUpdatedAt} inputRef={filterBox} />
      <div className={styles.split}>
        <AlertList query={query} items={items} filter={filter} selected={index} onSelect={onSelect} onOpen={() => panel.current?.focus()} />
        <AlertPanel panelRef={panel} alert={alert} events={events} error={alert ? null : error} retry={retry} {...actions} />
      </div>
    </div>
  );
}
