/** Stands in for a page that threw, so that the rest of the console goes on. */
import { Button } from "@mantine/core";
import { Bug } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Empty } from "./States";

export function Crash({ error }: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <Empty
      icon={<Bug size={26} aria-hidden="true" />}
      title={t("state.crashed")}
      hint={t("state.crashed_hint")}
      action={
        <>
          <pre className="mono dim" style={{ whiteSpace: "pre-wrap", maxWidth: 640 }}>
            {error instanceof Error ? error.message : String(error)}
          </pre>
          <Button onClick={() => location.reload()}>{t("state.retry")}</Button>
        </>
      }
    />
  );
}
