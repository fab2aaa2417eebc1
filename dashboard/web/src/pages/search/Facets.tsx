/** The commonest values of chosen fields among what was found; a click keeps a value or leaves it out. */
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ChevronDown, ChevronRight, Columns3, Minus, X } from "lucide-react";
import { memo, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { facetsQuery, type Range } from "../../api/queries";
import type { Facet } from "../../api/types";
import { IconButton } from "../../components/IconButton";
import { Later } from "../../components/Later";
import { Failed } from "../../components/States";
import { FIELDS } from "../../query/fields";
import { facetSetting } from "../../settings";
import { useText } from "../../time/useText";
import styles from "./Facets.module.css";

interface FacetsProps {
  q: string;
  range: Range;
  onAdd: (field: string, value: string) => void;
  onExclude: (field: string, value: string) => void;
  onColumn: (field: string) => void;
}

/** Closed at first, to ask the server for less. */
const CLOSED = new Set(["event.code", "destination.port", "fansipan.source"]);

function Values({ facet, onAdd, onExclude }: { facet: Facet | undefined } & Pick<FacetsProps, "onAdd" | "onExclude">) {
  const { t } = useTranslation();
  const text = useText();
  if (!facet) return <div className={styles.waiting} />;
  if (facet.values.length === 0) return <p className={styles.none}>{t("search.facet_empty")}</p>;
  const most = facet.values[0]?.count ?? 1;
  return (
    <ul className={styles.values}>
      {facet.values.map(({ value, count }) => (
        <li key={value} className={styles.value}>
          <button type="button" className={styles.pick} title={t("search.facet_add", { value })} onClick={() => onAdd(facet.field, value)}>
            <span className={styles.bar} style={{ width: `${(count / most) * 100}%` }} />
            <span className={`${styles.text} cut`}>{value || "“”"}</span>
            <span className={`${styles.count} num`}>{count < 1_000_000 ? text.number(count) : text.compact(count)}</span>
          </button>
          <IconButton
            Icon={Minus}
            label={t("search.facet_exclude", { value })}
            size={20}
            icon={13}
            className={styles.exclude}
            onClick={() => onExclude(facet.field, value)}
          />
        </li>
      ))}
    </ul>
  );
}

function Chosen({ q, range, onAdd, onExclude, onColumn }: FacetsProps) {
  const { t } = useTranslation();
  const stored = useSyncExternalStore(facetSetting.subscribe, facetSetting.read);
  const fields = stored.split(",").filter(Boolean);
  const [closed, setClosed] = useState<ReadonlySet<string>>(CLOSED);
  const open = fields.filter((f) => !closed.has(f));
  const query = useQuery({ ...facetsQuery(q, range, open), enabled: open.length > 0 });
  const toggle = (field: string) => {
    const next = new Set(closed);
    if (!next.delete(field)) next.add(field);
    setClosed(next);
  };
  return (
    <>
      {query.isError && <Failed error={query.error} compact />}
      {fields.map((field) => {
        const isOpen = !closed.has(field);
        const Chevron = isOpen ? ChevronDown : ChevronRight;
        return (
          <section key={field} className={styles.facet}>
            <header className={styles.head}>
              <button type="button" className={`${styles.name} plain`} aria-expanded={isOpen} onClick={() => toggle(field)}>
                <Chevron size={13} aria-hidden="true" />
                <span className="cut">{field}</span>
              </button>
              <span className={styles.tools}>
                <IconButton
                  Icon={Columns3}
                  label={t("search.facet_column", { field })}
                  size={20}
                  icon={12}
                  onClick={() => onColumn(field)}
                />
                <IconButton
                  Icon={X}
                  label={t("search.facet_remove", { field })}
                  size={20}
                  icon={12}
                  onClick={() => facetSetting.write(fields.filter((f) => f !== field).join(","))}
                />
              </span>
            </header>
            {isOpen && <Values facet={query.data?.facets.find((f) => f.field === field)} onAdd={onAdd} onExclude={onExclude} />}
          </section>
        );
      })}
      <Select
        className={styles.add}
        searchable
        placeholder={t("search.facet_other")}
        aria-label={t("search.facet_other")}
        value={null}
        limit={30}
        data={FIELDS.filter((f) => f.core && !fields.includes(f.name)).map((f) => f.name)}
        onChange={(field) => field && facetSetting.write([...fields, field].slice(-20).join(","))}
      />
    </>
  );
}

/** Opening an event changes nothing here. */
export const Facets = memo(function Facets(props: FacetsProps) {
  const { t } = useTranslation();
  return (
    <aside className={styles.facets} aria-label={t("search.facets")}>
      <Later>
        <Chosen {...props} />
      </Later>
    </aside>
  );
});
