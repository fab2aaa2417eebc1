/** The rail at the left: where one can go, and how many alerts wait. */
import { Link } from "@tanstack/react-router";
import { Bell, Gauge, Keyboard, ListChecks, Radar, RadioTower, ScrollText, Search, ShieldBan, Siren, Users } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useLive } from "../api/live";
import { useMay } from "../api/user";
import { useText } from "../time/useText";
import { Mark } from "./Mark";
import styles from "./Shell.module.css";

const PLACES = [
  { to: "/", key: "overview", Icon: Radar },
  { to: "/alerts", key: "alerts", Icon: Bell },
  { to: "/incidents", key: "incidents", Icon: Siren },
  { to: "/search", key: "search", Icon: Search },
  { to: "/actions", key: "actions", Icon: ShieldBan },
  { to: "/playbooks", key: "playbooks", Icon: ListChecks },
  { to: "/sources", key: "sources", Icon: RadioTower },
  { to: "/rules", key: "rules", Icon: ScrollText },
  { to: "/status", key: "status", Icon: Gauge },
  { to: "/admin", key: "admin", Icon: Users },
] as const;

export function Rail({ onShortcuts }: { onShortcuts: () => void }) {
  const { t } = useTranslation();
  const text = useText();
  const { tick } = useLive();
  const admin = useMay("readUsers");
  return (
    <nav className={styles.rail} aria-label={t("nav.label")}>
      <div className={styles.brand} title={t("app.name")}>
        <Mark size={28} />
      </div>
      {PLACES.filter(({ key }) => key !== "admin" || admin).map(({ to, key, Icon }) => (
        <Link
          key={to}
          to={to}
          className={styles.item}
          activeOptions={{ exact: to === "/", includeSearch: false }}
          data-testid={`nav-${key}`}
        >
          <Icon size={19} strokeWidth={1.8} aria-hidden="true" />
          {t(`nav.${key}`)}
          {key === "alerts" && tick !== null && tick.open_alerts > 0 && (
            <span className={`${styles.badge} num`}>
              <span aria-hidden="true">{tick.open_alerts > 99 ? "99+" : tick.open_alerts}</span>
              <span className="hidden-visually">{t("top.open", { value: text.number(tick.open_alerts) })}</span>
            </span>
          )}
        </Link>
      ))}
      <div className={styles.spacer} />
      <button type="button" className={styles.item} onClick={onShortcuts}>
        <Keyboard size={19} strokeWidth={1.8} aria-hidden="true" />
        {t("nav.shortcuts")}
      </button>
    </nav>
  );
}
