/** The frame around every page once signed in: rail, bar, live data, shortcuts. Knows no page's business. */

import { useQueryClient } from "@tanstack/react-query";
import { CatchBoundary, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { whenExpired } from "../api/client";
import { startLive, useLive } from "../api/live";
import { sessionQuery } from "../api/queries";
import type { Alert } from "../api/types";
import { Crash } from "../components/Crash";
import { LevelGlyph } from "../components/Level";
import { dismiss, notify } from "../components/notify";
import { Waiting } from "../components/States";
import { useStable } from "../components/useStable";
import { useLanguage } from "../i18n";
import { type Shortcut, useShortcuts } from "../keyboard/keyboard";
import { beep, watchedIn } from "../watch";
import { Rail } from "./Rail";
import styles from "./Shell.module.css";
import { ShortcutSheet } from "./ShortcutSheet";
import { TopBar } from "./TopBar";
import { useWalk } from "./trail";
import { useAppearance } from "./useAppearance";

/** Keeps the stream open while somebody is signed in, and announces what must not be missed. */
function useLiveData(): void {
  const client = useQueryClient();
  const { t } = useTranslation();
  const language = useLanguage();
  const navigate = useNavigate();
  const announce = useStable((alerts: Alert[]) => {
    const watched = alerts.find((a) => watchedIn(a) !== undefined);
    const urgent = alerts.filter((a) => a === watched || a.rule.level === "critical" || a.rule.level === "high");
    const first = watched ?? urgent.find((a) => a.rule.level === "critical") ?? urgent[0];
    if (!first) return;
    const title = (language === "vi" && first.rule.title_vi) || first.rule.title;
    const value = watchedIn(first);
    if (value !== undefined) beep();
    // A storm is one message, not a hundred.
    const message =
      value !== undefined
        ? t("watch.fired", { value, title })
        : urgent.length > 1
          ? t("alerts.new_many", { title, count: urgent.length - 1 })
          : t("alerts.new_arrived", { title });
    const id = notify({
      message: (
        <button
          type="button"
          className="plain"
          onClick={() => {
            dismiss(id);
            void navigate({ to: "/alerts", search: { id: first.id } });
          }}
        >
          {message}
        </button>
      ),
      icon: <LevelGlyph level={first.rule.level} />,
      color: "dark",
      autoClose: value !== undefined || first.rule.level === "critical" ? 12_000 : 6_000,
    });
  });
  useEffect(() => startLive(client, announce), [client, announce]);
}

const TITLES = {
  "/": "overview",
  "/alerts": "alerts",
  "/incidents": "incidents",
  "/search": "search",
  "/sources": "sources",
  "/rules": "rules",
  "/status": "status",
  "/admin": "admin",
} as const;

/** The name of the page in the tab, with what waits: a tab in the background still tells. */
function useTitle(path: string): void {
  const { t } = useTranslation();
  const { tick } = useLive();
  const page = path in TITLES ? `${t(`nav.${TITLES[path as keyof typeof TITLES]}`)} · ` : "";
  const waiting = tick?.open_alerts ? `(${tick.open_alerts}) ` : "";
  useEffect(() => {
    document.title = `${waiting}${page}Fansipan`;
  }, [page, waiting]);
}

/** When the session ends under a person's hands, they sign in and come back to the same place. */
function useExpiry(): void {
  const client = useQueryClient();
  const navigate = useNavigate();
  useEffect(() => {
    whenExpired(() => {
      // Several requests may be refused at once; the first has brought the person to the login page.
      if (window.location.pathname === "/login") return;
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
  useWalk(useLocation());
  const { toggleLanguage, toggleScheme } = useAppearance();
  useLiveData();
  useTitle(path);
  useExpiry();
  const everywhere: Shortcut[] = [
    { keys: "?", label: "keys.sheet", group: "anywhere", run: () => setSheet(true) },
    { keys: "g o", label: "keys.overview", group: "anywhere", run: () => void navigate({ to: "/" }) },
    { keys: "g a", label: "keys.go_alerts", group: "anywhere", run: () => void navigate({ to: "/alerts" }) },
    { keys: "g n", label: "keys.go_incidents", group: "anywhere", run: () => void navigate({ to: "/incidents" }) },
    { keys: "g s", label: "keys.search", group: "anywhere", run: () => void navigate({ to: "/search" }) },
    { keys: "g r", label: "keys.sources", group: "anywhere", run: () => void navigate({ to: "/sources" }) },
    { keys: "g u", label: "keys.rules", group: "anywhere", run: () => void navigate({ to: "/rules" }) },
    { keys: "g p", label: "keys.go_actions", group: "anywhere", run: () => void navigate({ to: "/actions" }) },
    { keys: "g k", label: "keys.go_playbooks", group: "anywhere", run: () => void navigate({ to: "/playbooks" }) },
    { keys: "g i", label: "keys.status", group: "anywhere", run: () => void navigate({ to: "/status" }) },
    { keys: "h", label: "keys.handover", group: "anywhere", run: () => void navigate({ to: "/handover" }) },
    { keys: "g m", label: "keys.admin", group: "anywhere", run: () => void navigate({ to: "/admin" }) },
    { keys: "/", label: "keys.focus", group: "anywhere", run: () => void navigate({ to: "/search" }) },
    { keys: "g l", label: "keys.language", group: "anywhere", run: toggleLanguage },
    { keys: "g d", label: "keys.theme", group: "anywhere", run: toggleScheme },
  ];
  useShortcuts(everywhere, true);

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
      {sheet && <ShortcutSheet onClose={() => setSheet(false)} />}
    </div>
  );
}
