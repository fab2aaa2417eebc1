/** Writing a rule: findings as one types, a test over stored days, then keeping it with a reason; older versions are one click away. */
import { Button, Select, Switch, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { CircleCheck, FlaskConical, History, Save, Search } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { ruleQuery, rulesQuery } from "../../api/queries";
import { historyQuery, type Lint, lintQuery, type OwnRule, ownRulesQuery, type RuleTest, saveRule, testRule } from "../../api/rules";
import { useMay } from "../../api/user";
import { notify } from "../../components/notify";
import { Failed, Waiting } from "../../components/States";
import { useRefused } from "../../components/useRefused";
import { useLanguage } from "../../i18n";
import { told } from "../../i18n/told";
import { useText } from "../../time/useText";
import styles from "./RuleEditor.module.css";

const YamlEditor = lazy(() => import("./YamlEditor").then((m) => ({ default: m.YamlEditor })));

const template = (id: string): string => `title: 
title_vi: 
id: ${id}
status: experimental
description: 
logsource:
  product: linux
  service: sshd
detection:
  selection:
    event.outcome: failure
  condition: selection
level: medium
tags:
  - attack.credential-access
  - attack.t1110
`;

/** A rule from elsewhere as the beginning of one's own: another id, so that both have a place. */
const copied = (text: string): string => text.replace(/^id:.*$/m, `id: ${crypto.randomUUID()}`);

const TESTS = ["24h", "7d", "30d"] as const;

function Findings({ lint }: { lint: Lint | undefined }) {
  const { t } = useTranslation();
  const language = useLanguage();
  if (!lint) return <Waiting rows={2} />;
  return (
    <section data-testid="lint" data-ok={lint.ok}>
      <h2>{t("editor.findings")}</h2>
      {lint.ok && lint.diagnostics.length === 0 && (
        <p className={styles.good}>
          <CircleCheck size={16} aria-hidden="true" /> {t("editor.clean", { count: lint.rules.length })}
        </p>
      )}
      <ul className={styles.faults}>
        {lint.diagnostics.map((d) => (
          <li key={`${d.line}:${d.column}:${d.code}:${d.message}`} className={styles.fault} data-severity={d.severity}>
            <b className="mono">{d.code}</b> {d.line !== null && t("rules.line", { line: d.line })}
            <p>{told(d, language).message}</p>
            <p className="dim">{told(d, language).help}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Tested({ test }: { test: RuleTest }) {
  const { t } = useTranslation();
  const text = useText();
  return (
    <div data-testid="tested" data-matches={test.matches}>
      <p className={`${styles.figure} num`}>{t("editor.would_match", { count: test.matches, value: text.number(test.matches) })}</p>
      <p className="dim num">
        {t("editor.examined", { value: text.number(test.examined), hosts: text.number(test.hosts) })} · {text.time(test.from, "minutes")} –{" "}
        {text.time(test.to, "minutes")}
      </p>
      {!test.complete && <p role="status">{t("editor.incomplete")}</p>}
      {test.lint.correlations && <p role="status">{t("editor.correlation")}</p>}
      <ul className={styles.hosts}>
        {test.top_hosts.map((h) => (
          <li key={h.value}>
            <span className="mono">{h.value}</span> <span className="dim num">{text.number(h.count)}</span>
          </li>
        ))}
      </ul>
      {test.sample.length > 0 && (
        <ul className={styles.hosts}>
          {test.sample.slice(0, 5).map((id, i) => (
            <li key={id}>
              <Link to="/search" search={{ q: `event.id:${id}`, from: test.from, to: test.to, id }}>
                {t("editor.sample", { number: i + 1 })}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Try({ text, lint }: { text: string; lint: Lint | undefined }) {
  const { t } = useTranslation();
  const [since, setSince] = useState<string>("7d");
  const test = useMutation({ mutationFn: () => testRule(text, since) });
  return (
    <section>
      <h2>{t("editor.test")}</h2>
      <div className={styles.row}>
        <Select
          aria-label={t("editor.test_span")}
          w={130}
          data={TESTS.map((value) => ({ value, label: t(`search.last_${value}`) }))}
          value={since}
          onChange={(v) => setSince(v ?? "7d")}
        />
        <Button
          variant="default"
          leftSection={<FlaskConical size={14} />}
          loading={test.isPending}
          disabled={!lint?.ok}
          onClick={() => test.mutate()}
          data-testid="rule-test"
        >
          {t("editor.test_go")}
        </Button>
        {lint?.query && (
          <Link to="/search" search={{ q: lint.query, since }}>
            <Search size={13} aria-hidden="true" /> {t("editor.as_query")}
          </Link>
        )}
      </div>
      {test.isError && <Failed error={test.error} compact />}
      {test.data && <Tested test={test.data} />}
    </section>
  );
}

function Versions({ id, current, onRevert }: { id: string; current: number; onRevert: (version: OwnRule) => void }) {
  const { t } = useTranslation();
  const text = useText();
  const versions = useQuery(historyQuery(id)).data ?? [];
  if (versions.length === 0) return null;
  return (
    <section>
      <h2>{t("editor.history")}</h2>
      <ol className={styles.versions} data-testid="versions">
        {versions.map((v) => (
          <li key={v.version} className={styles.version} data-testid="version">
            <b className="num">{v.version}</b>
            <span>
              {v.why}
              <br />
              <small>
                {v.who} · {text.time(v.at, "minutes")} · {v.enabled ? t("editor.on") : t("rules.disabled")}
              </small>
            </span>
            {v.text !== null && v.version !== current ? (
              <Button variant="default" size="compact-xs" leftSection={<History size={12} />} onClick={() => onRevert(v)}>
                {t("editor.revert")}
              </Button>
            ) : (
              <span className="dim">{v.version === current ? t("editor.current") : ""}</span>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

interface Start {
  text: string;
  /** The own rule's id, when there is one. */
  id: string | null;
  version: number;
  enabled: boolean;
}

function Desk({ start }: { start: Start }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const refused = useRefused();
  const may = useMay("manageRules");
  const [text, setText] = useState(start.text);
  const [why, setWhy] = useState("");
  const [enabled, setEnabled] = useState(start.enabled);
  // reverting begins the editor anew with the old text
  const [shown, setShown] = useState({ text: start.text, round: 0 });
  const [settled] = useDebouncedValue(text, 250);
  const lint = useQuery(lintQuery(settled)).data;
  const fresh = settled === text ? lint : undefined;
  const save = useMutation({
    mutationFn: () => saveRule(text, why, enabled, start.version),
    onSuccess: async (kept) => {
      notify({ message: t("editor.kept", { version: kept.version }), autoClose: 3000 });
      setWhy("");
      for (const key of ["rules", "rule"]) await client.invalidateQueries({ queryKey: [key] });
      await navigate({ to: "/rules/edit", search: { id: kept.id }, replace: true });
    },
    onError: refused,
  });
  const ready = may && fresh?.ok === true && why.trim() !== "" && !save.isPending;
  return (
    <div className={styles.body}>
      <Suspense fallback={<Waiting rows={14} />}>
        <YamlEditor
          key={shown.round}
          initial={shown.text}
          label={t("rules.text")}
          readOnly={!may}
          diagnostics={fresh?.diagnostics ?? NONE}
          onChange={setText}
          onSave={() => ready && save.mutate()}
        />
      </Suspense>
      <aside className={styles.side} aria-label={t("editor.side")}>
        <Findings lint={lint} />
        <Try text={text} lint={fresh} />
        {may && (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (ready) save.mutate();
            }}
          >
            <h2>{t("editor.keep")}</h2>
            <div className={styles.row}>
              <TextInput
                className="grow"
                label={t("editor.why")}
                description={t("editor.why_hint")}
                value={why}
                onChange={(e) => setWhy(e.currentTarget.value)}
                data-testid="rule-why"
              />
            </div>
            <div className={styles.row} style={{ marginTop: 10, alignItems: "center" }}>
              <Switch size="xs" label={t("editor.in_force")} checked={enabled} onChange={(e) => setEnabled(e.currentTarget.checked)} />
              <span className="grow" />
              <Button
                type="submit"
                leftSection={<Save size={14} />}
                loading={save.isPending}
                disabled={!ready}
                rightSection={<kbd>Ctrl S</kbd>}
                data-testid="rule-save"
              >
                {t("editor.save")}
              </Button>
            </div>
          </form>
        )}
        {start.id && (
          <Versions
            id={start.id}
            current={start.version}
            onRevert={(v) => {
              setText(v.text ?? "");
              setShown({ text: v.text ?? "", round: shown.round + 1 });
              setWhy(t("editor.revert_why", { version: v.version }));
            }}
          />
        )}
      </aside>
    </div>
  );
}

const NONE: never[] = [];

/** The text to begin with: an own rule's, a copy of another's, or the template. */
function useStart(id: string | undefined): { start: Start | null; error: unknown } {
  const own = useQuery(ownRulesQuery);
  const listed = useQuery(rulesQuery);
  const kept = own.data?.items.find((r) => r.id === id && r.text !== null);
  const known = listed.data?.items.find((r) => r.id === id);
  const other = useQuery({ ...ruleQuery(id ?? ""), enabled: id !== undefined && own.isSuccess && kept === undefined });
  const [fresh] = useState(() => template(crypto.randomUUID()));
  if (own.isError || other.isError) return { start: null, error: own.error ?? other.error };
  if (!own.isSuccess || !listed.isSuccess) return { start: null, error: null };
  if (id === undefined) return { start: { text: fresh, id: null, version: 0, enabled: true }, error: null };
  if (kept) return { start: { text: kept.text ?? "", id, version: kept.version, enabled: kept.enabled }, error: null };
  if (!other.data) return { start: null, error: null };
  // a file that somebody put into the folder by hand becomes its first version
  if (known?.own) return { start: { text: other.data.text, id, version: 0, enabled: true }, error: null };
  return { start: { text: copied(other.data.text), id: null, version: 0, enabled: true }, error: null };
}

export function RuleEditor() {
  const { t } = useTranslation();
  const { id } = useSearch({ from: "/inside/rules/edit" });
  const own = useQuery(ownRulesQuery);
  const { start, error } = useStart(id);
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <Link to="/rules">{t("rules.title")}</Link>
        <h1 className="cut">{id === undefined ? t("editor.new") : t("editor.edit")}</h1>
        {own.data && !own.data.editable && <p role="status">{t("editor.elsewhere")}</p>}
      </header>
      {error ? <Failed error={error} /> : start ? <Desk key={`${start.id}:${start.version}`} start={start} /> : <Waiting rows={14} />}
    </div>
  );
}
