/** What a place shows when it has nothing, waits, or failed; each says what to do next. */
import { Button } from "@mantine/core";
import { RotateCw, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client";
import { useLanguage } from "../i18n";
import { told } from "../i18n/told";
import styles from "./States.module.css";

export function Empty({ title, hint, icon, action }: { title: string; hint?: string; icon?: ReactNode; action?: ReactNode }) {
  return (
    <div className={styles.state}>
      {icon && <div className={styles.icon}>{icon}</div>}
      <p className={styles.title}>{title}</p>
      {hint && <p className={styles.hint}>{hint}</p>}
      {action && <div className={styles.action}>{action}</div>}
    </div>
  );
}

/** As a line of its own: the server writes its sentences so that they can stand in others. */
function sentence(text: string): string {
  return `${text.charAt(0).toLocaleUpperCase("vi")}${text.slice(1)}${/[.!?…)]$/.test(text) ? "" : "."}`;
}

/** What went wrong, in the reader's language and the server's words; in the console's where those are about the console itself. */
export function useErrorText(): (error: unknown) => string {
  const { t, i18n } = useTranslation();
  const language = useLanguage();
  return (error) => {
    if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
    if (error.query) {
      const { message, help } = told(error.query, language);
      return `${t("search.syntax_error", { position: error.query.position + 1 })}: ${message}; ${help}`;
    }
    const own = `error.${error.kind}`;
    const said = i18n.exists(own) ? String(t(own as "error.unreachable")) : error.said(language);
    return said ? sentence(said) : t("error.unknown", { status: error.status });
  };
}

export function Failed({ error, retry, compact = false }: { error: unknown; retry?: () => void; compact?: boolean }) {
  const { t } = useTranslation();
  const text = useErrorText();
  const code = error instanceof ApiError ? error.code : null;
  return (
    <div className={styles.state} data-compact={compact} role="alert">
      <div className={styles.icon} data-tone="bad">
        <TriangleAlert size={compact ? 18 : 26} aria-hidden="true" />
      </div>
      <p className={styles.title}>{t("state.error")}</p>
      <p className={styles.hint}>{text(error)}</p>
      {code && <p className={styles.detail}>{code}</p>}
      {retry && (
        <Button className={styles.action} variant="default" leftSection={<RotateCw size={14} />} onClick={retry}>
          {t("state.retry")}
        </Button>
      )}
    </div>
  );
}

/** Grey bars where lines will be. */
export function Waiting({ rows = 6, height = 14 }: { rows?: number; height?: number }) {
  const { t } = useTranslation();
  return (
    <div className={styles.waiting} role="status" aria-label={t("state.loading")}>
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the bars are all alike
        <span key={i} className={styles.bar} style={{ height, width: `${92 - ((i * 37) % 45)}%` }} />
      ))}
    </div>
  );
}
