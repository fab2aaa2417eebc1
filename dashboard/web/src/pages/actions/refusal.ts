/** Why the server refused an action, in its own words: they name the rule that stands in the way. */
import { ApiError } from "../../api/client";

export function refusal(error: unknown): string {
  if (error instanceof ApiError) return error.detail ?? error.code ?? error.kind;
  return error instanceof Error ? error.message : String(error);
}
