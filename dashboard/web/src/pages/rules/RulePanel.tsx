/** One rule with its text, and what can be done to it: edit, copy, switch, except. */
import { ActionIcon, Button, TextInput, Tooltip } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Bell, BellOff, Copy, Pencil, Power, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ruleQuery } from "../../api/queries";
import { historyQuery, ownRulesQuery, switchRule } from "../../api/rules";
import type { RuleRow } from "../../api/types";
import { useMay } from "../../api/user";
import { Age } from "../../components/Age";
import { useCopy } from "../../components/clipboard";
import { LevelMark } from "../../components/Level";
import { Failed, Waiting } from "../../components/States";
import { useRefused } from "../../components/useRefused";
import { useLanguage } from "../../i18n";
import { useText } from "../../time/useText";
import styles from "./RulesPage.module.css";
import { useMaturity } from "./useMaturity";
import { yamlLines } from "./yaml";

/** Switches a rule on or off; both want a reason. */
function Switcher({ rule }: { rule: RuleRow }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const refused = useRefused();
  const [why, setWhy] = useState<string | null>(null);
  const history = useQuery(historyQuery(rule.id));
  const change = useMutation({
    mutationFn: () => switchRule(rule.id, !rule.enabled, why ?? "", history.data?.[0]?.version ?? 0),
    onSuccess: () => setWhy(null),
    onError: refused,
    onSettled: async () => {
      for (const key of ["rules", "rule"]) await client.invalidateQueries({ queryKey: [key] });
    },
  });
  const label = rule.enabled ? t("editor.switch_off") : t("editor.switch_on");
  const last = history.data?.[0];
  return (
    <>
      {why === null ? (
        <Button variant="default" leftSection={<Power size={14} />} onClick={() => setWhy("")} data-testid="rule-switch">
          {label}
        </Button>
      ) : (
        <form
          className={styles.switch}
          onSubmit={(event) => {
            event.preventDefault();
            if (why.trim()) change.mutate();
          }}
        >
          <TextInput
            className="grow"
            aria-label={t("editor.why")}
            placeholder={t("editor.why")}
            value={why}
            onChange={(e) => setWhy(e.currentTarget.value)}
            data-testid="switch-why"
          />
          <Button type="submit" loading={change.isPending} disabled={!why.trim()} data-testid="switch-go">
            {label}
          </Button>
        </form>
      )}
      {last && (
        <p className={styles.history} data-testid="rule-last">
          {t("editor.last", { version: last.version, who: last.who, why: last.why })}
        </p>
      )}
    </>
  );
}

export function RulePanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation();
  const text = useText();
  const copy = useCopy();
  const language = useLanguage();
  const maturity = useMaturity();
  const navigate = useNavigate();
  const query = useQuery(ruleQuery(id));
  const editable = useQuery(ownRulesQuery).data?.editable === true;
  const manage = useMay("manageRules") && editable;
  const except = useMay("manageExceptions");
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
            {except && (
              <Button
                variant="default"
                leftSection={<BellOff size={14} />}
                onClick={() => void navigate({ to: "/rules", search: { view: "exceptions", rule: rule.id } })}
              >
                {t("exceptions.from_rule")}
              </Button>
            )}
            {manage && (
              <Button
                variant="default"
                leftSection={<Pencil size={14} />}
                onClick={() => void navigate({ to: "/rules/edit", search: { id: rule.id } })}
                data-testid="rule-edit"
              >
                {rule.own ? t("editor.edit") : t("editor.copy")}
              </Button>
            )}
            {manage && <Switcher key={rule.id} rule={rule} />}
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
