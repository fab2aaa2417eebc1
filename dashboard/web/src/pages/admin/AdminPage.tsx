/** Administration: who may come in, by what, from where, and what they did. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useMay } from "../../api/user";
import { Choice } from "../../components/Choice";
import { Empty } from "../../components/States";
import styles from "./Admin.module.css";
import { Audit } from "./Audit";
import { Sessions, Tokens, Walls } from "./Credentials";
import { Users } from "./Users";

const PARTS = ["users", "sessions", "tokens", "walls", "audit"] as const;
const SHOWN = { users: Users, sessions: Sessions, tokens: Tokens, walls: Walls, audit: Audit };

export function AdminPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { part } = useSearch({ from: "/inside/admin" });
  const shown = PARTS.find((p) => p === part) ?? "users";
  const Part = SHOWN[shown];
  if (!useMay("readUsers")) return <Empty title={t("admin.title")} hint={t("admin.forbidden")} />;
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{t("admin.title")}</h1>
        <Choice
          label={t("admin.title")}
          value={shown}
          onChange={(value) => void navigate({ to: "/admin", search: value === "users" ? {} : { part: value } })}
          options={PARTS.map((value) => ({ value, label: t(`admin.part_${value}`) }))}
        />
      </header>
      <Part />
    </div>
  );
}
