import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { json } from "~/api/client";
import { listQuery, part } from "~/api/pages";
import type { Connection, Connector } from "~/api/schema";
import { useMay } from "~/api/session";
import { ButtonLink } from "~/kit/button";
import { Page } from "~/kit/page";
import { Empty, Failure, Loading, Notice } from "~/kit/told";
import { connectorQuery, nameOf } from "../data";
import { newConnection } from "../elsewhere";
import { type Endpoint, easiest, endpointsOf } from "../endpoint-list";
import { MethodMark } from "../method-mark";
import { RequestPart } from "./form";
import type { Chosen } from "./whom";

/** Any request to a connector. */
export function TryPage() {
  const { key } = useParams({ from: "/connectors/$key/try" });
  const chosen = useSearch({ from: "/connectors/$key/try" });
  const navigate = useNavigate({ from: "/connectors/$key/try" });
  return (
    <Tryout key={key} connector={key} chosen={chosen} onChoose={(search) => navigate({ search, replace: true })} />
  );
}

/** A request to one of its endpoints. */
export function TryEndpointPage() {
  const { key, endpoint } = useParams({ from: "/connectors/$key/try/$endpoint" });
  const chosen = useSearch({ from: "/connectors/$key/try/$endpoint" });
  const navigate = useNavigate({ from: "/connectors/$key/try/$endpoint" });
  return (
    <Tryout
      key={`${key} ${endpoint}`}
      connector={key}
      endpoint={endpoint}
      chosen={chosen}
      onChoose={(search) => navigate({ search, replace: true })}
    />
  );
}

interface Props {
  connector: string;
  endpoint?: string;
  chosen: Chosen;
  onChoose: (chosen: Chosen) => void;
}

function Tryout({ connector: key, endpoint, chosen, onChoose }: Props) {
  const mayTry = useMay("operator");
  const connector = useQuery(connectorQuery(key));
  const connections = useInfiniteQuery({
    ...listQuery<Connection>("/v1/connections", { connector: key }, 50),
    enabled: mayTry,
  });
  const name = connector.data ? nameOf(connector.data) : key;
  const listed = endpoint ? endpointsOf(connector.data ?? { key: "" }).find((it) => it.key === endpoint) : undefined;
  // Whoever has said nothing means the first that works.
  const first = connections.data?.items.find((it) => it.status === "ready") ?? connections.data?.items[0];
  const connection = chosen.connection ?? first?.key;
  const error = connector.error ?? connections.error;
  return (
    <Page
      title={listed ? listed.name : `Try ${name}`}
      up={{ label: name, to: "/connectors/$key", params: { key }, search: { tab: "endpoints" } }}
      about={listed ? <About endpoint={listed} /> : "Any request, by one of its connections."}
    >
      {!mayTry && (
        <Empty title="Trying out takes the role operator">
          You are signed in as a viewer. An answer may hold your customers' data, so that only operators send requests
          from here.
        </Empty>
      )}
      {mayTry && error && <Failure error={error} again={() => connector.refetch()} />}
      {mayTry && !error && (connector.isPending || connections.isPending) && <Loading rows={6} />}
      {endpoint && connector.data && !listed && (
        <div className="mb-4">
          <Notice tone="warn">
            {name} lists no endpoint with the key {endpoint} any more. Any path can be tried here.
          </Notice>
        </div>
      )}
      {mayTry && connector.data && connections.data && (
        <WithConnection connector={connector.data} connection={connection}>
          {(found) => (
            <RequestPart
              connector={connector.data}
              endpoint={endpoint}
              begin={listed ?? easiest(endpointsOf(connector.data))}
              connection={found}
              chosen={{ ...chosen, ...(connection && { connection }) }}
              onChoose={onChoose}
            />
          )}
        </WithConnection>
      )}
    </Page>
  );
}

function About({ endpoint }: { endpoint: Endpoint }) {
  return (
    <>
      <span className="flex gap-2">
        <MethodMark method={endpoint.method} />
        <span className="font-mono text-xs leading-5 break-all">{endpoint.path}</span>
      </span>
      {endpoint.description && <p className="mt-1">{endpoint.description}</p>}
    </>
  );
}

/** The connection that is chosen, as the API knows it now; without any there is nothing to try. */
function WithConnection(props: {
  connector: Connector;
  connection: string | undefined;
  children: (found: Connection | undefined) => React.ReactNode;
}) {
  const { connection } = props;
  const found = useQuery({
    queryKey: ["try", "connection", connection],
    queryFn: () => json<Connection>("GET", `/v1/connections/${part(connection ?? "")}`),
    enabled: connection !== undefined,
  });
  if (connection === undefined) {
    return (
      <Empty
        title="First a connection"
        acts={
          <ButtonLink kind="primary" {...newConnection(props.connector.key)}>
            + New connection
          </ButtonLink>
        }
      >
        A connection holds the credential that a request to {nameOf(props.connector)} needs. Add one, and come back:
        what is tried here goes through it.
      </Empty>
    );
  }
  return props.children(found.data);
}
