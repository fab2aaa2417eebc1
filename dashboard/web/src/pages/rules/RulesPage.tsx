/** The rules: which there are and whether they are alive, what was refused, what they cover, and what is excepted from them. */
import { Button, Select } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { CircleCheck, EyeOff, Plus, ScrollText, TriangleAlert, Volume2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { rulesQuery } from "../../api/queries";
import { coverageQuery, type RuleSight } from "../../api/rules";
import { LEVELS, type RuleDiagnostic, type RuleRow } from "../../api/types";
import { useMay } from "../../api/user";
import { Age } from "../../components/Age";
import { Choice } from "../../components/Choice";
import { type Column, DataTable } from "../../components/DataTable";
import { FilterBox } from "../../components/FilterBox";
import { LevelMark } from "../../components/Level";
import { Empty, Failed, Waiting } from "../../components/States";
import { useLanguage } from "../../i18n";
import { told } from "../../i18n/told";
import { useShortcuts } from "../../keyboard/keyboard";
import { useText } from "../../time/useText";
import { instant } from "../../time/zone";
import { Coverage } from "./Coverage";
import { Exceptions } from "./Exceptions";
import { RulePanel } from "./RulePanel";
import styles from "./RulesPage.module.css";
import { useMaturity } from "./useMaturity";

/** Columns that stay when the panel takes a narrow screen's room. */
const BESIDE_PANEL = ["level", "title", "state", "last"];

const STATES = ["alive", "quiet", "blind", "noisy", "off", "own"] as const;
type State = (typeof STATES)[number];

interface RuleFilter {
  words: string;
  level: string;
  state: State | "";
}

type Row = RuleRow & { sight: RuleSight | null };

/** Whether a rule counts as `state`. What it would need to fire is known a moment after the list. */
function stands(rule: Row, state: State): boolean {
  if (state === "own") return rule.own;
  if (state === "off") return !rule.enabled;
  if (!rule.enabled) return false;
  if (state === "noisy") return rule.noisy;
  const standing = rule.sight?.standing;
  return standing === state || (state === "blind" && standing === "partly_blind");
}

function passes(rule: Row, { words, level, state }: RuleFilter): boolean {
  if (level && rule.level !== level) return false;
  if (state && !stands(rule, state)) return false;
  const text = `${rule.title} ${rule.title_vi ?? ""} ${rule.id} ${rule.file} ${rule.logsource}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((w) => text.includes(w));
}

function StateMark({ rule }: { rule: Row }) {
  const { t } = useTranslation();
  const standing = rule.sight?.standing;
  const blind = standing === "blind" || standing === "partly_blind";
  const hints = { quiet: t("rules.quiet_hint"), partly_blind: t("rules.part_blind_hint", { count: rule.sight?.blind.length ?? 0 }) };
  if (!rule.enabled) return <span className="faint">{t("rules.disabled")}</span>;
  return (
    <span className={styles.state}>
      {standing === undefined ? (
        <span className="faint">–</span>
      ) : (
        <span
          data-state={blind ? "blind" : "alive"}
          title={standing === "quiet" || standing === "partly_blind" ? hints[standing] : undefined}
        >
          {blind && <EyeOff size={13} aria-hidden="true" />} {t(`rules.state_${standing}`)}
        </span>
      )}
      {rule.noisy && (
        <span data-state="noisy">
          <Volume2 size={13} aria-hidden="true" /> {t("rules.state_noisy")}
        </span>
      )}
    </span>
  );
}

function useColumns(): Column<Row>[] {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const maturity = useMaturity();
  // biome-ignore lint/correctness/useExhaustiveDependencies: maturity changes with t only
  return useMemo((): Column<Row>[] => {
    const titleOf = (r: Row) => (language === "vi" && r.title_vi) || r.title;
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
        id: "state",
        header: t("rules.col_state"),
        width: "132px",
        sort: (r) => (r.enabled ? (r.noisy ? 0 : stands(r, "blind") ? 1 : 2) : 3),
        cell: (r) => <StateMark rule={r} />,
      },
      {
        id: "status",
        header: t("rules.col_status"),
        width: "110px",
        sort: (r) => r.status,
        cell: (r) => <span className="dim cut">{r.own ? t("rules.own") : maturity(r.status)}</span>,
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
  const language = useLanguage();
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
              <p>{told(d, language).message}</p>
              <p className="dim">{told(d, language).help}</p>
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

const VIEWS = ["list", "coverage", "exceptions", "diagnostics"] as const;
type View = (typeof VIEWS)[number];

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
  const may = useMay("manageRules");
  const navigate = useNavigate();
  const views = VIEWS.map((value) => ({
    value,
    label:
      value === "diagnostics" && diagnostics !== null
        ? `${t("rules.view_diagnostics")} ${text.number(diagnostics)}`
        : t(`rules.view_${value}`),
  }));
  const states = [{ value: "", label: t("rules.every_state") }, ...STATES.map((value) => ({ value, label: t(`rules.state_${value}`) }))];
  const levels = [{ value: "", label: t("alerts.all_levels") }, ...LEVELS.map((value) => ({ value, label: t(`level.${value}`) }))];
  return (
    <header className={styles.head}>
      <h1>{t("rules.title")}</h1>
      <Choice label={t("rules.title")} value={view} onChange={onView} options={views} />
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
          <Select
            w={132}
            aria-label={t("rules.col_state")}
            data={states}
            value={filter.state}
            onChange={(state) => onFilter({ ...filter, state: STATES.find((s) => s === state) ?? "" })}
          />
          <span className="grow" />
          {shown !== null && <strong className="num">{t("rules.total", { value: text.number(shown) })}</strong>}
          {may && (
            <Button leftSection={<Plus size={14} />} onClick={() => void navigate({ to: "/rules/edit" })} data-testid="rule-new">
              {t("editor.new")}
            </Button>
          )}
        </>
      )}
    </header>
  );
}

export function RulesPage() {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: "/rules" });
  const { id, view: asked } = useSearch({ from: "/inside/rules" });
  const view = VIEWS.find((v) => v === asked) ?? "list";
  // The list is long, and beside coverage it only counts what was refused: it comes after it.
  const covered = useQuery({ ...coverageQuery("7d"), enabled: view === "coverage" });
  const query = useQuery({ ...rulesQuery, enabled: view !== "coverage" || !covered.isPending });
  // What each rule would need to fire takes the server longer than the list; the list does not wait for it.
  const sights = useQuery({ ...coverageQuery("7d"), enabled: view === "list" && query.data !== undefined }).data;
  const [filter, setFilter] = useState<RuleFilter>({ words: "", level: "", state: "" });
  const data = query.data;
  const listing = view === "list";
  const rows = useMemo(() => {
    const sight = new Map(sights?.rules.map((r) => [r.id, r]));
    const known = (data?.items ?? []).map((r): Row => ({ ...r, sight: sight.get(r.id) ?? null }));
    return known.filter((r) => passes(r, filter));
  }, [data, filter, sights]);
  const every = useColumns();
  const narrow = useMediaQuery("(max-width: 1600px)") && id !== undefined;
  const columns = useMemo(() => (narrow ? every.filter((c) => BESIDE_PANEL.includes(c.id)) : every), [every, narrow]);
  const select = (next: string | undefined) => void navigate({ search: next ? { id: next } : {}, replace: id !== undefined });
  useShortcuts([{ keys: "Escape", label: "keys.close", group: "lists", run: () => select(undefined) }]);
  return (
    <div className={styles.page}>
      <Head
        view={view}
        onView={(next) => void navigate({ search: next === "list" ? {} : { view: next } })}
        filter={filter}
        onFilter={setFilter}
        shown={data ? rows.length : null}
        diagnostics={data?.diagnostics.length ?? null}
      />
      <div className={styles.body}>
        {listing && query.isPending && <Waiting rows={14} height={18} />}
        {listing && query.isError && !data && <Failed error={query.error} retry={() => void query.refetch()} />}
        {data && view === "diagnostics" && <Diagnostics items={data.diagnostics} />}
        {view === "coverage" && <Coverage />}
        {view === "exceptions" && <Exceptions />}
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
