/** The bar: is the picture live, how much comes in, how late are we, what time is it, who am I. */
import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useRouteContext } from "@tanstack/react-router";
import { ArrowLeftRight, Check, Eye, KeyRound, LogOut, UserRound, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { remove } from "../api/client";
import { useLive } from "../api/live";
import { sessionQuery } from "../api/queries";
import { Later } from "../components/Later";
import { DEFAULT_ZONE, useZone, zoneSetting } from "../settings";
import { useServerNow } from "../time/clock";
import { useText } from "../time/useText";
import { offsetText } from "../time/zone";
import { toggleWatch, useWatched } from "../watch";
import { AppearanceButtons } from "./AppearanceButtons";
import styles from "./Shell.module.css";

/** Older than this, a pushed number is shown grey. */
const STALE = 10_000;

function LiveFigures() {
  const { t } = useTranslation();
  const { mode, tick, tickAt } = useLive();
  const text = useText();
  useServerNow();
  const stale = Date.now() - tickAt > STALE;
  return (
    <>
      <Tooltip label={t(`top.${mode}_hint`)}>
        <span className={styles.live} data-mode={mode} role="status">
          <span className={styles.dot} aria-hidden="true" />
          {t(`top.${mode}`)}
        </span>
      </Tooltip>
      {tick && (
        <>
          <span className={`${styles.figure} num`} data-stale={stale}>
            {t("top.rate", { value: text.number(Math.round(tick.per_second)) })}
          </span>
          <Tooltip label={t("top.lag_hint")}>
            <span className={`${styles.figure} num`} data-stale={stale}>
              {t("top.lag", { value: text.span(tick.lag.seconds * 1000) })}
            </span>
          </Tooltip>
        </>
      )}
    </>
  );
}

function Clock() {
  const { t } = useTranslation();
  const zone = useZone();
  const now = useServerNow();
  const text = useText();
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = [...new Set([DEFAULT_ZONE, "UTC", local, zone])];
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <button type="button" className={`${styles.clock} num`}>
          {text.time(now, "clock")} <span className="faint">{offsetText(now, zone)}</span>
          <span className="hidden-visually">
            {t("top.zone")}: {zone}
          </span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("top.zone")}</Menu.Label>
        {zones.map((each) => (
          <Menu.Item key={each} rightSection={each === zone ? <Check size={14} /> : null} onClick={() => zoneSetting.write(each)}>
            {each === local && each !== DEFAULT_ZONE && each !== "UTC" ? t("top.zone_local", { zone: each }) : each}{" "}
            <span className="faint">{offsetText(now, each)}</span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Account() {
  const { t, i18n } = useTranslation();
  const { user } = useRouteContext({ from: "/inside" });
  const client = useQueryClient();
  const navigate = useNavigate();
  const name = user.display_name || user.name;
  const initials = name
    .split(/\s+/)
    .slice(-2)
    .map((w) => w[0]?.toUpperCase() ?? "")
    .join("");
  const role = (word: string) => (i18n.exists(`roles.${word}`) ? t(`roles.${word}` as "roles.analyst") : word);
  const signOut = async () => {
    await remove("/session").catch(() => null);
    client.clear();
    client.setQueryData(sessionQuery.queryKey, null);
    await navigate({ to: "/login" });
  };
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <button type="button" className={styles.user}>
          <span className="hidden-visually">{t("top.account")}</span>
          <span className={styles.avatar} aria-hidden="true">
            {initials}
          </span>
          <span className={`cut ${styles["hide-narrow"] ?? ""}`}>{name}</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {user.name} · {user.roles.map(role).join(", ")}
        </Menu.Label>
        <Menu.Item leftSection={<UserRound size={15} />} onClick={() => void navigate({ to: "/account" })} data-testid="account">
          {t("account.title")}
        </Menu.Item>
        <Menu.Item
          leftSection={<ArrowLeftRight size={15} />}
          rightSection={<kbd>h</kbd>}
          onClick={() => void navigate({ to: "/handover" })}
        >
          {t("handover.title")}
        </Menu.Item>
        <Menu.Item leftSection={<KeyRound size={15} />} onClick={() => void navigate({ to: "/login", search: { change: true } })}>
          {t("top.change_password")}
        </Menu.Item>
        <Menu.Item leftSection={<LogOut size={15} />} onClick={() => void signOut()}>
          {t("top.sign_out")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** What is watched: each leads to its page, and ends with its cross. */
function Watched() {
  const { t } = useTranslation();
  const watched = useWatched();
  if (watched.length === 0) return null;
  return (
    <ul className={styles.watched} aria-label={t("watch.list")} data-testid="watched">
      {watched.map((value) => (
        <li key={value} className={styles.watch}>
          <Eye size={13} aria-hidden="true" />
          <Link to="/alerts" search={{ q: value, status: "all" }} className={`${styles.watchName} mono cut`} title={value}>
            {value}
          </Link>
          <ActionIcon size={18} aria-label={t("watch.end", { value })} onClick={() => toggleWatch(value)}>
            <X size={11} />
          </ActionIcon>
        </li>
      ))}
    </ul>
  );
}

export function TopBar() {
  return (
    <header className={styles.bar}>
      <LiveFigures />
      <Watched />
      <div className="grow" />
      <Later>
        <Clock />
        <div className="row">
          <AppearanceButtons />
        </div>
        <Account />
      </Later>
    </header>
  );
}
