/** The audit trail, newest first: who did what, from where, and whether it was let in. */
import { Button, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type AuditItem, auditQuery } from "../../api/admin";
import { type Column, DataTable } from "../../components/DataTable";
import { Failed, Waiting } from "../../components/States";
import { useText } from "../../time/useText";
import styles from "./Admin.module.css";

export function Audit() {
  const { t } = useTranslation();
  const text = useText();
  const [typed, setTyped] = useState({ who: "", verb: "" });
  const [filter, setFilter] = useState<{ who?: string; verb?: string }>({});
  const query = useInfiniteQuery(auditQuery(filter));
  const rows = useMemo(() => query.data?.pages.flatMap((p) => p.items) ?? [], [query.data]);
  const columns = useMemo(
    (): Column<AuditItem>[] => [
      { id: "number", header: "№", width: "minmax(70px, 0.4fr)", align: "right", cell: (a) => <span className="num dim">{a.number}</span> },
      { id: "at", header: t("search.col_time"), width: "minmax(160px, 1fr)", cell: (a) => <span className="num">{text.time(a.at)}</span> },
      { id: "who", header: t("admin.who"), width: "minmax(130px, 0.9fr)", cell: (a) => <b>{a.who}</b> },
      { id: "verb", header: t("admin.verb"), width: "minmax(150px, 1fr)", cell: (a) => <span className="mono">{a.verb}</span> },
      { id: "object", header: t("admin.object"), width: "minmax(150px, 1.2fr)", cell: (a) => <span className="mono cut">{a.object}</span> },
      {
        id: "details",
        header: t("admin.details"),
        width: "minmax(180px, 2fr)",
        cell: (a) => (
          <span className="mono cut dim" title={a.details}>
            {a.details !== "{}" && a.details}
          </span>
        ),
      },
      { id: "peer", header: t("admin.peer"), width: "minmax(110px, 0.8fr)", cell: (a) => <span className="mono">{a.peer ?? "–"}</span> },
      {
        id: "allowed",
        header: "",
        width: "minmax(90px, 0.5fr)",
        cell: (a) => (a.allowed ? "" : <b className={styles.refused}>{t("admin.refused")}</b>),
      },
    ],
    [t, text],
  );
  return (
    <>
      <form
        className={styles.adder}
        onSubmit={(event) => {
          event.preventDefault();
          setFilter({ ...(typed.who ? { who: typed.who } : {}), ...(typed.verb ? { verb: typed.verb } : {}) });
        }}
      >
        <TextInput label={t("admin.who")} value={typed.who} onChange={(e) => setTyped({ ...typed, who: e.currentTarget.value })} />
        <TextInput label={t("admin.verb")} value={typed.verb} onChange={(e) => setTyped({ ...typed, verb: e.currentTarget.value })} />
        <Button type="submit" variant="default">
          {t("search.submit")}
        </Button>
        {query.hasNextPage && (
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t("admin.older")}
          </Button>
        )}
      </form>
      {query.isPending && <Waiting rows={10} height={24} />}
      {query.isError && rows.length === 0 && <Failed error={query.error} retry={() => void query.refetch()} />}
      {rows.length > 0 && (
        <DataTable label={t("admin.part_audit")} columns={columns} rows={rows} rowKey={(a) => String(a.number)} rowTestId="audit-row" />
      )}
    </>
  );
}
