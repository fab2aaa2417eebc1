/** MITRE ATT&CK names as Sigma tags write them (`attack.t1110.001`, `attack.credential-access`). Names stay in English: they are identifiers. */
import registry from "../../../../model/data/techniques.txt?raw";

/** In the order of an attack. `defense-evasion` is what `stealth` and `defense-impairment` were until version 19. */
export const TACTICS = [
  "reconnaissance",
  "resource-development",
  "initial-access",
  "execution",
  "persistence",
  "privilege-escalation",
  "stealth",
  "defense-impairment",
  "defense-evasion",
  "credential-access",
  "discovery",
  "lateral-movement",
  "collection",
  "command-and-control",
  "exfiltration",
  "impact",
] as const;

export interface AttackTag {
  kind: "technique" | "tactic";
  /** `T1110.001`, or the tactic's id: `credential-access`. */
  text: string;
}

export function attackTags(tags: readonly string[]): AttackTag[] {
  const out: AttackTag[] = [];
  for (const tag of tags) {
    const rest = /^attack\.(.+)$/i.exec(tag)?.[1];
    if (!rest) continue;
    if (/^t\d{4}(\.\d{3})?$/i.test(rest)) out.push({ kind: "technique", text: rest.toUpperCase() });
    else if (!/^[gs]\d{4}$/i.test(rest)) out.push({ kind: "tactic", text: rest.replaceAll("_", "-") });
  }
  return out;
}

/** Read once somebody asks: most pages never do. */
let names: ReadonlyMap<string, string> | undefined;

const read = (): ReadonlyMap<string, string> =>
  new Map(
    registry
      .split("\n")
      .filter((line) => line && !line.startsWith("#"))
      .map((line) => {
        const end = line.indexOf(" ");
        return [line.slice(0, end), line.slice(end + 1)] as const;
      }),
  );

/** The name of `T1110.001`; of the technique it is part of, where it has none of its own. */
export function techniqueName(id: string): string | null {
  names ??= read();
  return names.get(id) ?? names.get(id.split(".")[0] ?? "") ?? null;
}
