import { useMutation, useQueryClient } from "@tanstack/react-query";
import { json } from "~/api/client";
import { part } from "~/api/pages";
import type { Connector } from "~/api/schema";
import { Button } from "~/kit/button";
import { useTell } from "~/kit/toast";
import { Failure, Notice } from "~/kit/told";
import { ifMatch, MERGE } from "../data";
import { endpointsOf } from "../endpoint-list";
import { keyOf } from "../new/key";
import type { Draft } from "./request";

/** A request that the connector does not list yet can be kept as one of its endpoints. */
export function Keep({ connector, draft }: { connector: Connector; draft: Draft }) {
  const queries = useQueryClient();
  const tell = useTell();
  const path = draft.path.split("?")[0] ?? "/";
  const isListed = endpointsOf(connector).some((it) => it.method === draft.method && it.path === path);
  const keep = useMutation({
    mutationFn: () => {
      const key = keyOf(`${draft.method} ${path.replaceAll(/[{}]/g, "")}`);
      const patch = { endpoints: { [key]: { method: draft.method, path } } };
      return json("PATCH", `/v1/connectors/${part(connector.key)}`, patch, { ...MERGE, ...ifMatch(connector) });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["connector", connector.key] });
      tell(`${draft.method} ${path} is listed among the endpoints now.`);
    },
  });
  if (isListed || connector.source || path === "/") return null;
  return (
    <>
      <Notice
        acts={
          <Button busy={keep.isPending} onClick={() => keep.mutate()}>
            Keep it as an endpoint
          </Button>
        }
      >
        The connector does not list this request yet.
      </Notice>
      <Failure error={keep.error} />
    </>
  );
}
