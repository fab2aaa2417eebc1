/** What a test may do to the mock. */
export interface MockAlert {
  id: string;
  rule: { id: string; level: string };
  entities: { value: string }[];
  status: string;
  assignee: string | null;
  reason?: string | null;
  version: number;
  /** Its place in the queue. */
  priority: number;
}

export interface MockIncident {
  id: string;
  title: string;
  title_vi: string;
  status: string;
  assignee: string | null;
  version: number;
  items: { id: string }[];
  entities: { value: string }[];
  workspace?: {
    stage: string;
    facts: Record<string, string>;
    items: { id?: string; at?: string; who?: string; version?: number; kind: string; body: Record<string, unknown> }[];
  };
}

export interface Mock {
  url: string;
  state: {
    store: { alerts: MockAlert[]; incidents: MockIncident[] };
    /** What the stream says every two seconds. */
    tick(): unknown;
    sessions: Map<string, unknown>;
    /** Credentials of enrolled screens. */
    walls: Set<string>;
    users: Map<string, { password: string; user: { language: string } }>;
    /** Paths that answer 503. */
    faults: Set<string>;
    /** The centre's own map, where a test sets one. */
    map?: unknown;
    /** What the overview says of countries, where a test says it. */
    countries?: unknown;
  };
  /** Raises an alert of the rule with this index and streams it. */
  raise(index?: number, priority?: number): MockAlert;
  /** A critical incident opens. */
  openIncident(): MockIncident;
  /** Sends a message to every open stream. */
  send(event: string, data: unknown): void;
  stop(): Promise<void>;
}

export function startMock(options?: { port?: number; live?: boolean; seed?: number; events?: number; alerts?: number }): Promise<Mock>;
