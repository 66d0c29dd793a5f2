import createClient from "openapi-fetch";
import { ApiError } from "./problem";
import type { paths } from "./schema";

/**
 * Proves that a request comes from this page and not from another site: the session's cookie alone opens nothing.
 * Held in memory only, and had from `GET /console/session`.
 */
let csrf: string | undefined;
let onRefused: (proof: string | undefined) => Promise<boolean> = async () => false;

export function setCsrf(token: string | undefined) {
  csrf = token;
}

/**
 * Told when an answer says that the session is over, with what the request was proved by. It finds out whether that is so,
 * and whether the browser has another session by now.
 */
export function whenRefused(act: typeof onRefused) {
  onRefused = act;
}

/** What the session is asked for by. */
const SESSION = "/console/session";

async function ask(request: Request): Promise<Response> {
  if (new URL(request.url).pathname === SESSION) return send(request);
  // Who is signed out has a page that waits: it asks nothing meanwhile.
  if (csrf === undefined) throw new ApiError(401, { detail: "You are signed out: sign in to go on." });
  const proof = csrf;
  const response = await send(request);
  if (response.status !== 401) return response;
  const isRenewed = await onRefused(proof);
  // What was refused has done nothing; what only reads is asked again by itself.
  if (isRenewed && request.method === "GET") return send(request);
  if (csrf === proof) return response;
  throw new ApiError(401, {
    detail: "Your session had ended, so nothing was done. Do it again once you are signed in.",
  });
}

async function send(request: Request): Promise<Response> {
  if (csrf) request.headers.set("Attache-Console", csrf);
  try {
    return await fetch(request);
  } catch (error) {
    throw unreachable(error);
  }
}

/** What did not arrive, or broke off: in words, as what the API says. */
function unreachable(error: unknown): unknown {
  return error instanceof DOMException && error.name === "AbortError" ? error : new ApiError(0, {});
}

/** The API by its own description: paths, parameters, bodies and answers have the types of openapi.json. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: ask });

interface Answered<T> {
  data?: T | undefined;
  error?: unknown;
  response: Response;
}

/** What was asked for, or an {@link ApiError} thrown. */
export async function given<T>(asked: Promise<Answered<T>>): Promise<NonNullable<T>> {
  const { data, error, response } = await asked;
  if (!response.ok) throw new ApiError(response.status, (error ?? {}) as Record<string, unknown>);
  return (data ?? {}) as NonNullable<T>;
}

/** The same with the version of what was read, for `If-Match`. */
export async function versioned<T>(
  asked: Promise<Answered<T>>,
): Promise<{ value: NonNullable<T>; etag: string | null }> {
  const answered = await asked;
  const value = await given(Promise.resolve(answered));
  return { value, etag: answered.response.headers.get("ETag") };
}

/** A request whose answer is read as it comes: streams, and bodies that are no JSON. */
export async function raw(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await ask(new Request(new URL(path, location.origin), init));
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new ApiError(response.status, body);
}

/** JSON there and back, where the types of the description don't serve. */
export async function json<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<T> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const type: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await raw(path, { method, ...sent, headers: { ...type, ...headers }, ...(signal && { signal }) });
  const text = await response.text().catch((error) => {
    throw unreachable(error);
  });
  return parsed<T>(text);
}

/** JSON, or in words that it is none: something between the browser and attache has answered. */
function parsed<T>(text: string): T {
  try {
    return (text ? JSON.parse(text) : undefined) as T;
  } catch {
    throw new ApiError(0, { detail: "What answered is not attache: is there a proxy or a sign-in page in between?" });
  }
}
