/** The way here, each step a link back; the last one is where one is. */
import { Link } from "@tanstack/react-router";
import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { type Step, useTrail } from "../shell/trail";
import styles from "./Crumbs.module.css";

const NAMES = {
  "/": "nav.overview",
  "/alerts": "nav.alerts",
  "/incidents": "nav.incidents",
  "/search": "nav.search",
  "/sources": "nav.sources",
  "/rules": "nav.rules",
  "/actions": "nav.actions",
  "/playbooks": "nav.playbooks",
  "/status": "nav.status",
  "/admin": "nav.admin",
  "/handover": "handover.title",
  "/account": "account.title",
} as const;

function Name({ page, step }: { page: string; step: Step }) {
  const { t } = useTranslation();
  if (step.key === "") return page in NAMES ? t(NAMES[page as keyof typeof NAMES]) : page;
  return <span className="mono">{page === "/incidents/$id" ? step.key.slice(0, 8) : step.key}</span>;
}

interface CrumbsProps {
  /** The list above this page, for who came by a link of somebody else's. */
  above: "/incidents" | "/search";
  /** What stands at the end of the row. */
  children?: ReactNode;
}

export function Crumbs({ above, children }: CrumbsProps) {
  const { t } = useTranslation();
  const trail = useTrail();
  const here = trail.at(-1);
  const before: readonly Step[] = trail.length > 1 ? trail.slice(0, -1) : [{ page: above, key: "", pathname: above, search: {} }];
  return (
    <nav className={styles.crumbs} aria-label={t("incidents.crumbs")} data-testid="crumbs">
      {before.map((step) => (
        <span key={`${step.page} ${step.key}`} className={styles.step}>
          <Link to={step.pathname} search={step.search} className={`${styles.link} cut`}>
            <Name page={step.page} step={step} />
          </Link>
          <ChevronRight size={14} aria-hidden="true" />
        </span>
      ))}
      {here && (
        <span className="cut" aria-current="page">
          <Name page={here.page} step={here} />
        </span>
      )}
      <span className="grow" />
      {children}
    </nav>
  );
}
