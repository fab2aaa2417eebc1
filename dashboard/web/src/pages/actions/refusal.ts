/** Why the server refused an action, in its own words: they name the rule that stands in the way. */
import { ApiError } from "../../api/client";
import type { Language } from "../../i18n";

export function refusal(error: unknown, language: Language): string {
  if (error instanceof ApiError) return error.said(language) || error.code || error.kind;
  return error instanceof Error ? error.message : String(error);
}
