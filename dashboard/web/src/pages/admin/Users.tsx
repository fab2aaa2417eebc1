/** People: their roles, whether they may come in, a password for the day it is forgotten. */
import { Button, MultiSelect, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { createUser, ROLES, resetPassword, setDisabled, setRoles, type UserInfo, usersQuery } from "../../api/admin";
import { useMay, useUser } from "../../api/user";
import { Age } from "../../components/Age";
import { Cut } from "../../components/Cut";
import { type Column, DataTable } from "../../components/DataTable";
import { Failed, Waiting } from "../../components/States";
import { instant } from "../../time/zone";
import styles from "./Admin.module.css";
import { useDeed } from "./useDeed";

type Deed = ReturnType<typeof useDeed>;

function useRoleOptions() {
  const { t } = useTranslation();
  return ROLES.map((value) => ({ value, label: t(`roles.${value}`) }));
}

function NewUser({ deed }: { deed: Deed }) {
  const { t } = useTranslation();
  const options = useRoleOptions();
  const [name, setName] = useState("");
  const [shown, setShown] = useState("");
  const [roles, setChosen] = useState<string[]>(["analyst"]);
  return (
    <form
      className={styles.adder}
      onSubmit={(event) => {
        event.preventDefault();
        deed.reveal(async () => {
          const { one_time_password } = await createUser(name.trim(), shown.trim(), roles);
          setName("");
          setShown("");
          return { title: t("admin.one_time", { name }), text: one_time_password };
        });
      }}
    >
      <TextInput label={t("admin.name")} value={name} onChange={(e) => setName(e.currentTarget.value)} data-testid="user-name" />
      <TextInput label={t("admin.display_name")} value={shown} onChange={(e) => setShown(e.currentTarget.value)} />
      <MultiSelect size="xs" label={t("admin.roles")} data={options} value={roles} onChange={setChosen} w={260} />
      <Button type="submit" leftSection={<Plus size={14} />} disabled={!name.trim() || roles.length === 0} data-testid="user-create">
        {t("admin.create_user")}
      </Button>
    </form>
  );
}

function UserActions({ user, deed }: { user: UserInfo; deed: Deed }) {
  const { t } = useTranslation();
  const options = useRoleOptions();
  const me = useUser().name;
  return (
    <div className={styles.panel} data-testid="user-panel">
      <h2>{user.display_name || user.name}</h2>
      <MultiSelect
        size="xs"
        label={t("admin.roles")}
        data={options}
        value={user.roles}
        disabled={deed.busy || user.name === me}
        onChange={(next) => next.length > 0 && deed.run(() => setRoles(user.name, next))}
        w={320}
      />
      <Button
        variant="default"
        disabled={user.name === me || user.provider !== null}
        onClick={() =>
          deed.reveal(async () => ({
            title: t("admin.one_time", { name: user.name }),
            text: (await resetPassword(user.name)).one_time_password,
          }))
        }
      >
        {t("admin.reset")}
      </Button>
      <Button variant="default" disabled={user.name === me} onClick={() => deed.run(() => setDisabled(user.name, !user.disabled))}>
        {user.disabled ? t("admin.enable") : t("admin.disable")}
      </Button>
    </div>
  );
}

export function Users() {
  const { t } = useTranslation();
  const query = useQuery(usersQuery);
  const deed = useDeed();
  const may = useMay("manageUsers");
  const [chosen, setChosen] = useState<string>();
  const columns = useMemo(
    (): Column<UserInfo>[] => [
      { id: "name", header: t("admin.name"), width: "minmax(140px, 1fr)", sort: (u) => u.name, cell: (u) => <b>{u.name}</b> },
      {
        id: "shown",
        header: t("admin.display_name"),
        width: "minmax(160px, 1.4fr)",
        cell: (u) => <Cut text={u.display_name} />,
      },
      {
        id: "roles",
        header: t("admin.roles"),
        width: "minmax(180px, 1.6fr)",
        cell: (u) => u.roles.map((r) => t(`roles.${r as "viewer"}`)).join(", "),
      },
      {
        id: "agencies",
        header: t("alerts.agency"),
        width: "minmax(110px, 1fr)",
        cell: (u) => u.agencies?.join(", ") ?? t("admin.all_agencies"),
      },
      {
        id: "state",
        header: t("status.label"),
        width: "minmax(120px, 0.8fr)",
        cell: (u) => (u.disabled ? t("admin.disabled") : u.second_factor ? t("admin.two_factors") : t("admin.enabled")),
      },
      {
        id: "last",
        header: t("admin.last_login"),
        width: "minmax(110px, 0.8fr)",
        align: "right",
        sort: (u) => instant(u.last_login) || null,
        cell: (u) => (u.last_login ? <Age at={u.last_login} /> : "–"),
      },
    ],
    [t],
  );
  const user = query.data?.items.find((u) => u.name === chosen);
  if (query.isPending) return <Waiting rows={8} height={26} />;
  if (!query.data) return <Failed error={query.error} retry={() => void query.refetch()} />;
  return (
    <>
      {may && <NewUser deed={deed} />}
      <DataTable
        label={t("admin.part_users")}
        columns={columns}
        rows={query.data.items}
        rowKey={(u) => u.name}
        rowTestId="user-row"
        selected={chosen}
        onSelect={(u) => setChosen(u.name)}
        order={{ id: "name", desc: false }}
      />
      {may && user && <UserActions user={user} deed={deed} />}
      {deed.dialog}
    </>
  );
}
