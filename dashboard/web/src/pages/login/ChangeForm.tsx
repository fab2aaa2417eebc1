/** A new password, with the policy told as one types. */
import { Button, PasswordInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Check, Circle } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import type { User } from "../../api/types";
import { notify } from "../../components/notify";
import { useErrorText } from "../../components/States";
import styles from "./LoginPage.module.css";
import { checkPassword, MIN_LENGTH } from "./policy";

interface ChangeFormProps {
  user: User;
  /** The current password when it was typed a moment ago; otherwise it is asked for. */
  old: string;
  onDone: () => void;
  onCancel?: (() => void) | undefined;
}

function Policy({ rules }: { rules: ReturnType<typeof checkPassword> }) {
  const { t } = useTranslation();
  return (
    <ul className={styles.policy}>
      {rules.map(({ rule, met }) => (
        <li key={rule} data-met={met}>
          {met ? <Check size={15} aria-hidden="true" /> : <Circle size={15} aria-hidden="true" />}
          <span>{t(`login.policy_${rule}`, { count: MIN_LENGTH })}</span>
          <span className="hidden-visually">: {met ? t("login.met") : t("login.unmet")}</span>
        </li>
      ))}
    </ul>
  );
}

export function ChangeForm({ user, old: known, onDone, onCancel }: ChangeFormProps) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [typed, setTyped] = useState("");
  const [password, setPassword] = useState("");
  const [repeat, setRepeat] = useState("");
  const old = known || typed;
  const rules = checkPassword(user.name, old, password, repeat);
  const change = useMutation({
    mutationFn: () => post<null>("/session/password", { old, new: password }),
    onSuccess: () => {
      notify({ message: t("login.changed") });
      onDone();
    },
  });
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate();
      }}
    >
      <h1>{t("login.change_title")}</h1>
      {user.must_change_password && <p className="dim">{t("login.change_why")}</p>}
      <input type="text" autoComplete="username" value={user.name} readOnly hidden />
      {!known && (
        <PasswordInput
          size="md"
          label={t("login.current")}
          value={typed}
          onChange={(e) => setTyped(e.currentTarget.value)}
          autoComplete="current-password"
          data-testid="old-password"
        />
      )}
      <PasswordInput
        size="md"
        label={t("login.new")}
        value={password}
        onChange={(e) => setPassword(e.currentTarget.value)}
        autoComplete="new-password"
        autoFocus
        data-testid="new-password"
      />
      <PasswordInput
        size="md"
        label={t("login.repeat")}
        value={repeat}
        onChange={(e) => setRepeat(e.currentTarget.value)}
        autoComplete="new-password"
        data-testid="new-password-repeat"
      />
      <Policy rules={rules} />
      {change.isError && (
        <p className={styles.error} role="alert">
          {errorText(change.error)}
        </p>
      )}
      <Button
        size="md"
        type="submit"
        fullWidth
        loading={change.isPending}
        disabled={!old || rules.some((r) => !r.met)}
        data-testid="change-password-submit"
      >
        {t("login.change_submit")}
      </Button>
      {onCancel && (
        <Button size="md" variant="subtle" color="gray" fullWidth onClick={onCancel}>
          {t("login.cancel")}
        </Button>
      )}
    </form>
  );
}
