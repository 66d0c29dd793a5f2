import { json, raw } from "~/api/client";
import { onceKey } from "~/api/once";
import { part } from "~/api/pages";
import type { Connection, Connector } from "~/api/schema";
import { connectionBody, type Draft, methodKeyOf } from "./draft";

/** What a write says that is not so yet. */
export interface Saved {
  connection: Connection;
  notice?: string;
}

/** The auth method where it is new or adjusted, under the key that is answered. */
export async function saveMethod(draft: Draft, connector: Connector): Promise<string> {
  const key = methodKeyOf(draft, connector);
  if (draft.way === "reuse") return key;
  const path = `/v1/connectors/${part(connector.key)}/auth/${part(key)}`;
  if (draft.way === "new") {
    await json("PUT", path, draft.method);
    return key;
  }
  const etag = (await raw(path)).headers.get("ETag");
  await json("PUT", path, draft.method, etag ? { "If-Match": etag } : {});
  return key;
}

/** The connection, whose method is there already. */
export async function saveConnection(draft: Draft, connector: Connector): Promise<Saved> {
  const body = connectionBody(draft, connector);
  const answer = await json<Connection & { notice?: string }>("POST", "/v1/connections", body, {
    "Idempotency-Key": onceKey(),
  });
  return { connection: answer, ...(answer.notice && { notice: answer.notice }) };
}

/** Puts it where it came from: the cell of an environment that was empty. */
export async function assign(environment: string, alias: string, connection: string): Promise<void> {
  const type = { "Content-Type": "application/merge-patch+json" };
  await json("PATCH", `/v1/environments/${part(environment)}`, { assign: { [alias]: connection } }, type);
}
