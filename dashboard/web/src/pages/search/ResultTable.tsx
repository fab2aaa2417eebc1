/** What stats, timechart and fields answer: a table one can sort, and a chart of it. */
import { Button } from "@mantine/core";
import { Download, TableProperties } from "lucide-react";
import { lazy, Suspense, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { EventTable, Scalar } from "../../api/types";
import { Choice } from "../../components/Choice";
import { type Column, DataTable } from "../../components/DataTable";
import { Empty, Waiting } from "../../components/States";
import { narrow, split } from "../../query/build";
import { useText } from "../../time/useText";
import { csv } from "./csv";
import styles from "./ResultTable.module.css";
import { chartable, isTimeColumn } from "./shape";

const ResultChart = lazy(() => import("./ResultChart").then((m) => ({ default: m.ResultChart })));

interface ResultTableProps {
  table: EventTable;
  q: string;
  /** Starts another search. */
  onPick: (q: string) => void;
}

type TableRow = { key: string; cells: Scalar[] };

function save(table: EventTable): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv(table.columns, table.rows)], { type: "text/csv" }));
  link.download = "fansipan.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

function useColumns(table: EventTable, q: string, onPick: (q: string) => void): Column<TableRow>[] {
  const { t } = useTranslation();
  const text = useText();
  return useMemo(() => {
    const numeric = table.columns.map(
      (_, i) => table.rows.some((r) => typeof r[i] === "number") && table.rows.every((r) => r[i] === null || typeof r[i] === "number"),
    );
    return table.columns.map((name, i): Column<TableRow> => {
      const time = isTimeColumn(name);
      // A value of a field leads to its events; a measure leads nowhere.
      const leads = !numeric[i] && !time && /[.]|^message$/.test(name);
      return {
        id: `${i}`,
        header: time ? t("search.col_time") : name,
        width: numeric[i] ? "minmax(110px, 0.5fr)" : "minmax(160px, 1fr)",
        align: numeric[i] ? "right" : undefined,
        sort: (row) => {
          const value = row.cells[i];
          return value === null || value === undefined ? null : typeof value === "boolean" ? String(value) : value;
        },
        cell: (row) => {
          const value = row.cells[i] ?? null;
          if (value === null) return <span className="faint">–</span>;
          if (time) return <span className="num">{text.time(String(value), "seconds")}</span>;
          if (typeof value === "number")
            return <span className="num">{Number.isInteger(value) ? text.number(value) : value.toLocaleString()}</span>;
          const shown = String(value);
          if (!leads) return <span className={`${styles.value} mono cut`}>{shown}</span>;
          return (
            <button
              type="button"
              className={`${styles.value} plain mono cut`}
              title={shown}
              onClick={() => onPick(narrow(split(q).filter, name, value))}
            >
              {shown}
            </button>
          );
        },
      };
    });
  }, [table, q, onPick, text, t]);
}

export function ResultTable({ table, q, onPick }: ResultTableProps) {
  const { t } = useTranslation();
  const text = useText();
  const canChart = chartable(table);
  const [view, setView] = useState<"both" | "table">("both");
  const columns = useColumns(table, q, onPick);
  const rows = useMemo(() => table.rows.map((cells, i) => ({ key: String(i), cells })), [table]);
  const chart = canChart && view === "both";
  return (
    <div className={styles.frame}>
      <div className={styles.bar}>
        <strong className="num" data-testid="result-count" data-total={table.rows.length}>
          {t("search.rows", { value: text.number(table.rows.length) })}
        </strong>
        <span className="faint num">{t("search.took", { value: text.number(table.took_ms) })}</span>
        {!table.complete && <span className={styles.incomplete}>{t("search.incomplete")}</span>}
        <span className="grow" />
        {canChart && (
          <Choice
            label={t("search.shown_as")}
            value={view}
            onChange={setView}
            options={[
              { value: "both", label: t("search.chart") },
              { value: "table", label: t("search.table") },
            ]}
          />
        )}
        <Button variant="default" leftSection={<Download size={14} />} onClick={() => save(table)}>
          {t("search.export")}
        </Button>
      </div>
      {rows.length === 0 ? (
        <Empty icon={<TableProperties size={24} aria-hidden="true" />} title={t("search.empty_title")} hint={t("search.empty_hint")} />
      ) : (
        <div className={styles.content} data-chart={chart}>
          {chart && (
            <Suspense fallback={<Waiting rows={5} height={24} />}>
              <ResultChart table={table} />
            </Suspense>
          )}
          <DataTable label={t("search.table")} columns={columns} rows={rows} rowKey={(r) => r.key} rowHeight={32} rowTestId="result-row" />
        </div>
      )}
    </div>
  );
}
