/** The product's field registry, for suggestions: the same file the server is built from. */
import registry from "../../../../model/data/fields.txt?raw";

export interface FieldInfo {
  name: string;
  type: string;
  /** Has an index of its own: cheap to filter and to count. */
  core: boolean;
}

export const FIELDS: readonly FieldInfo[] = registry
  .split("\n")
  .filter((line) => line && !line.startsWith("#"))
  .map((line) => {
    const [name = "", type = "", core] = line.trim().split(/\s+/);
    return { name, type, core: core === "core" };
  });

/** Fields whose name holds `part`: those that begin with it first, cheap ones before others. */
export function suggest(part: string, extra: Iterable<string> = [], limit = 8): string[] {
  const wanted = part.toLowerCase();
  const core = new Set(FIELDS.filter((f) => f.core).map((f) => f.name));
  const names = new Set([...FIELDS.map((f) => f.name), ...extra]);
  const rank = (name: string): number =>
    (name.toLowerCase().startsWith(wanted) ? 0 : name.toLowerCase().includes(`.${wanted}`) ? 2 : 4) + (core.has(name) ? 0 : 1);
  return [...names]
    .filter((name) => name.toLowerCase().includes(wanted))
    .sort((a, b) => rank(a) - rank(b) || a.length - b.length || (a < b ? -1 : 1))
    .slice(0, limit);
}
