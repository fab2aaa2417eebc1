/** One event in full: every field with its pivots, the original record, the JSON. */
import { ActionIcon, Tabs, TextInput, Tooltip } from "@mantine/core";
import { ChevronDown, ChevronUp, Copy, FileDown, Link2, type LucideIcon, Search, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { EcsEvent } from "../../api/types";
import { useMay } from "../../api/user";
import { useCopy } from "../../components/clipboard";
import { EventFields, type Pivots } from "../../components/EventFields";
import { eventId, fieldsOf, isUnparsed, senderOf, textOf } from "../../components/event";
import { namesFlow, usePackets } from "../../components/packets";
import { RawRecord } from "../../components/RawRecord";
import { Failed, Waiting } from "../../components/States";
import { useShortcuts } from "../../keyboard/keyboard";
import { condition } from "../../query/build";
import { useText } from "../../time/useText";
import { instant } from "../../time/zone";
import styles from "./EventPanel.module.css";

interface EventPanelProps extends Required<Pivots> {
  event: EcsEvent | null;
  error: unknown;
  onClose: () => void;
  onStep: (by: number) => void;
}

/** A link that finds the event again, whatever the page shows now: by id, within the hour around it. */
function linkTo(event: EcsEvent): string {
  const at = instant(textOf(event, "@timestamp"));
  const params = new URLSearchParams({
    q: condition("event.id", eventId(event)),
    from: new Date(at - 1_800_000).toISOString(),
    to: new Date(at + 1_800_000).toISOString(),
    id: eventId(event),
  });
  return `${location.origin}/search?${params}`;
}

function Head({ event, onClose, onStep }: Pick<EventPanelProps, "onClose" | "onStep"> & { event: EcsEvent | null }) {
  const { t } = useTranslation();
  const text = useText();
  const copy = useCopy();
  const packets = usePackets();
  const mayPackets = useMay("readPackets");
  const take = event && mayPackets && namesFlow(event) ? () => packets.take(eventId(event)) : null;
  useShortcuts(take ? [{ keys: "p", label: "keys.packets", group: "lists", run: take }] : []);
  const buttons: { label: string; Icon: LucideIcon; run: () => void; busy?: boolean }[] = [
    { label: t("event.previous"), Icon: ChevronUp, run: () => onStep(-1) },
    { label: t("event.next"), Icon: ChevronDown, run: () => onStep(1) },
    ...(take ? [{ label: t("packets.take"), Icon: FileDown, run: take, busy: packets.busy }] : []),
    ...(event
      ? [
          { label: t("event.permalink"), Icon: Link2, run: () => copy(linkTo(event)) },
          { label: t("event.copy_all"), Icon: Copy, run: () => copy(JSON.stringify(event, null, 2)) },
        ]
      : []),
    { label: t("state.close"), Icon: X, run: onClose },
  ];
  return (
    <header className={styles.head}>
      <div className="grow">
        <h2 className="cut">{event ? textOf(event, "event.dataset") || senderOf(event) : t("event.title")}</h2>
        {event && (
          <p className={`${styles.when} num`}>
            <span className={styles.instant}>{text.time(textOf(event, "@timestamp"), "full")}</span>
            {textOf(event, "event.ingested") && (
              <span className={styles.received}>
                {t("event.received", { time: text.time(textOf(event, "event.ingested"), "clock_ms") })}
              </span>
            )}
          </p>
        )}
      </div>
      {buttons.map(({ label, Icon, run, busy = false }) => (
        <Tooltip key={label} label={label}>
          <ActionIcon size={28} aria-label={label} onClick={run} loading={busy}>
            <Icon size={16} />
          </ActionIcon>
        </Tooltip>
      ))}
    </header>
  );
}

export function EventPanel({ event, error, onClose, onStep, ...pivots }: EventPanelProps) {
  const { t } = useTranslation();
  const text = useText();
  const [filter, setFilter] = useState("");
  return (
    <aside className={styles.panel} aria-label={t("event.detail")} data-testid="event-detail">
      <Head event={event} onClose={onClose} onStep={onStep} />
      {!event && error ? <Failed error={error} /> : null}
      {!event && !error && <Waiting rows={10} />}
      {event && (
        <>
          {isUnparsed(event) && (
            <p className={styles.unparsed}>
              <strong>{t("event.unparsed")}.</strong> {t("event.unparsed_hint")}
              {textOf(event, "fansipan.error") && <span className="mono dim"> {textOf(event, "fansipan.error")}</span>}
            </p>
          )}
          {textOf(event, "message") && <p className={styles.message}>{textOf(event, "message")}</p>}
          <Tabs defaultValue="fields" className={styles.tabs} keepMounted={false}>
            <Tabs.List>
              <Tabs.Tab value="fields">
                {t("event.fields")} <span className="faint num">{text.number(fieldsOf(event).length)}</span>
              </Tabs.Tab>
              <Tabs.Tab value="original">{t("event.original")}</Tabs.Tab>
              <Tabs.Tab value="json">{t("event.json")}</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="fields" className={styles.content}>
              <TextInput
                className={styles.filter}
                aria-label={t("event.filter_fields")}
                placeholder={t("event.filter_fields")}
                leftSection={<Search size={13} />}
                value={filter}
                onChange={(e) => setFilter(e.currentTarget.value)}
              />
              <EventFields event={event} filter={filter} {...pivots} />
            </Tabs.Panel>
            <Tabs.Panel value="original" className={styles.content}>
              <RawRecord event={event} />
            </Tabs.Panel>
            <Tabs.Panel value="json" className={styles.content}>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must reach it */}
              <pre className={styles.json} tabIndex={0}>
                {JSON.stringify(event, null, 2)}
              </pre>
            </Tabs.Panel>
          </Tabs>
        </>
      )}
    </aside>
  );
}
