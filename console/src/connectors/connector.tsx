import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { Connector } from "~/api/schema";
import { useMay } from "~/api/session";
import { ButtonLink } from "~/kit/button";
import { Menu } from "~/kit/menu";
import { Page } from "~/kit/page";
import { Tabs } from "~/kit/tabs";
import { Code, Initials } from "~/kit/text";
import { Badge, Failure, Loading } from "~/kit/told";
import { ConnectionsPart } from "./connections";
import { connectorQuery, nameOf } from "./data";
import { DeleteConnector } from "./delete";
import { newConnection } from "./elsewhere";
import { EndpointsPart } from "./endpoints";
import { MethodsPart } from "./methods";
import { OverviewPart } from "./overview";

const UP = { label: "Connectors", to: "/connectors" } as const;

export function ConnectorPage() {
  const { key } = useParams({ from: "/connectors/$key" });
  const connector = useQuery(connectorQuery(key));
  if (connector.data) return <Shown connector={connector.data} />;
  return (
    <Page title={key} up={UP}>
      {connector.isPending ? <Loading rows={6} /> : <Failure error={connector.error} again={connector.refetch} />}
    </Page>
  );
}

function Shown({ connector }: { connector: Connector }) {
  const { tab = "connections", q } = useSearch({ from: "/connectors/$key" });
  const navigate = useNavigate({ from: "/connectors/$key" });
  const mayChange = useMay("operator");
  const [isDeleting, setIsDeleting] = useState(false);
  const { key } = connector;
  const isOwn = mayChange && !connector.source;
  return (
    <Page
      title={nameOf(connector)}
      up={UP}
      mark={
        <>
          <Initials name={nameOf(connector)} size="lg" />
          {connector.source && <Badge>in a file</Badge>}
        </>
      }
      about={
        <span className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <span>{connector.key}</span>
          {connector.base_url && <Code>{connector.base_url}</Code>}
          {connector.source && (
            <span className="text-[13px]">
              Declared in {connector.source.file}, line {connector.source.line}: it is changed there.
            </span>
          )}
        </span>
      }
      acts={
        <>
          {isOwn && (
            <Menu
              label="More acts"
              items={[{ label: "Delete it", danger: true, onSelect: () => setIsDeleting(true) }]}
            />
          )}
          {isOwn && (
            <ButtonLink to="/connectors/$key/edit" params={{ key }}>
              Edit
            </ButtonLink>
          )}
          {mayChange && (
            <ButtonLink to="/connectors/$key/try" params={{ key }}>
              Try it
            </ButtonLink>
          )}
          {mayChange && (
            <ButtonLink kind="primary" {...newConnection(key)}>
              + New connection
            </ButtonLink>
          )}
        </>
      }
    >
      <Tabs
        label="Of this connector"
        value={tab}
        onChange={(it) => navigate({ search: it === "connections" ? {} : { tab: it }, replace: true })}
        tabs={[
          { value: "connections", label: "Connections", content: <ConnectionsPart connector={connector} q={q} /> },
          {
            value: "endpoints",
            label: "Endpoints",
            count: Object.keys(connector.endpoints ?? {}).length,
            content: <EndpointsPart connector={connector} q={q} />,
          },
          {
            value: "auth",
            label: "Auth methods",
            count: Object.keys(connector.auth ?? {}).length,
            content: <MethodsPart connector={connector} />,
          },
          { value: "about", label: "About", content: <OverviewPart connector={connector} /> },
        ]}
      />
      <DeleteConnector connector={connector} open={isDeleting} onClose={() => setIsDeleting(false)} />
    </Page>
  );
}
