import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Environment } from "~/api/schema";
import { useMay } from "~/api/session";
import { connectionQuery, healthOf } from "~/connections/for-others";
import { Button } from "~/kit/button";
import { Badge } from "~/kit/told";
import { Assign } from "./assign";

interface Props {
  environment: Environment;
  alias: string;
  connector: string;
}

/** The connection that an environment has for a connector, or that there is none. */
export function Cell({ environment, alias, connector }: Props) {
  const key = environment.assign?.[alias];
  const [asks, setAsks] = useState(false);
  const mayAct = useMay("operator") && !environment.source;
  return (
    <div className="flex min-w-0 items-center gap-1.5">
      {key ? <Assigned connection={key} /> : <Badge tone={environment.deployed ? "bad" : "warn"}>Missing</Badge>}
      {mayAct && (
        <Button
          kind={key ? "quiet" : "plain"}
          className="min-h-8 shrink-0 px-2 text-xs"
          aria-label={`${key ? "Switch" : "Choose"} ${alias} in ${environment.name || environment.key}`}
          onClick={() => setAsks(true)}
        >
          {key ? "Switch" : "Choose"}
        </Button>
      )}
      {asks && <Assign {...{ environment, alias, connector }} onClose={() => setAsks(false)} />}
    </div>
  );
}

function Assigned({ connection }: { connection: string }) {
  const { data } = useQuery({ ...connectionQuery(connection), staleTime: 30_000 });
  const health = data && healthOf(data.connection);
  return (
    <span className="min-w-0">
      <Link to="/connections/$key" params={{ key: connection }} className="font-medium hover:underline">
        {data?.connection.name || connection}
      </Link>{" "}
      {health && health.tone !== "good" && (
        <Badge tone={health.tone} title={health.line}>
          {health.word}
        </Badge>
      )}{" "}
      {data?.connection.embedded && <Badge>Embedded</Badge>}
    </span>
  );
}
