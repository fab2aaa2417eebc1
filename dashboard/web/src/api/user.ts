/** The signed-in person, for the pages inside the shell. */
import { useRouteContext } from "@tanstack/react-router";
import type { User } from "./types";

export const useUser = (): User => useRouteContext({ from: "/inside" }).user;
