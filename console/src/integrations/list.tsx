import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { listQuery } from "~/api/pages";
import type { Integration } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { List, Search } from "~/kit/list";
import { Page } from "~/kit/page";
import { Code, count, Initials } from "~/kit/text";
import { Empty } from "~/kit/told";
import { NewIntegration } from "./new-integration";

/** The logic that uses connectors, each with what it links. */
export function IntegrationsPage() {
  const { q } = useSearch({ from: "/integrations" });
  const navigate = useNavigate({ from: "/integrations" });
  const [asks, setAsks] = useState(false);
  const mayAct = useMay("operator");
  const query = useInfiniteQuery(listQuery<Integration>("/v1/integrations", { q }));
  const make = mayAct && (
    <Button kind="primary" onClick={() => setAsks(true)}>
      New integration
    </Button>
  );
  return (
    <Page
      title="Integrations"
      about="An integration is logic of yours that uses APIs. It links connectors, and each of its environments has one connection for each."
      acts={make}
    >
      <div className="mb-4">
        <Search
          label="Search integrations"
          value={q ?? ""}
          onSearch={(text) => navigate({ search: text ? { q: text } : {}, replace: true })}
        />
      </div>
      <List
        query={query}
        empty={
          q ? (
            <Empty title="No integration has these words">Search finds words of the name and the key.</Empty>
          ) : (
            <Empty title="No integration yet" acts={make}>
              You need none to send requests through a connection. With one, requests name an environment and a
              connector instead, and you choose here which connection that is.
            </Empty>
          )
        }
      >
        {(items) => (
          <ul className="grid gap-3 sm:grid-cols-2 xl:grid-cols-3">
            {items.map((it) => (
              <Item key={it.key} integration={it} />
            ))}
          </ul>
        )}
      </List>
      {asks && <NewIntegration onClose={() => setAsks(false)} />}
    </Page>
  );
}

function Item({ integration }: { integration: Integration }) {
  const links = Object.keys(integration.connectors ?? {});
  const name = integration.name || integration.key;
  return (
    <li>
      <Link
        to="/integrations/$key"
        params={{ key: integration.key }}
        className="flex h-full gap-3 rounded-xl border border-line bg-panel p-4 hover:bg-sunken"
      >
        <Initials name={name} />
        <span className="grid min-w-0 content-start gap-1">
          <span className="font-medium">{name}</span>
          <span>
            <Code>{integration.key}</Code>
          </span>
          {integration.description && (
            <span className="line-clamp-2 text-[13px] text-dim">{integration.description}</span>
          )}
          <span className="text-xs text-dim">
            {links.length === 0
              ? "links no connector yet"
              : `${count(links.length, "connector")}: ${links.slice(0, 6).join(", ")}`}
          </span>
        </span>
      </Link>
    </li>
  );
}
