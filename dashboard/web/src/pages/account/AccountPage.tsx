/** One's own account: the password, the second factor, where one is signed in, one's own API tokens. */
import { Button, Modal, MultiSelect, NumberInput, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useRouter } from "@tanstack/react-router";
import { KeyRound, Plus, ShieldCheck, ShieldOff } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { createOwnToken, endOwnSession, ownSessionsQuery, ownTokensQuery, removeFactor, removeOwnToken } from "../../api/account";
import { sessionQuery } from "../../api/queries";
import { useUser } from "../../api/user";
import { Panel } from "../../components/Panel";
import { Failed, Waiting } from "../../components/States";
import { useText } from "../../time/useText";
import { useDeed } from "../admin/useDeed";
import { FactorForm } from "../login/FactorForm";
import styles from "./AccountPage.module.css";

type Deed = ReturnType<typeof useDeed>;

/** Reads the session again wherever it is kept. */
function useRefresh() {
  const client = useQueryClient();
  const router = useRouter();
  return async () => {
    await client.invalidateQueries({ queryKey: sessionQuery.queryKey });
    await client.refetchQueries({ queryKey: sessionQuery.queryKey });
    await router.invalidate();
  };
}

function Factor() {
  const { t } = useTranslation();
  const user = useUser();
  const refresh = useRefresh();
  const [open, setOpen] = useState(false);
  const [code, setCode] = useState("");
  const off = useMutation({
    mutationFn: () => removeFactor(code.trim()),
    onSuccess: async () => {
      setCode("");
      await refresh();
    },
  });
  return (
    <Panel title={t("account.factor")}>
      {user.second_factor ? (
        <>
          <p className={styles.good} data-testid="factor-on">
            <ShieldCheck size={16} aria-hidden="true" /> {t("account.factor_on")}
          </p>
          <form
            className={styles.row}
            onSubmit={(event) => {
              event.preventDefault();
              if (code.trim()) off.mutate();
            }}
          >
            <TextInput
              label={t("login.code")}
              value={code}
              inputMode="numeric"
              autoComplete="one-time-code"
              onChange={(e) => setCode(e.currentTarget.value)}
              data-testid="factor-off-code"
            />
            <Button type="submit" variant="default" leftSection={<ShieldOff size={14} />} loading={off.isPending} disabled={!code.trim()}>
              {t("account.factor_off")}
            </Button>
          </form>
          {off.isError && <Failed error={off.error} compact />}
        </>
      ) : (
        <>
          <p className="dim">{t("account.factor_why")}</p>
          <div className={styles.row}>
            <Button leftSection={<ShieldCheck size={14} />} onClick={() => setOpen(true)} data-testid="factor-begin">
              {t("account.factor_begin")}
            </Button>
          </div>
        </>
      )}
      <Modal opened={open} onClose={() => setOpen(false)} size={460} closeButtonProps={{ "aria-label": t("state.close") }}>
        <FactorForm
          onDone={() => {
            setOpen(false);
            void refresh();
          }}
        />
      </Modal>
    </Panel>
  );
}

function Sessions({ deed }: { deed: Deed }) {
  const { t } = useTranslation();
  const text = useText();
  const query = useQuery(ownSessionsQuery);
  return (
    <Panel title={t("account.sessions")}>
      {query.isPending && <Waiting rows={3} />}
      {query.isError && <Failed error={query.error} compact />}
      <ul className={styles.lines}>
        {(query.data ?? []).map((s) => (
          <li key={s.id} data-testid="own-session">
            <span className="grow">
              <b className="mono">{s.peer ?? "–"}</b> <span className="dim">{s.agent ?? "–"}</span>
              <br />
              <small className="num">
                {t("admin.last_used")}: {text.time(s.last_used)} · {t("admin.expires")}: {text.time(s.expires)}
              </small>
            </span>
            {s.current ? (
              <span className="dim">{t("admin.own")}</span>
            ) : (
              <Button variant="default" size="compact-xs" onClick={() => deed.run(() => endOwnSession(s.id))} data-testid="session-end">
                {t("admin.end")}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Tokens({ deed }: { deed: Deed }) {
  const { t, i18n } = useTranslation();
  const text = useText();
  const user = useUser();
  const query = useQuery(ownTokensQuery);
  const [name, setName] = useState("");
  const [roles, setRoles] = useState(user.roles);
  const [days, setDays] = useState(90);
  const role = (word: string) => (i18n.exists(`roles.${word}`) ? t(`roles.${word}` as "roles.analyst") : word);
  return (
    <Panel title={t("account.tokens")}>
      <p className="dim">{t("account.tokens_why")}</p>
      <form
        className={styles.row}
        onSubmit={(event) => {
          event.preventDefault();
          deed.reveal(async () => {
            const { token } = await createOwnToken(name.trim(), roles, days);
            setName("");
            return { title: name, text: token };
          });
        }}
      >
        <TextInput label={t("admin.name")} value={name} onChange={(e) => setName(e.currentTarget.value)} data-testid="token-name" />
        <MultiSelect
          size="xs"
          w={210}
          label={t("admin.roles")}
          data={user.roles.map((value) => ({ value, label: role(value) }))}
          value={roles}
          onChange={setRoles}
        />
        <NumberInput size="xs" w={90} label={t("admin.days")} value={days} min={1} max={366} onChange={(v) => setDays(Number(v) || 90)} />
        <Button type="submit" leftSection={<Plus size={14} />} disabled={!name.trim() || roles.length === 0} data-testid="token-create">
          {t("admin.create_token")}
        </Button>
      </form>
      <ul className={styles.lines}>
        {(query.data ?? []).map((x) => (
          <li key={x.name} data-testid="own-token">
            <span className="grow">
              <b>{x.name}</b> <span className="dim">{x.roles.map(role).join(", ")}</span>
              <br />
              <small className="num">
                {t("admin.last_used")}: {text.time(x.last_used) || "–"} · {t("admin.expires")}: {text.time(x.expires) || "–"}
              </small>
            </span>
            <Button variant="default" size="compact-xs" onClick={() => deed.run(() => removeOwnToken(x.name))} data-testid="token-revoke">
              {t("admin.revoke")}
            </Button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

export function AccountPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const user = useUser();
  const deed = useDeed();
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{t("account.title")}</h1>
        <p className="dim grow">
          {user.display_name || user.name} · {user.name}
        </p>
        <Button
          variant="default"
          leftSection={<KeyRound size={14} />}
          onClick={() => void navigate({ to: "/login", search: { change: true, next: "/account" } })}
        >
          {t("top.change_password")}
        </Button>
      </header>
      <div className={styles.grid}>
        <Factor />
        <Sessions deed={deed} />
        <Tokens deed={deed} />
      </div>
      {deed.dialog}
    </div>
  );
}
