/** The workspace in hand: read anew while it is open, changed by one call each; a refusal is told in words. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  addItem,
  advance,
  changeItem,
  handIn,
  type Item,
  type ItemInput,
  presenceQuery,
  type Stage,
  workspaceQuery,
} from "../../api/workspace";
import { useRefused } from "../../components/useRefused";

export type Deed =
  | { add: ItemInput }
  | { change: Item; to: ItemInput | null }
  | { stage: Stage; facts: Record<string, string>; reason: string }
  | { evidence: File; comment: string };

export function useWorkspace(id: string) {
  const client = useQueryClient();
  const refused = useRefused();
  const query = useQuery(workspaceQuery(id));
  const presence = useQuery(presenceQuery(id));
  const version = query.data?.version ?? 0;
  const deed = useMutation({
    mutationFn: async (what: Deed): Promise<unknown> => {
      if ("add" in what) return addItem(id, what.add);
      if ("change" in what) return changeItem(id, what.change.id, what.change.version, what.to);
      if ("stage" in what) return advance(id, what.stage, what.facts, what.reason, version);
      return handIn(id, what.evidence, what.comment);
    },
    onError: refused,
    onSettled: () => client.invalidateQueries({ queryKey: ["incident", id] }),
  });
  return { query, workspace: query.data, present: presence.data?.present ?? [], busy: deed.isPending, act: deed.mutateAsync };
}

export type Act = ReturnType<typeof useWorkspace>["act"];
