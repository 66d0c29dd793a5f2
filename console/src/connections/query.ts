import { queryOptions, useQueryClient } from "@tanstack/react-query";
import { raw } from "~/api/client";
import { part } from "~/api/pages";
import type { Connection } from "~/api/schema";

export interface Read {
  connection: Connection;
  etag: string | null;
}

/** One connection, with the version of it that edits name. */
export function connectionQuery(key: string) {
  return queryOptions({
    queryKey: ["connection", key],
    queryFn: async ({ signal }): Promise<Read> => {
      const response = await raw(pathOf(key), { signal });
      return { connection: (await response.json()) as Connection, etag: response.headers.get("ETag") };
    },
  });
}

export function pathOf(key: string): string {
  return `/v1/connections/${part(key)}`;
}

/** Whatever was read of connections is read again: something about one has changed. */
export function useReadAgain() {
  const queries = useQueryClient();
  return () =>
    Promise.all(
      [["connection"], ["list"], ["uses"], ["environments"], ["integrations"]].map((queryKey) =>
        queries.invalidateQueries({ queryKey }),
      ),
    );
}
