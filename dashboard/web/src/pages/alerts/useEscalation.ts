/** From the alert in hand to its incident: the one it is in, or, asked for twice, a new one. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { contextQuery, escalate } from "../../api/queue";
import { useMay } from "../../api/user";
import { notify } from "../../components/notify";
import { useRefused } from "../../components/useRefused";
import { useShortcuts } from "../../keyboard/keyboard";

export function useEscalation(id: string) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const refused = useRefused();
  const may = useMay("workIncidents");
  const incident = useQuery(contextQuery(id)).data?.incident ?? null;
  const [sure, setSure] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was asked once for one alert is not meant for another
  useEffect(() => setSure(false), [id]);
  const show = (to: string) => void navigate({ to: "/incidents/$id", params: { id: to } });
  const opening = useMutation({
    mutationFn: () => escalate(id),
    onSuccess: (made) => {
      client.setQueryData(contextQuery(id).queryKey, (known) => known && { ...known, incident: made.id });
      void client.invalidateQueries({ queryKey: ["incidents"] });
      notify({ message: t("alerts.escalated"), autoClose: 4000 });
      show(made.id);
    },
    onError: refused,
  });
  const run = () => {
    if (incident) show(incident);
    else if (may && !sure) setSure(true);
    else if (may && !opening.isPending) opening.mutate();
  };
  useShortcuts([{ keys: "e", label: "keys.escalate", group: "alerts", run }]);
  return { incident, may, sure, busy: opening.isPending, run };
}
