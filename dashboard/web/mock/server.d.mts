/** What a test may do to the mock. */
export interface MockAlert {
  id: string;
  status: string;
  assignee: string | null;
  reason?: string | null;
  version: number;
}

export interface Mock {
  url: string;
  state: {
    store: { alerts: MockAlert[] };
    sessions: Map<string, unknown>;
    users: Map<string, { password: string; user: { language: string } }>;
    /** Paths that answer 503. */
    faults: Set<string>;
  };
  /** Raises an alert of the rule with this index and streams it. */
  raise(index?: number): MockAlert;
  stop(): Promise<void>;
}

export function startMock(options?: { port?: number; live?: boolean; seed?: number; events?: number; alerts?: number }): Promise<Mock>;
