/** Copies text and says so. */

import { useTranslation } from "react-i18next";
import { notify } from "./notify";

async function write(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Without https the browser offers no clipboard; a selection still copies.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

export function useCopy(): (text: string, message?: string) => void {
  const { t } = useTranslation();
  return (text, message) => {
    void write(text).then(() => notify({ message: message ?? t("state.copied"), autoClose: 1500, withCloseButton: false }));
  };
}
