/** Tactics of ATT&CK and groups of incidents (Decision 05/2017) in the reader's language; what has no name stays as it is written. */
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

export function useNames(): (family: "tactic" | "group", id: string) => string {
  const { t, i18n } = useTranslation();
  return useCallback(
    (family, id) => {
      const word = family === "group" ? `group.${id}` : `tactic.${id}`;
      return i18n.exists(word) ? t(word as "tactic.impact") : id.replaceAll("-", " ");
    },
    [t, i18n],
  );
}
