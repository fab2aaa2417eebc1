/** A record as it was received, byte for byte as far as text can show it. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { Copy } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { EcsEvent } from "../api/types";
import { useCopy } from "./clipboard";
import { originalOf } from "./event";
import { Highlight } from "./Highlight";
import styles from "./RawRecord.module.css";

export function RawRecord({ event, marked = [] }: { event: EcsEvent; marked?: readonly string[] }) {
  const { t } = useTranslation();
  const copy = useCopy();
  const original = originalOf(event);
  if (!original) return <p className="dim">{t("event.no_original")}</p>;
  return (
    <div className={styles.box}>
      {original.base64 && <p className={styles.note}>{t("event.base64")}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long records scroll, and the keyboard must reach them */}
      <pre className={styles.raw} tabIndex={0}>
        <Highlight text={original.text} values={marked} />
      </pre>
      <Tooltip label={t("state.copy")}>
        <ActionIcon className={styles.copy} size={24} variant="default" aria-label={t("state.copy")} onClick={() => copy(original.text)}>
          <Copy size={13} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}
