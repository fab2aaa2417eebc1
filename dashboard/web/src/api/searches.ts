/** Searches that people keep: one's own and those shared. */
import { queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "./client";

export interface SavedSearch {
  id: string;
  owner: string;
  shared: boolean;
  name: string;
  search: { q: string; since: string | null; columns: string[] };
  version: number;
}

export const searchesQuery = queryOptions({
  queryKey: ["searches"],
  queryFn: async ({ signal }) => (await get<{ items: SavedSearch[] }>("/searches", {}, signal)).items,
});

export const saveSearch = (name: string, shared: boolean, search: SavedSearch["search"]) =>
  post<SavedSearch>("/searches", { name, shared, search, version: 0 });
export const removeSearch = (id: string) => remove(`/searches/${encodeURIComponent(id)}`);
