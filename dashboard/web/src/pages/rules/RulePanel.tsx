/** One rule with its text. */
import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Bell, Copy, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ruleQuery } from "../../api/queries";
import { Age } from "../../components/Age";
import { useCopy } from "../../components/clipboard";
import { LevelMark } from "../../components/Level";
import { Failed, Waiting } from "../../components/States";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import styles from "./RulesPage.module.css";
import { useMaturity } from "./useMaturity";
import { yamlLines } from "./yaml";

export function RulePanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation();
  const text = useText();
  const copy = useCopy();
  const language = useLanguage();
  const maturity = useMaturity();
  const navigate = useNavigate();
  const query = useQuery(ruleQuery(id));
  const rule = query.data;
  return (
    <aside className={styles.panel} aria-label={t("rules.panel")} data-testid="rule-panel">
      <header className={styles.panelHead}>
        <h2 className="grow">{rule ? (language === "vi" && rule.title_vi) || rule.title : t("rules.panel")}</h2>
        <Tooltip label={t("state.close")}>
          <ActionIcon size={28} aria-label={t("state.close")} onClick={onClose}>
            <X size={16} />
          </ActionIcon>
        </Tooltip>
      </header>
      {query.isPending && <Waiting rows={12} />}
      {query.isError && <Failed error={query.error} retry={() => void query.refetch()} />}
      {rule && (
        <>
          <p className={styles.meta}>
            <LevelMark level={rule.level} />
            <span className="dim">{rule.enabled ? maturity(rule.status) : t("rules.disabled")}</span>
            {rule.matches !== null && (
              <span className="dim num">
                {t("rules.col_matches")}: {text.number(rule.matches)}
                {rule.last_match && (
                  <>
                    {" · "}
                    <Age at={rule.last_match} />
                  </>
                )}
              </span>
            )}
          </p>
          <p className={`${styles.where} mono`}>{rule.file}</p>
          <div className={styles.buttons}>
            <Button
              variant="default"
              leftSection={<Bell size={14} />}
              onClick={() => void navigate({ to: "/alerts", search: { rule: rule.id, status: "all" } })}
            >
              {t("rules.see_alerts")}
            </Button>
            <Button variant="default" leftSection={<Copy size={14} />} onClick={() => copy(rule.text)}>
              {t("state.copy")}
            </Button>
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must reach it */}
          <pre className={styles.text} tabIndex={0}>
            {yamlLines(rule.text).map((line) => (
              <span key={line.number} className={styles.line}>
                {line.parts.map((part) => (
                  <span key={part.at} data-kind={part.kind}>
                    {part.text}
                  </span>
                ))}
                {"\n"}
              </span>
            ))}
          </pre>
        </>
      )}
    </aside>
  );
}
