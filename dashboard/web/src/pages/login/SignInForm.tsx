/** User name and password. */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Clock, Info } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import type { User } from "../../api/types";
import { useErrorText } from "../../components/States";
import styles from "./LoginPage.module.css";

export function SignInForm({ expired, onSignedIn }: { expired: boolean; onSignedIn: (user: User, password: string) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: async () => (await post<{ user: User }>("/session", { username: username.trim(), password })).user,
    onSuccess: (user) => onSignedIn(user, password),
    onError: () => setPassword(""),
  });
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        signIn.mutate();
      }}
    >
      <h1>{t("login.title")}</h1>
      {expired && !signIn.isError && (
        <p className={styles.note}>
          <Clock size={15} aria-hidden="true" />
          {t("login.expired")}
        </p>
      )}
      <TextInput
        size="md"
        label={t("login.username")}
        value={username}
        onChange={(e) => setUsername(e.currentTarget.value)}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        withAsterisk={false}
        data-autofocus
        autoFocus
        data-testid="login-username"
      />
      <PasswordInput
        size="md"
        label={t("login.password")}
        value={password}
        onChange={(e) => setPassword(e.currentTarget.value)}
        autoComplete="current-password"
        required
        withAsterisk={false}
        data-testid="login-password"
      />
      {signIn.isError && (
        <p className={styles.error} role="alert" data-testid="login-error">
          {errorText(signIn.error)}
        </p>
      )}
      <Button size="md" type="submit" fullWidth loading={signIn.isPending} disabled={!username || !password} data-testid="login-submit">
        {t("login.submit")}
      </Button>
      <p className={styles.hint}>
        <Info size={15} aria-hidden="true" />
        {t("login.first_run")}
      </p>
    </form>
  );
}
