import { queryOptions } from "@tanstack/react-query";
import { json } from "~/api/client";
import { all, part } from "~/api/pages";
import type { AuthMethodRevision, Connector, Integration } from "~/api/schema";

export function connectorQuery(key: string) {
  return queryOptions({
    queryKey: ["connector", key],
    queryFn: ({ signal }) => json<Connector>("GET", `/v1/connectors/${part(key)}`, undefined, {}, signal),
  });
}

/** An auth method's revisions, the newest first, each with who pins it. */
export function revisionsQuery(connector: string, method: string) {
  return queryOptions({
    queryKey: ["connector", connector, "revisions", method],
    queryFn: async () => {
      const path = `/v1/connectors/${part(connector)}/auth/${part(method)}/revisions`;
      const found = await all<AuthMethodRevision>(path);
      return found.sort((a, b) => b.revision - a.revision);
    },
  });
}

export interface Linked {
  key: string;
  name: string;
  aliases: string[];
}

/** The integrations that link a connector, each with the aliases that it does so under. */
export function linkedQuery(connector: string) {
  return queryOptions({
    queryKey: ["connector", connector, "linked"],
    queryFn: async () => linking(connector, await all<Integration>(`/v1/integrations?connector=${part(connector)}`)),
  });
}

export function linking(connector: string, integrations: Integration[]): Linked[] {
  return integrations.flatMap((it) => {
    const links = Object.entries(it.connectors ?? {}).filter(([, link]) => link.connector === connector);
    return links.length > 0 ? [{ key: it.key, name: it.name ?? it.key, aliases: links.map(([alias]) => alias) }] : [];
  });
}

/** For `If-Match`: what was read is what is changed, or it is refused. */
export function ifMatch(of: { version?: number }): Record<string, string> {
  return of.version === undefined ? {} : { "If-Match": `"${of.version}"` };
}

/** For what creates: sent twice, it is done once. */
export function once(): Record<string, string> {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return { "Idempotency-Key": Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("") };
}

export const MERGE = { "Content-Type": "application/merge-patch+json" };

export function nameOf(it: { key: string; name?: string | null }): string {
  return it.name || it.key;
}

/** The keys that connectors have already, of those that begin as this one does. */
export async function takenKeys(key: string): Promise<Set<string>> {
  const search = new URLSearchParams({ q: key, limit: "50", endpoints: "false" });
  const page = await json<{ items: Connector[] }>("GET", `/v1/connectors?${search}`);
  return new Set(page.items.map((it) => it.key));
}
