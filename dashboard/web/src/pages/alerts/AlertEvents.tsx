/** The first events behind an alert, with what made the rule match marked; each opens to all its fields. */
import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { ChevronDown, ChevronRight, FileDown, Search } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Alert, EcsEvent, Scalar } from "../../api/types";
import { useMay } from "../../api/user";
import { EventFields } from "../../components/EventFields";
import { eventId, isUnparsed, senderOf, summaryOf, textOf } from "../../components/event";
import { Highlight } from "../../components/Highlight";
import { namesFlow, usePackets } from "../../components/packets";
import { RawRecord } from "../../components/RawRecord";
import { Waiting } from "../../components/States";
import { useShortcuts } from "../../keyboard/keyboard";
import { condition } from "../../query/build";
import { useText } from "../../time/useText";
import styles from "./AlertPanel.module.css";
import { around } from "./around";

function EventCard({ alert, event, marked, first }: { alert: Alert; event: EcsEvent; marked: readonly string[]; first: boolean }) {
  const { t } = useTranslation();
  const text = useText();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const only = (field: string, value: Scalar) => void navigate({ to: "/search", search: { q: condition(field, value), ...around(alert) } });
  const Chevron = open ? ChevronDown : ChevronRight;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the button within is the way for keys; this only makes the target large
    <li
      className={styles.event}
      data-open={open}
      data-testid="alert-event"
      onClick={(e) => {
        // Selecting text to copy, or pressing a button within, is not opening.
        const inside = e.target instanceof Element && e.target.closest("button") !== null;
        if (!open && !inside && getSelection()?.isCollapsed !== false) setOpen(true);
      }}
    >
      <button type="button" className={`${styles.eventHead} plain`} aria-expanded={open} onClick={() => setOpen(!open)}>
        <Chevron size={14} aria-hidden="true" />
        <span className="num">{text.time(textOf(event, "@timestamp"), "seconds")}</span>
        <span className={`${styles.sender} cut`}>{senderOf(event)}</span>
        <span className="dim cut">{textOf(event, "event.dataset")}</span>
      </button>
      {!open && !first && (
        <p className={`${styles.eventLine} mono`}>
          <Highlight text={summaryOf(event)} values={marked} />
        </p>
      )}
      {(open || first) && <RawRecord event={event} marked={marked} />}
      {open && (
        <div className={styles.eventDetail} data-testid="event-detail">
          {isUnparsed(event) && <p className="dim">{t("event.unparsed_hint")}</p>}
          <EventFields event={event} marked={marked} onOnly={only} />
          <Button
            variant="default"
            leftSection={<Search size={13} />}
            onClick={() =>
              void navigate({ to: "/search", search: { q: condition("event.id", eventId(event)), id: eventId(event), ...around(alert) } })
            }
          >
            {t("alerts.find_event")}
          </Button>
        </div>
      )}
    </li>
  );
}

export function AlertEvents({ alert, events }: { alert: Alert; events: EcsEvent[] | null }) {
  const { t } = useTranslation();
  const text = useText();
  const navigate = useNavigate();
  const packets = usePackets();
  const mayPackets = useMay("readPackets");
  const fetchable = mayPackets && events?.some(namesFlow) === true;
  useShortcuts(fetchable ? [{ keys: "p", label: "keys.packets", group: "alerts", run: () => packets.take(alert.id) }] : []);
  const marked = alert.matched.map((m) => m.value);
  const all = () => {
    const terms = alert.entities.slice(0, 3).map((e) => condition(e.field, e.value));
    void navigate({ to: "/search", search: { q: terms.join(" and "), ...around(alert) } });
  };
  return (
    <section className={styles.section}>
      <h3 className="row">
        <span>{t("alerts.events")}</span>
        {events && (
          <span className="faint num">
            {t("alerts.events_sample", { shown: text.number(events.length), count: text.number(alert.count) })}
          </span>
        )}
        <span className="grow" />
        {fetchable && (
          <Button
            variant="subtle"
            size="compact-xs"
            leftSection={<FileDown size={12} />}
            rightSection={<kbd>p</kbd>}
            loading={packets.busy}
            onClick={() => packets.take(alert.id)}
          >
            {t("packets.take")}
          </Button>
        )}
        {alert.entities.length > 0 && (
          <Button variant="subtle" size="compact-xs" leftSection={<Search size={12} />} onClick={all}>
            {t("alerts.find_events")}
          </Button>
        )}
      </h3>
      {!events ? (
        <Waiting rows={3} height={30} />
      ) : events.length === 0 ? (
        <p className="dim">{t("alerts.events_none")}</p>
      ) : (
        <ol className={styles.events}>
          {events.map((event, i) => (
            <EventCard key={eventId(event) || i} alert={alert} event={event} marked={marked} first={i === 0} />
          ))}
        </ol>
      )}
    </section>
  );
}
