/** Setting up a second factor: the secret once, a code as proof, the recovery codes once. */
import { Button, Code, TextInput } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import { useErrorText } from "../../components/States";
import styles from "./LoginPage.module.css";

interface Enrolment {
  secret: string;
  uri: string;
  qr: string;
}

export function FactorForm({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const [code, setCode] = useState("");
  const enrolment = useQuery({
    queryKey: ["second-factor"],
    queryFn: () => post<Enrolment>("/session/second-factor"),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  const confirm = useMutation({
    mutationFn: () => post<{ codes: string[] }>("/session/second-factor/confirm", { code }),
    onError: () => setCode(""),
  });
  if (confirm.isSuccess) {
    return (
      <div className={styles.form}>
        <h1>{t("login.recovery_title")}</h1>
        <p className="dim">{t("login.recovery_why")}</p>
        <Code block data-testid="recovery-codes">
          {confirm.data.codes.join("\n")}
        </Code>
        <Button size="md" fullWidth onClick={onDone} data-testid="recovery-kept">
          {t("login.recovery_kept")}
        </Button>
      </div>
    );
  }
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        confirm.mutate();
      }}
    >
      <h1>{t("login.factor_title")}</h1>
      <p className="dim">{t("login.factor_why")}</p>
      {enrolment.data && (
        <>
          <img
            width={200}
            height={200}
            style={{ alignSelf: "center" }}
            alt={t("login.factor_qr")}
            src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(enrolment.data.qr)}`}
          />
          <Code data-testid="factor-secret">{enrolment.data.secret}</Code>
        </>
      )}
      <TextInput
        size="md"
        label={t("login.code")}
        value={code}
        onChange={(e) => setCode(e.currentTarget.value)}
        autoComplete="one-time-code"
        inputMode="numeric"
        autoFocus
        data-testid="factor-code"
      />
      {(confirm.isError || enrolment.isError) && (
        <p className={styles.error} role="alert">
          {confirm.isError ? t("login.code_wrong") : errorText(enrolment.error)}
        </p>
      )}
      <Button size="md" type="submit" fullWidth loading={confirm.isPending} disabled={!code.trim()} data-testid="factor-submit">
        {t("login.factor_submit")}
      </Button>
    </form>
  );
}
