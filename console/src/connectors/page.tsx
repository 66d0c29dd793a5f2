import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { listQuery } from "~/api/pages";
import type { ListedConnector } from "~/api/schema";
import { useMay } from "~/api/session";
import { typeName, typeOf } from "~/connections/method/types";
import { Button, ButtonLink } from "~/kit/button";
import { List, Search } from "~/kit/list";
import { Page } from "~/kit/page";
import { type Column, Table } from "~/kit/table";
import { Code, Initials } from "~/kit/text";
import { Badge, Empty } from "~/kit/told";
import { nameOf } from "./data";
import { DropHere, Ways } from "./new/ways";

export function ConnectorsPage() {
  const { q } = useSearch({ from: "/connectors" });
  const navigate = useNavigate({ from: "/connectors" });
  const mayChange = useMay("operator");
  const connectors = useInfiniteQuery(listQuery<ListedConnector>("/v1/connectors", { q, endpoints: false }));
  const search = (text: string) => navigate({ search: text ? { q: text } : {}, replace: true });
  const isEmpty = !q && connectors.data?.items.length === 0;
  return (
    <Page
      title="Connectors"
      about="The APIs that attache can call: where each one is, how it wants to be authenticated with, what it offers."
      acts={
        <>
          <ButtonLink to="/connections">All connections</ButtonLink>
          {mayChange && !isEmpty && (
            <ButtonLink kind="primary" to="/new/connector">
              New connector
            </ButtonLink>
          )}
        </>
      }
    >
      {!isEmpty && (
        <div className="mb-3">
          <Search label="Search connectors" value={q ?? ""} onSearch={search} />
        </div>
      )}
      <List query={connectors} empty={<Nothing q={q} mayChange={mayChange} onShowAll={() => search("")} />}>
        {(items) => <Table label="Connectors" columns={COLUMNS} rows={items} keyOf={(it) => it.key} />}
      </List>
      {mayChange && !q && !isEmpty && connectors.data && (
        <div className="mt-4">
          <DropHere compact />
        </div>
      )}
    </Page>
  );
}

const COLUMNS: Column<ListedConnector>[] = [
  {
    head: "Connector",
    narrow: "bare",
    cell: (it) => (
      <div className="flex items-center gap-3">
        <Initials name={nameOf(it)} />
        <div className="min-w-0">
          <div className="flex flex-wrap items-center gap-x-2">
            <Link to="/connectors/$key" params={{ key: it.key }} className="font-medium hover:underline">
              {nameOf(it)}
            </Link>
            {it.source && <Badge title={`${it.source.file}, line ${it.source.line}`}>in a file</Badge>}
          </div>
          <div className="text-xs text-dim">{it.key}</div>
        </div>
      </div>
    ),
  },
  {
    head: "Base URL",
    className: "md:w-[36%]",
    cell: (it) =>
      it.base_url ? <Code>{it.base_url}</Code> : <span className="text-dim">each connection its own</span>,
  },
  { head: "Auth methods", cell: (it) => <Methods connector={it} /> },
  {
    head: "Endpoints",
    align: "right",
    cell: (it) => (it.endpoint_count ?? 0).toLocaleString("en"),
  },
];

function Methods({ connector }: { connector: ListedConnector }) {
  const methods = Object.values(connector.auth ?? {});
  if (methods.length === 0) return <span className="text-dim">none</span>;
  const types = [...new Set(methods.map((it) => typeName(typeOf(it))))];
  return (
    <div className="flex flex-wrap gap-1 max-md:justify-end">
      {types.map((it) => (
        <Badge key={it}>{it}</Badge>
      ))}
    </div>
  );
}

function Nothing(props: { q: string | undefined; mayChange: boolean; onShowAll: () => void }) {
  if (props.q) {
    return (
      <Empty title={`No connector is called “${props.q}”`} acts={<Button onClick={props.onShowAll}>Show all</Button>}>
        Looked for in keys and names.
        {props.mayChange && (
          <>
            {" "}
            The catalogue may have it:{" "}
            <Link to="/new/connector" search={{ way: "catalogue", q: props.q }} className="text-accent underline">
              look there
            </Link>
            .
          </>
        )}
      </Empty>
    );
  }
  if (!props.mayChange) {
    return (
      <Empty title="No connectors yet">
        A connector says where an API is and how it authenticates. Somebody with the role operator adds the first one.
      </Empty>
    );
  }
  return (
    <>
      <h2 className="mb-1 text-[15px] font-semibold">Add the first API</h2>
      <p className="mb-4 max-w-3xl text-dim">
        A connector says where an API is and how it authenticates, and holds no secret. Next comes a connection with
        your credential, and then you can try it.
      </p>
      <Ways />
    </>
  );
}
