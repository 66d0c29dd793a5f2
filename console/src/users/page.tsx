import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { listQuery } from "~/api/pages";
import type { Tenant } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { List, Search } from "~/kit/list";
import { Page } from "~/kit/page";
import { Table } from "~/kit/table";
import { Code, Initials, Moment } from "~/kit/text";
import { Badge, Empty } from "~/kit/told";
import { Forecast } from "~/live/forecast";
import { NewTenant } from "./tenant-form";

/** The operator's customers, and who of them needs somebody's attention. */
export function UsersPage() {
  const { q = "" } = useSearch({ from: "/users" });
  const navigate = useNavigate();
  const [making, setMaking] = useState(false);
  const queries = useQueryClient();
  const mayAct = useMay("operator");
  const query = useInfiniteQuery(listQuery<Tenant>("/v1/tenants", { q }));
  const make = mayAct && (
    <Button kind="primary" onClick={() => setMaking(true)}>
      New user
    </Button>
  );
  return (
    <Page
      title="Users"
      about="Your customers, by your own ids for them. Each is activated with credentials of its own, which no other ever sees."
      acts={make}
    >
      <Forecast tenantsOnly />
      <div className="mb-3">
        <Search
          label="Search by id or name"
          value={q}
          onSearch={(text) => navigate({ to: "/users", search: text ? { q: text } : {}, replace: true })}
        />
      </div>
      <List
        query={query}
        empty={
          <Empty title={q ? "Nobody has this in their id or name" : "No users yet"} acts={!q && make}>
            {!q &&
              "A user (a tenant) is there as soon as it is activated: here, by your own application through the API, or by itself on a connect page."}
          </Empty>
        }
      >
        {(items) => (
          <Table
            label="Users"
            rows={items}
            keyOf={(it) => it.key}
            columns={[
              {
                head: "User",
                narrow: "bare",
                cell: (it) => (
                  <Link
                    to="/users/$tenant"
                    params={{ tenant: it.key }}
                    className="inline-flex min-h-8 items-center gap-2.5 font-medium hover:underline"
                  >
                    <Initials name={it.name || it.key} size="sm" />
                    {it.name || it.key}
                  </Link>
                ),
              },
              { head: "Id", cell: (it) => <Code>{it.key}</Code> },
              { head: "Activations", cell: (it) => <Standing of={it.activations} /> },
              { head: "Description", narrow: "hide", cell: (it) => <span className="text-dim">{it.description}</span> },
              {
                head: "Since",
                cell: (it) =>
                  it.created_at ? <Moment at={it.created_at} /> : <span className="text-dim">in a file</span>,
              },
            ]}
          />
        )}
      </List>
      {making && (
        <NewTenant
          onClose={() => setMaking(false)}
          onDone={async (made) => {
            await queries.invalidateQueries({ queryKey: ["list", "/v1/tenants"] });
            await navigate({ to: "/users/$tenant", params: { tenant: made.key } });
          }}
        />
      )}
    </Page>
  );
}

/** How many activations a user has, and how many of them need somebody. */
function Standing({ of }: { of: Tenant["activations"] }) {
  if (!of?.total) return <span className="text-dim">none yet</span>;
  return (
    <span className="inline-flex flex-wrap items-center gap-1.5">
      {of.total}
      {of.failing > 0 && <Badge tone="bad">{of.failing} failing</Badge>}
      {of.refused > 0 && <Badge tone="bad">{of.refused} refused</Badge>}
      {of.dying_7d > 0 && <Badge tone="warn">{of.dying_7d} within 7 days</Badge>}
    </span>
  );
}
