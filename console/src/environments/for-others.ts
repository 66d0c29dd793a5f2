import { useQuery } from "@tanstack/react-query";
import type { Environment } from "~/api/schema";
import { environmentsQuery } from "./query";

/** What other rooms take of this one. */
export { Matrix } from "./matrix";
export { NewEnvironment } from "./new-environment";

/** The environments of an integration; none while they are being read. */
export function useEnvironmentsOf(integration: string): Environment[] {
  const { data } = useQuery(environmentsQuery);
  return (data ?? []).filter((it) => it.integration === integration);
}
