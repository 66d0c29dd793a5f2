import type { RawEndpoint } from "~/api/schema";

export type Pair = [name: string, value: string];

/** A request as it is being written. */
export interface Draft {
  method: string;
  /** Below the base URL; parameters stand in braces. */
  path: string;
  parameters: Record<string, string>;
  query: Pair[];
  headers: Pair[];
  body: string;
}

/** Whose request it is. */
export interface Whom {
  connection: string;
  tenant?: string | undefined;
  test?: boolean | undefined;
}

/** What `POST /v1/try` takes. */
export interface Wanted {
  connection: string;
  tenant?: string;
  test?: boolean;
  method: string;
  path: string;
  headers: Pair[];
  body?: string;
}

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;

/** A request to this endpoint, or to the base URL itself. */
export function startOf(endpoint: Pick<RawEndpoint, "method" | "path"> | undefined): Draft {
  const method = endpoint?.method ?? "GET";
  const headers: Pair[] = [["Accept", "application/json"]];
  if (takesBody(method)) headers.push(["Content-Type", "application/json"]);
  return { method, path: endpoint?.path ?? "/", parameters: {}, query: [], headers, body: "" };
}

/** Those whose body means something. */
export function takesBody(method: string): boolean {
  return !["GET", "HEAD", "OPTIONS", "DELETE"].includes(method);
}

/** The names that stand in braces, each once. */
export function parametersOf(path: string): string[] {
  return [...new Set([...path.matchAll(/\{([^{}/]+)\}/g)].map((it) => it[1] as string))];
}

/** The parameters that have no value yet. */
export function missing(draft: Draft): string[] {
  return parametersOf(draft.path).filter((it) => !draft.parameters[it]);
}

/** The path and query as they are sent: values escaped, what was typed as it is. */
export function targetOf(draft: Draft): string {
  const path = draft.path.replace(/\{([^{}/]+)\}/g, (whole, name: string) => {
    const value = draft.parameters[name];
    return value ? encodeURIComponent(value) : whole;
  });
  const query = draft.query
    .filter(([name]) => name !== "")
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
  const sign = path.includes("?") ? "&" : "?";
  const whole = query ? `${path}${sign}${query}` : path;
  const plain = whole.replace(/[^\x21-\x7e]+/gu, encodeURIComponent);
  return plain.startsWith("/") ? plain : `/${plain}`;
}

/** A row without a name is not sent. */
function isSent([name]: Pair): boolean {
  return name.trim() !== "";
}

/** Where the API says what is wrong with a header's name (0) or value (1): by its place among those that are sent. */
export function headerPointer(headers: Pair[], row: number, at: 0 | 1): string | undefined {
  const header = headers[row];
  if (!header || !isSent(header)) return undefined;
  return `/headers/${headers.slice(0, row).filter(isSent).length}/${at}`;
}

export function wantedOf(draft: Draft, whom: Whom): Wanted {
  return {
    connection: whom.connection,
    ...(whom.tenant && { tenant: whom.tenant }),
    ...(whom.test && { test: true }),
    method: draft.method,
    path: targetOf(draft),
    headers: draft.headers.filter(isSent).map(([name, value]) => [name.trim(), value]),
    ...(draft.body && { body: draft.body }),
  };
}

/** JSON with its lines broken; nothing where it is none. */
export function pretty(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined;
  }
}

/** What is wrong with a body that says it is JSON. */
export function bodyFault(draft: Draft): string | undefined {
  if (draft.body.trim() === "") return undefined;
  const type = draft.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
  if (!/[/+]json\b/i.test(type)) return undefined;
  try {
    JSON.parse(draft.body);
    return undefined;
  } catch (error) {
    return `This is not JSON yet: ${error instanceof Error ? error.message : "it can't be read"}`;
  }
}
