/** Fixed times, by a calendar, in the zone shown. */
import { Button } from "@mantine/core";
import { DateTimePicker } from "@mantine/dates";
import "@mantine/dates/styles.layer.css";
import "dayjs/locale/vi";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Range } from "../../api/queries";
import { useLanguage } from "../../i18n";
import { serverNow } from "../../time/clock";
import { useText } from "../../time/useText";
import { instantOf, timeText } from "../../time/zone";
import { boundsOf } from "./range";
import styles from "./SearchPage.module.css";

interface FixedRangeProps {
  range: Range;
  onApply: (range: Range) => void;
}

export function FixedRange({ range, onApply }: FixedRangeProps) {
  const { t } = useTranslation();
  const language = useLanguage();
  const { zone } = useText();
  const now = serverNow();
  const bounds = boundsOf(range, now);
  const [from, setFrom] = useState<string | null>(timeText(bounds.from, zone, "input"));
  const [to, setTo] = useState<string | null>(timeText(bounds.to, zone, "input"));
  const a = from ? instantOf(from, zone) : null;
  const b = to ? instantOf(to, zone) : null;
  const good = a !== null && b !== null && a < b;
  const picker = {
    valueFormat: "YYYY-MM-DD HH:mm:ss",
    withSeconds: true,
    locale: language,
    size: "xs" as const,
    popoverProps: { withinPortal: false },
  };
  return (
    <form
      className={styles.fixed}
      onSubmit={(event) => {
        event.preventDefault();
        if (good) onApply({ from: new Date(a).toISOString(), to: new Date(b).toISOString() });
      }}
    >
      <DateTimePicker {...picker} label={t("search.from")} value={from} onChange={setFrom} />
      <DateTimePicker {...picker} label={t("search.to")} value={to} onChange={setTo} />
      {a !== null && b !== null && a >= b && <p className={styles.bad}>{t("search.bad_range")}</p>}
      <Button type="submit" disabled={!good}>
        {t("search.apply")}
      </Button>
    </form>
  );
}
