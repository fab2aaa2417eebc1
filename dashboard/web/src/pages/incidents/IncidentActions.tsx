/** What can be done to the incident: take, judge with a reason, merge into another, split off what was picked. */
import { Button, Menu, Modal, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { GitFork, GitMerge, ListChecks, UserRoundCheck, UserRoundMinus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type IncidentDetail, incidentsQuery } from "../../api/incidents";
import type { Verdict } from "../../api/types";
import { useMay, useUser } from "../../api/user";
import { LevelGlyph } from "../../components/Level";
import { useLanguage } from "../../i18n";
import { useShortcuts } from "../../keyboard/keyboard";
import styles from "./Incident.module.css";
import type { Change } from "./useIncident";

const VERDICTS = { true_positive: "t", false_positive: "f", benign: "b" } as const satisfies Record<Verdict, string>;

function VerdictDialog({ verdict, onClose, onJudge }: { verdict: Verdict | null; onClose: () => void; onJudge: (reason: string) => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  return (
    <Modal
      opened={verdict !== null}
      onClose={onClose}
      title={verdict ? t("incidents.close_as", { verdict: t(`status.${verdict}`) }) : ""}
      closeButtonProps={{ "aria-label": t("state.close") }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!reason.trim()) return;
          onJudge(reason.trim());
          setReason("");
        }}
      >
        <Textarea
          label={t("incidents.conclusion")}
          description={t("incidents.conclusion_hint")}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
          minRows={3}
          autosize
          required
          data-autofocus
          data-testid="incident-reason"
        />
        <div className={styles.dialogFoot}>
          <Button type="submit" disabled={!reason.trim()} data-testid="incident-close">
            {t("incidents.close_submit")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

function MergeMenu({ incident, change }: { incident: IncidentDetail; change: Change }) {
  const { t } = useTranslation();
  const language = useLanguage();
  const navigate = useNavigate();
  const [opened, setOpened] = useState(false);
  const others = useQuery({ ...incidentsQuery("open"), enabled: opened });
  const list = (others.data?.items ?? []).filter((i) => i.id !== incident.id && i.agency === incident.agency).slice(0, 12);
  const merge = async (into: string) => {
    await change({ decision: { act: "merge", into } });
    await navigate({ to: "/incidents/$id", params: { id: into } });
  };
  return (
    <Menu opened={opened} onChange={setOpened} position="bottom-end" width={420}>
      <Menu.Target>
        <Button variant="default" leftSection={<GitMerge size={14} />}>
          {t("incidents.merge")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("incidents.merge_into")}</Menu.Label>
        {list.map((i) => (
          <Menu.Item key={i.id} leftSection={<LevelGlyph level={i.level} />} onClick={() => void merge(i.id).catch(() => null)}>
            {(language === "vi" && i.title_vi) || i.title}
          </Menu.Item>
        ))}
        {list.length === 0 && <Menu.Item disabled>{t("incidents.merge_none")}</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}

interface ActionsProps {
  incident: IncidentDetail;
  change: Change;
  busy: boolean;
  /** Alerts picked in the list, to be split off. */
  picked: readonly string[];
  onSplit: () => void;
}

export function IncidentActions({ incident, change, busy, picked, onSplit }: ActionsProps) {
  const { t } = useTranslation();
  const me = useUser().name;
  const may = useMay("judge");
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const judged = incident.status !== "new" && incident.status !== "acknowledged";
  const mine = incident.assignee === me;
  const claim = () => {
    if (may && !judged) void change({ decision: { act: "assign", assignee: mine ? null : me } }).catch(() => null);
  };
  const judge = (reason: string) => {
    if (verdict) void change({ decision: { act: "status", status: verdict }, reason }).catch(() => null);
    setVerdict(null);
  };
  useShortcuts([
    { keys: "c", label: "keys.claim", group: "alerts", run: claim },
    ...Object.entries(VERDICTS).map(([name, keys]) => ({
      keys,
      label: `keys.${name as Verdict}` as const,
      group: "alerts" as const,
      run: () => setVerdict(may && !judged ? (name as Verdict) : null),
    })),
  ]);
  if (!may) return <p className="dim">{t("alerts.no_permission")}</p>;
  const Icon = mine ? UserRoundMinus : UserRoundCheck;
  return (
    <div className={styles.actions}>
      {judged ? (
        <Button
          variant="default"
          loading={busy}
          onClick={() => void change({ decision: { act: "status", status: "acknowledged" } }).catch(() => null)}
        >
          {t("alerts.reopen")}
        </Button>
      ) : (
        <>
          <Button
            variant={mine ? "default" : "filled"}
            loading={busy}
            leftSection={<Icon size={14} />}
            rightSection={<kbd>c</kbd>}
            onClick={claim}
            data-testid="incident-claim"
          >
            {mine ? t("alerts.release") : t("alerts.claim")}
          </Button>
          {Object.entries(VERDICTS).map(([name, key]) => (
            <Button key={name} variant="default" rightSection={<kbd>{key}</kbd>} onClick={() => setVerdict(name as Verdict)}>
              {t(`status.${name as Verdict}`)}
            </Button>
          ))}
        </>
      )}
      <span className="grow" />
      <Button
        variant="default"
        leftSection={<ListChecks size={14} />}
        renderRoot={(props) => <Link to="/playbooks" search={{ incident: incident.id }} {...props} />}
        data-testid="incident-playbooks"
      >
        {t("nav.playbooks")}
      </Button>
      {picked.length > 0 && (
        <Button variant="default" leftSection={<GitFork size={14} />} onClick={onSplit} data-testid="incident-split">
          {t("incidents.split", { count: picked.length })}
        </Button>
      )}
      <MergeMenu incident={incident} change={change} />
      <VerdictDialog verdict={verdict} onClose={() => setVerdict(null)} onJudge={judge} />
    </div>
  );
}
