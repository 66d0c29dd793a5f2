import { queryOptions } from "@tanstack/react-query";
import { raw } from "~/api/client";
import { part } from "~/api/pages";
import type { Integration } from "~/api/schema";

export interface ReadIntegration {
  integration: Integration;
  etag: string | null;
}

export function pathOf(key: string): string {
  return `/v1/integrations/${part(key)}`;
}

/** One integration, with the version of it that edits name. */
export function integrationQuery(key: string) {
  return queryOptions({
    queryKey: ["integrations", key],
    queryFn: async ({ signal }): Promise<ReadIntegration> => {
      const response = await raw(pathOf(key), { signal });
      return { integration: (await response.json()) as Integration, etag: response.headers.get("ETag") };
    },
  });
}
