/** The incident in hand and what may be done to it. A change carries the version seen: who comes second is told, and sees the new one. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { decide, type IncidentDecision, incidentQuery } from "../../api/incidents";
import { notify } from "../../components/notify";
import { useRefused } from "../../components/useRefused";

export function useIncident(id: string) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const refused = useRefused();
  const query = useQuery(incidentQuery(id));
  const incident = query.data;
  const change = useMutation({
    mutationFn: ({ decision, reason }: { decision: IncidentDecision; reason?: string }) =>
      decide(id, decision, incident?.version ?? 0, reason ?? null),
    onSuccess: () => notify({ message: t("incidents.done"), autoClose: 2500 }),
    onError: refused,
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: ["incident", id] });
      await client.invalidateQueries({ queryKey: ["incidents"] });
    },
  });
  return { query, incident, busy: change.isPending, change: change.mutateAsync };
}

export type Change = ReturnType<typeof useIncident>["change"];
