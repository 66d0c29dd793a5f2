import { json } from "~/api/client";
import { onceKey } from "~/api/once";
import type { ConnectionPatch } from "~/api/schema";
import { pathOf, type Read } from "./query";

/** What may be said with an act of the API. */
export interface Said {
  dry_run?: boolean;
  force?: boolean;
  confirm?: "origin" | undefined;
}

function query(said: Said): string {
  const pairs = Object.entries(said).filter(([, it]) => it !== undefined && it !== false);
  return pairs.length > 0 ? `?${new URLSearchParams(pairs.map(([name, it]) => [name, String(it)]))}` : "";
}

function version({ etag }: Pick<Read, "etag">): Record<string, string> {
  return etag ? { "If-Match": etag } : {};
}

/** Changes it, unless somebody else has meanwhile. */
export function patch<T>(read: Read, body: ConnectionPatch, said: Said = {}): Promise<T> {
  const headers = { "Content-Type": "application/merge-patch+json", ...version(read) };
  return json<T>("PATCH", pathOf(read.connection.key) + query(said), body, headers);
}

export function remove<T>(read: Read, said: Said = {}): Promise<T> {
  return deleteJson<T>(pathOf(read.connection.key), said, read.etag);
}

/** One of its own acts: `repin`, `switch`, `renew` … */
export function act<T>(key: string, name: string, body?: unknown, said: Said & { test?: boolean } = {}): Promise<T> {
  const headers: Record<string, string> = said.dry_run ? {} : { "Idempotency-Key": onceKey() };
  return json<T>("POST", `${pathOf(key)}/${name}${query(said)}`, body, headers);
}

export type Place = "credentials" | "test_credentials";

export function setCredentials(key: string, place: Place, values: Record<string, string>): Promise<unknown> {
  return json("PUT", `${pathOf(key)}/${place}`, values);
}

export function deleteCredentials<T>(key: string, place: Place, said: Said = {}): Promise<T> {
  return json<T>("DELETE", `${pathOf(key)}/${place}${query(said)}`);
}

/** Deletes any resource, unless somebody else has changed it meanwhile. */
export function deleteJson<T>(path: string, said: Said = {}, etag?: string | null): Promise<T> {
  return json<T>("DELETE", path + query(said), undefined, version({ etag: etag ?? null }));
}

/** A merge patch (RFC 7396) of any resource. */
export function patchJson<T>(path: string, body: unknown, said: Said = {}, etag?: string | null): Promise<T> {
  const headers = { "Content-Type": "application/merge-patch+json", ...version({ etag: etag ?? null }) };
  return json<T>("PATCH", path + query(said), body, headers);
}
