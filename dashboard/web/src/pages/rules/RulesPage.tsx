/** The rules in force and what was refused: read only. */
import { SegmentedControl, Select, Switch } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { CircleCheck, ScrollText, TriangleAlert } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { rulesQuery } from "../../api/queries";
import { LEVELS, type RuleDiagnostic, type RuleRow } from "../../api/types";
import { Age } from "../../components/Age";
import { type Column, DataTable } from "../../components/DataTable";
import { FilterBox } from "../../components/FilterBox";
import { LevelMark } from "../../components/Level";
import { Empty, Failed, Waiting } from "../../components/States";
import { useLanguage } from "../../i18n";
import { useShortcuts } from "../../keyboard/keyboard";
import { useText } from "../../time/useText";
import { instant } from "../../time/zone";
import { RulePanel } from "./RulePanel";
import styles from "./RulesPage.module.css";
import { useMaturity } from "./useMaturity";

/** Columns that stay when the panel takes a narrow screen's room. */
const BESIDE_PANEL = ["level", "title", "logsource", "last"];

interface RuleFilter {
  words: string;
  level: string;
  matched: boolean;
}

function passes(rule: RuleRow, { words, level, matched }: RuleFilter): boolean {
  if (level && rule.level !== level) return false;
  if (matched && !rule.matches) return false;
  const text = `${rule.title} ${rule.title_vi ?? ""} ${rule.id} ${rule.file} ${rule.logsource}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((w) => text.includes(w));
}

function useColumns(): Column<RuleRow>[] {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const maturity = useMaturity();
  // biome-ignore lint/correctness/useExhaustiveDependencies: maturity changes with t only
  return useMemo((): Column<RuleRow>[] => {
    const titleOf = (r: RuleRow) => (language === "vi" && r.title_vi) || r.title;
    return [
      {
        id: "level",
        header: t("rules.col_level"),
        width: "126px",
        sort: (r) => LEVELS.indexOf(r.level),
        cell: (r) => <LevelMark level={r.level} />,
      },
      {
        id: "title",
        header: t("rules.col_title"),
        width: "minmax(240px, 2.4fr)",
        sort: titleOf,
        cell: (r) => (
          <span className="cut" style={{ display: "block" }} title={titleOf(r)}>
            {titleOf(r)}
          </span>
        ),
      },
      {
        id: "logsource",
        header: t("rules.col_logsource"),
        width: "minmax(150px, 1fr)",
        sort: (r) => r.logsource,
        cell: (r) => (
          <span className="mono dim cut" style={{ display: "block" }} title={r.logsource}>
            {r.logsource}
          </span>
        ),
      },
      {
        id: "status",
        header: t("rules.col_status"),
        width: "130px",
        sort: (r) => r.status,
        cell: (r) => <span className="dim cut">{r.enabled ? maturity(r.status) : t("rules.disabled")}</span>,
      },
      {
        id: "matches",
        header: t("rules.col_matches"),
        width: "90px",
        align: "right",
        sort: (r) => r.matches ?? 0,
        cell: (r) => <span className={`num ${r.matches ? "" : "faint"}`}>{r.matches === null ? "–" : text.compact(r.matches)}</span>,
      },
      {
        id: "last",
        header: t("rules.col_last"),
        width: "136px",
        sort: (r) => (r.last_match ? -instant(r.last_match) : null),
        cell: (r) =>
          r.last_match ? (
            <Age at={r.last_match} className="num" />
          ) : (
            <span className="faint">{r.matches === null ? "–" : t("rules.never")}</span>
          ),
      },
    ];
  }, [t, text, language]);
}

function Diagnostics({ items }: { items: RuleDiagnostic[] }) {
  const { t, i18n } = useTranslation();
  if (items.length === 0) return <Empty icon={<CircleCheck size={24} aria-hidden="true" />} title={t("rules.diagnostics_none")} />;
  const severity = (word: string) => (i18n.exists(`rules.severity.${word}`) ? t(`rules.severity.${word}` as "rules.severity.error") : word);
  return (
    <div className={styles.diagnostics}>
      <p className="dim">{t("rules.diagnostics_intro")}</p>
      <ul>
        {items.map((d) => (
          <li key={`${d.file}:${d.line}:${d.code}:${d.message}`} className={styles.diagnostic} data-severity={d.severity}>
            <TriangleAlert size={16} aria-hidden="true" />
            <div className="grow">
              <p>
                <strong>{severity(d.severity)}</strong> <span className="mono faint">{d.code}</span>
              </p>
              <p>{d.message}</p>
              {d.help && <p className="dim">{d.help}</p>}
              <p className={`${styles.where} mono`}>
                {d.file}
                {d.line !== null && ` · ${t("rules.line", { line: d.line })}`}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}

type View = "list" | "diagnostics";

interface HeadProps {
  view: View;
  onView: (view: View) => void;
  filter: RuleFilter;
  onFilter: (filter: RuleFilter) => void;
  shown: number | null;
  diagnostics: number | null;
}

function Head({ view, onView, filter, onFilter, shown, diagnostics }: HeadProps) {
  const { t } = useTranslation();
  const text = useText();
  const views = [
    { value: "list", label: t("rules.loaded") },
    { value: "diagnostics", label: `${t("rules.diagnostics")} ${diagnostics === null ? "" : text.number(diagnostics)}` },
  ];
  const levels = [{ value: "", label: t("alerts.all_levels") }, ...LEVELS.map((value) => ({ value, label: t(`level.${value}`) }))];
  return (
    <header className={styles.head}>
      <h1>{t("rules.title")}</h1>
      <SegmentedControl size="xs" value={view} onChange={(value) => onView(value as View)} data={views} />
      {view === "list" && (
        <>
          <FilterBox
            className={styles.filter}
            label={t("rules.filter")}
            value={filter.words}
            onChange={(words) => onFilter({ ...filter, words })}
          />
          <Select
            w={138}
            aria-label={t("level.label")}
            data={levels}
            value={filter.level}
            onChange={(level) => onFilter({ ...filter, level: level ?? "" })}
          />
          <Switch
            size="xs"
            label={t("rules.matched_only")}
            checked={filter.matched}
            onChange={(e) => onFilter({ ...filter, matched: e.currentTarget.checked })}
          />
          <span className="grow" />
          {shown !== null && <strong className="num">{t("rules.total", { value: text.number(shown) })}</strong>}
        </>
      )}
    </header>
  );
}

export function RulesPage() {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: "/rules" });
  const { id } = useSearch({ from: "/inside/rules" });
  const query = useQuery(rulesQuery);
  const [filter, setFilter] = useState<RuleFilter>({ words: "", level: "", matched: false });
  const [view, setView] = useState<View>("list");
  const data = query.data;
  const listing = view === "list";
  const rows = useMemo(() => (data?.items ?? []).filter((r) => passes(r, filter)), [data, filter]);
  const every = useColumns();
  const narrow = useMediaQuery("(max-width: 1600px)") && id !== undefined;
  const columns = useMemo(() => (narrow ? every.filter((c) => BESIDE_PANEL.includes(c.id)) : every), [every, narrow]);
  const select = (next: string | undefined) => void navigate({ search: next ? { id: next } : {}, replace: id !== undefined });
  useShortcuts([{ keys: "Escape", label: "keys.close", group: "lists", run: () => select(undefined) }]);
  return (
    <div className={styles.page}>
      <Head
        view={view}
        onView={setView}
        filter={filter}
        onFilter={setFilter}
        shown={data ? rows.length : null}
        diagnostics={data?.diagnostics.length ?? null}
      />
      <div className={styles.body}>
        {query.isPending && <Waiting rows={14} height={18} />}
        {query.isError && !data && <Failed error={query.error} retry={() => void query.refetch()} />}
        {data && !listing && <Diagnostics items={data.diagnostics} />}
        {data && listing && rows.length === 0 && <Empty icon={<ScrollText size={24} aria-hidden="true" />} title={t("rules.empty")} />}
        {data && listing && rows.length > 0 && (
          <DataTable
            label={t("rules.title")}
            columns={columns}
            rows={rows}
            rowKey={(r) => r.id}
            rowTestId="rule-row"
            selected={id}
            onSelect={(r) => select(r.id)}
            order={{ id: "matches", desc: true }}
            tone={(r) => (r.enabled ? undefined : "off")}
          />
        )}
        {listing && id !== undefined && <RulePanel id={id} onClose={() => select(undefined)} />}
      </div>
    </div>
  );
}
