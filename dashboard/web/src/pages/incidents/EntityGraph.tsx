/** The entity graph, drawn as SVG: a click or Enter on a node expands it to what its events hold; its menu goes further. */
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { IncidentDetail } from "../../api/incidents";
import { facetsQuery } from "../../api/queries";
import type { EntityKind } from "../../api/types";
import { condition } from "../../query/build";
import { useText } from "../../time/useText";
import { instant } from "../../time/zone";
import { entityGraph, type GraphNode, HEIGHT, type Related, WIDTH } from "./graph";
import styles from "./Incident.module.css";

/** What related events are asked for, and what kind of thing each field holds. */
const FIELDS: Record<string, EntityKind> = {
  "source.ip": "address",
  "destination.ip": "address",
  "user.name": "user",
  "host.name": "host",
  "process.name": "process",
  "file.hash.sha256": "hash",
};
/** Values taken over from each field. */
const EACH = 3;
const HOUR = 3_600_000;

/** The incident's time with an hour either side. */
export const around = (incident: IncidentDetail): { from: string; to: string } => ({
  from: new Date(instant(incident.first_seen) - HOUR).toISOString(),
  to: new Date(instant(incident.last_seen) + HOUR).toISOString(),
});

const cut = (text: string): string => (text.length > 22 ? `${text.slice(0, 20)}…` : text);

interface NodeProps {
  node: GraphNode;
  selected: boolean;
  onSelect: (node: GraphNode) => void;
}

function Node({ node, selected, onSelect }: NodeProps) {
  const { t } = useTranslation();
  const radius = node.related ? 7 : 9 + Math.min(9, Math.sqrt(node.alerts) * 2);
  return (
    <g
      className={styles.node}
      transform={`translate(${node.x} ${node.y})`}
      data-level={node.level}
      data-related={node.related}
      data-on={selected}
      data-testid="graph-node"
      role="button"
      tabIndex={0}
      aria-pressed={selected}
      onClick={() => onSelect(node)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        onSelect(node);
      }}
    >
      <circle r={radius} />
      <text y={-radius - 5} className={styles.nodeKind}>
        {t(`entity.${node.kind}`)}
      </text>
      <text y={radius + 18}>{cut(node.value)}</text>
      {/* the whole value, where the words above were cut */}
      <title>{node.value}</title>
    </g>
  );
}

function NodeCard({ node, incident, busy }: { node: GraphNode; incident: IncidentDetail; busy: boolean }) {
  const { t } = useTranslation();
  const text = useText();
  return (
    <div className={styles.nodeCard} data-testid="graph-card">
      <span className="dim">{t(`entity.${node.kind}`)}</span>
      <span className="mono cut grow" title={node.value}>
        {node.value}
      </span>
      <span className="dim num">{busy ? t("state.loading") : t("overview.count_alerts", { value: text.number(node.alerts) })}</span>
      <Link to="/entity" search={{ kind: node.kind, value: node.value }} className={styles.link}>
        {t("incidents.entity_page")}
      </Link>
      <Button
        variant="default"
        size="compact-xs"
        leftSection={<Search size={12} />}
        renderRoot={(props) => <Link {...props} to="/search" search={{ q: condition(node.field, node.value), ...around(incident) }} />}
      >
        {t("incidents.related_events")}
      </Button>
    </div>
  );
}

export function EntityGraph({ incident }: { incident: IncidentDetail }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<GraphNode | null>(null);
  const facets = useQuery({
    ...facetsQuery(chosen ? condition(chosen.field, chosen.value) : "", around(incident), Object.keys(FIELDS)),
    enabled: chosen !== null,
  });
  const related = useMemo((): Related[] => {
    if (!chosen || !facets.data || facets.isPlaceholderData) return [];
    return facets.data.facets.flatMap(({ field, values }) =>
      values.slice(0, EACH).map(({ value }) => ({ kind: FIELDS[field] ?? "host", field, value, beside: chosen.key })),
    );
  }, [chosen, facets.data, facets.isPlaceholderData]);
  const { nodes, edges } = useMemo(() => entityGraph(incident.items, related), [incident.items, related]);
  const at = new Map(nodes.map((n) => [n.key, n]));
  if (nodes.length === 0) return <p className="dim">{t("incidents.no_entities")}</p>;
  return (
    <div className={styles.graph}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label={t("incidents.graph")}>
        {edges.map(({ from, to, weight }) => {
          const [a, b] = [at.get(from), at.get(to)];
          return (
            a &&
            b && (
              <line
                key={`${from}\n${to}`}
                className={styles.edge}
                data-related={a.related || b.related}
                data-on={chosen?.key === from || chosen?.key === to}
                x1={a.x}
                y1={a.y}
                x2={b.x}
                y2={b.y}
                strokeWidth={Math.min(5, 1 + Math.log2(weight))}
              />
            )
          );
        })}
        {nodes.map((node) => (
          <Node
            key={node.key}
            node={node}
            selected={chosen?.key === node.key}
            onSelect={(n) => setChosen(chosen?.key === n.key ? null : n)}
          />
        ))}
      </svg>
      {chosen ? (
        <NodeCard node={chosen} incident={incident} busy={facets.isFetching} />
      ) : (
        <p className="faint">{t("incidents.graph_hint")}</p>
      )}
    </div>
  );
}
