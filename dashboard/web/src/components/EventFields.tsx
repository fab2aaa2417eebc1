/** Every field of an event, each value with its pivots. The page decides what a pivot does. */
import { Columns3, Copy, Minus, Plus, Search } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { EcsEvent, Scalar } from "../api/types";
import { useText } from "../time/useText";
import { useCopy } from "./clipboard";
import styles from "./EventFields.module.css";
import { fieldsOf, valuesOf } from "./event";
import { Highlight } from "./Highlight";
import { IconButton } from "./IconButton";

export interface Pivots {
  /** Narrow the query at hand. */
  onAdd?: (field: string, value: Scalar) => void;
  onExclude?: (field: string, value: Scalar) => void;
  /** Start a new search for this value. */
  onOnly?: (field: string, value: Scalar) => void;
  onColumn?: (field: string) => void;
}

interface EventFieldsProps extends Pivots {
  event: EcsEvent;
  /** Shows only fields whose name or value holds this. */
  filter?: string;
  marked?: readonly string[];
}

const DATES = new Set(["@timestamp", "event.ingested", "event.created", "event.start", "event.end"]);

function Value({ field, value, marked, pivots }: { field: string; value: Scalar; marked: readonly string[]; pivots: Pivots }) {
  const { t } = useTranslation();
  const text = useText();
  const copy = useCopy();
  const shown = String(value);
  const actions = [
    { label: t("event.add"), Icon: Plus, run: pivots.onAdd },
    { label: t("event.exclude"), Icon: Minus, run: pivots.onExclude },
    { label: t("event.only"), Icon: Search, run: pivots.onOnly },
  ];
  return (
    <div className={styles.value}>
      {pivots.onOnly ? (
        <button type="button" className={`${styles.text} plain mono`} title={t("event.only")} onClick={() => pivots.onOnly?.(field, value)}>
          <Highlight text={shown} values={marked} />
        </button>
      ) : (
        <span className={`${styles.text} mono`}>
          <Highlight text={shown} values={marked} />
        </span>
      )}
      {DATES.has(field) && <span className={`${styles.local} num`}>{text.time(shown, "full")}</span>}
      <span className={styles.actions}>
        {actions.map(
          ({ label, Icon, run }) =>
            run && (
              <IconButton
                key={label}
                Icon={Icon}
                label={label}
                name={`${label}: ${field} = ${shown.slice(0, 60)}`}
                size={22}
                icon={13}
                onClick={() => run(field, value)}
              />
            ),
        )}
        <IconButton
          Icon={Copy}
          label={t("event.copy")}
          name={`${t("event.copy")}: ${field}`}
          size={22}
          icon={13}
          onClick={() => copy(shown)}
        />
      </span>
    </div>
  );
}

export function EventFields({ event, filter = "", marked = [], ...pivots }: EventFieldsProps) {
  const { t } = useTranslation();
  const wanted = filter.trim().toLowerCase();
  const fields = fieldsOf(event).filter(
    (f) => !wanted || f.toLowerCase().includes(wanted) || valuesOf(event, f).some((v) => String(v).toLowerCase().includes(wanted)),
  );
  if (fields.length === 0) return <p className="dim">{t("state.nothing")}</p>;
  return (
    <dl className={styles.fields}>
      {fields.map((field) => (
        <div key={field} className={styles.field}>
          <dt className={styles.name}>
            <span className="cut" title={field}>
              {field}
            </span>
            {pivots.onColumn && (
              <IconButton
                Icon={Columns3}
                label={t("event.column")}
                name={`${t("event.column")}: ${field}`}
                size={20}
                icon={12}
                className={styles.column}
                onClick={() => pivots.onColumn?.(field)}
              />
            )}
          </dt>
          <dd className={styles.values}>
            {valuesOf(event, field).map((value, i) => (
              <Value
                // biome-ignore lint/suspicious/noArrayIndexKey: a field may hold the same value twice
                key={i}
                field={field}
                value={value}
                marked={marked}
                pivots={pivots}
              />
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}
