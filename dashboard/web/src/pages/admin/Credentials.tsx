/** What lets somebody or something in besides a password: open sessions, API tokens, screens of the wall. Each can be revoked. */
import { Button, MultiSelect, NumberInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  createToken,
  createWall,
  endSession,
  ROLES,
  removeToken,
  removeWall,
  type SessionItem,
  sessionsQuery,
  type TokenInfo,
  tokensQuery,
  type WallDevice,
  wallsQuery,
} from "../../api/admin";
import { useMay } from "../../api/user";
import { type Column, DataTable } from "../../components/DataTable";
import { Failed, Waiting } from "../../components/States";
import { useText } from "../../time/useText";
import styles from "./Admin.module.css";
import { useDeed } from "./useDeed";

type Run = (act: () => Promise<unknown>) => void;

function Revoke({ label, onRevoke, run }: { label: string; onRevoke: () => Promise<unknown>; run: Run }) {
  return (
    <Button variant="default" size="compact-xs" onClick={() => run(onRevoke)}>
      {label}
    </Button>
  );
}

export function Sessions() {
  const { t } = useTranslation();
  const text = useText();
  const query = useQuery({ ...sessionsQuery, refetchInterval: 10_000 });
  const deed = useDeed();
  const may = useMay("manageUsers");
  if (query.isPending) return <Waiting rows={8} height={26} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  const columns: Column<SessionItem>[] = [
    { id: "user", header: t("admin.name"), width: "minmax(140px, 1fr)", sort: (s) => s.user, cell: (s) => <b>{s.user}</b> },
    { id: "peer", header: t("admin.peer"), width: "minmax(130px, 1fr)", cell: (s) => <span className="mono">{s.peer ?? "–"}</span> },
    { id: "agent", header: t("admin.agent"), width: "minmax(180px, 2fr)", cell: (s) => <span className="cut dim">{s.agent ?? "–"}</span> },
    {
      id: "used",
      header: t("admin.last_used"),
      width: "minmax(150px, 1fr)",
      sort: (s) => s.last_used,
      cell: (s) => text.time(s.last_used),
    },
    { id: "ends", header: t("admin.expires"), width: "minmax(150px, 1fr)", cell: (s) => text.time(s.expires) },
    {
      id: "act",
      header: "",
      width: "minmax(110px, 0.6fr)",
      align: "right",
      cell: (s) =>
        s.current ? (
          <span className="dim">{t("admin.own")}</span>
        ) : (
          may && <Revoke label={t("admin.end")} run={deed.run} onRevoke={() => endSession(s.id)} />
        ),
    },
  ];
  return (
    <>
      <DataTable label={t("admin.part_sessions")} columns={columns} rows={query.data.items} rowKey={(s) => s.id} rowTestId="session-row" />
      {deed.dialog}
    </>
  );
}

export function Tokens() {
  const { t } = useTranslation();
  const text = useText();
  const query = useQuery(tokensQuery);
  const deed = useDeed();
  const may = useMay("manageUsers");
  const [name, setName] = useState("");
  const [roles, setRoles] = useState<string[]>(["viewer"]);
  const [days, setDays] = useState(90);
  if (query.isPending) return <Waiting rows={8} height={26} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  const columns: Column<TokenInfo>[] = [
    { id: "name", header: t("admin.name"), width: "minmax(140px, 1fr)", sort: (x) => x.name, cell: (x) => <b>{x.name}</b> },
    { id: "roles", header: t("admin.roles"), width: "minmax(160px, 1.4fr)", cell: (x) => x.roles.join(", ") },
    { id: "by", header: t("admin.made_by"), width: "minmax(120px, 1fr)", cell: (x) => x.made_by },
    { id: "used", header: t("admin.last_used"), width: "minmax(150px, 1fr)", cell: (x) => text.time(x.last_used) || "–" },
    { id: "ends", header: t("admin.expires"), width: "minmax(150px, 1fr)", cell: (x) => text.time(x.expires) || "–" },
    {
      id: "act",
      header: "",
      width: "minmax(110px, 0.6fr)",
      align: "right",
      cell: (x) => may && <Revoke label={t("admin.revoke")} run={deed.run} onRevoke={() => removeToken(x.name)} />,
    },
  ];
  return (
    <>
      {may && (
        <form
          className={styles.adder}
          onSubmit={(event) => {
            event.preventDefault();
            deed.reveal(async () => ({ title: name, text: (await createToken(name.trim(), roles, days)).token }));
          }}
        >
          <TextInput label={t("admin.name")} value={name} onChange={(e) => setName(e.currentTarget.value)} />
          <MultiSelect size="xs" label={t("admin.roles")} data={[...ROLES, "sender"]} value={roles} onChange={setRoles} w={260} />
          <NumberInput
            size="xs"
            label={t("admin.days")}
            value={days}
            min={1}
            max={3650}
            onChange={(v) => setDays(Number(v) || 90)}
            w={110}
          />
          <Button type="submit" leftSection={<Plus size={14} />} disabled={!name.trim() || roles.length === 0}>
            {t("admin.create_token")}
          </Button>
        </form>
      )}
      <DataTable label={t("admin.part_tokens")} columns={columns} rows={query.data.items} rowKey={(x) => x.name} rowTestId="token-row" />
      {deed.dialog}
    </>
  );
}

export function Walls() {
  const { t } = useTranslation();
  const text = useText();
  const query = useQuery({ ...wallsQuery, refetchInterval: 10_000 });
  const deed = useDeed();
  const may = useMay("manageUsers");
  const [name, setName] = useState("");
  if (query.isPending) return <Waiting rows={8} height={26} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  const columns: Column<WallDevice>[] = [
    { id: "name", header: t("admin.name"), width: "minmax(140px, 1fr)", sort: (w) => w.name, cell: (w) => <b>{w.name}</b> },
    {
      id: "state",
      header: t("status.label"),
      width: "minmax(140px, 1fr)",
      cell: (w) => (w.enrolled ? t("admin.enrolled") : t("admin.awaits")),
    },
    { id: "peer", header: t("admin.peer"), width: "minmax(130px, 1fr)", cell: (w) => <span className="mono">{w.peer ?? "–"}</span> },
    { id: "used", header: t("admin.last_used"), width: "minmax(150px, 1fr)", cell: (w) => text.time(w.last_used) || "–" },
    { id: "ends", header: t("admin.expires"), width: "minmax(150px, 1fr)", cell: (w) => text.time(w.expires) },
    {
      id: "act",
      header: "",
      width: "minmax(110px, 0.6fr)",
      align: "right",
      cell: (w) => may && <Revoke label={t("admin.revoke")} run={deed.run} onRevoke={() => removeWall(w.name)} />,
    },
  ];
  return (
    <>
      {may && (
        <form
          className={styles.adder}
          onSubmit={(event) => {
            event.preventDefault();
            deed.reveal(async () => ({ title: t("admin.wall_code"), text: (await createWall(name.trim())).code }));
          }}
        >
          <TextInput label={t("admin.name")} value={name} onChange={(e) => setName(e.currentTarget.value)} data-testid="wall-name" />
          <Button type="submit" leftSection={<Plus size={14} />} disabled={!name.trim()} data-testid="wall-create">
            {t("admin.create_wall")}
          </Button>
        </form>
      )}
      <DataTable label={t("admin.part_walls")} columns={columns} rows={query.data.items} rowKey={(w) => w.name} rowTestId="wall-row" />
      {deed.dialog}
    </>
  );
}
