/** Chooses the time range; fixed times are in the zone shown, which is named. */
import { Button, Popover, SegmentedControl } from "@mantine/core";
import { DateTimePicker } from "@mantine/dates";
import "dayjs/locale/vi";
import { CalendarClock, ChevronDown } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Range } from "../../api/queries";
import { useLanguage } from "../../i18n";
import { serverNow } from "../../time/clock";
import { useText } from "../../time/useText";
import { instant, instantOf, offsetText, timeText } from "../../time/zone";
import { boundsOf, isPreset, PRESETS } from "./range";
import styles from "./SearchPage.module.css";

interface RangePickerProps {
  range: Range;
  onChange: (range: Range) => void;
}

function Fixed({ range, onApply }: { range: Range; onApply: (range: Range) => void }) {
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

export function RangePicker({ range, onChange }: RangePickerProps) {
  const { t } = useTranslation();
  const text = useText();
  const [opened, setOpened] = useState(false);
  const [kind, setKind] = useState<"relative" | "absolute">(range.from ? "absolute" : "relative");
  const choose = (next: Range) => {
    setOpened(false);
    onChange(next);
  };
  const shown = range.from
    ? `${text.time(instant(range.from), "minutes")} – ${range.to ? text.time(instant(range.to), "minutes") : t("age.now")}`
    : isPreset(range.since ?? "")
      ? t(`search.last_${range.since as (typeof PRESETS)[number]}`)
      : t("overview.last", { value: range.since ?? "" });
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" width={300} trapFocus shadow="md">
      <Popover.Target>
        <Button
          variant="default"
          className={styles.range}
          leftSection={<CalendarClock size={15} />}
          rightSection={<ChevronDown size={14} />}
          aria-label={`${t("search.range")}: ${shown}`}
          onClick={() => setOpened(!opened)}
          data-testid="range"
        >
          {shown}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("search.range")}>
        <SegmentedControl
          size="xs"
          fullWidth
          value={kind}
          onChange={(value) => setKind(value as "relative" | "absolute")}
          data={[
            { value: "relative", label: t("search.relative") },
            { value: "absolute", label: t("search.absolute") },
          ]}
        />
        {kind === "relative" ? (
          <div className={styles.presets}>
            {PRESETS.map((preset) => (
              <button
                key={preset}
                type="button"
                className={styles.preset}
                data-on={range.since === preset}
                onClick={() => choose({ since: preset })}
              >
                {t(`search.last_${preset}`)}
              </button>
            ))}
          </div>
        ) : (
          <Fixed range={range} onApply={choose} />
        )}
        <p className={styles.zone}>{t("search.zone_note", { zone: `${text.zone} (${offsetText(serverNow(), text.zone)})` })}</p>
      </Popover.Dropdown>
    </Popover>
  );
}
