/** The frame around every page once signed in: rail, bar, live data, shortcuts. Knows no page's business. */
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { CatchBoundary, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { whenExpired } from "../api/client";
import { startLive } from "../api/live";
import { sessionQuery } from "../api/queries";
import { Crash } from "../components/Crash";
import { LevelGlyph } from "../components/Level";
import { Waiting } from "../components/States";
import { useLanguage } from "../i18n";
import { useShortcuts } from "../keyboard/keyboard";
import { Rail } from "./Rail";
import styles from "./Shell.module.css";
import { ShortcutSheet } from "./ShortcutSheet";
import { TopBar } from "./TopBar";
import { useAppearance } from "./useAppearance";

/** Keeps the stream open while somebody is signed in, and announces what must not be missed. */
function useLiveData(): void {
  const client = useQueryClient();
  const { t } = useTranslation();
  const language = useLanguage();
  const navigate = useNavigate();
  useEffect(
    () =>
      startLive(client, (alert) => {
        if (alert.rule.level !== "critical" && alert.rule.level !== "high") return;
        const title = (language === "vi" && alert.rule.title_vi) || alert.rule.title;
        notifications.show({
          id: alert.id,
          message: (
            <button
              type="button"
              className="plain"
              onClick={() => {
                notifications.hide(alert.id);
                void navigate({ to: "/alerts", search: { id: alert.id } });
              }}
            >
              {t("alerts.new_arrived", { title })}
            </button>
          ),
          icon: <LevelGlyph level={alert.rule.level} />,
          color: "dark",
          autoClose: alert.rule.level === "critical" ? 12_000 : 6_000,
        });
      }),
    [client, language, navigate, t],
  );
}

/** When the session ends under a person's hands, they sign in and come back to the same place. */
function useExpiry(): void {
  const client = useQueryClient();
  const navigate = useNavigate();
  useEffect(() => {
    whenExpired(() => {
      client.setQueryData(sessionQuery.queryKey, null);
      const here = window.location.pathname + window.location.search;
      void navigate({ to: "/login", search: { next: here, expired: true } });
    });
    return () => whenExpired(() => {});
  }, [client, navigate]);
}

export function Shell() {
  const { t } = useTranslation();
  const [sheet, setSheet] = useState(false);
  const navigate = useNavigate();
  const path = useLocation({ select: (l) => l.pathname });
  const { toggleLanguage, toggleScheme } = useAppearance();
  useLiveData();
  useExpiry();
  useShortcuts([
    { keys: "?", label: "keys.sheet", group: "anywhere", run: () => setSheet(true) },
    { keys: "g o", label: "keys.overview", group: "anywhere", run: () => void navigate({ to: "/" }) },
    { keys: "g a", label: "keys.go_alerts", group: "anywhere", run: () => void navigate({ to: "/alerts" }) },
    { keys: "g s", label: "keys.search", group: "anywhere", run: () => void navigate({ to: "/search" }) },
    { keys: "g r", label: "keys.sources", group: "anywhere", run: () => void navigate({ to: "/sources" }) },
    { keys: "g u", label: "keys.rules", group: "anywhere", run: () => void navigate({ to: "/rules" }) },
    { keys: "g i", label: "keys.status", group: "anywhere", run: () => void navigate({ to: "/status" }) },
    { keys: "/", label: "keys.focus", group: "anywhere", run: () => void navigate({ to: "/search" }) },
    { keys: "g l", label: "keys.language", group: "anywhere", run: toggleLanguage },
    { keys: "g d", label: "keys.theme", group: "anywhere", run: toggleScheme },
  ]);

  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        {t("app.skip")}
      </a>
      <Rail onShortcuts={() => setSheet(true)} />
      <TopBar />
      <main id="main" className={styles.main} tabIndex={-1}>
        <CatchBoundary getResetKey={() => path} errorComponent={Crash}>
          <Suspense fallback={<Waiting rows={10} height={20} />}>
            <Outlet />
          </Suspense>
        </CatchBoundary>
      </main>
      <ShortcutSheet opened={sheet} onClose={() => setSheet(false)} />
    </div>
  );
}
