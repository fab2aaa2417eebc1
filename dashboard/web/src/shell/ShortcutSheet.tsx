/** The `?` sheet: every shortcut that works on the page behind it. */
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { activeShortcuts, type Shortcut } from "../keyboard/keyboard";
import styles from "./Shell.module.css";

const GROUPS = ["anywhere", "lists", "alerts"] as const;
const SHOWN: Record<string, string> = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc" };

function Keys({ keys }: { keys: string }) {
  return (
    <span className="row">
      {keys.split(" ").map((key) => (
        <kbd key={key}>{SHOWN[key] ?? key}</kbd>
      ))}
    </span>
  );
}

function unique(shortcuts: Shortcut[]): Shortcut[] {
  return [...new Map(shortcuts.map((s) => [s.keys, s])).values()];
}

export function ShortcutSheet({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const shortcuts = unique(activeShortcuts());
  return (
    <Modal opened onClose={onClose} title={t("keys.title")} size={720} closeButtonProps={{ "aria-label": t("state.close") }}>
      <div className={styles.sheet} data-testid="shortcut-sheet">
        {GROUPS.map((group) => {
          const rows = shortcuts.filter((s) => s.label && (s.group ?? "anywhere") === group);
          return rows.length ? (
            <section key={group}>
              <h3>{t(`keys.${group}`)}</h3>
              {rows.map((s) => (
                <div key={s.keys} className={styles.keys}>
                  <span>{s.label ? String(t(s.label)) : ""}</span>
                  <Keys keys={s.keys} />
                </div>
              ))}
            </section>
          ) : null;
        })}
      </div>
    </Modal>
  );
}
