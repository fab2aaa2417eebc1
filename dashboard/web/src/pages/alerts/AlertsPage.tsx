/** The alert queue and the alert in hand: take, judge, next. Filters and the alert in hand live in the URL. */
import { notifications } from "@mantine/notifications";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type AlertFilter, alertsQuery } from "../../api/alerts";
import { alertQuery } from "../../api/queries";
import type { Alert, Verdict } from "../../api/types";
import { useMay, useUser } from "../../api/user";
import { useStable } from "../../components/useStable";
import { useShortcuts } from "../../keyboard/keyboard";
import type { AlertSearch } from "../../router";
import { AlertFilters } from "./AlertFilters";
import { AlertList } from "./AlertList";
import { AlertPanel } from "./AlertPanel";
import styles from "./AlertsPage.module.css";
import { REASONS, VERDICT_KEYS, VERDICTS } from "./reasons";
import { useTriage } from "./useTriage";

function useFilter(search: AlertSearch): AlertFilter {
  const { status = "open", level, rule, q, since, order } = search;
  const levels = level?.join(",") ?? "";
  return useMemo(
    () => ({
      status,
      levels: levels ? (levels.split(",") as AlertFilter["levels"]) : [],
      order: order ?? "priority",
      ...(rule ? { rule } : {}),
      ...(q ? { q } : {}),
      ...(since ? { since } : {}),
    }),
    [status, levels, rule, q, since, order],
  );
}

/** The alert named in the URL: at once from the list, with its events as soon as they come. */
function useAlert(id: string | undefined, items: Alert[]) {
  const detail = useQuery({ ...alertQuery(id ?? ""), enabled: id !== undefined });
  const listed = items.find((a) => a.id === id);
  const fetched = detail.data;
  const current = fetched && listed && listed.version > fetched.version ? { ...fetched, ...listed, events: fetched.events } : fetched;
  return { alert: current ?? listed ?? null, events: fetched?.events ?? null, error: detail.error, retry: () => void detail.refetch() };
}

export function AlertsPage() {
  const { t } = useTranslation();
  const search = useSearch({ from: "/inside/alerts" });
  const navigate = useNavigate({ from: "/alerts" });
  const filter = useFilter(search);
  const query = useInfiniteQuery(alertsQuery(filter));
  const items = useMemo(() => query.data?.pages.flatMap((p) => p.items) ?? [], [query.data]);
  const { alert, events, error, retry } = useAlert(search.id, items);
  const triage = useTriage();
  const user = useUser();
  const may = useMay("judge");
  const [judging, setJudging] = useState<Verdict | null>(null);
  const panel = useRef<HTMLElement>(null);
  const filterBox = useRef<HTMLInputElement>(null);

  const select = (id: string | undefined) => {
    setJudging(null);
    void navigate({ search: ({ id: _, ...rest }) => (id ? { ...rest, id } : rest), replace: search.id !== undefined });
  };
  const onSelect = useStable((a: Alert) => select(a.id));
  const index = items.findIndex((a) => a.id === search.id);

  const judge = (verdict: Verdict, reason: string) => {
    if (!alert) return;
    setJudging(null);
    // The judged alert leaves an open queue; the one after it comes to hand.
    const leaves = filter.status === "open" || filter.status === "new" || filter.status === "acknowledged";
    const following = items[index + 1] ?? items[index - 1];
    void triage.judge(alert, verdict, reason);
    if (leaves && following) select(following.id);
  };
  const takeNext = async () => {
    for (const candidate of items.filter((a) => a.status === "new" && a.id !== search.id).slice(0, 8)) {
      select(candidate.id);
      if (!may) return;
      if (await triage.claim(candidate, true)) return;
    }
    notifications.show({ message: t("alerts.no_next"), autoClose: 3000 });
  };
  const open = alert?.status === "new" || alert?.status === "acknowledged";
  const mine = open && alert.assignee === user.name;
  const claim = () => {
    if (may && open) void (mine ? triage.release(alert) : triage.claim(alert));
  };
  const undo = async () => {
    if (!may) return;
    const id = await triage.undo();
    if (id) select(id);
  };

  useShortcuts([
    { keys: "n", label: "keys.next", group: "alerts", run: () => void takeNext() },
    { keys: "c", label: "keys.claim", group: "alerts", run: claim },
    ...VERDICTS.map((v) => ({
      keys: VERDICT_KEYS[v],
      label: `keys.${v}` as const,
      group: "alerts" as const,
      run: () => setJudging(alert && may ? v : null),
    })),
    { keys: "u", label: "keys.undo", group: "alerts", run: () => void undo() },
    { keys: "/", label: "keys.focus", group: "anywhere", run: () => filterBox.current?.focus() },
    { keys: "Escape", label: "keys.close", group: "lists", run: () => (judging ? setJudging(null) : select(undefined)) },
    ...(judging ? REASONS[judging].map((reason, i) => ({ keys: String(i + 1), run: () => judge(judging, reason) })) : []),
  ]);

  // A verdict begun for one alert must not fall on another.
  // biome-ignore lint/correctness/useExhaustiveDependencies: reset when the alert in hand changes
  useEffect(() => setJudging(null), [search.id]);

  return (
    <div className={styles.page}>
      <AlertFilters filter={filter} total={query.data?.pages[0]?.total} updatedAt={query.dataUpdatedAt} inputRef={filterBox} />
      <div className={styles.split}>
        <AlertList query={query} items={items} filter={filter} selected={index} onSelect={onSelect} onOpen={() => panel.current?.focus()} />
        <AlertPanel
          panelRef={panel}
          alert={alert}
          events={events}
          error={alert ? null : error}
          retry={retry}
          judging={judging}
          onJudging={setJudging}
          onJudge={judge}
          onClaim={claim}
          onReopen={() => alert && void triage.reopen(alert)}
          may={may}
          mine={mine}
          onNext={() => void takeNext()}
        />
      </div>
    </div>
  );
}
