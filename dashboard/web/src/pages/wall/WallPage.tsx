/** The wall: a grid of screens without frame or buttons, for people who look up. The director decides what is on it. */
import { useQueryClient } from "@tanstack/react-query";
import { useRouteContext, useRouter, useSearch } from "@tanstack/react-router";
import { type CSSProperties, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { whenExpired } from "../../api/client";
import { sessionQuery } from "../../api/queries";
import { deviceQuery } from "../../api/wall";
import { useShortcuts } from "../../keyboard/keyboard";
import { useServerNow } from "../../time/clock";
import { direct } from "./director";
import { EnrolPage } from "./EnrolPage";
import { Screen } from "./Screen";
import { SCENES, type SceneName, wallSettings } from "./settings";
import { useWallData } from "./useWallData";
import styles from "./Wall.module.css";

/** When the credential is over or revoked, the screen asks for a new code. */
function useExpiry(): void {
  const client = useQueryClient();
  const router = useRouter();
  useEffect(() => {
    whenExpired(() => {
      client.setQueryData(sessionQuery.queryKey, null);
      client.setQueryData(deviceQuery.queryKey, null);
      void router.invalidate();
    });
    return () => whenExpired(() => {});
  }, [client, router]);
}

/** The wall for whoever may see it; for a browser nobody knows, the way in. */
export function WallPage() {
  const { known } = useRouteContext({ from: "/wall" });
  return known ? <Wall /> : <EnrolPage />;
}

function Wall() {
  const { t } = useTranslation();
  const search = useSearch({ from: "/wall" });
  const settings = useMemo(() => wallSettings(search), [search]);
  const [pinned, setPinned] = useState<SceneName | null>(null);
  const now = useServerNow();
  useExpiry();
  const data = useWallData();
  const { scene, incident, panels } = direct(settings, data.wall.value?.incidents ?? [], now, pinned);
  useShortcuts([
    ...SCENES.map((name, i) => ({ keys: String(i + 1), run: () => setPinned(name) })),
    { keys: "0", run: () => setPinned(null) },
  ]);
  useEffect(() => {
    document.title = `${t(`wall.scene_${scene}`)} · Fansipan`;
  }, [scene, t]);

  const { columns, rows, screen, bezel } = settings;
  const shown = screen ? panels.slice(screen - 1, screen) : panels;
  const style = {
    "--columns": screen ? 1 : columns,
    "--rows": screen ? 1 : rows,
    "--bezel": `${bezel}px`,
  } as CSSProperties;
  return (
    <main className={styles.wall} style={style} data-scene={scene} data-testid="wall">
      <h1 className="hidden-visually">{t("wall.title", { scene: t(`wall.scene_${scene}`) })}</h1>
      {shown.map((name, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a screen is its place; what it shows changes
        <div key={i} className={styles.screen} data-panel={name}>
          <Screen name={name} data={data} incident={incident} />
        </div>
      ))}
      {data.mode === "offline" && (
        <p className={styles.offline} role="alert">
          {t("wall.offline")}
        </p>
      )}
    </main>
  );
}
