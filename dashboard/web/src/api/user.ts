/** The signed-in person and what they may do, for the pages inside the shell. */
import { useRouteContext } from "@tanstack/react-router";
import type { User } from "./types";

export const useUser = (): User => useRouteContext({ from: "/inside" }).user;

/** Who may do what, as the server's table says; the server refuses anyway, this only spares people the attempt. */
const HELD_BY = {
  judge: ["analyst", "responder", "administrator"],
  respond: ["responder", "administrator"],
  approve: ["responder", "administrator"],
  manageRules: ["engineer", "administrator"],
  manageExceptions: ["responder", "engineer", "administrator"],
  workIncidents: ["analyst", "responder", "administrator"],
  manageSources: ["engineer", "administrator"],
  export: ["analyst", "responder", "engineer", "auditor", "administrator"],
  readPackets: ["analyst", "responder", "administrator"],
  readUsers: ["auditor", "administrator"],
  manageUsers: ["administrator"],
} as const satisfies Record<string, readonly string[]>;

export function useMay(permission: keyof typeof HELD_BY): boolean {
  const { roles } = useUser();
  const holders: readonly string[] = HELD_BY[permission];
  return roles.some((role) => holders.includes(role));
}
