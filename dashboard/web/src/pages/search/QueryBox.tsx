/** The query box: colours as one types, the error underlined where it is, field names offered. Enter searches. */
import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { CircleHelp, Search, X } from "lucide-react";
import { type KeyboardEvent, type RefObject, useId } from "react";
import { useTranslation } from "react-i18next";
import { validateQuery } from "../../api/queries";
import { lintQuery } from "../../api/rules";
import { useLanguage } from "../../i18n";
import { told } from "../../i18n/told";
import { unitPosition } from "../../query/tokens";
import { Offers, useOffers } from "./Offers";
import styles from "./QueryBox.module.css";
import { QueryMirror } from "./QueryMirror";
import { isSigma } from "./sigma";

interface QueryBoxProps {
  inputRef: RefObject<HTMLTextAreaElement | null>;
  value: string;
  onChange: (value: string) => void;
  onSubmit: (value: string) => void;
  onHelp: () => void;
  busy: boolean;
  /** Fields seen in the results: offered beside the known ones. */
  seen: readonly string[];
}

interface Fault {
  /** Characters before the place. */
  position: number;
  message: string;
  help: string;
}

function useFault(value: string): Fault | null {
  const language = useLanguage();
  const [settled] = useDebouncedValue(value, 180);
  const sigma = isSigma(settled);
  const check = useQuery({ ...validateQuery(settled), enabled: settled.trim() !== "" && !sigma });
  const lint = useQuery({ ...lintQuery(settled), enabled: sigma });
  if (sigma) {
    const fault = settled === value ? lint.data?.diagnostics.find((d) => d.severity === "error") : undefined;
    if (!fault) return null;
    const before = settled.split("\n").slice(0, (fault.line ?? 1) - 1);
    const { message, help } = told(fault, language);
    return { position: [...before.join("\n")].length, message: `${fault.code} ${message}`, help };
  }
  if (settled !== value || settled.trim() === "" || !check.data || check.data.ok) return null;
  return { position: check.data.position, ...told(check.data, language) };
}

export function QueryBox({ inputRef, value, onChange, onSubmit, onHelp, busy, seen }: QueryBoxProps) {
  const { t } = useTranslation();
  const fault = useFault(value);
  const offers = useOffers(inputRef, value, onChange, seen);
  const faultId = useId();
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing || offers.onKey(event)) return;
    if (event.key === "Escape") event.currentTarget.blur();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    offers.close();
    onSubmit(value);
  };
  return (
    <div className={styles.box}>
      <div className={styles.frame} data-fault={fault !== null}>
        <Search className={styles.icon} size={16} aria-hidden="true" />
        <div className={styles.stack}>
          <QueryMirror value={value} faultAt={fault ? unitPosition(value, fault.position) : null} />
          <textarea
            ref={inputRef}
            className={styles.input}
            rows={1}
            value={value}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
            placeholder={t("search.placeholder")}
            aria-label={t("search.label")}
            aria-invalid={fault !== null}
            aria-describedby={fault ? faultId : undefined}
            {...offers.aria}
            data-testid="search-input"
            onChange={(e) => {
              onChange(e.currentTarget.value);
              offers.typed(e.currentTarget.selectionStart);
            }}
            onSelect={(e) => offers.moved(e.currentTarget.selectionStart)}
            onBlur={offers.close}
            onKeyDown={onKeyDown}
          />
          <Offers {...offers} />
        </div>
        {value && (
          <ActionIcon aria-label={t("search.clear")} onClick={() => onChange("")}>
            <X size={15} />
          </ActionIcon>
        )}
        <Tooltip label={t("search.help_title")}>
          <ActionIcon aria-label={t("search.help_title")} data-testid="query-help" onClick={onHelp}>
            <CircleHelp size={16} />
          </ActionIcon>
        </Tooltip>
        <Button className={styles.submit} loading={busy} onClick={() => onSubmit(value)} data-testid="search-submit">
          {t("search.submit")}
        </Button>
      </div>
      {fault && (
        <p className={styles.fault} id={faultId} role="status" data-testid="search-fault">
          <strong>{t("search.syntax_error", { position: fault.position + 1 })}</strong> {fault.message}
          <span className={styles.help}>{fault.help}</span>
        </p>
      )}
    </div>
  );
}
