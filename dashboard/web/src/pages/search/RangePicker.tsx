/** Chooses the time range; fixed times are in the zone shown, which is named. */
import { Button, Popover } from "@mantine/core";
import { CalendarClock, ChevronDown } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Range } from "../../api/queries";
import { Choice } from "../../components/Choice";
import { Waiting } from "../../components/States";
import { serverNow } from "../../time/clock";
import { useText } from "../../time/useText";
import { instant, offsetText } from "../../time/zone";
import { isPreset, PRESETS } from "./range";
import styles from "./SearchPage.module.css";

interface RangePickerProps {
  range: Range;
  onChange: (range: Range) => void;
}

/** Brings a calendar with it; loaded when somebody wants fixed times. */
const FixedRange = lazy(() => import("./FixedRange").then(({ FixedRange: form }) => ({ default: form })));

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
        <Choice
          label={t("search.range")}
          fullWidth
          value={kind}
          onChange={setKind}
          options={[
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
          <Suspense fallback={<Waiting rows={4} height={28} />}>
            <FixedRange range={range} onApply={choose} />
          </Suspense>
        )}
        <p className={styles.zone}>{t("search.zone_note", { zone: `${text.zone} (${offsetText(serverNow(), text.zone)})` })}</p>
      </Popover.Dropdown>
    </Popover>
  );
}
