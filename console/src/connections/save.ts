import { json, raw } from "~/api/client";
import { part } from "~/api/pages";
import { ApiError } from "~/api/problem";
import type { Connection, Connector } from "~/api/schema";
import { connectionBody, type Draft, methodConflict, methodKeyOf } from "./draft";

/** What a write says that is not so yet. */
export interface Saved {
  connection: Connection;
  notice?: string;
}

/** The auth method where it is new or adjusted, under the key that is answered. Nobody else's is written over. */
export async function saveMethod(draft: Draft, connector: Connector): Promise<string> {
  const key = methodKeyOf(draft, connector);
  if (draft.way === "reuse") return key;
  const path = `/v1/connectors/${part(connector.key)}`;
  const response = await raw(path);
  const now = (await response.json()) as Connector;
  const fault = methodConflict(draft, key, connector, now);
  if (fault) throw new ApiError(409, { detail: fault });
  const etag = response.headers.get("ETag");
  await json("PUT", `${path}/auth/${part(key)}`, draft.method, etag ? { "If-Match": etag } : {});
  return key;
}

/** The connection, whose method is there already. Sent again with the same key, it is made once. */
export async function saveConnection(draft: Draft, connector: Connector, once: string): Promise<Saved> {
  const body = connectionBody(draft, connector);
  const answer = await json<Connection & { notice?: string }>("POST", "/v1/connections", body, {
    "Idempotency-Key": once,
  });
  return { connection: answer, ...(answer.notice && { notice: answer.notice }) };
}

/** Puts it where it came from: the cell of an environment that was empty. */
export async function assign(environment: string, alias: string, connection: string): Promise<void> {
  const type = { "Content-Type": "application/merge-patch+json" };
  await json("PATCH", `/v1/environments/${part(environment)}`, { assign: { [alias]: connection } }, type);
}
