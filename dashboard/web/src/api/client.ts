/**
 * The one door to the HTTP API: JSON in, JSON out, problems as `ApiError`. Keeps no state and never retries; callers decide.
 */

import type { Language } from "../i18n";
import { learnServerTime } from "../time/clock";
import { personPresent } from "./presence";
import type { QueryFault } from "./types";

/** A refusal or failure. `kind` is the short name of the problem (`conflict`), `code` its stable code (`FSP-API-014`). */
export class ApiError extends Error {
  readonly status: number;
  readonly kind: string;
  readonly code: string | null;
  readonly detail: string | null;
  /** The same in Vietnamese. */
  readonly detailVi: string | null;
  /** For `bad_query`: where the query is wrong. */
  readonly query: QueryFault | null;

  constructor(
    status: number,
    kind: string,
    more: { code?: string | null; detail?: string | null; detailVi?: string | null; query?: QueryFault | null } = {},
  ) {
    super(more.detail ?? kind);
    this.name = "ApiError";
    this.status = status;
    this.kind = kind;
    this.code = more.code ?? null;
    this.detail = more.detail ?? null;
    this.detailVi = more.detailVi ?? null;
    this.query = more.query ?? null;
  }

  /** What the server says of this very case. */
  said(language: Language): string | null {
    return (language === "vi" && this.detailVi) || this.detail;
  }
}

type Params = Record<string, string | number | boolean | null | undefined>;

/** `path` below /api/v1 with the given query; empty and absent values are left out. */
export function url(path: string, params: Params = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, String(value));
  }
  const text = query.toString();
  return `/api/v1${path}${text ? `?${text}` : ""}`;
}

async function problem(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as Record<string, unknown>;
    const text = (name: string) => (typeof body[name] === "string" ? (body[name] as string) : null);
    const kind = /^urn:fansipan:problem:(\w+)$/.exec(text("type") ?? "")?.[1] ?? "unknown";
    return new ApiError(response.status, kind, {
      code: text("code"),
      detail: text("detail"),
      detailVi: text("detail_vi"),
      query: body.query as QueryFault | undefined,
    });
  } catch {
    // A proxy or a dying server answers with something else than problem+json.
    return new ApiError(response.status, "unknown");
  }
}

let onExpired: () => void = () => {};

/** What to do when the server says that nobody is signed in any more. */
export function whenExpired(action: () => void): void {
  onExpired = action;
}

async function ask(method: string, target: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Fansipan"] = "1";
  else if (!personPresent()) headers["X-Fansipan-Background"] = "1";
  if (body !== undefined) headers["Content-Type"] = body instanceof Blob ? "application/octet-stream" : "application/json";
  const init: RequestInit = { method, headers, credentials: "same-origin", signal };
  if (body !== undefined) init.body = body instanceof Blob ? body : JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(target, init);
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, "unreachable");
  }
  learnServerTime(response.headers.get("Date"));
  if (!response.ok) {
    const error = await problem(response);
    if (error.status === 401 && error.kind !== "login_failed" && error.kind !== "second_factor_needed") onExpired();
    throw error;
  }
  return response;
}

async function call<T>(method: string, target: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const text = await (await ask(method, target, body, signal)).text();
  return (text ? JSON.parse(text) : null) as T;
}

export const get = <T>(path: string, params?: Params, signal?: AbortSignal) => call<T>("GET", url(path, params), undefined, signal);
export const post = <T>(path: string, body?: unknown) => call<T>("POST", url(path), body ?? {});
/** Sends the bytes of a file as they are. */
export const upload = <T>(path: string, params: Params, file: Blob) => call<T>("POST", url(path, params), file);
/** A file, and what the answer says of it. */
export async function download(path: string): Promise<{ file: Blob; headers: Headers }> {
  const response = await ask("GET", url(path));
  return { file: await response.blob(), headers: response.headers };
}
export const remove = (path: string) => call<null>("DELETE", url(path));
