/** One's own account: where one is signed in, one's own API tokens, the second factor. */
import { queryOptions } from "@tanstack/react-query";
import type { SessionItem, TokenInfo } from "./admin";
import { get, post, remove } from "./client";

// below "admin", so that what is done there and here reads the lists again
export const ownSessionsQuery = queryOptions({
  queryKey: ["admin", "own", "sessions"],
  queryFn: async ({ signal }) => (await get<{ items: SessionItem[] }>("/session/open", {}, signal)).items,
});

export const ownTokensQuery = queryOptions({
  queryKey: ["admin", "own", "tokens"],
  queryFn: async ({ signal }) => (await get<{ items: TokenInfo[] }>("/session/tokens", {}, signal)).items,
});

export const endOwnSession = (id: string) => remove(`/session/open/${encodeURIComponent(id)}`);
export const createOwnToken = (name: string, roles: string[], expires_in_days: number) =>
  post<{ token: string }>("/session/tokens", { name, roles, expires_in_days });
export const removeOwnToken = (name: string) => remove(`/session/tokens/${encodeURIComponent(name)}`);
export const removeFactor = (code: string) => post<null>("/session/second-factor/remove", { code });
