/** Where to look for what surrounds an alert. */
import type { Alert } from "../../api/types";
import { serverNow } from "../../time/clock";
import { instant } from "../../time/zone";

/** A search around the alert: the last day when it is fresh, half a day either side when it is old. */
export function around(alert: Alert): { since: string } | { from: string; to: string } {
  const day = 86_400_000;
  const first = instant(alert.first_seen);
  const last = instant(alert.last_seen);
  if (serverNow() - first < day) return { since: "24h" };
  return { from: new Date(first - day / 2).toISOString(), to: new Date(last + day / 2).toISOString() };
}
