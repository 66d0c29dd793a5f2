import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { listQuery } from "~/api/pages";
import type { Environment, Integration } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button, ButtonLink } from "~/kit/button";
import { List, Search } from "~/kit/list";
import { Page, Section } from "~/kit/page";
import { Empty, Failure, Notice } from "~/kit/told";
import { Matrix } from "./matrix";
import { missingIn } from "./missing";
import { NewEnvironment } from "./new-environment";
import { environmentsQuery } from "./query";

/** Integration by integration: which connection each environment has for each connector. */
export function EnvironmentsPage() {
  const { q } = useSearch({ from: "/environments" });
  const navigate = useNavigate({ from: "/environments" });
  const query = useInfiniteQuery(listQuery<Integration>("/v1/integrations", { q }, 20));
  const environments = useQuery(environmentsQuery);
  return (
    <Page
      title="Environments"
      about="Each is a deployed copy of an integration, with one connection for each connector that it links."
    >
      <div className="mb-4">
        <Search
          label="Search integrations"
          value={q ?? ""}
          onSearch={(text) => navigate({ search: text ? { q: text } : {}, replace: true })}
        />
      </div>
      <Failure error={environments.error} again={() => environments.refetch()} />
      <List
        query={query}
        empty={
          <Empty
            title={q ? "No integration has these words" : "No integration yet"}
            acts={
              <ButtonLink to="/integrations" kind="primary">
                Go to the integrations
              </ButtonLink>
            }
          >
            Environments belong to an integration, which says which connectors it uses. Make one first.
          </Empty>
        }
      >
        {(items) => (
          <>
            <Missing integrations={items} environments={environments.data ?? []} />
            {items.map((it) => (
              <OfIntegration
                key={it.key}
                integration={it}
                environments={(environments.data ?? []).filter((one) => one.integration === it.key)}
                known={environments.isSuccess}
              />
            ))}
          </>
        )}
      </List>
    </Page>
  );
}

function Missing({ integrations, environments }: { integrations: Integration[]; environments: Environment[] }) {
  const holes = missingIn(integrations, environments).filter((it) => it.deployed);
  if (holes.length === 0) return null;
  return (
    <div className="mb-5">
      <Notice tone="bad" title="Deployed environments lack a connection">
        {holes.map((it) => `${it.environment}: ${it.aliases.join(", ")}`).join(" · ")}. Requests for these are answered
        connector_not_assigned.
      </Notice>
    </div>
  );
}

interface OfProps {
  integration: Integration;
  environments: Environment[];
  known: boolean;
}

function OfIntegration({ integration, environments, known }: OfProps) {
  const [asks, setAsks] = useState(false);
  const mayAct = useMay("operator");
  return (
    <section className="mb-7">
      <div className="mb-2.5 flex flex-wrap items-end justify-between gap-2">
        <h2 className="text-[15px] font-semibold">
          <Link to="/integrations/$key" params={{ key: integration.key }} className="hover:underline">
            {integration.name || integration.key}
          </Link>
        </h2>
        {mayAct && <Button onClick={() => setAsks(true)}>New environment</Button>}
      </div>
      {environments.length > 0 && <Matrix integration={integration} environments={environments} />}
      {known && environments.length === 0 && (
        <Section>
          <p className="rounded-xl border border-dashed border-line px-4 py-6 text-center text-[13px] text-dim">
            No environment yet: nothing of this integration is deployed.
          </p>
        </Section>
      )}
      {asks && <NewEnvironment integration={integration.key} onClose={() => setAsks(false)} />}
    </section>
  );
}
