/** The key `w`: watches a value or ends that, and says so. */
import { useTranslation } from "react-i18next";
import type { Shortcut } from "../keyboard/keyboard";
import { toggleWatch } from "../watch";
import { notify } from "./notify";

/** `value` absent: nothing is in hand. */
export function useWatch(value: string | undefined): Shortcut {
  const { t } = useTranslation();
  const run = () => {
    if (value) notify({ message: t(toggleWatch(value) ? "watch.on" : "watch.off", { value }), autoClose: 4000 });
  };
  return { keys: "w", label: "keys.watch", group: "alerts", run };
}
