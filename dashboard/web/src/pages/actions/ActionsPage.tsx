/** Actions on devices: what waits for a decision, what is in force, whether it worked. */
import { Button } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, ShieldBan } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Action, actionsQuery } from "../../api/response";
import { LEVELS } from "../../api/types";
import { useMay } from "../../api/user";
import { Age } from "../../components/Age";
import { Choice } from "../../components/Choice";
import { type Column, DataTable } from "../../components/DataTable";
import { LevelMark } from "../../components/Level";
import { Empty, Failed, Waiting } from "../../components/States";
import { useLanguage } from "../../i18n";
import { useShortcuts } from "../../keyboard/keyboard";
import { useText } from "../../time/useText";
import { ActionPanel } from "./ActionPanel";
import styles from "./ActionsPage.module.css";
import { AskForm } from "./AskForm";

/** Columns that stay when the panel takes a narrow screen's room. */
const BESIDE_PANEL = ["state", "target", "worked"];
const VIEWS = ["all", "waiting", "in_force"] as const;
const WAITING = ["proposed", "handed_over"];
const IN_FORCE = ["approved", "running", "done", "expired", "undoing"];

function inView(action: Action, view: string): boolean {
  if (view === "waiting") return WAITING.includes(action.state);
  return view === "all" || IN_FORCE.includes(action.state);
}

function useColumns(): Column<Action>[] {
  const { t, i18n } = useTranslation();
  const language = useLanguage();
  const text = useText();
  return useMemo((): Column<Action>[] => {
    const state = (a: Action) =>
      i18n.exists(`actions.state.${a.state}`) ? t(`actions.state.${a.state}` as "actions.state.done") : a.state;
    return [
      {
        id: "state",
        header: t("actions.col_state"),
        width: "minmax(110px, 0.8fr)",
        sort: state,
        cell: (a) => (
          <span className="cut" title={state(a)}>
            {state(a)}
          </span>
        ),
      },
      {
        id: "level",
        header: t("actions.col_level"),
        width: "minmax(100px, 0.6fr)",
        sort: (a) => LEVELS.indexOf(a.level),
        cell: (a) => <LevelMark level={a.level} />,
      },
      {
        id: "what",
        header: t("actions.col_what"),
        width: "minmax(90px, 0.7fr)",
        sort: (a) => a.kind,
        cell: (a) => t(`actions.kind.${a.kind}`),
      },
      {
        id: "target",
        header: t("actions.col_target"),
        width: "minmax(130px, 1.2fr)",
        sort: (a) => a.target,
        cell: (a) => <span className="mono cut">{a.kind === "notify" ? "–" : a.target}</span>,
      },
      {
        id: "device",
        header: t("actions.col_device"),
        width: "minmax(90px, 0.8fr)",
        sort: (a) => a.device,
        cell: (a) => <span className="cut">{a.device}</span>,
      },
      {
        id: "asked",
        header: t("actions.col_asked"),
        width: "minmax(100px, 0.8fr)",
        sort: (a) => a.requested.at,
        cell: (a) => <Age at={a.requested.at} />,
      },
      {
        id: "worked",
        header: t("actions.worked"),
        width: "minmax(180px, 1.6fr)",
        cell: (a) => {
          const said = text.inWords(language === "vi" ? a.verification.text_vi : a.verification.text);
          return (
            <span className={`${styles.verdict} cut`} data-verdict={a.verification.verdict} title={said}>
              {said || <span className="faint">–</span>}
            </span>
          );
        },
      },
    ];
  }, [t, i18n, language, text]);
}

export function ActionsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: "/actions" });
  const { id, state } = useSearch({ from: "/inside/actions" });
  const query = useQuery(actionsQuery);
  const [asking, setAsking] = useState(false);
  const mayAct = useMay("respond");
  const view = VIEWS.find((v) => v === state) ?? "all";
  const all = query.data?.items;
  const rows = useMemo(() => (all ?? []).filter((a) => inView(a, view)), [all, view]);
  const every = useColumns();
  const narrow = useMediaQuery("(max-width: 1600px)") && id !== undefined;
  const columns = useMemo(() => (narrow ? every.filter((c) => BESIDE_PANEL.includes(c.id)) : every), [every, narrow]);
  const select = (next: string | undefined) => void navigate({ search: ({ id: _, ...rest }) => (next ? { ...rest, id: next } : rest) });
  useShortcuts([{ keys: "Escape", label: "keys.close", group: "lists", run: () => select(undefined) }]);
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{t("actions.title")}</h1>
        <Choice
          label={t("actions.col_state")}
          value={view}
          onChange={(value) => void navigate({ search: ({ state: _, ...rest }) => (value === "all" ? rest : { ...rest, state: value }) })}
          options={VIEWS.map((value) => ({ value, label: t(`actions.view_${value}`) }))}
        />
        <span className="grow" />
        {mayAct && (
          <Button leftSection={<Plus size={15} />} onClick={() => setAsking(true)} data-testid="ask">
            {t("actions.ask")}
          </Button>
        )}
      </header>
      <div className={styles.body}>
        {query.isPending && <Waiting rows={10} height={28} />}
        {query.isError && !all && <Failed error={query.error} retry={() => void query.refetch()} />}
        {all && rows.length === 0 && (
          <Empty icon={<ShieldBan size={24} aria-hidden="true" />} title={t("actions.empty")} hint={t("actions.empty_hint")} />
        )}
        {rows.length > 0 && (
          <DataTable
            label={t("actions.title")}
            columns={columns}
            rows={rows}
            rowKey={(a) => a.id}
            rowTestId="action-row"
            selected={id}
            onSelect={(a) => select(a.id)}
          />
        )}
        {id && <ActionPanel id={id} onClose={() => select(undefined)} />}
      </div>
      <AskForm
        opened={asking}
        onClose={() => setAsking(false)}
        onAsked={(made) => {
          setAsking(false);
          select(made);
        }}
      />
    </div>
  );
}
