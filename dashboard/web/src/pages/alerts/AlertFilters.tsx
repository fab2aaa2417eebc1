/** The filters of the queue; each lives in the URL. */
import { ActionIcon, Button, Select, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { ArrowDownWideNarrow, Clock, Search, X } from "lucide-react";
import { type RefObject, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type AlertFilter, isQueued } from "../../api/alerts";
import { ALERT_STATUSES, type Alert, LEVELS, type Level, type Page } from "../../api/types";
import { Freshness } from "../../components/Age";
import { LevelGlyph } from "../../components/Level";
import type { AlertSearch } from "../../router";
import { useText } from "../../time/useText";
import styles from "./AlertsPage.module.css";

interface AlertFiltersProps {
  filter: AlertFilter;
  /** The first page of the queue, once it is there. */
  first: Page<Alert> | undefined;
  updatedAt: number;
  inputRef: RefObject<HTMLInputElement | null>;
}

const WINDOWS = ["1h", "24h", "7d", "30d"] as const;

function LevelToggles({ levels, onChange }: { levels: Level[]; onChange: (levels: Level[]) => void }) {
  const { t } = useTranslation();
  return (
    <div className={styles.levels} role="group" aria-label={t("level.label")}>
      {LEVELS.map((level) => {
        const on = levels.includes(level);
        return (
          <Tooltip key={level} label={t(`level.${level}`)}>
            <button
              type="button"
              className={styles.level}
              aria-pressed={on}
              aria-label={t(`level.${level}`)}
              data-on={on}
              data-faded={levels.length > 0 && !on}
              onClick={() => onChange(on ? levels.filter((l) => l !== level) : [...levels, level])}
            >
              <LevelGlyph level={level} />
            </button>
          </Tooltip>
        );
      })}
    </div>
  );
}

export function AlertFilters({ filter, first, updatedAt, inputRef }: AlertFiltersProps) {
  const { t } = useTranslation();
  const text = useText();
  const navigate = useNavigate({ from: "/alerts" });
  const change = (part: Partial<Record<keyof AlertSearch, AlertSearch[keyof AlertSearch]>>) =>
    void navigate({
      search: (old) => Object.fromEntries(Object.entries({ ...old, ...part }).filter(([, v]) => v !== undefined)),
      replace: true,
    });
  const [typed, setTyped] = useState(filter.q ?? "");
  const apply = useDebouncedCallback((q: string) => change({ q: q.trim() || undefined }), 250);
  useEffect(() => setTyped(filter.q ?? ""), [filter.q]);
  const filtered = filter.levels.length > 0 || filter.q || filter.rule || filter.since || filter.status !== "open";
  const newest = filter.order === "newest";
  const windowName = { "1h": "search.last_1h", "24h": "search.last_24h", "7d": "search.last_7d", "30d": "search.last_30d" } as const;
  return (
    <div className={styles.filters}>
      <h1 className={styles.title}>{t("alerts.title")}</h1>
      <Select
        aria-label={t("status.label")}
        w={150}
        data={(["open", ...ALERT_STATUSES, "all"] as const).map((value) => ({ value, label: t(`status.${value}`) }))}
        value={filter.status}
        onChange={(value) => change({ status: value && value !== "open" ? value : undefined })}
      />
      <LevelToggles levels={filter.levels} onChange={(levels) => change({ level: levels.length ? levels : undefined })} />
      <Select
        aria-label={t("alerts.since")}
        w={136}
        data={[{ value: "", label: t("alerts.since_any") }, ...WINDOWS.map((value) => ({ value, label: t(windowName[value]) }))]}
        value={filter.since ?? ""}
        onChange={(value) => change({ since: value || undefined })}
      />
      <TextInput
        ref={inputRef}
        className={styles.text}
        aria-label={t("alerts.filter_label")}
        placeholder={t("alerts.filter")}
        leftSection={<Search size={14} />}
        rightSection={<kbd>/</kbd>}
        value={typed}
        onChange={(e) => {
          setTyped(e.currentTarget.value);
          apply(e.currentTarget.value);
        }}
        onKeyDown={(e) => e.key === "Escape" && e.currentTarget.blur()}
      />
      {isQueued(filter.status) && (
        <Tooltip label={newest ? t("alerts.order_newest") : t("alerts.order_priority")}>
          <ActionIcon
            variant="default"
            size={30}
            aria-label={newest ? t("alerts.order_newest") : t("alerts.order_priority")}
            onClick={() => change({ order: newest ? undefined : "newest" })}
          >
            {newest ? <Clock size={15} /> : <ArrowDownWideNarrow size={15} />}
          </ActionIcon>
        </Tooltip>
      )}
      {filtered && (
        <Button
          variant="subtle"
          color="gray"
          leftSection={<X size={14} />}
          onClick={() => void navigate({ search: ({ id }) => (id ? { id } : {}) })}
        >
          {t("alerts.clear")}
        </Button>
      )}
      <span className="grow" />
      <span className={`${styles.total} num`}>
        {first && t("alerts.total", { value: `${first.total_exact ? "" : "≥ "}${text.number(first.total)}` })}
      </span>
      <span className={styles.fresh}>
        <Freshness updatedAt={updatedAt} limit={60_000} />
      </span>
    </div>
  );
}
