/** The columns of the table of sources. */
import { Lock, LockOpen, Pin } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { PacketCounters, SourceInfo } from "../../api/types";
import { Age } from "../../components/Age";
import type { Column } from "../../components/DataTable";
import { useText } from "../../time/useText";
import { instant } from "../../time/zone";
import { encrypted, healthOf, lostPackets, parsedShare, patchy, refusedOf, skewMs } from "./health";
import styles from "./SourcesPage.module.css";
import { useSkewText } from "./useSkewText";

/** Skew worth a word: beyond a minute searches by time go wrong, milliseconds. */
const SKEWED = 60_000;

type CellProps = { source: SourceInfo };

function Name({ source }: CellProps) {
  const { t } = useTranslation();
  const health = healthOf(source);
  return (
    <span className={styles.two}>
      <span className={styles.name}>
        <span className={styles.dot} data-health={health} aria-hidden="true" />
        <span className="cut">{source.host ?? source.peer ?? source.id}</span>
        <span className="hidden-visually">{t(`sources.state_${health}`)}</span>
      </span>
      <span className={`${styles.under} mono cut`}>{source.id}</span>
    </span>
  );
}

function Product({ source }: CellProps) {
  const { t } = useTranslation();
  const text = useText();
  const { product, format, pinned, confidence } = source;
  return (
    <span className={styles.two}>
      <span className="cut">{product ?? format ?? <em className={styles.unknown}>{t("sources.unrecognized")}</em>}</span>
      <span className={`${styles.under} row`}>
        {pinned && <Pin size={11} aria-hidden="true" />}
        {pinned && t("sources.pinned")}
        {format && !pinned && <span className="cut num">{t("sources.confidence", { value: text.percent(confidence, 0) })}</span>}
      </span>
    </span>
  );
}

function Transport({ source }: CellProps) {
  const { t } = useTranslation();
  const safe = encrypted(source);
  const label = safe === null ? undefined : safe ? t("sources.encrypted") : t("sources.plaintext");
  return (
    <span className="row" title={label}>
      <span className={styles.transport}>{source.transport.toUpperCase()}</span>
      {safe === true && <Lock size={13} className={styles.locked} aria-label={label} />}
      {safe === false && <LockOpen size={13} className="faint" aria-label={label} />}
    </span>
  );
}

/** Of a sensor: the share of packets it read. */
function Coverage({ packets }: { packets: PacketCounters }) {
  const { t } = useTranslation();
  const text = useText();
  return (
    <span
      className={styles.share}
      data-tone={patchy(packets) ? "bad" : lostPackets(packets) > 0 ? "warn" : "good"}
      title={t("sources.coverage_hint", { lost: text.number(lostPackets(packets)) })}
    >
      <span className={styles.shareBar}>
        <span style={{ width: `${packets.coverage * 100}%` }} />
      </span>
      <span className="num">{packets.up ? text.share(packets.coverage) : t("sources.interface_down")}</span>
    </span>
  );
}

function Parsed({ source }: CellProps) {
  const text = useText();
  if (source.packets) return <Coverage packets={source.packets} />;
  const share = parsedShare(source);
  if (share === null) return <span className="faint">–</span>;
  return (
    <span className={styles.share} data-tone={share < 0.5 ? "bad" : share < 0.95 ? "warn" : "good"}>
      <span className={styles.shareBar}>
        <span style={{ width: `${share * 100}%` }} />
      </span>
      <span className="num">{text.percent(share)}</span>
    </span>
  );
}

function Skew({ source }: CellProps) {
  const skewText = useSkewText();
  const skew = skewMs(source);
  if (skew === null) return <span className="faint">–</span>;
  return <span className={`num ${Math.abs(skew) > SKEWED ? (styles.late ?? "") : "dim"}`}>{skewText(skew)}</span>;
}

function Count({ count, alarming = false }: { count: number; alarming?: boolean }) {
  const text = useText();
  const tone = alarming ? (count > 0 ? (styles.late ?? "") : "faint") : "";
  return (
    <span className={`num ${tone}`} title={text.number(count)}>
      {text.compact(count)}
    </span>
  );
}

export function useSourceColumns(): Column<SourceInfo>[] {
  const { t } = useTranslation();
  return useMemo((): Column<SourceInfo>[] => {
    const late = (s: SourceInfo) => `num ${s.active ? "" : (styles.late ?? "")}`;
    const head = (key: "source" | "product" | "transport" | "last" | "events" | "parsed" | "refused" | "skew") => t(`sources.col_${key}`);
    return [
      {
        id: "source",
        header: head("source"),
        width: "minmax(190px, 1.5fr)",
        sort: (s) => s.host ?? s.id,
        cell: (s) => <Name source={s} />,
      },
      {
        id: "product",
        header: head("product"),
        width: "minmax(160px, 1.3fr)",
        sort: (s) => s.product ?? s.format,
        cell: (s) => <Product source={s} />,
      },
      { id: "transport", header: head("transport"), width: "96px", sort: (s) => s.transport, cell: (s) => <Transport source={s} /> },
      {
        id: "last",
        header: head("last"),
        width: "126px",
        sort: (s) => -instant(s.last_seen),
        cell: (s) => <Age at={s.last_seen} className={late(s)} />,
      },
      {
        id: "kept",
        header: head("events"),
        width: "minmax(84px, 0.6fr)",
        align: "right",
        sort: (s) => s.counters.kept,
        cell: (s) => <Count count={s.counters.kept} />,
      },
      { id: "parsed", header: head("parsed"), width: "146px", sort: parsedShare, cell: (s) => <Parsed source={s} /> },
      {
        id: "refused",
        header: head("refused"),
        width: "84px",
        align: "right",
        sort: refusedOf,
        cell: (s) => <Count count={refusedOf(s) + (s.packets ? lostPackets(s.packets) : 0)} alarming />,
      },
      { id: "skew", header: head("skew"), width: "120px", sort: (s) => Math.abs(skewMs(s) ?? 0), cell: (s) => <Skew source={s} /> },
    ];
  }, [t]);
}
