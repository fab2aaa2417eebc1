/** What the numbers of a source say about it. Pure. */
import type { PacketCounters, SourceInfo } from "../../api/types";

export type Health = "active" | "silent" | "unparsed";

/** Below this share of understood records a source counts as not understood. */
const UNDERSTOOD = 0.5;

export const refusedOf = (source: SourceInfo): number => Object.values(source.counters.refused).reduce((sum, n) => sum + n, 0);

export const parsedShare = (source: SourceInfo): number | null =>
  source.counters.kept > 0 ? source.counters.parsed / source.counters.kept : null;

/** Below this share of packets read detection on the network is patchy. */
const SEEN_ENOUGH = 0.999;

/** Frames that were lost before the sensor could read them. */
export const lostPackets = (p: PacketCounters): number => p.kernel_drops + p.interface_drops + p.own_drops;

export const patchy = (p: PacketCounters): boolean => !p.up || p.coverage < SEEN_ENOUGH;

/** Silence is the worst: an attacker's first wish. */
export function healthOf(source: SourceInfo): Health {
  if (!source.active) return "silent";
  const share = parsedShare(source);
  return share !== null && share < UNDERSTOOD ? "unparsed" : "active";
}

/** Device clock minus ours, milliseconds. */
export const skewMs = (source: SourceInfo): number | null => (source.skew === null ? null : source.skew / 1e6);

/** What the ledger cannot account for; anything but 0 is a fault of ours. */
export const imbalance = (source: SourceInfo): number => source.counters.received - source.counters.kept - refusedOf(source);

export const encrypted = (source: SourceInfo): boolean | null =>
  source.transport === "tls" ? true : source.transport === "udp" || source.transport === "tcp" ? false : null;
