/** ATT&CK as the rules in force cover it: a column a tactic, a cell a technique; blind where no rule of it can fire on what arrives. */
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Eye, EyeOff } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { coverageQuery, type Coverage as Report, type RuleSight, type TechniqueSight } from "../../api/rules";
import { TACTICS, techniqueName } from "../../components/attack";
import { LevelMark } from "../../components/Level";
import { Empty, Failed, Waiting } from "../../components/States";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import styles from "./Coverage.module.css";

type Shade = "blind" | "part" | "seen";
const shade = ({ rules, seeing }: TechniqueSight): Shade => (seeing === 0 ? "blind" : seeing < rules ? "part" : "seen");

/** `told`: its numbers in words; made outside, since there are hundreds of cells. */
function Cell({ of, told, on, onPick }: { of: TechniqueSight; told: string; on: boolean; onPick: () => void }) {
  const kind = shade(of);
  return (
    <button type="button" className={styles.cell} data-shade={kind} aria-pressed={on} onClick={onPick} data-testid="technique">
      <span className={styles.cellHead}>
        <span className="mono">{of.technique}</span>
        {kind === "blind" && <EyeOff size={12} aria-hidden="true" />}
        <span className="num" aria-hidden="true">
          {of.seeing}/{of.rules}
        </span>
      </span>
      <span className={styles.name}>{techniqueName(of.technique) ?? ""}</span>
      <span className="hidden-visually">{told}</span>
    </button>
  );
}

function Rules({ technique, report }: { technique: string; report: Report }) {
  const { t } = useTranslation();
  const language = useLanguage();
  const rules = report.rules.filter((r) => r.techniques.includes(technique)).sort((a, b) => a.title.localeCompare(b.title));
  const why = (rule: RuleSight) => (rule.state === "no_fields" ? rule.missing.join(", ") : rule.logsource);
  return (
    <aside className={styles.side} aria-label={technique} data-testid="technique-rules">
      <h2>
        <span className="mono">{technique}</span> {techniqueName(technique) ?? ""}
      </h2>
      <ul>
        {rules.map((rule) => (
          <li key={rule.id} className={styles.rule}>
            <Link to="/rules" search={{ id: rule.id }}>
              {(language === "vi" && rule.title_vi) || rule.title}
            </Link>
            <span className={styles.ruleFoot}>
              <LevelMark level={rule.level} />
              <span data-state={rule.state}>
                {rule.state === "sees" ? t(`rules.state_${rule.standing}`) : t(`coverage.state_${rule.state}`)}
              </span>
              {rule.state !== "sees" && <span className="mono cut dim">{why(rule)}</span>}
            </span>
          </li>
        ))}
      </ul>
    </aside>
  );
}

const SPANS = ["24h", "7d", "30d"] as const;

export function Coverage() {
  const { t } = useTranslation();
  const text = useText();
  const [since, setSince] = useState<string>("7d");
  const [picked, setPicked] = useState<string | null>(null);
  const query = useQuery(coverageQuery(since));
  const report = query.data;
  const columns = useMemo(() => {
    const known = new Set<string>(TACTICS);
    const of = (tactic: string) => (report?.techniques ?? []).filter((x) => x.tactics.includes(tactic));
    const rest = (report?.techniques ?? []).filter((x) => !x.tactics.some((tactic) => known.has(tactic)));
    // what older rules name stands there only if there are such
    const shown = TACTICS.filter((tactic) => tactic !== "defense-evasion" || of(tactic).length > 0);
    const all = shown.map((tactic) => ({ tactic: tactic as (typeof TACTICS)[number] | "other", techniques: of(tactic) }));
    return rest.length ? [...all, { tactic: "other" as const, techniques: rest }] : all;
  }, [report]);
  if (query.isPending) return <Waiting rows={14} height={22} />;
  if (!report) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (report.techniques.length === 0) return <Empty title={t("coverage.none")} />;
  const blind = report.rules.filter((r) => r.standing === "blind").length;
  const watched = report.techniques.filter((x) => x.seeing > 0).length;
  return (
    <div className={styles.page} data-testid="coverage">
      <div className={styles.head}>
        <p className="grow">
          <Eye size={15} aria-hidden="true" />{" "}
          <strong data-testid="coverage-watched">
            {t("coverage.watched", { seen: text.number(watched), all: text.number(report.techniques.length) })}
          </strong>{" "}
          · {t("coverage.blind", { blind: text.number(blind), all: text.number(report.rules.length) })}{" "}
          <span className="dim">· {t("coverage.sampled", { value: text.number(report.sampled) })}</span>
        </p>
        <ul className={styles.legend}>
          {(["seen", "part", "blind"] as const).map((kind) => (
            <li key={kind}>
              <span className={styles.swatch} data-shade={kind} /> {t(`coverage.legend_${kind}`)}
            </li>
          ))}
        </ul>
        <Select
          w={140}
          aria-label={t("editor.test_span")}
          data={SPANS.map((value) => ({ value, label: t(`search.last_${value}`) }))}
          value={since}
          onChange={(v) => setSince(v ?? "7d")}
        />
      </div>
      <div className={styles.body}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must reach it */}
        <div className={styles.matrix} tabIndex={0} role="group" aria-label={t("coverage.title")}>
          {columns.map(({ tactic, techniques }) => (
            <section key={tactic} className={styles.column} data-empty={techniques.length === 0} aria-label={t(`tactic.${tactic}`)}>
              <h3 title={tactic}>
                {t(`tactic.${tactic}`)} <span className="dim num">{techniques.length}</span>
              </h3>
              {techniques.map((x) => (
                <Cell
                  key={x.technique}
                  of={x}
                  told={t("coverage.seeing", { seeing: x.seeing, rules: x.rules })}
                  on={picked === x.technique}
                  onPick={() => setPicked(x.technique)}
                />
              ))}
            </section>
          ))}
        </div>
        {picked && <Rules technique={picked} report={report} />}
      </div>
    </div>
  );
}
