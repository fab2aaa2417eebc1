/** What is learned from an incident: times beside those of others, cause, and what it suggests to change. A person decides. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Copy } from "lucide-react";
import { useTranslation } from "react-i18next";
import { lessonsQuery, type MeanTimes, type Proposal, type Lessons as Shape, type Times } from "../../api/lessons";
import { useCopy } from "../../components/clipboard";
import { Panel } from "../../components/Panel";
import { Failed, Waiting } from "../../components/States";
import { useNames } from "../../components/useNames";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import styles from "./Lessons.module.css";

const STEPS = ["detect", "triage", "contain", "recover", "close"] as const;
const VERDICTS = ["true_positive", "false_positive", "benign"] as const;

function Took({ times, mean }: { times: Times; mean: MeanTimes }) {
  const { t } = useTranslation();
  const text = useText();
  const span = (seconds: number | null | undefined) => (seconds === null || seconds === undefined ? "–" : text.span(seconds * 1000));
  const means: Partial<Record<(typeof STEPS)[number], number | null>> = {
    detect: mean.detect_s,
    contain: mean.contain_s,
    recover: mean.recover_s,
  };
  return (
    <div>
      <table className={styles.times} data-testid="lessons-times">
        <thead>
          <tr>
            <td />
            <th scope="col">{t("lessons.this")}</th>
            <th scope="col">{t("lessons.mean")}</th>
          </tr>
        </thead>
        <tbody>
          {STEPS.map((step) => (
            <tr key={step}>
              <th scope="row">{t(`lessons.to_${step}`)}</th>
              <td className="num">{span(times[`${step}_s`])}</td>
              <td className="num dim">{step in means ? span(means[step]) : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className={styles.basis} data-testid="lessons-basis">
        {t("lessons.basis", { count: mean.incidents, incidents: text.number(mean.incidents), days: text.number(mean.days) })}{" "}
        {mean.left_out > 0 && (
          <span className={styles.leftOut} data-testid="lessons-left-out">
            {t("lessons.left_out", { count: mean.left_out, incidents: text.number(mean.left_out) })}
          </span>
        )}
      </p>
    </div>
  );
}

function Known({ lessons }: { lessons: Shape }) {
  const { t } = useTranslation();
  const named = useNames();
  const verdict = VERDICTS.find((v) => v === lessons.verdict);
  const known = [
    ["verdict", verdict && t(`status.${verdict}`)],
    ["category", lessons.category && named("group", lessons.category)],
    ["root_cause", lessons.root_cause],
    ["lessons", lessons.lessons],
  ] as const;
  return (
    <dl className={styles.known}>
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{t(`lessons.${name}`)}</dt>
          <dd>{value || <span className="faint">{t("lessons.unknown")}</span>}</dd>
        </div>
      ))}
    </dl>
  );
}

function Suggested({ proposals }: { proposals: readonly Proposal[] }) {
  const { t } = useTranslation();
  const language = useLanguage();
  const copy = useCopy();
  if (proposals.length === 0) return <p className="dim">{t("lessons.no_proposals")}</p>;
  return (
    <ul className={styles.proposals}>
      {proposals.map((proposal) => (
        <li key={`${proposal.kind} ${proposal.command} ${proposal.text}`} data-testid="proposal">
          <span className={styles.kind}>{t(`lessons.kind_${proposal.kind}`)}</span>
          <span>{language === "vi" ? proposal.text_vi : proposal.text}</span>
          <span className={styles.command}>
            <code>{proposal.command}</code>
            <Tooltip label={t("state.copy")}>
              <ActionIcon
                size={22}
                variant="subtle"
                aria-label={`${t("state.copy")}: ${proposal.command}`}
                onClick={() => copy(proposal.command)}
              >
                <Copy size={13} />
              </ActionIcon>
            </Tooltip>
          </span>
        </li>
      ))}
    </ul>
  );
}

export function Lessons({ id, version }: { id: string; version: number }) {
  const { t } = useTranslation();
  const query = useQuery(lessonsQuery(id, version));
  if (query.isPending) return <Waiting rows={4} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} compact />;
  return (
    <Panel title={t("lessons.title")}>
      <div className={styles.lessons} data-testid="lessons">
        <Took times={query.data.times} mean={query.data.mean} />
        <Known lessons={query.data} />
        <section>
          <h3>{t("lessons.proposals")}</h3>
          <Suggested proposals={query.data.proposals} />
        </section>
      </div>
    </Panel>
  );
}
