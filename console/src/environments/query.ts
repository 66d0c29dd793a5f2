import { queryOptions } from "@tanstack/react-query";
import { all, part } from "~/api/pages";
import type { Environment } from "~/api/schema";

/** All environments: there are as many as people deploy, which is not many. */
export const environmentsQuery = queryOptions({
  queryKey: ["environments"],
  queryFn: () => all<Environment>("/v1/environments"),
});

export function pathOf(key: string): string {
  return `/v1/environments/${part(key)}`;
}

/** The version of what was read, as `If-Match` takes it; nothing of what a file declares. */
export function versionOf(it: { version?: number | null }): string | undefined {
  return it.version ? `"${it.version}"` : undefined;
}
