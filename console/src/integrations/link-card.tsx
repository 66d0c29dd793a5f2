import { useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { json } from "~/api/client";
import { listQuery, part } from "~/api/pages";
import type { Change, Connection, Connector, LinkEndpointView, RawLink } from "~/api/schema";
import { useMay } from "~/api/session";
import {
  ConnectionCard,
  Consequences,
  connectionQuery,
  Decide,
  patchJson,
  typeName,
  typeOf,
  useReadAgain,
} from "~/connections/for-others";
import { Button, ButtonLink } from "~/kit/button";
import { Menu } from "~/kit/menu";
import { Card } from "~/kit/page";
import { Code, count, Initials } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Badge, Failure } from "~/kit/told";
import { EditLink } from "./edit-link";
import { pathOf, type ReadIntegration } from "./query";

interface Props {
  read: ReadIntegration;
  alias: string;
  link: RawLink;
  endpoints: LinkEndpointView[] | undefined;
  /** The connections that its environments have for it. */
  assigned: string[];
}

/** A linked connector with all that belongs to it here: methods, connections and endpoints. */
export function LinkCard({ read, alias, link, endpoints, assigned }: Props) {
  const [asks, setAsks] = useState<"edit" | "remove">();
  const mayAct = useMay("operator");
  const connector = useQuery({
    queryKey: ["connector", link.connector],
    queryFn: () => json<Connector>("GET", `/v1/connectors/${part(link.connector)}`),
  });
  const name = connector.data?.name || link.connector;
  const methods = Object.entries(connector.data?.auth ?? {});
  const isOverridden = link.base_url || link.endpoints;
  return (
    <Card className="grid gap-4">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="flex min-w-0 items-center gap-3">
          <Initials name={name} />
          <div className="min-w-0">
            <h3 className="text-sm font-semibold">
              {alias}
              <span className="font-normal text-dim">
                {" "}
                is{" "}
                <Link to="/connectors/$key" params={{ key: link.connector }} className="text-accent underline">
                  {name}
                </Link>
              </span>
            </h3>
            <p className="flex flex-wrap items-center gap-1.5 text-xs text-dim">
              <Code>{link.base_url ?? connector.data?.base_url ?? "no base URL of its own"}</Code>
              {isOverridden && <Badge tone="info">Different here</Badge>}
            </p>
          </div>
        </div>
        {mayAct && !read.integration.source && (
          <div className="flex gap-2">
            <ButtonLink
              to="/new/connection"
              search={{ connector: link.connector, integration: read.integration.key, alias }}
            >
              New connection
            </ButtonLink>
            <Menu
              label={`More for ${alias}`}
              items={[
                { label: "Base URL and endpoints here", onSelect: () => setAsks("edit") },
                { label: "Remove from the integration", danger: true, onSelect: () => setAsks("remove") },
              ]}
            />
          </div>
        )}
      </div>
      <Failure error={connector.error} />
      {methods.length > 0 && (
        <p className="flex flex-wrap items-center gap-1.5 text-[13px]">
          <span className="text-dim">Auth methods:</span>
          {methods.map(([key, it]) => (
            <Badge key={key}>
              {it.name || key}, {typeName(typeOf(it))}
            </Badge>
          ))}
        </p>
      )}
      <Connections connector={link.connector} assigned={assigned} />
      {endpoints && endpoints.length > 0 && <Endpoints endpoints={endpoints} />}
      {asks === "edit" && <EditLink {...{ read, alias, link }} onClose={() => setAsks(undefined)} />}
      {asks === "remove" && <RemoveLink read={read} alias={alias} onClose={() => setAsks(undefined)} />}
    </Card>
  );
}

/** Those that environments have first; the others of the connector can be looked at. */
function Connections({ connector, assigned }: { connector: string; assigned: string[] }) {
  const query = useInfiniteQuery(listQuery<Connection>("/v1/connections", { connector }, 20));
  const names = [...new Set(assigned)];
  // By their keys: among very many they are not on the first page.
  const used = useQueries({
    queries: names.map((it) => ({ ...connectionQuery(it), staleTime: 30_000 })),
    combine: (them) => them.flatMap((it) => it.data?.connection ?? []),
  });
  const mine = (query.data?.items ?? []).filter((it) => it.connector === connector && !names.includes(it.key));
  if (query.isError) return <Failure error={query.error} again={() => query.refetch()} />;
  if (query.isSuccess && mine.length === 0 && names.length === 0) {
    return <p className="text-[13px] text-dim">No connection to it yet: requests need one.</p>;
  }
  const nameOf = (key: string) => used.find((it) => it.key === key)?.name || key;
  return (
    <details>
      <summary className="text-[13px] font-medium">
        Connections{" "}
        <span className="font-normal text-dim">
          {names.length > 0 ? `${names.map(nameOf).join(", ")} assigned` : "none assigned"}
          {mine.length > 0 && (query.hasNextPage ? ", and many others" : `, ${count(mine.length, "other")}`)}
        </span>
      </summary>
      <div className="mt-3 grid gap-3 xl:grid-cols-2">
        {[...used, ...mine].map((it) => (
          <ConnectionCard key={it.key} connection={it} />
        ))}
      </div>
      {query.hasNextPage && (
        <div className="mt-3">
          <ButtonLink to="/connections" search={{ connector }}>
            All of them
          </ButtonLink>
        </div>
      )}
    </details>
  );
}

const SHOWN = 12;

function Endpoints({ endpoints }: { endpoints: LinkEndpointView[] }) {
  const [all, setAll] = useState(false);
  const mayTry = useMay("operator");
  return (
    <details>
      <summary className="text-[13px] font-medium">
        Endpoints <span className="font-normal text-dim">{endpoints.length.toLocaleString("en")}</span>
      </summary>
      <ul className="mt-2 grid gap-1 text-[13px]">
        {endpoints.slice(0, all ? undefined : SHOWN).map((it) => (
          <li key={it.key} className="flex flex-wrap items-center gap-2">
            <span className="w-12 shrink-0 font-mono text-xs text-dim">{it.method}</span>
            <Code>{it.path}</Code>
            <span>{it.name}</span>
            {it.overridden.length > 0 && <Badge tone="info">different here</Badge>}
            {it.deprecated && <Badge tone="warn">going away</Badge>}
            {mayTry && (
              <Link
                to="/connectors/$key/try/$endpoint"
                params={{ key: it.connector, endpoint: it.key }}
                aria-label={`Try it: ${it.method} ${it.path}`}
                className="ml-auto min-h-6 text-accent underline"
              >
                Try it
              </Link>
            )}
          </li>
        ))}
      </ul>
      <div className="mt-2 flex flex-wrap gap-2">
        {endpoints.length > SHOWN && !all && <Button onClick={() => setAll(true)}>Show all</Button>}
        <ButtonLink to="/connectors/$key/try" params={{ key: endpoints[0]?.connector ?? "" }}>
          Try them
        </ButtonLink>
      </div>
    </details>
  );
}

function RemoveLink({ read, alias, onClose }: { read: ReadIntegration; alias: string; onClose: () => void }) {
  const again = useReadAgain();
  const tell = useTell();
  const path = pathOf(read.integration.key);
  const change = { connectors: { [alias]: null } };
  return (
    <Decide<Change>
      title={`Remove ${alias}?`}
      about="The connector and its connections stay."
      of={[read.integration.key, alias, read.etag]}
      preview={() => patchJson<Change>(path, change, { dry_run: true })}
      act={(it) => ({ label: it.refused ? "Remove it and break these" : "Remove it", danger: true })}
      onAct={async (it) => {
        await patchJson(path, change, { force: it.refused }, read.etag);
        tell(`${alias} is removed`);
        void again();
      }}
      onClose={onClose}
    >
      {(it) =>
        it.breaks.length > 0 ? <Consequences told={{ breaks: it.breaks }} /> : <p>No environment works by it.</p>
      }
    </Decide>
  );
}
