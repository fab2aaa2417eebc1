/** Users, tokens, open sessions, screens of the wall, and the audit trail. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "./client";

export const ROLES = ["viewer", "analyst", "responder", "engineer", "auditor", "administrator"] as const;

export interface UserInfo {
  name: string;
  display_name: string;
  roles: string[];
  /** `null`: every agency's data. */
  agencies: string[] | null;
  must_change_password: boolean;
  disabled: boolean;
  created: string;
  last_login: string | null;
  second_factor: boolean;
  provider: string | null;
}

export interface TokenInfo {
  name: string;
  roles: string[];
  made_by: string;
  created: string;
  expires: string | null;
  last_used: string | null;
}

export interface SessionItem {
  id: string;
  user: string;
  created: string;
  expires: string;
  last_used: string;
  peer: string | null;
  agent: string | null;
  current: boolean;
}

export interface WallDevice {
  name: string;
  made_by: string;
  created: string;
  expires: string;
  enrolled: string | null;
  last_used: string | null;
  peer: string | null;
}

export interface AuditItem {
  number: number;
  at: string;
  who: string;
  verb: string;
  object: string;
  details: string;
  peer: string | null;
  allowed: boolean;
}

const list = <T>(key: string, path: string) =>
  queryOptions({ queryKey: ["admin", key], queryFn: ({ signal }) => get<{ items: T[] }>(path, {}, signal) });

export const usersQuery = list<UserInfo>("users", "/users");
export const tokensQuery = list<TokenInfo>("tokens", "/tokens");
export const sessionsQuery = list<SessionItem>("sessions", "/sessions");
export const wallsQuery = list<WallDevice>("walls", "/wall-devices");

export const auditQuery = (filter: { who?: string; verb?: string }) =>
  infiniteQueryOptions({
    queryKey: ["admin", "audit", filter],
    queryFn: ({ pageParam, signal }) =>
      get<{ items: AuditItem[]; next: number | null }>("/audit", { ...filter, before: pageParam, limit: 200 }, signal),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next,
  });

const at = (path: string, name: string): string => `${path}/${encodeURIComponent(name)}`;

export const createUser = (name: string, display_name: string, roles: string[]) =>
  post<{ one_time_password: string }>("/users", { name, ...(display_name ? { display_name } : {}), roles });
export const setRoles = (name: string, roles: string[]) => post(at("/users", name), { roles });
export const setDisabled = (name: string, disabled: boolean) => post(`${at("/users", name)}/${disabled ? "disable" : "enable"}`);
export const resetPassword = (name: string) => post<{ one_time_password: string }>(`${at("/users", name)}/password`);
export const createToken = (name: string, roles: string[], expires_in_days: number) =>
  post<{ token: string }>("/tokens", { name, roles, expires_in_days });
export const removeToken = (name: string) => remove(at("/tokens", name));
export const endSession = (id: string) => remove(at("/sessions", id));
export const createWall = (name: string) => post<{ code: string }>("/wall-devices", { name });
export const removeWall = (name: string) => remove(at("/wall-devices", name));
