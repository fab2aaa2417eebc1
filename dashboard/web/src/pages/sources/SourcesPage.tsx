/** Who sends, how well, and how to make more devices send. A new device appears by itself. */
import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Lock, LockOpen, Pin, Plus, RadioTower, Search } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { sourcesQuery } from "../../api/queries";
import type { SourceInfo } from "../../api/types";
import { Age } from "../../components/Age";
import { type Column, DataTable } from "../../components/DataTable";
import { useAge } from "../../components/Panel";
import { Empty, Failed, Waiting } from "../../components/States";
import { useShortcuts } from "../../keyboard/keyboard";
import { useText } from "../../time/useText";
import { instant } from "../../time/zone";
import { encrypted, type Health, healthOf, parsedShare, refusedOf, skewMs } from "./health";
import { Snippets } from "./Snippets";
import { SourcePanel } from "./SourcePanel";
import styles from "./SourcesPage.module.css";
import { useSkewText } from "./useSkewText";

/** Columns that stay when the panel takes a narrow screen's room. */
const BESIDE_PANEL = ["source", "product", "last", "parsed"];
const STATES = ["all", "active", "silent", "unparsed"] as const;

function matches(source: SourceInfo, words: string): boolean {
  const text = [source.id, source.host, source.peer, source.product, source.format, source.agency, source.tls_identity]
    .join(" ")
    .toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((w) => text.includes(w));
}

function Share({ share }: { share: number | null }) {
  const text = useText();
  if (share === null) return <span className="faint">–</span>;
  return (
    <span className={styles.share} data-tone={share < 0.5 ? "bad" : share < 0.95 ? "warn" : "good"}>
      <span className={styles.shareBar}>
        <span style={{ width: `${share * 100}%` }} />
      </span>
      <span className="num">{text.percent(share)}</span>
    </span>
  );
}

/** Skew worth a word: beyond a minute searches by time go wrong. */
const SKEWED = 60_000;

function useColumns(): Column<SourceInfo>[] {
  const { t } = useTranslation();
  const text = useText();
  const skewText = useSkewText();
  // biome-ignore lint/correctness/useExhaustiveDependencies: skewText changes with t and text only
  return useMemo(
    (): Column<SourceInfo>[] => [
      {
        id: "source",
        header: t("sources.col_source"),
        width: "minmax(190px, 1.5fr)",
        sort: (s) => s.host ?? s.id,
        cell: (s) => (
          <span className={styles.two}>
            <span className={styles.name}>
              <span className={styles.dot} data-health={healthOf(s)} aria-hidden="true" />
              <span className="cut">{s.host ?? s.peer ?? s.id}</span>
              <span className="hidden-visually">{t(`sources.state_${healthOf(s)}`)}</span>
            </span>
            <span className={`${styles.under} mono cut`}>{s.id}</span>
          </span>
        ),
      },
      {
        id: "product",
        header: t("sources.col_product"),
        width: "minmax(160px, 1.3fr)",
        sort: (s) => s.product ?? s.format,
        cell: (s) => (
          <span className={styles.two}>
            <span className="cut">{s.product ?? s.format ?? <em className={styles.unknown}>{t("sources.unrecognized")}</em>}</span>
            <span className={`${styles.under} row`}>
              {s.pinned && (
                <>
                  <Pin size={11} aria-hidden="true" /> {t("sources.pinned")}
                </>
              )}
              {s.format && !s.pinned && (
                <span className="cut num">{t("sources.confidence", { value: text.percent(s.confidence, 0) })}</span>
              )}
            </span>
          </span>
        ),
      },
      {
        id: "transport",
        header: t("sources.col_transport"),
        width: "96px",
        sort: (s) => s.transport,
        cell: (s) => (
          <span className="row" title={encrypted(s) === null ? undefined : encrypted(s) ? t("sources.encrypted") : t("sources.plaintext")}>
            <span className={styles.transport}>{s.transport.toUpperCase()}</span>
            {encrypted(s) === true && <Lock size={13} className={styles.locked} aria-label={t("sources.encrypted")} />}
            {encrypted(s) === false && <LockOpen size={13} className="faint" aria-label={t("sources.plaintext")} />}
          </span>
        ),
      },
      {
        id: "last",
        header: t("sources.col_last"),
        width: "126px",
        sort: (s) => -instant(s.last_seen),
        cell: (s) => <Age at={s.last_seen} className={`num ${s.active ? "" : (styles.late ?? "")}`} />,
      },
      {
        id: "kept",
        header: t("sources.col_events"),
        width: "minmax(84px, 0.6fr)",
        align: "right",
        sort: (s) => s.counters.kept,
        cell: (s) => (
          <span className="num" title={text.number(s.counters.kept)}>
            {text.compact(s.counters.kept)}
          </span>
        ),
      },
      { id: "parsed", header: t("sources.col_parsed"), width: "146px", sort: parsedShare, cell: (s) => <Share share={parsedShare(s)} /> },
      {
        id: "refused",
        header: t("sources.col_refused"),
        width: "84px",
        align: "right",
        sort: refusedOf,
        cell: (s) => <span className={`num ${refusedOf(s) > 0 ? (styles.late ?? "") : "faint"}`}>{text.compact(refusedOf(s))}</span>,
      },
      {
        id: "skew",
        header: t("sources.col_skew"),
        width: "120px",
        sort: (s) => Math.abs(skewMs(s) ?? 0),
        cell: (s) => (
          <span className={`num ${Math.abs(skewMs(s) ?? 0) > SKEWED ? (styles.late ?? "") : "dim"}`}>
            {skewMs(s) === null ? "–" : skewText(s)}
          </span>
        ),
      },
    ],
    [t, text],
  );
}

export function SourcesPage() {
  const { t } = useTranslation();
  const text = useText();
  const navigate = useNavigate({ from: "/sources" });
  const search = useSearch({ from: "/inside/sources" });
  const query = useQuery(sourcesQuery);
  const [words, setWords] = useState("");
  const [snippets, setSnippets] = useState(false);
  const box = useRef<HTMLInputElement>(null);
  const age = useAge(query.dataUpdatedAt);
  const all = query.data?.items;
  const state = STATES.find((s) => s === search.state) ?? "all";
  const rows = useMemo(
    () => (all ?? []).filter((s) => (state === "all" || healthOf(s) === state) && matches(s, words)),
    [all, state, words],
  );
  const selected = all?.find((s) => s.id === search.id) ?? null;
  const every = useColumns();
  const narrow = useMediaQuery("(max-width: 1600px)");
  const columns = useMemo(
    () => (narrow && search.id ? every.filter((c) => BESIDE_PANEL.includes(c.id)) : every),
    [every, narrow, search.id],
  );
  const count = (health: Health | "all") => (all ?? []).filter((s) => health === "all" || healthOf(s) === health).length;
  const select = (id: string | undefined) =>
    void navigate({ search: ({ id: _, ...rest }) => (id ? { ...rest, id } : rest), replace: search.id !== undefined });

  useShortcuts([
    { keys: "/", label: "keys.focus", group: "anywhere", run: () => box.current?.focus() },
    { keys: "Escape", label: "keys.close", group: "lists", run: () => select(undefined) },
  ]);

  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{t("sources.title")}</h1>
        <SegmentedControl
          size="xs"
          aria-label={t("sources.state")}
          value={state}
          onChange={(value) => void navigate({ search: ({ state: _, ...rest }) => (value === "all" ? rest : { ...rest, state: value }) })}
          data={STATES.map((value) => ({
            value,
            label: (
              <span className="row">
                {t(`sources.state_${value}`)} <span className="dim num">{text.number(count(value))}</span>
              </span>
            ),
          }))}
        />
        <TextInput
          ref={box}
          className={styles.filter}
          aria-label={t("sources.filter")}
          placeholder={t("sources.filter")}
          leftSection={<Search size={14} />}
          rightSection={<kbd>/</kbd>}
          value={words}
          onChange={(e) => setWords(e.currentTarget.value)}
          onKeyDown={(e) => e.key === "Escape" && e.currentTarget.blur()}
        />
        <span className="grow" />
        {age && (
          <span className={`${styles.age} num`} data-stale={age.stale}>
            {age.text}
          </span>
        )}
        <Button leftSection={<Plus size={15} />} onClick={() => setSnippets(true)} data-testid="add-source">
          {t("sources.add")}
        </Button>
      </header>
      <div className={styles.body}>
        {query.isPending && <Waiting rows={10} height={28} />}
        {query.isError && !all && <Failed error={query.error} retry={() => void query.refetch()} />}
        {all && rows.length === 0 && (
          <Empty
            icon={<RadioTower size={24} aria-hidden="true" />}
            title={all.length === 0 ? t("sources.empty_title") : t("state.nothing")}
            hint={all.length === 0 ? t("sources.empty_hint") : t("sources.empty_filtered")}
            action={all.length === 0 ? <Button onClick={() => setSnippets(true)}>{t("sources.add")}</Button> : undefined}
          />
        )}
        {rows.length > 0 && (
          <DataTable
            label={t("sources.title")}
            columns={columns}
            rows={rows}
            rowKey={(s) => s.id}
            rowHeight={50}
            rowTestId="source-row"
            selected={search.id}
            onSelect={(s) => select(s.id)}
            order={{ id: "source", desc: false }}
          />
        )}
        {selected && <SourcePanel source={selected} formats={query.data?.formats ?? []} onClose={() => select(undefined)} />}
      </div>
      <Snippets opened={snippets} onClose={() => setSnippets(false)} />
    </div>
  );
}
