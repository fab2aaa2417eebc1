/** Signing in, and the forced change of a one-time password. Keeps the password in memory only as long as the form. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { sessionQuery } from "../../api/queries";
import type { User } from "../../api/types";
import { asLanguage, changeLanguage, languageChosen } from "../../i18n";
import { AppearanceButtons } from "../../shell/AppearanceButtons";
import { Mark } from "../../shell/Mark";
import { ChangeForm } from "./ChangeForm";
import { FactorForm } from "./FactorForm";
import styles from "./LoginPage.module.css";
import { Ridge } from "./Ridge";
import { SignInForm } from "./SignInForm";

export function LoginPage() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const router = useRouter();
  const { next, expired, change } = useSearch({ from: "/login" });
  const session = useQuery(sessionQuery);
  const [typed, setTyped] = useState("");

  const enter = async (user: User) => {
    client.setQueryData(sessionQuery.queryKey, user);
    const language = asLanguage(user.language);
    if (language && !languageChosen()) await changeLanguage(language);
    if (user.must_change_password || user.must_set_up_second_factor) return;
    if (next) router.history.push(next);
    else await navigate({ to: "/" });
  };
  const user = session.data ?? null;
  const changing = user !== null && (user.must_change_password || change === true);

  return (
    <main className={styles.page}>
      <Ridge />
      <div className={styles.corner}>
        <AppearanceButtons />
      </div>
      <div className={styles.card}>
        <div className={styles.brand}>
          <Mark size={40} />
          <div>
            <p className={styles.name}>{t("app.name")}</p>
            <p className="dim">{t("app.tagline")}</p>
          </div>
        </div>
        {changing ? (
          <ChangeForm
            user={user}
            old={typed}
            onDone={() => void enter({ ...user, must_change_password: false })}
            onCancel={user.must_change_password ? undefined : () => void navigate({ to: "/" })}
          />
        ) : user?.must_set_up_second_factor ? (
          <FactorForm onDone={() => void enter({ ...user, must_set_up_second_factor: false, second_factor: true })} />
        ) : (
          <SignInForm
            expired={expired === true}
            onSignedIn={(signedIn, password) => {
              setTyped(signedIn.must_change_password ? password : "");
              void enter(signedIn);
            }}
          />
        )}
      </div>
    </main>
  );
}
