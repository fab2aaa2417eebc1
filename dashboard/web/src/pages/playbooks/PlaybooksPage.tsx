/** Playbooks: which fit an incident, and what runs of them wait for. */
import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Play } from "lucide-react";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import { type Playbook, playbooksQuery, type Run, runsQuery } from "../../api/response";
import { useMay } from "../../api/user";
import { Age } from "../../components/Age";
import { Failed, Waiting } from "../../components/States";
import { useRefused } from "../../components/useRefused";
import { useLanguage } from "../../i18n";
import { useShortcuts } from "../../keyboard/keyboard";
import styles from "../actions/ActionsPage.module.css";
import own from "./PlaybooksPage.module.css";
import { RunPanel } from "./RunPanel";

function Runs({ runs, onOpen }: { runs: Run[]; onOpen: (id: string) => void }) {
  const { t } = useTranslation();
  const language = useLanguage();
  return runs.map((run) => (
    <article key={run.id} className={own.card} data-testid="run-card">
      <h3>{language === "vi" ? run.title_vi : run.title}</h3>
      <p className="dim">
        {t(`playbooks.run_state.${run.state}` as "playbooks.run_state.done")} · <Age at={run.started.at} />
      </p>
      {run.task && <p>{t("playbooks.waits_for", { task: language === "vi" ? run.task.title_vi : run.task.title })}</p>}
      <div>
        <Button variant="default" onClick={() => onOpen(run.id)} data-testid="run-open">
          {t("playbooks.open")}
        </Button>
      </div>
    </article>
  ));
}

function Card({ playbook, incident, onStarted }: { playbook: Playbook; incident: string; onStarted: (id: string) => void }) {
  const { t } = useTranslation();
  const refused = useRefused();
  const language = useLanguage();
  const client = useQueryClient();
  const may = useMay("respond");
  const start = useMutation({
    mutationFn: () => post<Run>("/runs", { playbook: playbook.id, incident }),
    onSuccess: (run) => {
      void client.invalidateQueries({ queryKey: ["runs"] });
      onStarted(run.id);
    },
    onError: refused,
  });
  return (
    <article className={own.card} data-fits={playbook.fits} data-testid="playbook-card">
      <h3>{language === "vi" ? playbook.title_vi : playbook.title}</h3>
      <p>{language === "vi" ? playbook.summary_vi : playbook.summary}</p>
      <p className="dim">
        {t("playbooks.steps", { count: playbook.steps })}
        {playbook.fits && <b className={own.fits}> · {t("playbooks.fits")}</b>}
      </p>
      {may && incident && (
        <div>
          <Button
            variant={playbook.fits ? "filled" : "default"}
            leftSection={<Play size={15} />}
            loading={start.isPending}
            onClick={() => start.mutate()}
            data-testid="playbook-start"
          >
            {t("playbooks.start")}
          </Button>
        </div>
      )}
    </article>
  );
}

export function PlaybooksPage() {
  const { t } = useTranslation();
  const language = useLanguage();
  const navigate = useNavigate({ from: "/playbooks" });
  const { id, incident = "" } = useSearch({ from: "/inside/playbooks" });
  const playbooks = useQuery(playbooksQuery(incident));
  const runs = useQuery(runsQuery(incident));
  const select = (next: string | undefined) => void navigate({ search: ({ id: _, ...rest }) => (next ? { ...rest, id: next } : rest) });
  useShortcuts([{ keys: "Escape", label: "keys.close", group: "lists", run: () => select(undefined) }]);
  const live = (runs.data?.items ?? []).filter((r) => incident !== "" || r.state === "running" || r.state === "waiting");
  const list = [...(playbooks.data?.items ?? [])].sort((a, b) => Number(b.fits) - Number(a.fits));
  const open = runs.data?.items.find((r) => r.id === id);
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{t("playbooks.title")}</h1>
        <span className="dim cut">{incident ? t("playbooks.for_incident", { id: incident.slice(0, 8) }) : t("playbooks.hint")}</span>
      </header>
      <div className={styles.body}>
        <div className={own.grid}>
          {(playbooks.isPending || runs.isPending) && <Waiting rows={8} height={28} />}
          {playbooks.isError && <Failed error={playbooks.error} retry={() => void playbooks.refetch()} />}
          {runs.isError && <Failed error={runs.error} retry={() => void runs.refetch()} compact />}
          {runs.data && <h2 className={own.part}>{t("playbooks.runs")}</h2>}
          {runs.data && live.length === 0 && <p className={`${own.wide} dim`}>{t("playbooks.no_runs")}</p>}
          <Runs runs={live} onOpen={select} />
          {list.length > 0 && <h2 className={own.part}>{t("playbooks.all")}</h2>}
          {list.map((playbook) => (
            <Card key={playbook.id} playbook={playbook} incident={incident} onStarted={select} />
          ))}
          {((language === "vi" ? playbooks.data?.refused_vi : playbooks.data?.refused) ?? []).map((line) => (
            <p key={line} className={`${own.wide} mono`} role="alert">
              {line}
            </p>
          ))}
        </div>
        {open && <RunPanel run={open} onClose={() => select(undefined)} />}
      </div>
    </div>
  );
}
