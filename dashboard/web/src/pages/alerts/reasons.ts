/** Why an alert was judged as it was: the digit, in this order. The words are the record's; what people read is in the language files. */
import type { Verdict } from "../../api/types";

export const REASONS = {
  true_positive: ["blocked", "succeeded", "malware", "policy", "insider", "drill"],
  false_positive: ["rule", "parsing", "duplicate", "stale_intel", "misconfigured"],
  benign: ["admin", "scanner", "scheduled", "test", "user_error"],
} as const satisfies Record<Verdict, readonly string[]>;

export const VERDICT_KEYS: Record<Verdict, string> = { true_positive: "t", false_positive: "f", benign: "b" };
export const VERDICTS: readonly Verdict[] = ["true_positive", "false_positive", "benign"];
