/**
 * A stand-in for the Fansipan server, for developing and testing the console: serves dist/ and the REST contract with invented data.
 * Loopback only; never part of the product.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { makeIncidents, openIncident } from "./incidents.mjs";
import { routes } from "./routes.mjs";
import { live, makeStore, raise } from "./store.mjs";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".json": "application/json",
};
/** The product's own policy, so that what works here works there. */
const policy = (nonce) =>
  `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; style-src-attr 'unsafe-inline'; img-src 'self' data:; ` +
  `font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`;

async function file(path, response) {
  const safe = normalize(path).replace(/^([/\\]|\.\.)+/, "");
  const name = safe.startsWith("assets/") || Object.hasOwn(TYPES, extname(safe)) ? safe : "index.html";
  try {
    let body = await readFile(join(DIST, name));
    const headers = {
      "Content-Type": TYPES[extname(name)] ?? "application/octet-stream",
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": name.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-store",
    };
    if (name === "index.html") {
      const nonce = randomBytes(16).toString("hex");
      headers["Content-Security-Policy"] = policy(nonce);
      body = body.toString().replace("<head>", `<head><meta name="csp-nonce" content="${nonce}">`);
    }
    response.writeHead(200, headers);
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (request.headers["content-type"] === "application/octet-stream") return bytes;
  return bytes.length ? JSON.parse(bytes.toString()) : {};
}

/** Starts the mock. `live: false` keeps the world still, so that a test decides what happens. */
export async function startMock({ port = 0, live: alive = true, ...options } = {}) {
  const store = makeStore(options);
  store.incidents = makeIncidents(store);
  const state = {
    store,
    sessions: new Map(),
    streams: new Set(),
    users: new Map(),
    bulk: new Map(),
    walls: new Set(),
    wallCode: "abcd-efgh-ijkl",
    faults: new Set(),
  };
  state.users.set("admin", {
    password: "Mot-Lan-1234",
    user: { name: "admin", display_name: "Quản trị viên", roles: ["administrator"], must_change_password: true, language: "vi" },
  });
  state.users.set("analyst", {
    password: "fansipan",
    user: { name: "analyst", display_name: "Lò Thị Thu Hương", roles: ["analyst"], must_change_password: false, language: "vi" },
  });
  state.users.set("responder", {
    password: "fansipan",
    user: { name: "responder", display_name: "Vàng A Sử", roles: ["responder"], must_change_password: false, language: "vi" },
  });
  state.users.set("engineer", {
    password: "fansipan",
    user: { name: "engineer", display_name: "Giàng A Páo", roles: ["engineer"], must_change_password: false, language: "vi" },
  });
  // Everything a person may do, so that every control is on its page.
  state.users.set("chief", {
    password: "fansipan",
    user: {
      name: "chief",
      display_name: "Mùa A Sinh",
      roles: ["analyst", "responder", "engineer", "administrator"],
      must_change_password: false,
      language: "vi",
    },
  });
  state.users.set("viewer", {
    password: "fansipan",
    user: { name: "viewer", display_name: "Người xem", roles: ["viewer"], must_change_password: false, language: "vi" },
  });
  const send = (event, data) => {
    for (const stream of state.streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  state.send = send;
  state.tick = () => ({
    at: new Date().toISOString(),
    events_total: store.total,
    per_second: store.perSecond,
    open_alerts: store.alerts.filter((a) => a.status === "new" || a.status === "acknowledged").length,
    lag: { analyzer: 12, indexer: 140, seconds: 0.4 },
    sources_active: 12,
  });
  const answer = routes(state);
  const server = createServer(async (request, response) => {
    const target = new URL(request.url, "http://mock");
    try {
      // The console reads the time here; a test may have moved the clock.
      response.setHeader("Date", new Date().toUTCString());
      if (!target.pathname.startsWith("/api/")) return await file(decodeURIComponent(target.pathname), response);
      const input = request.method === "GET" ? {} : await body(request);
      await answer(request, response, target, input);
    } catch (error) {
      if (!response.headersSent) response.writeHead(500, { "Content-Type": "application/problem+json" });
      response.end(
        JSON.stringify({
          type: "urn:fansipan:problem:internal",
          title: "Internal error",
          status: 500,
          code: "FSP-API-019",
          detail: String(error.stack),
        }),
      );
    }
  });
  const timers = [setInterval(() => send("tick", state.tick()), 2000)];
  if (alive) {
    timers.push(setInterval(() => live(store), 700));
    timers.push(setInterval(() => send("alert", raise(store)), 15_000));
  }
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    state,
    /** Raises an alert of RULES[index], at a place in the queue, and streams it. */
    raise: (index, priority) => {
      const alert = raise(store, index, priority);
      send("alert", alert);
      return alert;
    },
    /** A critical incident opens; its last alert is streamed. */
    openIncident: () => {
      const incident = openIncident(store);
      send("alert", incident.items.at(-1));
      return incident;
    },
    /** Sends a message to every open stream. */
    send,
    stop: () => {
      for (const timer of timers) clearInterval(timer);
      for (const stream of state.streams) stream.end();
      server.closeAllConnections();
      return new Promise((done) => server.close(done));
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock({ port: Number(process.env.PORT ?? 8444) });
  console.log(`console with invented data: ${mock.url}  (analyst / fansipan, or admin / Mot-Lan-1234 to see the forced change)`);
}
