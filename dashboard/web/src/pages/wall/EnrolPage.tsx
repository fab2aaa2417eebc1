/** A screen that nobody has enrolled yet: the one-time code an administrator read out makes it part of the wall. */
import { Button, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { deviceQuery, enrol } from "../../api/wall";
import { useErrorText } from "../../components/States";
import { Mark } from "../../shell/Mark";
import styles from "./EnrolPage.module.css";

export function EnrolPage() {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const client = useQueryClient();
  const router = useRouter();
  const [code, setCode] = useState("");
  const sending = useMutation({
    mutationFn: () => enrol(code),
    onSuccess: async ({ device }) => {
      client.setQueryData(deviceQuery.queryKey, device);
      await router.invalidate();
    },
  });
  return (
    <main className={styles.page}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          sending.mutate();
        }}
      >
        <Mark size={64} />
        <h1>{t("wall.enrol_title")}</h1>
        <p>{t("wall.enrol_why")}</p>
        <TextInput
          size="xl"
          label={t("wall.enrol_code")}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          data-testid="wall-code"
        />
        {sending.isError && (
          <p className={styles.error} role="alert">
            {errorText(sending.error)}
          </p>
        )}
        <Button size="lg" type="submit" loading={sending.isPending} disabled={!code.trim()} data-testid="wall-enrol">
          {t("wall.enrol_submit")}
        </Button>
        <Link to="/login" search={{ next: window.location.pathname + window.location.search }}>
          {t("wall.enrol_person")}
        </Link>
      </form>
    </main>
  );
}
