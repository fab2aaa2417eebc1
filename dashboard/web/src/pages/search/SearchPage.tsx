/** Search: a query, a time range, what was found. The URL holds all of it, so that a link is a search. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/client";
import { lintQuery } from "../../api/rules";
import { Crumbs } from "../../components/Crumbs";
import { notify } from "../../components/notify";
import { Failed, Waiting } from "../../components/States";
import { useShortcuts } from "../../keyboard/keyboard";
import { useTrail } from "../../shell/trail";
import { EventPanel } from "./EventPanel";
import { Facets } from "./Facets";
import { LanguageHelp } from "./LanguageHelp";
import { QueryBox } from "./QueryBox";
import { RangePicker } from "./RangePicker";
import { ResultHistogram } from "./ResultHistogram";
import { ResultList } from "./ResultList";
import { ResultTable } from "./ResultTable";
import styles from "./SearchPage.module.css";
import { SearchTools } from "./SearchTools";
import { isSigma } from "./sigma";
import { useSearchState } from "./useSearchState";

type State = ReturnType<typeof useSearchState>;

function Events({ state }: { state: State }) {
  const { q, range, query, items, columns, id, event, seen, pivots } = state;
  return (
    <div className={styles.body} data-panel={event !== null}>
      <Facets q={q} range={range} onAdd={pivots.onAdd} onExclude={pivots.onExclude} onColumn={pivots.onColumn} />
      <ResultList
        query={query}
        items={items}
        columns={columns}
        selected={id}
        onOpen={state.open}
        onAdd={pivots.onColumn}
        onRemove={state.removeColumn}
        onWiden={() => state.setRange({ since: "30d" })}
        seen={seen}
      />
      {id !== undefined && <EventPanel event={event} error={state.eventError} onClose={state.close} onStep={state.step} {...pivots} />}
    </div>
  );
}

function Answer({ state }: { state: State }) {
  const { q, range, query, table, tabular, failed } = state;
  if (failed) {
    // The box already says what is wrong with the query; asking again would not help.
    const badQuery = query.error instanceof ApiError && query.error.kind === "bad_query";
    return <Failed error={query.error} {...(badQuery ? {} : { retry: () => void query.refetch() })} />;
  }
  if (table) return <ResultTable table={table} q={q} onPick={state.ask} />;
  if (tabular) return <Waiting rows={12} height={20} />;
  return (
    <>
      <ResultHistogram q={q} range={range} onRange={state.setRange} />
      <Events state={state} />
    </>
  );
}

export function SearchPage() {
  const { t } = useTranslation();
  const state = useSearchState();
  const trail = useTrail();
  const { q, query } = state;
  const [draft, setDraft] = useState(q);
  const [help, setHelp] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    setDraft(q);
    // Coming here without a question means wanting to type one; with one, to read the answer.
    if (!q) box.current?.focus({ preventScroll: true });
  }, [q]);
  const client = useQueryClient();
  /** A Sigma rule becomes the query that finds what it finds; its faults are told under the box. */
  const submitRule = async (text: string) => {
    const lint = await client.fetchQuery(lintQuery(text)).catch(() => null);
    if (lint?.query) {
      notify({ message: t("searches.from_sigma", { title: lint.rules[0] ?? "" }), autoClose: 4000 });
      state.ask(lint.query);
    } else if (lint?.ok) notify({ color: "red", message: t("searches.sigma_unsayable") });
  };
  const submit = (text: string) => {
    box.current?.blur(); // the keys belong to the results now
    if (isSigma(text)) void submitRule(text);
    else state.submit(text);
  };
  useShortcuts([
    { keys: "/", label: "keys.focus", group: "anywhere", run: () => box.current?.focus() },
    { keys: "Escape", label: "keys.close", group: "lists", run: state.close },
  ]);
  const busy = query.isFetching && !query.isFetchingNextPage;
  return (
    <div className={styles.page}>
      {trail.length > 1 && (
        <div className={styles.way}>
          <Crumbs above="/search" />
        </div>
      )}
      <header className={styles.head}>
        <h1 className="hidden-visually">{t("search.title")}</h1>
        <QueryBox
          inputRef={box}
          value={draft}
          onChange={setDraft}
          onSubmit={submit}
          onHelp={() => setHelp(!help)}
          busy={busy}
          seen={state.seen}
        />
        <RangePicker range={state.range} onChange={state.setRange} />
        <SearchTools
          q={q}
          range={state.range}
          columns={state.columns}
          link={state.link}
          onOpen={({ q: kept, since, columns }) => state.take(kept, since, columns)}
        />
      </header>
      {help && (
        <LanguageHelp
          onPick={(text) => {
            setHelp(false);
            state.ask(text);
          }}
        />
      )}
      <Answer state={state} />
    </div>
  );
}
