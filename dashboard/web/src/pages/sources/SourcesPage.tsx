/** Who sends, how well, and how to make more devices send. A new device appears by itself. */
import { Button } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, RadioTower } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { sourcesQuery } from "../../api/queries";
import type { SourceInfo } from "../../api/types";
import { Choice } from "../../components/Choice";
import { DataTable } from "../../components/DataTable";
import { FilterBox } from "../../components/FilterBox";
import { useAge } from "../../components/Panel";
import { Empty, Failed, Waiting } from "../../components/States";
import { useWatch } from "../../components/useWatch";
import { useShortcuts } from "../../keyboard/keyboard";
import { useText } from "../../time/useText";
import { type Health, healthOf } from "./health";
import { Snippets } from "./Snippets";
import { useSourceColumns } from "./SourceColumns";
import { SourcePanel } from "./SourcePanel";
import styles from "./SourcesPage.module.css";

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

function States({ sources }: { sources: SourceInfo[] }) {
  const { t } = useTranslation();
  const text = useText();
  const navigate = useNavigate({ from: "/sources" });
  const { state } = useSearch({ from: "/inside/sources" });
  const count = (health: Health | "all") => sources.filter((s) => health === "all" || healthOf(s) === health).length;
  return (
    <Choice
      label={t("sources.state")}
      value={STATES.find((s) => s === state) ?? "all"}
      onChange={(value) => void navigate({ search: ({ state: _, ...rest }) => (value === "all" ? rest : { ...rest, state: value }) })}
      options={STATES.map((value) => ({
        value,
        label: (
          <span className="row">
            {t(`sources.state_${value}`)} <span className="dim num">{text.number(count(value))}</span>
          </span>
        ),
      }))}
    />
  );
}

function Nothing({ any, onAdd }: { any: boolean; onAdd: () => void }) {
  const { t } = useTranslation();
  const icon = <RadioTower size={24} aria-hidden="true" />;
  if (any) return <Empty icon={icon} title={t("state.nothing")} hint={t("sources.empty_filtered")} />;
  return (
    <Empty
      icon={icon}
      title={t("sources.empty_title")}
      hint={t("sources.empty_hint")}
      action={<Button onClick={onAdd}>{t("sources.add")}</Button>}
    />
  );
}

export function SourcesPage() {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: "/sources" });
  const { id, state } = useSearch({ from: "/inside/sources" });
  const query = useQuery(sourcesQuery);
  const [words, setWords] = useState("");
  const [snippets, setSnippets] = useState(false);
  const age = useAge(query.dataUpdatedAt);
  const all = query.data?.items;
  const known = STATES.find((s) => s === state) ?? "all";
  const rows = useMemo(
    () => (all ?? []).filter((s) => (known === "all" || healthOf(s) === known) && matches(s, words)),
    [all, known, words],
  );
  const selected = all?.find((s) => s.id === id);
  const every = useSourceColumns();
  const narrow = useMediaQuery("(max-width: 1600px)") && id !== undefined;
  const columns = useMemo(() => (narrow ? every.filter((c) => BESIDE_PANEL.includes(c.id)) : every), [every, narrow]);
  const watch = useWatch(selected && (selected.host ?? selected.id));
  const select = (next: string | undefined) =>
    void navigate({ search: ({ id: _, ...rest }) => (next ? { ...rest, id: next } : rest), replace: id !== undefined });
  useShortcuts([{ keys: "Escape", label: "keys.close", group: "lists", run: () => select(undefined) }, watch]);

  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{t("sources.title")}</h1>
        <States sources={all ?? []} />
        <FilterBox className={styles.filter} label={t("sources.filter")} value={words} onChange={setWords} />
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
        {all && rows.length === 0 && <Nothing any={all.length > 0} onAdd={() => setSnippets(true)} />}
        {rows.length > 0 && (
          <DataTable
            label={t("sources.title")}
            columns={columns}
            rows={rows}
            rowKey={(s) => s.id}
            rowHeight={50}
            rowTestId="source-row"
            selected={id}
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
