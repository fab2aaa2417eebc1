/** Taking and handing over a shift: one page that the system writes, a note that the person adds, one signature. Prints on paper. */
import { Button, Textarea } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { PenLine, Printer } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { handoverQuery, type HandoverPage as Page, signHandover } from "../../api/handover";
import type { Incident } from "../../api/incidents";
import { LEVELS } from "../../api/types";
import { useMay } from "../../api/user";
import { Choice } from "../../components/Choice";
import { LevelMark } from "../../components/Level";
import { notify } from "../../components/notify";
import { Panel } from "../../components/Panel";
import { Failed, Waiting } from "../../components/States";
import { useRefused } from "../../components/useRefused";
import { useLanguage } from "../../i18n";
import { useShortcuts } from "../../keyboard/keyboard";
import { useText } from "../../time/useText";
import styles from "./HandoverPage.module.css";

const SINCE = ["", "8h", "12h", "24h"] as const;

function Lines({ count, none, children }: { count: number; none: string; children: ReactNode }) {
  return count === 0 ? <p className="dim">{none}</p> : <ul className={styles.lines}>{children}</ul>;
}

/** Worst, then latest. */
const worstFirst = (a: Incident, b: Incident): number =>
  LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level) || (a.last_seen < b.last_seen ? 1 : -1);

function Incidents({ items, none, testId }: { items: Incident[]; none: string; testId: string }) {
  const { t } = useTranslation();
  const text = useText();
  const language = useLanguage();
  return (
    <Lines count={items.length} none={none}>
      {[...items].sort(worstFirst).map((i) => (
        <li key={i.id} data-testid={testId}>
          <span className={styles.level}>
            <LevelMark level={i.level} />
          </span>
          <Link className="grow cut" to="/incidents/$id" params={{ id: i.id }}>
            {(language === "vi" && i.title_vi) || i.title}
          </Link>
          <span className={`${styles.who} dim cut`}>{i.assignee ?? t("handover.nobody")}</span>
          <span className={`${styles.who} dim cut`}>{t(`status.${i.status}`)}</span>
          <span className={`${styles.when} num dim`}>{text.time(i.last_seen, "minutes")}</span>
        </li>
      ))}
    </Lines>
  );
}

function Work({ page }: { page: Page }) {
  const { t } = useTranslation();
  const text = useText();
  return (
    <>
      <Panel title={t("handover.actions", { count: page.actions.length })}>
        <Lines count={page.actions.length} none={t("handover.actions_none")}>
          {page.actions.map((a) => (
            <li key={a.id}>
              <LevelMark level={a.level} />
              <Link className="grow cut" to="/actions" search={{ id: a.id }}>
                {t(`actions.kind.${a.kind}`)} <span className="mono">{a.target}</span> · {a.device}
              </Link>
              <span className="dim">{t(`actions.state.${a.state}` as "actions.state.done")}</span>
              <span className="num dim">{text.time(a.requested.at, "minutes")}</span>
            </li>
          ))}
        </Lines>
      </Panel>
      <Panel title={t("handover.silent", { count: page.silent.length })}>
        <Lines count={page.silent.length} none={t("handover.silent_none")}>
          {page.silent.map((s) => (
            <li key={s.id}>
              <Link className="grow cut" to="/sources" search={{ id: s.id }}>
                {s.host ?? s.id}
              </Link>
              {s.new && <b className={styles.new}>{t("handover.silent_new")}</b>}
              <span className="num dim">{text.time(s.last_seen, "minutes")}</span>
            </li>
          ))}
        </Lines>
      </Panel>
      <Panel title={t("handover.rules", { count: page.rules.length })}>
        <Lines count={page.rules.length} none={t("handover.rules_none")}>
          {page.rules.map((r) => (
            <li key={r.id}>
              <Link className="grow cut" to="/rules" search={{ id: r.id }}>
                {r.why}
              </Link>
              <span className="dim">{r.enabled ? t("editor.on") : t("rules.disabled")}</span>
              <span className="dim">{r.who}</span>
              <span className="num dim">{text.time(r.at, "minutes")}</span>
            </li>
          ))}
        </Lines>
      </Panel>
    </>
  );
}

function Sign({ page }: { page: Page }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const refused = useRefused();
  const [note, setNote] = useState("");
  const sign = useMutation({
    mutationFn: () => signHandover(page.since, note),
    onSuccess: async () => {
      setNote("");
      notify({ message: t("handover.signed"), autoClose: 3000 });
      await client.invalidateQueries({ queryKey: ["handover"] });
    },
    onError: refused,
  });
  useShortcuts([{ keys: "s", label: "keys.sign", group: "lists", run: () => !sign.isPending && sign.mutate() }]);
  return (
    <form
      className={styles.sign}
      onSubmit={(event) => {
        event.preventDefault();
        sign.mutate();
      }}
    >
      <Textarea
        label={t("handover.note")}
        autosize
        minRows={3}
        value={note}
        onChange={(e) => setNote(e.currentTarget.value)}
        data-testid="handover-note"
      />
      <Button
        type="submit"
        leftSection={<PenLine size={14} />}
        rightSection={<kbd>s</kbd>}
        loading={sign.isPending}
        data-testid="handover-sign"
      >
        {t("handover.sign")}
      </Button>
    </form>
  );
}

function Before({ page }: { page: Page }) {
  const { t } = useTranslation();
  const text = useText();
  return (
    <Lines count={page.handovers.length} none={t("handover.before_none")}>
      {page.handovers.map((h) => (
        <li key={h.number} className={styles.note} data-testid="handover-before">
          <b>{h.who}</b> <span className="num dim">{text.time(h.at, "minutes")}</span>
          <p>{h.note || <span className="dim">{t("handover.no_note")}</span>}</p>
        </li>
      ))}
    </Lines>
  );
}

export function HandoverPage() {
  const { t } = useTranslation();
  const text = useText();
  const [since, setSince] = useState<string>("");
  const may = useMay("workIncidents");
  const query = useQuery(handoverQuery(since));
  const page = query.data;
  return (
    <article className={styles.page} data-testid="handover">
      <header className={styles.head}>
        <h1>{t("handover.title")}</h1>
        {page && (
          <p className="grow num">
            {text.time(page.since, "minutes")} – {text.time(page.generated_at, "minutes")}
            {page.began_by !== "asked" && <span className="dim"> · {t(`handover.began_${page.began_by}`)}</span>}
          </p>
        )}
        <Choice
          label={t("handover.since")}
          value={since}
          onChange={setSince}
          options={SINCE.map((value) => ({ value, label: t(`handover.since_${value || "last"}`) }))}
        />
        <Button variant="default" leftSection={<Printer size={14} />} onClick={() => print()}>
          {t("handover.print")}
        </Button>
      </header>
      {query.isPending && <Waiting rows={12} height={22} />}
      {query.isError && !page && <Failed error={query.error} retry={() => void query.refetch()} />}
      {page && (
        <>
          <ul className={styles.figures}>
            <li>
              <b className="num">{text.number(page.alerts_raised)}</b> {t("handover.alerts_raised")}
            </li>
            <li>
              <b className="num">{text.number(page.alerts_open)}</b> {t("handover.alerts_open")}
            </li>
            {LEVELS.slice(0, 3).map((level) => (
              <li key={level}>
                <b className="num">{text.number(page.open_by_level[level] ?? 0)}</b> <LevelMark level={level} />
              </li>
            ))}
          </ul>
          <div className={styles.grid}>
            <Panel title={t("handover.before")} className={styles.wide}>
              <Before page={page} />
            </Panel>
            <Panel title={t("handover.incidents", { count: page.incidents.length })} className={styles.wide}>
              <Incidents items={page.incidents} none={t("handover.incidents_none")} testId="handover-incident" />
            </Panel>
            <Panel title={t("handover.closed", { count: page.closed.length })}>
              <Incidents items={page.closed} none={t("handover.closed_none")} testId="handover-closed" />
            </Panel>
            <Work page={page} />
          </div>
          {may && <Sign page={page} />}
        </>
      )}
    </article>
  );
}
