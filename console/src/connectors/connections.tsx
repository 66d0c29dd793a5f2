import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { listQuery } from "~/api/pages";
import type { Connection, Connector } from "~/api/schema";
import { useMay } from "~/api/session";
import { ConnectionCard } from "~/connections/card";
import { typeOf } from "~/connections/method/types";
import { TryIt } from "~/connections/next-steps";
import { Button, ButtonLink } from "~/kit/button";
import { List, Search } from "~/kit/list";
import { Empty } from "~/kit/told";
import { nameOf } from "./data";
import { newConnection } from "./elsewhere";

/** The connections to a connector, each with all that matters of it. */
export function ConnectionsPart({ connector, q }: { connector: Connector; q: string | undefined }) {
  const navigate = useNavigate({ from: "/connectors/$key" });
  const mayChange = useMay("operator");
  const connections = useInfiniteQuery(listQuery<Connection>("/v1/connections", { connector: connector.key, q }, 24));
  const search = (text: string) => navigate({ search: text ? { q: text } : {}, replace: true });
  const isFew = !q && (connections.data?.items.length ?? 0) < 5;
  return (
    <>
      <h2 className="sr-only">Connections</h2>
      {!isFew && (
        <div className="mb-3">
          <Search label="Search connections" value={q ?? ""} onSearch={search} />
        </div>
      )}
      <List
        query={connections}
        empty={
          q ? (
            <Empty
              title={`No connection is called “${q}”`}
              acts={<Button onClick={() => search("")}>Show all</Button>}
            />
          ) : (
            <Empty
              title="No connection yet"
              acts={
                mayChange && (
                  <ButtonLink kind="primary" {...newConnection(connector.key)}>
                    + New connection
                  </ButtonLink>
                )
              }
            >
              A connection holds a credential for {nameOf(connector)}, or lets each tenant bring its own. With one, its
              endpoints can be tried.
            </Empty>
          )
        }
      >
        {(items) => (
          <ul className="grid gap-3 lg:grid-cols-2">
            {items.map((it) => (
              <li key={it.key} className="far">
                <ConnectionCard connection={it} acts={mayChange && sends(it) && <TryIt connection={it} />} />
              </li>
            ))}
          </ul>
        )}
      </List>
    </>
  );
}

/** Webhook connections take requests in, and send none out. */
function sends({ auth_method: method }: Connection): boolean {
  return !method || typeOf(method) !== "hmac";
}
