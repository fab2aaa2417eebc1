/** What people put into an incident: tasks, notes, found events, evidence, indicators, people. Each is one line to add, one key to send. */
import { Button, Checkbox, Select, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Download, Package, Plus, Trash2, Upload } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay } from "../../api/user";
import { bundleUrl, evidenceUrl, type Item, type ItemInput, type Workspace as Shape } from "../../api/workspace";
import { Panel } from "../../components/Panel";
import { useText } from "../../time/useText";
import type { Act } from "./useWorkspace";
import styles from "./Workspace.module.css";

type Kind = Item["kind"];
type Of<K extends Kind> = Extract<Item, { kind: K }>;

const only = <K extends Kind>(items: readonly Item[], kind: K): Of<K>[] => items.filter((i): i is Of<K> => i.kind === kind);

interface PartProps {
  workspace: Shape;
  act: Act;
  may: boolean;
}

function Line({ item, act, may, children }: { item: Item; act: Act; may: boolean; children: ReactNode }) {
  const { t } = useTranslation();
  const text = useText();
  return (
    <li className={styles.line} data-testid={`item-${item.kind}`}>
      <div className={styles.what}>{children}</div>
      <span className={styles.who}>
        {item.who} · <span className="num">{text.time(item.at, "minutes")}</span>
      </span>
      {may && item.kind !== "evidence" && (
        <button
          type="button"
          className={`${styles.remove} plain`}
          aria-label={t("workspace.remove")}
          onClick={() => void act({ change: item, to: null }).catch(() => null)}
        >
          <Trash2 size={13} aria-hidden="true" />
        </button>
      )}
    </li>
  );
}

/** A line of inputs that adds one thing; what was typed stays when the server refuses. */
function Adder({ label, act, make, children }: { label: string; act: Act; make: (words: string) => ItemInput; children?: ReactNode }) {
  const { t } = useTranslation();
  const [words, setWords] = useState("");
  const add = async () => {
    if (!words.trim()) return;
    await act({ add: make(words.trim()) }).then(
      () => setWords(""),
      () => null,
    );
  };
  return (
    <form
      className={styles.adder}
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      {children}
      <TextInput
        className={styles.input}
        aria-label={label}
        placeholder={label}
        value={words}
        onChange={(event) => setWords(event.currentTarget.value)}
      />
      <Button type="submit" variant="default" disabled={!words.trim()} px={8} aria-label={`${t("workspace.add")}: ${label}`}>
        <Plus size={14} />
      </Button>
    </form>
  );
}

function Tasks({ workspace, act, may }: PartProps) {
  const { t } = useTranslation();
  const tasks = only(workspace.items, "task");
  const open = tasks.filter((i) => !i.body.done).length;
  return (
    <Panel title={t("workspace.tasks", { count: open })}>
      <ul className={styles.lines}>
        {tasks.map((item) => (
          <Line key={item.id} item={item} act={act} may={may}>
            <Checkbox
              size="xs"
              checked={item.body.done}
              disabled={!may}
              label={item.body.title}
              onChange={(event) =>
                void act({ change: item, to: { kind: "task", ...item.body, done: event.currentTarget.checked } }).catch(() => null)
              }
            />
          </Line>
        ))}
      </ul>
      {may && (
        <Adder
          label={t("workspace.task_new")}
          act={act}
          make={(title) => ({ kind: "task", title, done: false, assignee: null, due: null })}
        />
      )}
    </Panel>
  );
}

function Notes({ workspace, act, may }: PartProps) {
  const { t } = useTranslation();
  return (
    <Panel title={t("workspace.notes")}>
      <ul className={styles.lines}>
        {only(workspace.items, "note").map((item) => (
          <Line key={item.id} item={item} act={act} may={may}>
            <span className={styles.note}>{item.body.text}</span>
          </Line>
        ))}
      </ul>
      {may && <Adder label={t("workspace.note_new")} act={act} make={(words) => ({ kind: "note", text: words })} />}
    </Panel>
  );
}

const INDICATORS = ["ip", "domain", "url", "hash", "email", "file"];

function Indicators({ workspace, act, may }: PartProps) {
  const { t } = useTranslation();
  const [kind, setKind] = useState("ip");
  return (
    <Panel title={t("workspace.indicators")}>
      <ul className={styles.lines}>
        {only(workspace.items, "indicator").map((item) => (
          <Line key={item.id} item={item} act={act} may={may}>
            <span className="dim">{item.body.indicator}</span> <span className="mono">{item.body.value}</span>
          </Line>
        ))}
      </ul>
      {may && (
        <Adder
          label={t("workspace.indicator_new")}
          act={act}
          make={(value) => ({ kind: "indicator", indicator: kind, value, comment: "" })}
        >
          <Select aria-label={t("workspace.indicator_kind")} data={INDICATORS} value={kind} onChange={(v) => setKind(v ?? "ip")} w={92} />
        </Adder>
      )}
    </Panel>
  );
}

function People({ workspace, act, may }: PartProps) {
  const { t } = useTranslation();
  const [role, setRole] = useState("");
  return (
    <Panel title={t("workspace.people")}>
      <ul className={styles.lines}>
        {only(workspace.items, "person").map((item) => (
          <Line key={item.id} item={item} act={act} may={may}>
            {item.body.name} <span className="dim">{item.body.role}</span>
          </Line>
        ))}
      </ul>
      {may && (
        <Adder
          label={t("workspace.person_new")}
          act={act}
          make={(name) => ({ kind: "person", name, role: role.trim() || "–", contact: "" })}
        >
          <TextInput
            aria-label={t("workspace.person_role")}
            placeholder={t("workspace.person_role")}
            value={role}
            onChange={(event) => setRole(event.currentTarget.value)}
            w={130}
          />
        </Adder>
      )}
    </Panel>
  );
}

/** Events that people found and put into the story, each at its own time. */
function Found({ workspace, act, may }: PartProps) {
  const { t } = useTranslation();
  const text = useText();
  const events = only(workspace.items, "event").toSorted((a, b) => a.body.seen.localeCompare(b.body.seen));
  if (events.length === 0) return null;
  return (
    <Panel title={t("workspace.events", { count: events.length })} className={styles.evidence}>
      <ul className={styles.lines}>
        {events.map((item) => (
          <Line key={item.id} item={item} act={act} may={may}>
            <Link
              to="/search"
              search={{ q: `event.id:"${item.body.event}"`, since: "90d", id: item.body.event }}
              className={`${styles.file} num`}
            >
              {text.time(item.body.seen)}
            </Link>{" "}
            {item.body.host && <span className="dim">{item.body.host}</span>} <span className={styles.note}>{item.body.text}</span>
          </Line>
        ))}
      </ul>
    </Panel>
  );
}

function Evidence({ id, workspace, act, may }: PartProps & { id: string }) {
  const { t } = useTranslation();
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  const mayExport = useMay("export");
  return (
    <Panel title={t("workspace.evidence")} className={styles.evidence}>
      <ul className={styles.lines}>
        {only(workspace.items, "evidence").map((item) => (
          <Line key={item.id} item={item} act={act} may={may}>
            <a className={styles.file} href={evidenceUrl(id, item.id)} download={item.body.name}>
              <Download size={13} aria-hidden="true" /> {item.body.name}
            </a>{" "}
            <span className="dim num">{text.bytes(item.body.size)}</span>
            <code className={styles.hash} title="SHA-256">
              {item.body.sha256}
            </code>
            <span className={styles.custody}>
              {item.body.custody.map((hand) => `${text.time(hand.at, "minutes")} ${hand.who}: ${hand.act}`).join(" → ")}
            </span>
          </Line>
        ))}
      </ul>
      {mayExport && (
        <a className={styles.file} href={bundleUrl(id)} download data-testid="bundle" title={t("workspace.bundle_hint")}>
          <Package size={13} aria-hidden="true" /> {t("workspace.bundle")}
        </a>
      )}
      {may && (
        <>
          <input
            ref={input}
            type="file"
            className="hidden-visually"
            aria-label={t("workspace.evidence_new")}
            tabIndex={-1}
            data-testid="evidence-file"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              event.currentTarget.value = "";
              if (file) void act({ evidence: file, comment: "" }).catch(() => null);
            }}
          />
          <Button variant="default" leftSection={<Upload size={14} />} onClick={() => input.current?.click()}>
            {t("workspace.evidence_new")}
          </Button>
        </>
      )}
    </Panel>
  );
}

export function Workspace({ id, ...part }: PartProps & { id: string }) {
  return (
    <div className={styles.parts}>
      <Tasks {...part} />
      <Notes {...part} />
      <Indicators {...part} />
      <People {...part} />
      <Found {...part} />
      <Evidence id={id} {...part} />
    </div>
  );
}
