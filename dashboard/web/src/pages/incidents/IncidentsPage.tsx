/** Incidents: worst and latest first, with what each is about and who holds it. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Siren } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Incident, incidentsQuery } from "../../api/incidents";
import { LEVELS } from "../../api/types";
import { Age } from "../../components/Age";
import { Choice } from "../../components/Choice";
import { type Column, DataTable } from "../../components/DataTable";
import { FilterBox } from "../../components/FilterBox";
import { LevelMark } from "../../components/Level";
import { useAge } from "../../components/Panel";
import { Empty, Failed, Waiting } from "../../components/States";
import { useNames } from "../../components/useNames";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import { instant } from "../../time/zone";
import styles from "./Incident.module.css";

const STATUSES = ["open", "new", "acknowledged", "true_positive", "false_positive", "benign", "all"] as const;

/** The way an attacker went; the whole of it where it was cut. */
function Tactics({ names }: { names: string[] }) {
  const way = names.join(" → ");
  return (
    <span className={`${styles.way} dim`} title={way}>
      {way}
    </span>
  );
}

function useColumns(): Column<Incident>[] {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  const named = useNames();
  return useMemo(
    () => [
      {
        id: "level",
        header: t("level.label"),
        width: "minmax(120px, 0.6fr)",
        sort: (i) => LEVELS.length - LEVELS.indexOf(i.level),
        cell: (i) => <LevelMark level={i.level} />,
      },
      {
        id: "title",
        header: t("incidents.col_title"),
        width: "minmax(260px, 3fr)",
        cell: (i) => (
          <span className={styles.two}>
            <span className="cut">{(language === "vi" && i.title_vi) || i.title}</span>
            <span className="faint cut">
              {i.entities
                .slice(0, 4)
                .map((e) => e.value)
                .join(" · ")}
            </span>
          </span>
        ),
      },
      {
        id: "tactics",
        header: t("incidents.col_tactics"),
        width: "minmax(150px, 1.8fr)",
        cell: (i) => <Tactics names={i.tactics.map((x) => named("tactic", x))} />,
      },
      {
        id: "alerts",
        header: t("incidents.col_alerts"),
        width: "minmax(70px, 0.4fr)",
        align: "right",
        sort: (i) => i.alerts,
        cell: (i) => <span className="num">{text.number(i.alerts)}</span>,
      },
      {
        id: "status",
        header: t("status.label"),
        width: "minmax(130px, 0.8fr)",
        cell: (i) => (
          <span className={styles.two}>
            <span className="cut">{t(`status.${i.status}`)}</span>
            <span className="faint cut">{i.assignee ?? t("alerts.nobody")}</span>
          </span>
        ),
      },
      {
        id: "opened",
        header: t("incidents.opened"),
        width: "minmax(110px, 0.7fr)",
        align: "right",
        sort: (i) => instant(i.opened),
        cell: (i) => <Age at={i.opened} className="num dim" />,
      },
    ],
    [t, text, language, named],
  );
}

const fits = (incident: Incident, words: string): boolean => {
  const text = [incident.title, incident.title_vi, incident.id, ...incident.entities.map((e) => e.value)].join("\n").toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((w) => text.includes(w));
};

export function IncidentsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { status, id } = useSearch({ from: "/inside/incidents" });
  const known = STATUSES.find((s) => s === status) ?? "open";
  const query = useQuery(incidentsQuery(known));
  const [words, setWords] = useState("");
  const columns = useColumns();
  const age = useAge(query.dataUpdatedAt);
  const rows = useMemo(() => (query.data?.items ?? []).filter((i) => fits(i, words)), [query.data, words]);
  const search = (next: { status?: string; id?: string }) => void navigate({ to: "/incidents", search: next, replace: true });
  const kept = known === "open" ? {} : { status: known };
  return (
    <div className={styles.listPage}>
      <header className={styles.listHead}>
        <h1>{t("incidents.title")}</h1>
        <Choice
          label={t("status.label")}
          value={known}
          onChange={(value) => search(value === "open" ? {} : { status: value })}
          options={STATUSES.map((value) => ({ value, label: t(`status.${value}`) }))}
        />
        <FilterBox className={styles.filter} label={t("incidents.filter")} value={words} onChange={setWords} />
        <span className="grow" />
        {age && <span className={`${styles.age} num`}>{age.text}</span>}
      </header>
      {query.isPending && <Waiting rows={10} height={28} />}
      {query.isError && !query.data && <Failed error={query.error} retry={() => void query.refetch()} />}
      {query.data && rows.length === 0 && (
        <Empty icon={<Siren size={24} aria-hidden="true" />} title={t("incidents.none")} hint={t("incidents.none_hint")} />
      )}
      {rows.length > 0 && (
        <DataTable
          label={t("incidents.title")}
          columns={columns}
          rows={rows}
          rowKey={(i) => i.id}
          rowHeight={50}
          rowTestId="incident-row"
          selected={id}
          onSelect={(i) => (i.id === id ? void navigate({ to: "/incidents/$id", params: { id: i.id } }) : search({ ...kept, id: i.id }))}
          onOpen={(i) => void navigate({ to: "/incidents/$id", params: { id: i.id } })}
          order={{ id: "level", desc: true }}
        />
      )}
    </div>
  );
}
