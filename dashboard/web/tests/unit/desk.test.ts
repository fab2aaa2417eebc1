/** What an analyst does to alerts, against a server that answers slowly. */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Alert } from "../../src/api/types";
import { Desk } from "../../src/pages/alerts/desk";

const taken = { id: "a", status: "acknowledged", assignee: "lan", reason: null, version: 2 } as unknown as Alert;

/** A server with one alert that answers changes after a while. */
function slowServer(alert: Alert) {
  const state = { ...alert };
  vi.stubGlobal("fetch", async (_url: string, init: RequestInit) => {
    Object.assign(state, JSON.parse(String(init.body)), { version: state.version + 1 });
    await new Promise((done) => setTimeout(done, 20));
    return new Response(JSON.stringify(state), { status: 200, headers: { "content-type": "application/json" } });
  });
  return state;
}

describe("the desk", () => {
  afterEach(() => void vi.unstubAllGlobals());

  it("undoes a verdict the server has not answered yet, not the change before it", async () => {
    const server = slowServer({ ...taken, status: "new", assignee: null });
    const said: string[] = [];
    const desk = new Desk({
      me: "lan",
      read: async () => ({ ...server }),
      show: () => {},
      done: ({ kind }) => said.push(kind),
      undone: () => said.push("undone"),
      nothingToUndo: () => said.push("nothing"),
      refused: () => said.push("refused"),
      changedMany: () => said.push("many"),
      refusedMany: () => said.push("refused many"),
    });
    expect(await desk.claim({ ...server })).toBe(true);
    const verdict = desk.judge({ ...server }, "false_positive", "parsing");
    expect(await desk.undo()).toBe("a");
    await verdict;
    expect(said).toEqual(["judge", "undone"]);
    expect(server).toMatchObject({ status: "acknowledged", assignee: "lan" });
  });

  it("judges what a claim on its way brings, though the page still shows what was before it", async () => {
    const stale = { ...taken, id: "b", status: "new", assignee: null, version: 1 } as Alert;
    const server = slowServer(stale);
    const versions: unknown[] = [];
    const answer = globalThis.fetch;
    vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
      versions.push(JSON.parse(String(init.body)).version);
      return answer(url, init);
    });
    const nothing = () => {};
    const desk = new Desk({
      me: "lan",
      read: async () => ({ ...server }),
      show: nothing,
      done: nothing,
      undone: nothing,
      nothingToUndo: nothing,
      refused: (error) => expect.fail(String(error)),
      changedMany: nothing,
      refusedMany: nothing,
    });
    const claim = desk.claim({ ...stale });
    await desk.judge({ ...stale }, "false_positive", "parsing");
    expect(await claim).toBe(true);
    expect(server.status).toBe("false_positive");
    expect(versions).toEqual([...versions].sort()); // every change on the version that the one before it made
    expect(new Set(versions).size).toBe(versions.length);
    await desk.undo();
    expect(server).toMatchObject({ status: "acknowledged", assignee: "lan" });
  });
});
