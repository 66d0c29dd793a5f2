import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Connector } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button, ButtonLink } from "~/kit/button";
import { Search } from "~/kit/list";
import { Badge, Empty } from "~/kit/told";
import { type Endpoint, endpointsOf, matching, tagsOf } from "./endpoint-list";
import { MethodMark } from "./method-mark";

/** How many are drawn before somebody asks for more: a connector may have 2000. */
const DRAWN = 100;

/** What the API offers, each to be tried. */
export function EndpointsPart({ connector, q = "" }: { connector: Connector; q: string | undefined }) {
  const navigate = useNavigate({ from: "/connectors/$key" });
  const mayTry = useMay("operator");
  const [drawn, setDrawn] = useState(DRAWN);
  const endpoints = endpointsOf(connector);
  const found = matching(endpoints, q);
  const search = (text: string) => {
    setDrawn(DRAWN);
    navigate({ search: { tab: "endpoints", ...(text && { q: text }) }, replace: true });
  };
  if (endpoints.length === 0) {
    return (
      <Empty
        title="No endpoint is listed"
        acts={
          mayTry && (
            <ButtonLink kind="primary" to="/connectors/$key/try" params={{ key: connector.key }}>
              Try any path
            </ButtonLink>
          )
        }
      >
        Every path can be called without being listed. Endpoints come with an OpenAPI file or the catalogue, and can be
        kept from what is tried out.
      </Empty>
    );
  }
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <Search label="Search by method, path, name or tag" value={q} onSearch={search} />
        {tagsOf(endpoints)
          .slice(0, 12)
          .map((it) => (
            <Button
              key={it}
              aria-pressed={q === it}
              className="min-h-7! px-2 text-xs aria-pressed:border-accent aria-pressed:bg-accent-soft"
              onClick={() => search(q === it ? "" : it)}
            >
              {it}
            </Button>
          ))}
      </div>
      {found.length === 0 ? (
        <Empty title={`No endpoint matches “${q}”`} acts={<Button onClick={() => search("")}>Show all</Button>} />
      ) : (
        <ul className="rounded-xl border border-line bg-panel">
          {found.slice(0, drawn).map((it) => (
            <Row key={it.key} endpoint={it} connector={connector.key} mayTry={mayTry} />
          ))}
        </ul>
      )}
      {found.length > drawn && (
        <div className="mt-3 flex justify-center">
          <Button onClick={() => setDrawn(drawn + 4 * DRAWN)}>More of {found.length.toLocaleString("en")}</Button>
        </div>
      )}
    </>
  );
}

function Row({ endpoint, connector, mayTry }: { endpoint: Endpoint; connector: string; mayTry: boolean }) {
  const params = { key: connector, endpoint: endpoint.key };
  return (
    <li className="far flex items-center gap-3 border-b border-line px-4 py-2 last:border-0">
      <div className="min-w-0 flex-1 gap-3 sm:flex sm:items-baseline">
        <span className="flex min-w-0 flex-1 gap-2">
          <MethodMark method={endpoint.method} />
          <span className="min-w-0 font-mono text-xs leading-5 break-all">{endpoint.path}</span>
        </span>
        <span className="block min-w-0 flex-1 text-[13px] text-dim">
          {endpoint.name}
          {endpoint.deprecated && (
            <>
              {" "}
              <Badge tone="warn">deprecated</Badge>
            </>
          )}
        </span>
      </div>
      {mayTry && (
        <Link
          to="/connectors/$key/try/$endpoint"
          params={params}
          aria-label={`Try it: ${endpoint.method} ${endpoint.path}`}
          className="inline-flex min-h-8 shrink-0 items-center rounded-lg px-2.5 text-[13px] font-medium text-accent hover:bg-accent-soft"
        >
          Try it
        </Link>
      )}
    </li>
  );
}
