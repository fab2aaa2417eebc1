/** One source: what it is, its ledger of received and lost, and the format it is read with. */
import { ActionIcon, Button, Select, Tooltip } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { CircleCheck, Search, TriangleAlert, X } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import { sourcesQuery } from "../../api/queries";
import type { PacketCounters, PacketRing, SourceInfo } from "../../api/types";
import { useMay } from "../../api/user";
import { Age } from "../../components/Age";
import { notify } from "../../components/notify";
import { useRefused } from "../../components/useRefused";
import { condition } from "../../query/build";
import { useText } from "../../time/useText";
import { encrypted, healthOf, imbalance, patchy, refusedOf, skewMs } from "./health";
import styles from "./SourcePanel.module.css";
import { useSkewText } from "./useSkewText";

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Ledger({ source }: { source: SourceInfo }) {
  const { t, i18n } = useTranslation();
  const text = useText();
  const { counters } = source;
  const off = imbalance(source);
  const reason = (word: string) =>
    i18n.exists(`sources.reason.${word}`) ? t(`sources.reason.${word}` as "sources.reason.too_large") : word;
  return (
    <section className={styles.section}>
      <h3>{t("sources.ledger")}</h3>
      <table className={styles.ledger}>
        <tbody>
          <tr>
            <th scope="row">{t("sources.received")}</th>
            <td className="num">{text.number(counters.received)}</td>
          </tr>
          <tr>
            <th scope="row">{t("sources.kept")}</th>
            <td className="num">{text.number(counters.kept)}</td>
          </tr>
          <tr className={styles.inner}>
            <th scope="row">{t("sources.parsed")}</th>
            <td className="num">{text.number(counters.parsed)}</td>
          </tr>
          <tr className={styles.inner}>
            <th scope="row">{t("sources.unparsed")}</th>
            <td className="num">{text.number(counters.unparsed)}</td>
          </tr>
          <tr>
            <th scope="row">{t("sources.refused")}</th>
            <td className="num">{text.number(refusedOf(source))}</td>
          </tr>
          {Object.entries(counters.refused)
            .filter(([, n]) => n > 0)
            .map(([word, n]) => (
              <tr key={word} className={styles.inner}>
                <th scope="row">{reason(word)}</th>
                <td className={`num ${styles.warn}`}>{text.number(n)}</td>
              </tr>
            ))}
          <tr>
            <th scope="row">{t("sources.bytes")}</th>
            <td className="num">{text.bytes(counters.bytes)}</td>
          </tr>
        </tbody>
      </table>
      <p className={styles.balance} data-good={off === 0}>
        {off === 0 ? <CircleCheck size={14} aria-hidden="true" /> : <TriangleAlert size={14} aria-hidden="true" />}
        {off === 0 ? t("sources.balance_ok") : t("sources.balance_bad", { value: text.number(off) })}
      </p>
    </section>
  );
}

/** What a sensor saw of the traffic on its interface, and what it lost. */
function Packets({ packets }: { packets: PacketCounters }) {
  const { t } = useTranslation();
  const text = useText();
  const lines = ["kernel_drops", "interface_drops", "own_drops", "flows_evicted", "flows_given_up"] as const;
  return (
    <section className={styles.section} data-testid="source-packets">
      <h3>{t("sources.packets")}</h3>
      <table className={styles.ledger}>
        <tbody>
          <tr>
            <th scope="row">{t("sources.coverage")}</th>
            <td className={`num ${patchy(packets) ? styles.warn : ""}`}>{text.share(packets.coverage)}</td>
          </tr>
          <tr>
            <th scope="row">{t("sources.interface")}</th>
            <td className={packets.up ? "" : styles.warn}>{t(packets.up ? "sources.interface_up" : "sources.interface_down")}</td>
          </tr>
          <tr>
            <th scope="row">{t("sources.packets_seen")}</th>
            <td className="num">{text.number(packets.seen)}</td>
          </tr>
          <tr>
            <th scope="row">{t("sources.bytes")}</th>
            <td className="num">{text.bytes(packets.bytes)}</td>
          </tr>
          <tr>
            <th scope="row">{t("sources.flows")}</th>
            <td className="num">{text.number(packets.flows)}</td>
          </tr>
          {lines.map((key) => (
            <tr key={key} className={styles.inner}>
              <th scope="row">{t(`sources.${key}`)}</th>
              <td className={`num ${packets[key] > 0 ? styles.warn : ""}`}>{text.number(packets[key])}</td>
            </tr>
          ))}
          {packets.ring && <Ring ring={packets.ring} />}
        </tbody>
      </table>
      {packets.ring?.trouble && (
        <p className={styles.warn} role="alert">
          {t("sources.ring_trouble", { why: packets.ring.trouble })}
        </p>
      )}
    </section>
  );
}

/** How far back the packets themselves are kept, and which are not there. */
function Ring({ ring }: { ring: PacketRing }) {
  const { t } = useTranslation();
  const text = useText();
  const lines = [
    ["sources.ring_lost", ring.dropped + ring.unwritten],
    ["sources.ring_cut", ring.cut],
  ] as const;
  return (
    <>
      <tr>
        <th scope="row">{t("sources.ring")}</th>
        <td className="num">{text.bytes(ring.bytes)}</td>
      </tr>
      <tr className={styles.inner}>
        <th scope="row">{t("sources.ring_oldest")}</th>
        <td className="num">{ring.oldest ? text.time(ring.oldest, "full") : "–"}</td>
      </tr>
      {lines.map(([key, count]) => (
        <tr key={key} className={styles.inner}>
          <th scope="row">{t(key)}</th>
          <td className={`num ${key === "sources.ring_lost" && count > 0 ? styles.warn : ""}`}>{text.number(count)}</td>
        </tr>
      ))}
    </>
  );
}

function Format({ source, formats }: { source: SourceInfo; formats: string[] }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const refused = useRefused();
  const may = useMay("manageSources");
  const pin = useMutation({
    mutationFn: (format: string | null) => post(`/sources/${encodeURIComponent(source.id)}/format`, { format }),
    onSuccess: (_, format) => {
      void client.invalidateQueries({ queryKey: sourcesQuery.queryKey });
      notify({ message: format ? t("sources.format_done", { format }) : t("sources.format_unpinned") });
    },
    onError: refused,
  });
  const known = source.format && !formats.includes(source.format) ? [source.format, ...formats] : formats;
  return (
    <section className={styles.section}>
      <h3>{t("sources.format")}</h3>
      <Select
        searchable
        onFocus={(e) => e.currentTarget.select()}
        disabled={!may || pin.isPending}
        aria-label={t("sources.format_pin")}
        data={[{ value: "", label: t("sources.format_auto") + (source.format && !source.pinned ? ` (${source.format})` : "") }, ...known]}
        value={source.pinned ? (source.format ?? "") : ""}
        onChange={(value) => pin.mutate(value || null)}
        description={t("sources.format_hint")}
        inputWrapperOrder={["input", "description"]}
      />
    </section>
  );
}

export function SourcePanel({ source, formats, onClose }: { source: SourceInfo; formats: string[]; onClose: () => void }) {
  const { t } = useTranslation();
  const text = useText();
  const skewText = useSkewText();
  const navigate = useNavigate();
  const search = (more: string) =>
    void navigate({ to: "/search", search: { q: condition("fansipan.source", source.id) + more, since: "24h" } });
  return (
    <aside className={styles.panel} aria-label={t("sources.panel")} data-testid="source-panel">
      <header className={styles.head}>
        <div className="grow">
          <h2 className="cut">{source.host ?? source.peer ?? source.id}</h2>
          <p className="mono dim cut" title={source.id}>
            {source.id}
          </p>
        </div>
        <Tooltip label={t("state.close")}>
          <ActionIcon size={28} aria-label={t("state.close")} onClick={onClose}>
            <X size={16} />
          </ActionIcon>
        </Tooltip>
      </header>
      <dl className={styles.facts}>
        <Fact label={t("sources.state")}>{t(`sources.state_${healthOf(source)}`)}</Fact>
        <Fact label={t("sources.col_transport")}>
          {source.transport.toUpperCase()}
          {encrypted(source) !== null && (
            <span className="dim"> · {encrypted(source) ? t("sources.encrypted") : t("sources.plaintext")}</span>
          )}
        </Fact>
        <Fact label={t("sources.last_seen")}>
          <span className="num">{text.time(source.last_seen)}</span> <Age at={source.last_seen} className="dim" />
        </Fact>
        <Fact label={t("sources.first_seen")}>
          <span className="num">{text.time(source.first_seen)}</span>
        </Fact>
        {source.peer && (
          <Fact label={t("sources.peer")}>
            <span className="mono">{source.peer}</span>
          </Fact>
        )}
        <Fact label={t("sources.skew")}>{skewText(skewMs(source))}</Fact>
        {source.agency !== "default" && <Fact label={t("alerts.agency")}>{source.agency}</Fact>}
        {source.tls_identity && (
          <Fact label={t("sources.tls_identity")}>
            <span className="mono">{source.tls_identity}</span>
          </Fact>
        )}
      </dl>
      <div className={styles.buttons}>
        <Button variant="default" leftSection={<Search size={14} />} onClick={() => search("")}>
          {t("sources.see_events")}
        </Button>
        {source.counters.unparsed > 0 && (
          <Button variant="default" leftSection={<Search size={14} />} onClick={() => search(" and event.kind:pipeline_error")}>
            {t("sources.see_unparsed")}
          </Button>
        )}
      </div>
      {source.packets && <Packets packets={source.packets} />}
      <Ledger source={source} />
      <Format source={source} formats={formats} />
    </aside>
  );
}
