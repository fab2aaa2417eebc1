/**
 * The alert in hand and what the analyst's keys do to it. The hand is in the URL; what is taken is shown before the URL has followed,
 * since the router turns the whole page to it. The rest of the page only draws.
 */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { startTransition, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type AlertFilter, isQueued } from "../../api/alerts";
import { alertQuery } from "../../api/queries";
import { contextQuery } from "../../api/queue";
import type { Alert, Verdict } from "../../api/types";
import { useMay, useUser } from "../../api/user";
import { notify } from "../../components/notify";
import { useWatch } from "../../components/useWatch";
import { type Shortcut, useShortcuts } from "../../keyboard/keyboard";
import { condition } from "../../query/build";
import { REASONS, VERDICT_KEYS, VERDICTS } from "./reasons";
import { useDesk } from "./useDesk";
import { useGroup } from "./useGroup";

/** The alert named in the URL: at once from the list or as `taken` from the queue, with its events as soon as they come. */
function useAlert(id: string | undefined, items: Alert[], taken: Alert | null) {
  const detail = useQuery({ ...alertQuery(id ?? ""), enabled: id !== undefined });
  const fetched = detail.data;
  const known = [fetched, items.find((a) => a.id === id), taken?.id === id ? taken : undefined];
  const newest = known.reduce<Alert | undefined>((best, a) => (!a || (best && best.version >= a.version) ? best : a), undefined);
  const alert = fetched && newest && newest !== fetched ? { ...fetched, ...newest } : (newest ?? null);
  return { alert, events: fetched?.events ?? null, error: detail.error, retry: () => void detail.refetch() };
}

/** What the server said comes next in the queue of a filter. */
interface Coming {
  filter: AlertFilter;
  alert: Alert;
}

/** An alert, or none, that the URL is about to name. */
interface Ahead {
  id: string | undefined;
}

export function useHand(named: string | undefined, items: Alert[], filter: AlertFilter) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: "/alerts" });
  const [ahead, setAhead] = useState<Ahead | null>(null);
  const id = ahead ? ahead.id : named;
  const client = useQueryClient();
  const [taken, setTaken] = useState<Alert | null>(null);
  const coming = useRef<Coming | null>(null);
  const held = useAlert(id, items, taken);
  const { alert } = held;
  const desk = useDesk();
  const me = useUser().name;
  const may = useMay("judge");
  const mayExcept = useMay("manageExceptions");
  const [judging, setJudging] = useState<Verdict | null>(null);
  const index = items.findIndex((a) => a.id === id);
  const open = alert !== null && isQueued(alert.status);
  const mine = open && alert.assignee === me;

  const group = useGroup(may ? alert : null);
  const watch = useWatch(alert?.entities[0]?.value);

  const select = (next: string | undefined) => {
    setJudging(null);
    if (next) {
      // Under way before the page has turned to it.
      void client.prefetchQuery(alertQuery(next));
      void client.prefetchQuery(contextQuery(next));
    }
    const mine = { id: next };
    setAhead(mine);
    const turned = navigate({ search: ({ id: _, ...rest }) => (next ? { ...rest, id: next } : rest), replace: named !== undefined });
    void turned.then(() => startTransition(() => setAhead((now) => (now === mine ? null : now))));
  };
  const judge = (verdict: Verdict, reason: string) => {
    if (!alert) return;
    setJudging(null);
    if (group.filter) {
      void desk.judgeMany(group.filter, verdict, reason);
      group.clear();
      select(undefined);
      return;
    }
    // The judged alert leaves an open queue; the one after it comes to hand.
    const leaves = isQueued(filter.status);
    const following = items[index + 1] ?? items[index - 1];
    void desk.judge(alert, verdict, reason);
    if (leaves && following) select(following.id);
  };
  const hold = (next: Alert) => {
    setTaken(next);
    select(next.id);
  };
  /** What comes next as far as is known here: the list may have heard that somebody has it. */
  const expected = (): Alert | null => {
    if (coming.current?.filter !== filter) return null;
    const { alert: next } = coming.current;
    return items.some((a) => a.id === next.id && a.status !== "new") ? null : next;
  };
  /** What comes next is on screen before the server has said that it is ours, and gives way if somebody was faster. */
  const takeNext = async () => {
    const likely = expected();
    coming.current = null;
    if (likely) hold(likely);
    const next = await desk.next(filter);
    if (!next) return;
    const { alert: first, following } = next;
    coming.current = following && { filter, alert: following };
    if (!first) notify({ message: t("alerts.no_next"), autoClose: 3000 });
    else if (first.id === likely?.id) setTaken(first);
    else hold(first);
  };
  /** Who only looks goes down the list. */
  const lookNext = () => {
    const next = items.find((a) => a.status === "new" && a.id !== id);
    if (next) select(next.id);
  };
  const goNext = () => (may ? void takeNext() : lookNext());
  const claim = () => {
    if (may && open) void (mine ? desk.release(alert) : desk.claim(alert));
  };
  /** Begins an exception about the alert's rule and what it is about; what it would hide is shown before it is made. */
  const except = () => {
    if (!alert || !mayExcept) return;
    const about = alert.entities.slice(0, 2).map((e) => condition(e.field, e.value));
    void navigate({ to: "/rules", search: { view: "exceptions", rule: alert.rule.id, q: about.join(" and ") } });
  };
  const undo = async () => {
    const undone = may ? await desk.undo() : null;
    if (undone) select(undone);
  };

  const verdicts = VERDICTS.map((verdict): Shortcut => {
    return { keys: VERDICT_KEYS[verdict], label: `keys.${verdict}`, group: "alerts", run: () => setJudging(alert && may ? verdict : null) };
  });
  const reasons = judging
    ? REASONS[judging].map((reason, i): Shortcut => ({ keys: String(i + 1), run: () => judge(judging, reason) }))
    : [];
  useShortcuts([
    { keys: "n", label: "keys.next", group: "alerts", run: goNext },
    { keys: "c", label: "keys.claim", group: "alerts", run: claim },
    ...verdicts,
    { keys: "*", label: "keys.group", group: "alerts", run: group.cycle },
    { keys: "x", label: "keys.except", group: "alerts", run: except },
    watch,
    { keys: "u", label: "keys.undo", group: "alerts", run: () => void undo() },
    {
      keys: "Escape",
      label: "keys.close",
      group: "lists",
      run: () => (judging ? setJudging(null) : group.filter ? group.clear() : select(undefined)),
    },
    ...reasons,
  ]);
  // A verdict begun for one alert must not fall on another.
  // biome-ignore lint/correctness/useExhaustiveDependencies: reset when the alert in hand changes
  useEffect(() => setJudging(null), [id]);

  const actions = {
    judging,
    group,
    may,
    mine,
    onJudging: setJudging,
    onJudge: judge,
    onClaim: claim,
    onReopen: () => alert && void desk.reopen(alert),
    onNext: goNext,
  };
  return { ...held, index, select, actions };
}
