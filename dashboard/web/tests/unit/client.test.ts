/** How the console asks: marked as a browser's own, marked as background when nobody is there, refusals told apart. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, get, post, url, whenExpired } from "../../src/api/client";

const answer = vi.fn<(target: string, init: RequestInit) => Promise<Response>>();
const headers = () => (answer.mock.lastCall?.[1].headers ?? {}) as Record<string, string>;
const problem = (status: number, kind: string, more = {}) =>
  Promise.resolve(
    new Response(JSON.stringify({ type: `urn:fansipan:problem:${kind}`, title: "t", status, code: "FSP-API-001", detail: "d", ...more }), {
      status,
    }),
  );

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", answer);
  answer.mockImplementation(() => Promise.resolve(new Response("{}")));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("requests", () => {
  it("leave empty parameters out", () => {
    expect(url("/alerts", { q: "", level: undefined, after: null, limit: 5, x: "a&b=ü" })).toBe("/api/v1/alerts?limit=5&x=a%26b%3D%C3%BC");
  });

  it("of nobody's hands do not keep a session alive", async () => {
    window.dispatchEvent(new Event("keydown"));
    await get("/overview");
    expect(headers()["X-Fansipan-Background"]).toBeUndefined();
    vi.advanceTimersByTime(11_000);
    await get("/overview");
    expect(headers()["X-Fansipan-Background"]).toBe("1");
    window.dispatchEvent(new Event("wheel"));
    await get("/overview");
    expect(headers()["X-Fansipan-Background"]).toBeUndefined();
  });

  it("that change something carry the header a form cannot", async () => {
    await post("/alerts/1/status", { status: "new" });
    expect(headers()).toMatchObject({ "X-Fansipan": "1", "Content-Type": "application/json" });
  });
});

describe("refusals", () => {
  it("say what and where", async () => {
    answer.mockImplementation(() =>
      problem(400, "bad_query", { query: { position: 3, code: "FSP-Q001", message: "m", message_vi: "m", help: "h", help_vi: "h" } }),
    );
    await expect(get("/events")).rejects.toMatchObject({ status: 400, kind: "bad_query", code: "FSP-API-001", query: { position: 3 } });
  });

  it("without a problem in them are still errors", async () => {
    answer.mockImplementation(() => Promise.resolve(new Response("<h1>Bad gateway</h1>", { status: 502 })));
    await expect(get("/events")).rejects.toMatchObject({ status: 502, kind: "unknown" });
    answer.mockImplementation(() => Promise.reject(new TypeError("Failed to fetch")));
    await expect(get("/events")).rejects.toBeInstanceOf(ApiError);
    await expect(get("/events")).rejects.toMatchObject({ status: 0, kind: "unreachable" });
  });

  it("of an ended session are heard; of a wrong password are not", async () => {
    const expired = vi.fn();
    whenExpired(expired);
    answer.mockImplementation(() => problem(401, "login_failed"));
    await post("/session", {}).catch(() => null);
    expect(expired).not.toHaveBeenCalled();
    answer.mockImplementation(() => problem(401, "not_authenticated"));
    await get("/alerts").catch(() => null);
    expect(expired).toHaveBeenCalledOnce();
  });
});
