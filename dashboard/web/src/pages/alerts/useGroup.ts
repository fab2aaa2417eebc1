/** The group a verdict falls on: alerts of the same rule about the same thing, then of the same rule, then the one in hand again. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type GroupFilter, judgeMany } from "../../api/queue";
import type { Alert } from "../../api/types";

export interface Group {
  filter: GroupFilter | null;
  /** Alerts in it, counted by the server; `null`: not yet. */
  count: number | null;
  cycle: () => void;
  clear: () => void;
}

/** Filters of an alert's groups, narrowest first. */
function groups(alert: Alert): GroupFilter[] {
  const rule = { status: "open", rule: alert.rule.id };
  const about = alert.entities[0]?.value;
  return about ? [{ ...rule, q: about }, rule] : [rule];
}

export function useGroup(alert: Alert | null): Group {
  const [step, setStep] = useState(0);
  const id = alert?.id;
  // A group chosen for one alert is not another's.
  // biome-ignore lint/correctness/useExhaustiveDependencies: reset when the alert in hand changes
  useEffect(() => setStep(0), [id]);
  const all = alert ? groups(alert) : [];
  const filter = step > 0 ? (all[step - 1] ?? null) : null;
  const counted = useQuery({
    queryKey: ["group", filter],
    queryFn: () => judgeMany(filter ?? { status: "open", rule: "" }, "benign", "test", true),
    enabled: filter !== null,
    staleTime: 2_000,
    gcTime: 10_000,
  });
  return {
    filter,
    count: counted.data?.changed ?? null,
    cycle: () => setStep(alert ? (step + 1) % (all.length + 1) : 0),
    clear: () => setStep(0),
  };
}
