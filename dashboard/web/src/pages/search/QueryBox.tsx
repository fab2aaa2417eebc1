/** The query box: colours as one types, the error underlined where it is, field names offered. Enter searches. */
import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { CircleHelp, Search, X } from "lucide-react";
import { type KeyboardEvent, type RefObject, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { validateQuery } from "../../api/queries";
import type { QueryFault } from "../../api/types";
import { suggest } from "../../query/fields";
import { unitPosition } from "../../query/tokens";
import styles from "./QueryBox.module.css";
import { QueryMirror } from "./QueryMirror";

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

/** The word before the caret, when it may be a field's name. */
export function wordAt(value: string, caret: number): string {
  const word = /[\w.@-]*$/.exec(value.slice(0, caret))?.[0] ?? "";
  const quotes = value.slice(0, caret).split('"').length - 1;
  const before = value[caret - word.length - 1];
  return quotes % 2 === 0 && before !== ":" && word.length >= 2 ? word : "";
}

function useFault(value: string): QueryFault | null {
  const [settled] = useDebouncedValue(value, 180);
  const check = useQuery({ ...validateQuery(settled), enabled: settled.trim() !== "" });
  if (settled !== value || settled.trim() === "" || !check.data || check.data.ok) return null;
  return check.data;
}

export function QueryBox({ inputRef, value, onChange, onSubmit, onHelp, busy, seen }: QueryBoxProps) {
  const { t } = useTranslation();
  const fault = useFault(value);
  const [caret, setCaret] = useState(0);
  const [picked, setPicked] = useState(-1);
  const [closed, setClosed] = useState(true);
  const listId = useId();
  const word = closed ? "" : wordAt(value, caret);
  const offers = word ? suggest(word, seen).filter((name) => name !== word) : [];

  const accept = (name: string) => {
    const start = caret - word.length;
    const next = `${value.slice(0, start)}${name}:${value.slice(caret).replace(/^:/, "")}`;
    onChange(next);
    setClosed(true);
    const at = start + name.length + 1;
    requestAnimationFrame(() => {
      inputRef.current?.setSelectionRange(at, at);
      setCaret(at);
    });
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    const offer = offers[picked];
    if (offers.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setPicked((picked + (event.key === "ArrowDown" ? 1 : -1) + offers.length) % offers.length);
    } else if (event.key === "Tab" && offers.length && !event.shiftKey) {
      event.preventDefault();
      accept(offer ?? offers[0] ?? "");
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (offer) accept(offer);
      else {
        setClosed(true);
        onSubmit(value);
      }
    } else if (event.key === "Escape") {
      if (offers.length) setClosed(true);
      else event.currentTarget.blur();
    }
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
            aria-controls={offers.length > 0 ? listId : undefined}
            aria-autocomplete="list"
            aria-activedescendant={picked >= 0 && offers[picked] ? `${listId}-${picked}` : undefined}
            aria-invalid={fault !== null}
            aria-describedby={fault ? `${listId}-fault` : undefined}
            data-testid="search-input"
            onChange={(e) => {
              onChange(e.currentTarget.value);
              setCaret(e.currentTarget.selectionStart);
              setPicked(-1);
              setClosed(false);
            }}
            onSelect={(e) => setCaret(e.currentTarget.selectionStart)}
            onBlur={() => setClosed(true)}
            onKeyDown={onKeyDown}
          />
          {offers.length > 0 && (
            <div className={styles.offers} id={listId} role="listbox" aria-label={t("search.suggestions")}>
              {offers.map((name, i) => (
                <div
                  key={name}
                  id={`${listId}-${i}`}
                  role="option"
                  tabIndex={-1}
                  aria-selected={i === picked}
                  className={styles.offer}
                  onPointerDown={(e) => {
                    e.preventDefault(); // the box keeps the focus
                    accept(name);
                  }}
                >
                  {name}
                </div>
              ))}
            </div>
          )}
        </div>
        {value && (
          <ActionIcon aria-label={t("search.clear")} onClick={() => onChange("")}>
            <X size={15} />
          </ActionIcon>
        )}
        <Tooltip label={t("search.help_title")}>
          <ActionIcon aria-label={t("search.help_title")} onClick={onHelp}>
            <CircleHelp size={16} />
          </ActionIcon>
        </Tooltip>
        <Button className={styles.submit} loading={busy} onClick={() => onSubmit(value)} data-testid="search-submit">
          {t("search.submit")}
        </Button>
      </div>
      {fault && (
        <p className={styles.fault} id={`${listId}-fault`} role="status" data-testid="search-fault">
          <strong>{t("search.syntax_error", { position: fault.position + 1 })}</strong> {fault.message}
          {fault.help && <span className={styles.help}>{fault.help}</span>}
        </p>
      )}
    </div>
  );
}
