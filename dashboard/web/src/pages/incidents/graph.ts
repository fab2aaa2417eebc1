/** The graph of an incident: what its alerts are about and which of it appears together. Places are computed, the same each time. Pure. */
import type { Alert, Entity, EntityKind, Level } from "../../api/types";
import { LEVELS } from "../../api/types";

export interface GraphNode {
  key: string;
  kind: EntityKind;
  field: string;
  value: string;
  /** Alerts it stands in. */
  alerts: number;
  level: Level;
  /** Found among related events, not in an alert. */
  related: boolean;
  x: number;
  y: number;
}

export interface GraphEdge {
  from: string;
  to: string;
  /** Alerts that hold both. */
  weight: number;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** A related value: seen in events beside `beside`. */
export interface Related extends Entity {
  beside: string;
}

export const WIDTH = 1000;
export const HEIGHT = 680;
/** More would be a ball of wool. */
const MOST = 40;

export const keyOf = (entity: Pick<Entity, "kind" | "value">): string => `${entity.kind}:${entity.value}`;

const worse = (a: Level, b: Level): Level => (LEVELS.indexOf(a) <= LEVELS.indexOf(b) ? a : b);

function collect(alerts: readonly Alert[], related: readonly Related[]): Graph {
  const nodes = new Map<string, GraphNode>();
  const edges = new Map<string, GraphEdge>();
  for (const alert of alerts) {
    const keys = [...new Set(alert.entities.map(keyOf))];
    for (const entity of alert.entities) {
      const key = keyOf(entity);
      const known = nodes.get(key);
      if (known) {
        known.alerts++;
        known.level = worse(known.level, alert.rule.level);
      } else nodes.set(key, { ...entity, key, alerts: 1, level: alert.rule.level, related: false, x: 0, y: 0 });
    }
    for (const [i, from] of keys.entries()) {
      for (const to of keys.slice(i + 1)) {
        const [a, b] = from < to ? [from, to] : [to, from];
        const edge = edges.get(`${a}\n${b}`) ?? { from: a, to: b, weight: 0 };
        edge.weight++;
        edges.set(`${a}\n${b}`, edge);
      }
    }
  }
  const shown = new Map([...nodes].sort((a, b) => b[1].alerts - a[1].alerts).slice(0, MOST));
  for (const { beside, ...entity } of related) {
    const key = keyOf(entity);
    if (!shown.has(beside)) continue;
    if (!shown.has(key)) shown.set(key, { ...entity, key, alerts: 0, level: "informational", related: true, x: 0, y: 0 });
    if (key !== beside) edges.set(`${beside}\n${key}\nrelated`, { from: beside, to: key, weight: 1 });
  }
  return { nodes: [...shown.values()], edges: [...edges.values()].filter((e) => shown.has(e.from) && shown.has(e.to)) };
}

const ROUNDS = 260;

/** Springs and repulsion from a circle outwards, cooling down; then fitted into the picture. */
function settle({ nodes, edges }: Graph): void {
  const at = new Map(nodes.map((n, i) => [n.key, i]));
  const place = nodes.map((_, i) => {
    // The golden angle spreads them without chance.
    const angle = i * 2.399963;
    const radius = 40 * Math.sqrt(i + 1);
    return { x: Math.cos(angle) * radius, y: Math.sin(angle) * radius };
  });
  for (let round = 0; round < ROUNDS; round++) {
    const heat = 26 * (1 - round / ROUNDS);
    const move = place.map((p) => ({ x: -p.x * 0.012, y: -p.y * 0.02 }));
    for (const [i, a] of place.entries()) {
      for (const [j, b] of place.entries()) {
        if (i === j) continue;
        const dx = a.x - b.x || 0.01 * (i - j);
        const dy = a.y - b.y || 0.01 * (j - i);
        const push = 9_000 / (dx * dx + dy * dy + 40);
        const size = Math.hypot(dx, dy);
        const own = move[i];
        if (own) {
          own.x += (dx / size) * push;
          own.y += (dy / size) * push;
        }
      }
    }
    for (const { from, to } of edges) pull(place, move, at.get(from) ?? 0, at.get(to) ?? 0);
    for (const [i, p] of place.entries()) {
      const m = move[i] ?? { x: 0, y: 0 };
      const size = Math.hypot(m.x, m.y) || 1;
      const step = Math.min(size, heat);
      p.x += (m.x / size) * step;
      p.y += (m.y / size) * step;
    }
  }
  frame(nodes, place);
}

/** What a node with its words takes, in the drawing's units. */
const WORDS = { across: 190, down: 74 };

/** Moves nodes whose words lie over each other apart, along the way that is shorter. */
function spread(nodes: GraphNode[]): void {
  for (let round = 0; round < 80; round++) {
    let moved = false;
    for (const [i, a] of nodes.entries()) {
      for (const b of nodes.slice(i + 1)) {
        const across = WORDS.across - Math.abs(a.x - b.x);
        const down = WORDS.down - Math.abs(a.y - b.y);
        if (across <= 0 || down <= 0) continue;
        moved = true;
        if (across / WORDS.across < down / WORDS.down) push(a, b, "x", across / 2);
        else push(a, b, "y", down / 2);
      }
    }
    for (const node of nodes) {
      node.x = Math.max(100, Math.min(WIDTH - 100, node.x));
      node.y = Math.max(40, Math.min(HEIGHT - 44, node.y));
    }
    if (!moved) return;
  }
}

function push(a: GraphNode, b: GraphNode, way: "x" | "y", by: number): void {
  const [low, high] = a[way] <= b[way] ? [a, b] : [b, a];
  low[way] -= by / 2;
  high[way] += by / 2;
}

interface Point {
  x: number;
  y: number;
}

function pull(place: Point[], move: Point[], i: number, j: number): void {
  const [a, b, ma, mb] = [place[i], place[j], move[i], move[j]];
  if (!a || !b || !ma || !mb) return;
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const size = Math.hypot(dx, dy) || 1;
  const force = (size - 110) * 0.03;
  ma.x += (dx / size) * force;
  ma.y += (dy / size) * force;
  mb.x -= (dx / size) * force;
  mb.y -= (dy / size) * force;
}

function frame(nodes: GraphNode[], place: Point[]): void {
  const xs = place.map((p) => p.x);
  const ys = place.map((p) => p.y);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const across = Math.max(...xs) - left || 1;
  const down = Math.max(...ys) - top || 1;
  for (const [i, node] of nodes.entries()) {
    const p = place[i] ?? { x: 0, y: 0 };
    node.x = nodes.length === 1 ? WIDTH / 2 : 110 + ((p.x - left) / across) * (WIDTH - 220);
    node.y = nodes.length === 1 ? HEIGHT / 2 : 40 + ((p.y - top) / down) * (HEIGHT - 90);
  }
}

export function entityGraph(alerts: readonly Alert[], related: readonly Related[] = []): Graph {
  const graph = collect(alerts, related);
  settle(graph);
  spread(graph.nodes);
  return graph;
}
