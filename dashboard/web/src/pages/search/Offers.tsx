/** Field names offered while one types a query: arrows choose, Tab takes the first, Escape declines. */
import { type KeyboardEvent, type RefObject, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { suggest } from "../../query/fields";
import styles from "./QueryBox.module.css";

/** The word before the caret, when it may be a field's name. */
export function wordAt(value: string, caret: number): string {
  const word = /[\w.@-]*$/.exec(value.slice(0, caret))?.[0] ?? "";
  const quotes = value.slice(0, caret).split('"').length - 1;
  const before = value[caret - word.length - 1];
  return quotes % 2 === 0 && before !== ":" && word.length >= 2 ? word : "";
}

/** The offers for the word before the caret, and what keys do to them. */
export function useOffers(
  box: RefObject<HTMLTextAreaElement | null>,
  value: string,
  onChange: (value: string) => void,
  seen: readonly string[],
) {
  const [caret, setCaret] = useState(0);
  const [picked, setPicked] = useState(-1);
  const [closed, setClosed] = useState(true);
  const id = useId();
  const word = closed ? "" : wordAt(value, caret);
  const names = word ? suggest(word, seen).filter((name) => name !== word) : [];

  const accept = (name: string) => {
    const start = caret - word.length;
    onChange(`${value.slice(0, start)}${name}:${value.slice(caret).replace(/^:/, "")}`);
    setClosed(true);
    const at = start + name.length + 1;
    requestAnimationFrame(() => {
      box.current?.setSelectionRange(at, at);
      setCaret(at);
    });
  };
  /** Whether the key was meant for the offers. */
  const onKey = (event: KeyboardEvent): boolean => {
    if (names.length === 0) return false;
    const name = names[picked];
    if (event.key === "ArrowDown") setPicked((picked + 1) % names.length);
    else if (event.key === "ArrowUp") setPicked(picked <= 0 ? names.length - 1 : picked - 1);
    else if (event.key === "Escape") setClosed(true);
    else if (event.key === "Tab" && !event.shiftKey) accept(name ?? names[0] ?? "");
    else if (event.key === "Enter" && name) accept(name);
    else return false;
    event.preventDefault();
    return true;
  };
  return {
    id,
    names,
    picked,
    accept,
    onKey,
    close: () => setClosed(true),
    moved: setCaret,
    typed: (at: number) => {
      setCaret(at);
      setPicked(-1);
      setClosed(false);
    },
    aria: {
      "aria-autocomplete": "list" as const,
      "aria-controls": names.length > 0 ? id : undefined,
      "aria-activedescendant": names[picked] ? `${id}-${picked}` : undefined,
    },
  };
}

export function Offers({ id, names, picked, accept }: Pick<ReturnType<typeof useOffers>, "id" | "names" | "picked" | "accept">) {
  const { t } = useTranslation();
  if (names.length === 0) return null;
  return (
    <div className={styles.offers} id={id} role="listbox" aria-label={t("search.suggestions")}>
      {names.map((name, i) => (
        <div
          key={name}
          id={`${id}-${i}`}
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
  );
}
