/** User name and password, the code of a second factor where one is asked for, and the way to an OIDC provider. */
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Clock, Info } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, get, post } from "../../api/client";
import type { User } from "../../api/types";
import { useErrorText } from "../../components/States";
import styles from "./LoginPage.module.css";

interface LoginOptions {
  oidc: { name: string; start: string } | null;
}

export function SignInForm({ expired, onSignedIn }: { expired: boolean; onSignedIn: (user: User, password: string) => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [asked, setAsked] = useState(false);
  const options = useQuery({ queryKey: ["login-options"], queryFn: () => get<LoginOptions>("/session/options"), retry: false });
  const oidc = options.data?.oidc ?? null;
  const signIn = useMutation({
    mutationFn: async () => {
      const proof = asked ? { code: code.trim() } : {};
      return (await post<{ user: User }>("/session", { username: username.trim(), password, ...proof })).user;
    },
    onSuccess: (user) => onSignedIn(user, password),
    onError: (error) => {
      setCode("");
      if (error instanceof ApiError && error.kind === "second_factor_needed") setAsked(true);
      else if (!asked) setPassword("");
    },
  });
  const failed = signIn.isError && !(signIn.error instanceof ApiError && signIn.error.kind === "second_factor_needed");
  const wrongCode = asked && signIn.error instanceof ApiError && signIn.error.kind === "login_failed";
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
      {asked && (
        <TextInput
          key="code"
          size="md"
          label={t("login.code")}
          description={t("login.code_hint")}
          value={code}
          onChange={(e) => setCode(e.currentTarget.value)}
          autoComplete="one-time-code"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          data-testid="login-code"
        />
      )}
      {failed && (
        <p className={styles.error} role="alert" data-testid="login-error">
          {wrongCode ? t("login.code_wrong") : errorText(signIn.error)}
        </p>
      )}
      <Button
        size="md"
        type="submit"
        fullWidth
        loading={signIn.isPending}
        disabled={!username || !password || (asked && !code.trim())}
        data-testid="login-submit"
      >
        {t("login.submit")}
      </Button>
      {oidc && (
        <Button size="md" component="a" href={oidc.start} variant="default" fullWidth data-testid="login-oidc">
          {t("login.oidc", { name: oidc.name })}
        </Button>
      )}
      <p className={styles.hint}>
        <Info size={15} aria-hidden="true" />
        {t("login.first_run")}
      </p>
    </form>
  );
}
