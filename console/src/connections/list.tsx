import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { listQuery } from "~/api/pages";
import type { Connection } from "~/api/schema";
import { useMay } from "~/api/session";
import { ButtonLink } from "~/kit/button";
import { Select } from "~/kit/field";
import { List, Search } from "~/kit/list";
import { Page } from "~/kit/page";
import { type Column, Table } from "~/kit/table";
import { Code } from "~/kit/text";
import { Empty } from "~/kit/told";
import { ConnectionBadges, UsedBy } from "./card";
import { STATES } from "./health";
import { typeName, typeOf } from "./method/types";

const COLUMNS: Column<Connection>[] = [
  {
    head: "Connection",
    narrow: "bare",
    cell: (it) => (
      <>
        <Link to="/connections/$key" params={{ key: it.key }} className="block font-medium hover:underline">
          {it.name || it.key}
        </Link>
        <Code>{it.key}</Code>
      </>
    ),
  },
  { head: "Connector", cell: (it) => <Code>{it.connector}</Code> },
  { head: "Type", className: "md:min-w-28", cell: (it) => typeName(typeOf(it.auth_method ?? {})) },
  { head: "Used by", cell: (it) => <UsedBy connection={it} />, narrow: "hide", className: "md:min-w-36" },
  { head: "State", cell: (it) => <ConnectionBadges connection={it} /> },
];

/** All connections, searched and filtered by the server: there may be very many. */
export function ConnectionsPage() {
  const search = useSearch({ from: "/connections" });
  const navigate = useNavigate({ from: "/connections" });
  const mayAct = useMay("operator");
  const query = useInfiniteQuery(
    listQuery<Connection>("/v1/connections", {
      q: search.q,
      connector: search.connector,
      auth: search.auth,
      state: search.state,
      embedded: search.embedded,
    }),
  );
  const set = (name: keyof typeof search, value: string) =>
    navigate({ search: (before) => without({ ...before, [name]: value }), replace: true });
  const isNarrowed = Object.keys(search).length > 0;
  return (
    <Page
      title="Connections"
      about="What callers name in their requests: an API's auth method, a base URL, and credentials or a place for each tenant's."
      up={{ label: "Connectors", to: "/connectors" }}
      acts={
        mayAct && (
          <ButtonLink kind="primary" to="/new/connection">
            New connection
          </ButtonLink>
        )
      }
    >
      <div className="mb-3 flex flex-wrap gap-2">
        <Search label="Search name and key" value={search.q ?? ""} onSearch={(text) => set("q", text)} />
        <div className="flex flex-wrap gap-2">
          <Select
            aria-label="State"
            className="w-auto"
            value={search.state ?? ""}
            onChange={(event) => set("state", event.target.value)}
          >
            <option value="">Any state</option>
            {STATES.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </Select>
          <Select
            aria-label="Whose credentials"
            className="w-auto"
            value={search.embedded ?? ""}
            onChange={(event) => set("embedded", event.target.value)}
          >
            <option value="">Standard and embedded</option>
            <option value="false">Standard</option>
            <option value="true">Embedded</option>
          </Select>
          {search.connector && (
            <ButtonLink to="/connections" search={without({ ...search, connector: "" })}>
              Only {search.connector} ×
            </ButtonLink>
          )}
        </div>
      </div>
      <List query={query} empty={<None isNarrowed={isNarrowed} mayAct={mayAct} />}>
        {(items) => <Table label="Connections" columns={COLUMNS} rows={items} keyOf={(it) => it.key} />}
      </List>
    </Page>
  );
}

function None({ isNarrowed, mayAct }: { isNarrowed: boolean; mayAct: boolean }) {
  if (isNarrowed) {
    return (
      <Empty title="No connection fits" acts={<ButtonLink to="/connections">Show all</ButtonLink>}>
        Search finds words of the name and the key.
      </Empty>
    );
  }
  return (
    <Empty
      title="No connection yet"
      acts={
        mayAct && (
          <ButtonLink kind="primary" to="/new/connection">
            Make the first one
          </ButtonLink>
        )
      }
    >
      A connection lets requests through to one API, with the credentials put on by attache. Callers never see them.
    </Empty>
  );
}

/** Less what says nothing. */
function without<T extends Record<string, string | undefined>>(search: T): T {
  return Object.fromEntries(Object.entries(search).filter(([, it]) => it)) as T;
}
