/** What people decided not to be told of: who answers for it, why, until when; a new one shows first what it would have hidden. */
import { Button, Select, Switch, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { BellOff, Eye, Plus, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { rulesQuery } from "../../api/queries";
import {
  changeException,
  createException,
  type Exception,
  type ExceptionKind,
  exceptionsQuery,
  type Holding,
  type Preview,
  previewException,
} from "../../api/rules";
import { useMay } from "../../api/user";
import { Cut } from "../../components/Cut";
import { type Column, DataTable } from "../../components/DataTable";
import { notify } from "../../components/notify";
import { Empty, Failed, useErrorText, Waiting } from "../../components/States";
import { useRefused } from "../../components/useRefused";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import styles from "./Exceptions.module.css";

const KINDS = ["exception", "suppression", "maintenance"] as const;
const SPANS = ["8h", "1d", "7d", "30d", "90d", "365d"] as const;
const LOOK = "30d";

function Hidden({ preview }: { preview: Preview }) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  return (
    <div className={styles.preview} data-testid="preview" data-alerts={preview.alerts}>
      <p>
        <strong className="num">{t("exceptions.would_hide", { count: preview.alerts, value: text.number(preview.alerts) })}</strong>{" "}
        <span className="dim num">
          {t("exceptions.would_part", { partly: text.number(preview.partly), events: text.number(preview.events) })}
        </span>
      </p>
      {preview.true_positives > 0 ? (
        <p className={styles.bad} role="alert" data-testid="preview-true">
          <TriangleAlert size={15} aria-hidden="true" /> {t("exceptions.true_positives", { count: preview.true_positives })}
        </p>
      ) : (
        <p className={styles.good}>{t("exceptions.no_true_positives")}</p>
      )}
      {!preview.complete && <p>{t("editor.incomplete")}</p>}
      <ul className={styles.items}>
        {preview.items.slice(0, 8).map((alert) => (
          <li key={alert.id}>
            <span className="dim num">{text.time(alert.raised, "minutes")}</span>{" "}
            {(language === "vi" && alert.rule.title_vi) || alert.rule.title} <span className="dim">{t(`status.${alert.status}`)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Draft({ first, onDone }: { first: { rule?: string; q?: string }; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const language = useLanguage();
  const errorText = useErrorText();
  const rules = useQuery(rulesQuery).data?.items ?? [];
  const [rule, setRule] = useState<string | null>(first.rule ?? null);
  const [filter, setFilter] = useState(first.q ?? "");
  const [agency, setAgency] = useState("");
  const [kind, setKind] = useState<ExceptionKind>("exception");
  const [until, setUntil] = useState<string>("30d");
  const [owner, setOwner] = useState("");
  const [reason, setReason] = useState("");
  const holding: Holding = { rule, filter, agency: agency.trim() || null };
  const look = useMutation({ mutationFn: () => previewException(holding, LOOK) });
  const make = useMutation({
    mutationFn: () => createException(holding, { kind, owner: owner.trim() || null, reason, until }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["exceptions"] });
      notify({ message: t("exceptions.made"), autoClose: 3000 });
      onDone();
    },
  });
  const edit = <T,>(set: (value: T) => void) => {
    return (value: T) => {
      set(value);
      look.reset(); // what was shown is no longer what would be hidden
    };
  };
  const failure = make.error ?? look.error;
  return (
    <form
      className={styles.draft}
      aria-label={t("exceptions.new")}
      onSubmit={(event) => {
        event.preventDefault();
        if (look.data) make.mutate();
        else look.mutate();
      }}
    >
      <h2>{t("exceptions.new")}</h2>
      <Select
        label={t("exceptions.rule")}
        searchable
        clearable
        limit={50}
        placeholder={t("exceptions.every_rule")}
        data={rules.map((r) => ({ value: r.id, label: (language === "vi" && r.title_vi) || r.title }))}
        value={rule}
        onChange={edit(setRule)}
      />
      <Textarea
        label={t("exceptions.filter")}
        description={t("exceptions.filter_hint")}
        autosize
        minRows={2}
        classNames={{ input: styles.mono ?? "" }}
        value={filter}
        onChange={(e) => edit(setFilter)(e.currentTarget.value)}
        data-testid="exception-filter"
      />
      <div className={styles.pair}>
        <Select
          label={t("exceptions.kind")}
          data={KINDS.map((value) => ({ value, label: t(`exceptions.kind_${value}`) }))}
          value={kind}
          onChange={(v) => setKind(KINDS.find((k) => k === v) ?? "exception")}
        />
        <Select
          label={t("exceptions.until")}
          data={SPANS.map((value) => ({ value, label: t(`exceptions.span_${value}`) }))}
          value={until}
          onChange={(v) => setUntil(v ?? "30d")}
        />
      </div>
      <div className={styles.pair}>
        <TextInput
          label={t("exceptions.agency")}
          placeholder={t("admin.all_agencies")}
          value={agency}
          onChange={(e) => edit(setAgency)(e.currentTarget.value)}
        />
        <TextInput
          label={t("exceptions.owner")}
          placeholder={t("exceptions.owner_me")}
          value={owner}
          onChange={(e) => setOwner(e.currentTarget.value)}
        />
      </div>
      <TextInput
        label={t("exceptions.reason")}
        withAsterisk
        value={reason}
        onChange={(e) => setReason(e.currentTarget.value)}
        data-testid="exception-reason"
      />
      {failure && (
        <p role="alert" className={styles.bad} data-testid="exception-refused">
          {errorText(failure)}
        </p>
      )}
      {look.data && <Hidden preview={look.data} />}
      <div className={styles.buttons}>
        <Button variant="default" onClick={onDone}>
          {t("state.close")}
        </Button>
        {look.data ? (
          <Button
            type="submit"
            leftSection={<BellOff size={14} />}
            loading={make.isPending}
            disabled={!reason.trim()}
            data-testid="exception-make"
          >
            {t("exceptions.make")}
          </Button>
        ) : (
          <Button type="submit" leftSection={<Eye size={14} />} loading={look.isPending} data-testid="exception-preview">
            {t("exceptions.preview")}
          </Button>
        )}
      </div>
    </form>
  );
}

function useColumns(may: boolean): Column<Exception>[] {
  const { t } = useTranslation();
  const text = useText();
  const client = useQueryClient();
  const refused = useRefused();
  const rules = useQuery(rulesQuery).data?.items ?? [];
  const language = useLanguage();
  const change = useMutation({
    mutationFn: ({ of, until }: { of: Exception; until: string }) => changeException(of.id, of.version, { until }),
    onError: refused,
    onSettled: () => client.invalidateQueries({ queryKey: ["exceptions"] }),
  });
  const titleOf = (id: string | null) => {
    const rule = rules.find((r) => r.id === id);
    return rule ? (language === "vi" && rule.title_vi) || rule.title : (id ?? t("exceptions.every_rule"));
  };
  return [
    {
      id: "what",
      header: t("exceptions.what"),
      width: "minmax(200px, 2fr)",
      cell: (e) => (
        <span className={styles.what} title={`${titleOf(e.rule)}\n${e.filter}`}>
          <b className="cut">{titleOf(e.rule)}</b>
          <span className="mono cut dim">{e.filter || e.agency || "–"}</span>
        </span>
      ),
    },
    { id: "kind", header: t("exceptions.kind"), width: "minmax(84px, 0.6fr)", cell: (e) => t(`exceptions.kind_${e.kind}`) },
    {
      id: "reason",
      header: t("exceptions.reason"),
      width: "minmax(120px, 1.3fr)",
      cell: (e) => <Cut text={e.reason} />,
    },
    {
      id: "owner",
      header: t("exceptions.owner"),
      width: "minmax(134px, 0.7fr)",
      sort: (e) => e.owner,
      cell: (e) => <span className="cut">{e.owner}</span>,
    },
    {
      id: "until",
      header: t("exceptions.until"),
      width: "minmax(96px, 0.8fr)",
      sort: (e) => e.until,
      cell: (e) => (
        <span className={`num ${e.active ? "" : "faint"}`}>
          {text.time(e.until, "minutes")} {!e.active && t("exceptions.over")}
        </span>
      ),
    },
    {
      id: "act",
      header: "",
      width: "minmax(184px, 0.9fr)",
      align: "right",
      cell: (e) =>
        may &&
        e.active && (
          <span className={styles.acts}>
            <Button variant="default" size="compact-xs" onClick={() => change.mutate({ of: e, until: "30d" })}>
              {t("exceptions.renew")}
            </Button>
            <Button variant="default" size="compact-xs" onClick={() => change.mutate({ of: e, until: "now" })} data-testid="exception-end">
              {t("exceptions.end")}
            </Button>
          </span>
        ),
    },
  ];
}

export function Exceptions() {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: "/rules" });
  const { rule, q } = useSearch({ from: "/inside/rules" });
  const may = useMay("manageExceptions");
  const [all, setAll] = useState(false);
  const [open, setOpen] = useState(rule !== undefined || q !== undefined);
  const query = useQuery(exceptionsQuery(all));
  const columns = useColumns(may);
  const close = () => {
    setOpen(false);
    void navigate({ search: { view: "exceptions" }, replace: true });
  };
  return (
    <div className={styles.page}>
      <div className={styles.list}>
        <div className={styles.head}>
          <p className="dim grow">{t("exceptions.intro")}</p>
          <Switch size="xs" label={t("exceptions.ended_too")} checked={all} onChange={(e) => setAll(e.currentTarget.checked)} />
          {may && !open && (
            <Button leftSection={<Plus size={14} />} onClick={() => setOpen(true)} data-testid="exception-new">
              {t("exceptions.new")}
            </Button>
          )}
        </div>
        {query.isPending && <Waiting rows={8} height={22} />}
        {query.isError && !query.data && <Failed error={query.error} retry={() => void query.refetch()} />}
        {query.data?.length === 0 && <Empty icon={<BellOff size={24} aria-hidden="true" />} title={t("exceptions.none")} />}
        {query.data && query.data.length > 0 && (
          <DataTable
            label={t("exceptions.title")}
            columns={columns}
            rows={query.data}
            rowKey={(e) => e.id}
            rowHeight={50}
            rowTestId="exception-row"
            tone={(e) => (e.active ? undefined : "off")}
          />
        )}
      </div>
      {open && may && <Draft first={{ ...(rule ? { rule } : {}), ...(q ? { q } : {}) }} onDone={close} />}
    </div>
  );
}
