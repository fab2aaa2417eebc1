/** Text with the given values marked. Renders text nodes only, whatever the text holds. */

/** Where the values occur, without overlaps, case ignored. */
export function ranges(text: string, values: readonly string[]): [number, number][] {
  const low = text.toLowerCase();
  // Lower-casing may change the length of rare letters; positions would then be wrong, so nothing is marked.
  if (low.length !== text.length) return [];
  const found: [number, number][] = [];
  for (const value of values) {
    const wanted = value.toLowerCase();
    if (wanted.length < 2) continue;
    for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, at + wanted.length)) found.push([at, at + wanted.length]);
  }
  found.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  const out: [number, number][] = [];
  for (const range of found) {
    const last = out.at(-1);
    if (last && range[0] < last[1]) last[1] = Math.max(last[1], range[1]);
    else out.push([...range]);
  }
  return out;
}

export function Highlight({ text, values }: { text: string; values: readonly string[] }) {
  const parts: { at: number; text: string; hit: boolean }[] = [];
  let end = 0;
  for (const [from, to] of ranges(text, values)) {
    if (from > end) parts.push({ at: end, text: text.slice(end, from), hit: false });
    parts.push({ at: from, text: text.slice(from, to), hit: true });
    end = to;
  }
  if (end < text.length) parts.push({ at: end, text: text.slice(end), hit: false });
  return <>{parts.map((p) => (p.hit ? <mark key={p.at}>{p.text}</mark> : <span key={p.at}>{p.text}</span>))}</>;
}
