/** The state of the service itself: the durable log and its readers, the store, the disk, the version. */
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { statusQuery } from "../../api/queries";
import type { SystemStatus } from "../../api/types";
import { Panel } from "../../components/Panel";
import { Failed, Waiting } from "../../components/States";
import { useText } from "../../time/useText";
import styles from "./StatusPage.module.css";

function Rows({ rows }: { rows: { label: string; value: string; tone?: "warn" | "bad" | undefined }[] }) {
  return (
    <dl className={styles.rows}>
      {rows.map(({ label, value, tone }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd className="num" data-tone={tone}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Bus({ status, updatedAt }: { status: SystemStatus; updatedAt: number }) {
  const { t, i18n } = useTranslation();
  const text = useText();
  const { bus } = status;
  const name = (word: string) => (i18n.exists(`system.${word}`) ? t(`system.${word}` as "system.analyzer") : word);
  return (
    <Panel title={t("system.bus")} updatedAt={updatedAt} className={styles.wide}>
      <p className={styles.alarm} data-bad={bus.alarm !== null}>
        {bus.alarm ? <TriangleAlert size={15} aria-hidden="true" /> : <CircleCheck size={15} aria-hidden="true" />}
        {bus.alarm ?? t("system.no_alarm")}
      </p>
      <Rows
        rows={[
          { label: t("system.head"), value: text.number(bus.head) },
          { label: t("system.size"), value: text.bytes(bus.bytes) },
          {
            label: t("overview.lag_seconds"),
            value: text.span(status.lag.seconds * 1000),
            tone: status.lag.seconds > 60 ? "bad" : status.lag.seconds > 10 ? "warn" : undefined,
          },
        ]}
      />
      <table className={styles.consumers}>
        <thead>
          <tr>
            <th scope="col">{t("system.consumers")}</th>
            <th scope="col">{t("system.offset")}</th>
            <th scope="col">{t("system.lag")}</th>
          </tr>
        </thead>
        <tbody>
          {bus.consumers.map((c) => (
            <tr key={c.name}>
              <td>{name(c.name)}</td>
              <td className="num">{text.number(c.offset)}</td>
              <td className="num">{c.lag === 0 ? t("system.caught_up") : text.number(c.lag)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function Disk({ status, updatedAt }: { status: SystemStatus; updatedAt: number }) {
  const { t } = useTranslation();
  const text = useText();
  const { free, total } = status.disk;
  const used = total > 0 ? 1 - free / total : 0;
  return (
    <Panel title={t("system.disk")} updatedAt={updatedAt}>
      <p className={styles.big}>{text.percent(used, 0)}</p>
      <div
        className={styles.meter}
        role="img"
        aria-label={text.percent(used, 0)}
        data-tone={used > 0.92 ? "bad" : used > 0.8 ? "warn" : "good"}
      >
        <span style={{ width: `${used * 100}%` }} />
      </div>
      <p className="dim">{t("system.disk_free", { value: text.bytes(free), total: text.bytes(total) })}</p>
    </Panel>
  );
}

export function StatusPage() {
  const { t, i18n } = useTranslation();
  const text = useText();
  const role = (word: string) => (i18n.exists(`system.role_${word}`) ? t(`system.role_${word}` as "system.role_all") : word);
  const query = useQuery(statusQuery);
  const status = query.data;
  const at = query.dataUpdatedAt;
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{t("system.title")}</h1>
      </header>
      {query.isPending && <Waiting rows={10} height={24} />}
      {query.isError && !status && <Failed error={query.error} retry={() => void query.refetch()} />}
      {status && (
        <div className={styles.grid}>
          <Bus status={status} updatedAt={at} />
          <Disk status={status} updatedAt={at} />
          <Panel title={t("system.store")} updatedAt={at}>
            <Rows
              rows={[
                { label: t("system.events"), value: text.number(status.store.events) },
                { label: t("system.size"), value: text.bytes(status.store.bytes) },
                { label: t("system.per_event"), value: status.store.events ? text.bytes(status.store.bytes / status.store.events) : "–" },
                { label: t("system.indexes"), value: text.number(status.store.indexes) },
                {
                  label: t("system.quarantined"),
                  value: text.number(status.store.quarantined),
                  tone: status.store.quarantined ? "bad" : undefined,
                },
              ]}
            />
          </Panel>
          <Panel title={t("system.rules")} updatedAt={at}>
            <Rows
              rows={[
                { label: t("system.rules_loaded"), value: text.number(status.rules.loaded) },
                {
                  label: t("system.rules_failed"),
                  value: text.number(status.rules.failed),
                  tone: status.rules.failed ? "warn" : undefined,
                },
              ]}
            />
          </Panel>
          <Panel title={t("app.name")}>
            <Rows
              rows={[
                { label: t("system.version"), value: status.version },
                { label: t("system.role"), value: role(status.role) },
                { label: t("system.uptime"), value: text.span(status.uptime_s * 1000) },
                { label: t("overview.events"), value: t("top.rate", { value: text.number(Math.round(status.per_second)) }) },
              ]}
            />
          </Panel>
        </div>
      )}
    </div>
  );
}
