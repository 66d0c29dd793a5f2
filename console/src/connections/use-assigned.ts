import { useQuery } from "@tanstack/react-query";
import { all } from "~/api/pages";
import type { Connection, Environment } from "~/api/schema";
import { type Assigned, assignedIn } from "./uses";

/** As many environments as are read at most: where there may be more, nothing is said of who has none. */
const READ_MAX = 1000;

/** Lists say nothing of who uses what: it is read of the environments, once for all rows. */
export function useAssigned(connection: Connection): Assigned | undefined {
  const { data } = useQuery({
    // The same as the environments' own: one read serves both.
    queryKey: ["environments"],
    queryFn: () => all<Environment>("/v1/environments", READ_MAX),
    select: known,
    enabled: connection.uses === undefined,
  });
  if (connection.uses) return connection.uses;
  return data?.found.get(connection.key) ?? (data?.isAll ? { environments: 0, deployed: 0 } : undefined);
}

function known(environments: Environment[]) {
  return { found: assignedIn(environments), isAll: environments.length < READ_MAX };
}
