/** «Point a device here»: configuration to copy, with this server's address put in. */
import { Button, Modal, TextInput } from "@mantine/core";
import { Copy, Info, Lock, LockOpen, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useCopy } from "../../components/clipboard";
import styles from "./Snippets.module.css";
import { SNIPPETS, testLine } from "./snippets";

const LOOPBACK = /^(localhost|127\.|\[?::1)/;

/** Text to copy, with its button. */
function Code({ text, label, testId }: { text: string; label?: string; testId?: string }) {
  const { t } = useTranslation();
  const copy = useCopy();
  return (
    <>
      <div className="row">
        <span className="mono dim cut grow">{label}</span>
        <Button variant="default" leftSection={<Copy size={13} />} onClick={() => copy(text)}>
          {t("state.copy")}
        </Button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must reach it */}
      <pre className={styles.code} tabIndex={0} data-testid={testId}>
        {text}
      </pre>
    </>
  );
}

function Choices({ chosen, onChoose }: { chosen: string; onChoose: (id: string) => void }) {
  const { t } = useTranslation();
  return (
    <ul className={styles.list}>
      {SNIPPETS.map((s) => (
        <li key={s.id}>
          <button
            type="button"
            className={styles.choice}
            aria-pressed={s.id === chosen}
            data-on={s.id === chosen}
            onClick={() => onChoose(s.id)}
          >
            <span className="cut grow">{s.name}</span>
            {s.tls ? <Lock size={12} aria-label={t("sources.encrypted")} /> : <LockOpen size={12} aria-label={t("sources.plaintext")} />}
          </button>
        </li>
      ))}
    </ul>
  );
}

export function Snippets({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const [id, setId] = useState<string>(SNIPPETS[0]?.id ?? "");
  const [host, setHost] = useState(location.hostname);
  const [plain, setPlain] = useState("5514");
  const [tls, setTls] = useState("6514");
  const snippet = SNIPPETS.find((s) => s.id === id) ?? SNIPPETS[0];
  if (!snippet) return null;
  const target = { host: host.trim() || "HOST", plain: plain.trim() || "5514", tls: tls.trim() || "6514" };
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("sources.snippet_title")}
      size={860}
      closeButtonProps={{ "aria-label": t("state.close") }}
    >
      <p className="dim">{t("sources.snippet_intro")}</p>
      <div className={styles.target}>
        <TextInput className="grow" label={t("sources.snippet_address")} value={host} onChange={(e) => setHost(e.currentTarget.value)} />
        <TextInput
          w={120}
          label={t("sources.snippet_plain_port")}
          value={plain}
          onChange={(e) => setPlain(e.currentTarget.value)}
          inputMode="numeric"
        />
        <TextInput
          w={120}
          label={t("sources.snippet_tls_port")}
          value={tls}
          onChange={(e) => setTls(e.currentTarget.value)}
          inputMode="numeric"
        />
      </div>
      {LOOPBACK.test(target.host) && (
        <p className={styles.warning}>
          <TriangleAlert size={15} aria-hidden="true" /> {t("sources.snippet_loopback")}
        </p>
      )}
      <div className={styles.columns}>
        <Choices chosen={snippet.id} onChoose={setId} />
        <div className={styles.detail}>
          <Code text={snippet.text(target)} label={snippet.file} testId="snippet" />
          <p className={styles.note}>
            <Info size={14} aria-hidden="true" /> {snippet.tls ? t("sources.snippet_ca") : t("sources.snippet_plain")}
          </p>
          <h3 className={styles.test}>{t("sources.snippet_test")}</h3>
          <Code text={testLine(target)} />
        </div>
      </div>
    </Modal>
  );
}
