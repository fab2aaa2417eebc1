/** Packets of an event or alert, out of the packet ring, as a pcapng file. */
import { download } from "./client";

/** What came of asking a collector of a distributed deployment. */
export type AnswerOutcome = "given" | "nothing" | "no_answer" | "failed" | "damaged" | "too_large" | "clock";

export interface CollectorAnswer {
  collector: string;
  outcome: AnswerOutcome;
  packets: number;
}

/** What the file holds; `cut`, `damaged`, `beyond`: packets that are not in it, and why. */
export interface PacketFigures {
  sha256: string;
  bytes: number;
  packets: number;
  first: string;
  last: string;
  cut: number;
  damaged: number;
  beyond: number;
  /** Those that were asked; absent where the packets are the appliance's own. */
  collectors?: CollectorAnswer[];
}

export interface PacketFile {
  file: Blob;
  figures: PacketFigures;
}

export async function takePackets(id: string): Promise<PacketFile> {
  const { file, headers } = await download(`/packets/${encodeURIComponent(id)}`);
  return { file, figures: JSON.parse(headers.get("X-Fansipan-Packets") ?? "{}") as PacketFigures };
}
