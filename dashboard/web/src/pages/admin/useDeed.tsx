/** A change an administrator makes: the list is read again, a refusal is told, and a secret shown once is held until it is put away. */
import { Button, CopyButton, Modal } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import styles from "./Admin.module.css";

interface Secret {
  title: string;
  text: string;
}

export function useDeed() {
  const client = useQueryClient();
  const refused = useRefused();
  const [secret, setSecret] = useState<Secret | null>(null);
  const deed = useMutation({
    mutationFn: (act: () => Promise<Secret | null>) => act(),
    onSuccess: (found) => found && setSecret(found),
    onError: refused,
    onSettled: () => client.invalidateQueries({ queryKey: ["admin"] }),
  });
  const run = (act: () => Promise<unknown>) =>
    deed.mutate(async () => {
      await act();
      return null;
    });
  const reveal = (act: () => Promise<Secret>) => deed.mutate(act);
  return { run, reveal, busy: deed.isPending, dialog: <SecretDialog secret={secret} onClose={() => setSecret(null)} /> };
}

function SecretDialog({ secret, onClose }: { secret: Secret | null; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={secret !== null} onClose={onClose} title={secret?.title ?? ""} closeButtonProps={{ "aria-label": t("state.close") }}>
      <p className="dim">{t("admin.once")}</p>
      <code className={styles.secret} data-testid="secret">
        {secret?.text}
      </code>
      <CopyButton value={secret?.text ?? ""}>
        {({ copied, copy }) => (
          <Button variant="default" onClick={copy}>
            {copied ? t("state.copied") : t("state.copy")}
          </Button>
        )}
      </CopyButton>
    </Modal>
  );
}

import { useRefused } from "../../components/useRefused";
