/** Search: a query, a time range, what was found. The URL holds all of it, so that a link is a search. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Link2 } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/client";
import { eventQuery, eventsQuery, isTable, type Range } from "../../api/queries";
import type { EcsEvent, Scalar } from "../../api/types";
import { useCopy } from "../../components/clipboard";
import { eventId } from "../../components/event";
import { Failed, Waiting } from "../../components/States";
import { useStable } from "../../components/useStable";
import { useShortcuts } from "../../keyboard/keyboard";
import { condition, narrow, split } from "../../query/build";
import type { EventSearch } from "../../router";
import { serverNow } from "../../time/clock";
import { EventPanel } from "./EventPanel";
import { Facets } from "./Facets";
import { LanguageHelp } from "./LanguageHelp";
import { QueryBox } from "./QueryBox";
import { RangePicker } from "./RangePicker";
import { ResultHistogram } from "./ResultHistogram";
import { ResultList } from "./ResultList";
import { ResultTable } from "./ResultTable";
import { fixed, rangeOf } from "./range";
import styles from "./SearchPage.module.css";

/** Whether the query makes a table, guessed before the server answers so that the page does not jump. */
const makesTable = (q: string): boolean => /\|\s*(stats|timechart|fields|sort)\b/i.test(split(q).pipes);

function useSearchState() {
  const search = useSearch({ from: "/inside/search" });
  const navigate = useNavigate({ from: "/search" });
  const { since, from, to } = search;
  const range = useMemo(
    () => rangeOf({ ...(since ? { since } : {}), ...(from ? { from } : {}), ...(to ? { to } : {}) }),
    [since, from, to],
  );
  const change = (part: EventSearch & { [K in keyof EventSearch]?: EventSearch[K] | undefined }, replace = false) =>
    void navigate({ search: (old) => Object.fromEntries(Object.entries({ ...old, ...part }).filter(([, v]) => v !== undefined)), replace });
  const setRange = (next: Range) => change({ since: undefined, from: undefined, to: undefined, ...next, id: undefined } as EventSearch);
  return { search, range, change, setRange };
}

export function SearchPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const copy = useCopy();
  const { search, range, change, setRange } = useSearchState();
  const q = search.q ?? "";
  const [draft, setDraft] = useState(q);
  const [help, setHelp] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => setDraft(q), [q]);

  const query = useInfiniteQuery(eventsQuery(q, range));
  const first = query.data?.pages[0];
  const table = first && isTable(first) ? first : null;
  const items = useMemo(() => query.data?.pages.flatMap((p) => (isTable(p) ? [] : p.items)) ?? [], [query.data]);
  const listed = items.find((e) => eventId(e) === search.id);
  const single = useQuery({ ...eventQuery(search.id ?? ""), enabled: search.id !== undefined && listed === undefined && !query.isPending });
  const event: EcsEvent | null = search.id === undefined ? null : (listed ?? single.data ?? null);
  const tabular = table !== null || (first === undefined && makesTable(q));

  const submit = (text: string) => {
    const wanted = text.trim();
    box.current?.blur(); // the keys belong to the results now
    if (wanted === q) {
      // The same question again means: what is new?
      for (const key of ["events", "histogram", "facets"]) void client.invalidateQueries({ queryKey: [key] });
    } else change({ q: wanted || undefined, id: undefined } as EventSearch);
  };
  const add = useStable((field: string, value: Scalar) => change({ q: narrow(q, field, value) }));
  const exclude = useStable((field: string, value: Scalar) => change({ q: narrow(q, field, value, true) }));
  const only = (field: string, value: Scalar) => change({ q: condition(field, value), id: undefined } as EventSearch);
  const cols = search.cols ?? [];
  const addColumn = useStable((field: string) => {
    if (!cols.includes(field)) change({ cols: [...cols, field] }, true);
  });
  const removeColumn = useStable((field: string) =>
    change({ cols: cols.length > 1 ? cols.filter((c) => c !== field) : undefined } as EventSearch, true),
  );
  const open = useStable((found: EcsEvent) => change({ id: eventId(found) }, search.id !== undefined));
  const close = () => change({ id: undefined } as EventSearch, true);
  const step = (by: number) => {
    const at = items.findIndex((e) => eventId(e) === search.id);
    const next = at < 0 ? undefined : items[at + by];
    if (next) open(next);
  };
  const share = () => {
    const params = new URLSearchParams({
      ...(q ? { q } : {}),
      ...fixed(range, serverNow()),
      ...(cols.length ? { cols: cols.join(",") } : {}),
      ...(search.id ? { id: search.id } : {}),
    });
    copy(`${location.origin}/search?${params}`, t("search.share_done"));
  };

  useShortcuts([
    { keys: "/", label: "keys.focus", group: "anywhere", run: () => box.current?.focus() },
    { keys: "Escape", label: "keys.close", group: "lists", run: close },
  ]);
  // Coming here without a question means wanting to type one; with one, to read the answer.
  useEffect(() => {
    if (!q) box.current?.focus({ preventScroll: true });
  }, [q]);

  const seen = useMemo(() => [...new Set(items.slice(0, 50).flatMap((e) => Object.keys(e)))], [items]);
  const badQuery = query.error instanceof ApiError && query.error.kind === "bad_query";
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1 className="hidden-visually">{t("search.title")}</h1>
        <QueryBox
          inputRef={box}
          value={draft}
          onChange={setDraft}
          onSubmit={submit}
          onHelp={() => setHelp(!help)}
          busy={query.isFetching && !query.isFetchingNextPage}
          seen={seen}
        />
        <RangePicker range={range} onChange={setRange} />
        <Tooltip label={t("search.share")}>
          <ActionIcon variant="default" size={38} aria-label={t("search.share")} onClick={share}>
            <Link2 size={16} />
          </ActionIcon>
        </Tooltip>
      </header>
      {help && (
        <LanguageHelp
          onPick={(text) => {
            setHelp(false);
            change({ q: text, id: undefined } as EventSearch);
          }}
        />
      )}
      {!tabular && !query.isError && <ResultHistogram q={q} range={range} onRange={setRange} />}
      {query.isError && !first && <Failed error={query.error} {...(badQuery ? {} : { retry: () => void query.refetch() })} />}
      {query.isPending && tabular && <Waiting rows={12} height={20} />}
      {table && <ResultTable table={table} q={q} onPick={(text) => change({ q: text, id: undefined } as EventSearch)} />}
      {!tabular && !(query.isError && !first) && (
        <div className={styles.body} data-panel={event !== null}>
          <Facets q={q} range={range} onAdd={add} onExclude={exclude} onColumn={addColumn} />
          <ResultList
            query={query}
            items={items}
            columns={cols}
            selected={search.id}
            onOpen={open}
            onAdd={addColumn}
            onRemove={removeColumn}
            onWiden={() => setRange({ since: "30d" })}
            seen={seen}
          />
          {search.id !== undefined && (
            <EventPanel
              event={event}
              error={single.error}
              onClose={close}
              onStep={step}
              onAdd={add}
              onExclude={exclude}
              onOnly={only}
              onColumn={addColumn}
            />
          )}
        </div>
      )}
    </div>
  );
}
