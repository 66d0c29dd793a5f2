import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { listQuery } from "~/api/pages";
import type { ListedConnector } from "~/api/schema";
import { ButtonLink } from "~/kit/button";
import { List, Search } from "~/kit/list";
import { Initials } from "~/kit/text";
import { Empty } from "~/kit/told";

/** Which API a connection is to be for. */
export function PickConnector() {
  const [q, setQ] = useState("");
  const query = useInfiniteQuery(listQuery<ListedConnector>("/v1/connectors", { q, endpoints: false }));
  return (
    <div className="grid gap-3">
      <Search label="Search connectors" value={q} onSearch={setQ} />
      <List
        query={query}
        empty={
          <Empty
            title={q ? "No connector has these words" : "There is no connector yet"}
            acts={
              <ButtonLink to="/connectors" kind="primary">
                Make a connector
              </ButtonLink>
            }
          >
            A connection is for an API, and a connector says what that API is: from the catalogue, from an OpenAPI file,
            or by hand.
          </Empty>
        }
      >
        {(items) => (
          <ul className="grid gap-2 sm:grid-cols-2 lg:grid-cols-3">
            {items.map((it) => (
              <li key={it.key}>
                <Link
                  to="/new/connection"
                  search={(before) => ({ ...before, connector: it.key })}
                  className="flex items-center gap-3 rounded-xl border border-line bg-panel p-3 hover:bg-sunken"
                >
                  <Initials name={it.name || it.key} />
                  <span className="min-w-0">
                    <span className="block text-[13px] font-medium">{it.name || it.key}</span>
                    <span className="block truncate text-xs text-dim">{it.base_url ?? it.key}</span>
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        )}
      </List>
    </div>
  );
}
