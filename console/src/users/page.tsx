import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { json } from "~/api/client";
import { listQuery } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { Tenant } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Field, TextInput } from "~/kit/field";
import { List, Search } from "~/kit/list";
import { Page } from "~/kit/page";
import { Table } from "~/kit/table";
import { Code, Initials, Moment } from "~/kit/text";
import { Empty, Failure } from "~/kit/told";
import { Forecast } from "~/live/forecast";

/** The operator's customers, and who of them needs somebody's attention. */
export function UsersPage() {
  const { q = "" } = useSearch({ from: "/users" });
  const navigate = useNavigate();
  const [making, setMaking] = useState(false);
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
      {making && <NewTenant onClose={() => setMaking(false)} />}
    </Page>
  );
}

function NewTenant({ onClose }: { onClose: () => void }) {
  const [key, setKey] = useState("");
  const [name, setName] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const submit = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await json("POST", "/v1/tenants", { key, ...(name && { name }) });
      await queries.invalidateQueries({ queryKey: ["list", "/v1/tenants"] });
      await navigate({ to: "/users/$tenant", params: { tenant: key } });
    } catch (told) {
      setError(told);
      setBusy(false);
    }
  };
  return (
    <Dialog title="New user" open onClose={onClose}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field
          label="Id"
          help="Your own id for this customer: what your requests say in Attache-Tenant."
          error={isApiError(error) ? error.at("/key") : undefined}
        >
          {(ties) => (
            <TextInput
              {...ties}
              mono
              required
              autoFocus
              placeholder="acme"
              value={key}
              onChange={(event) => setKey(event.target.value)}
            />
          )}
        </Field>
        <Field label="Name" optional help="For people.">
          {(ties) => (
            <TextInput
              {...ties}
              placeholder="Acme Ltd"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Failure error={error} />
        <Acts>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={busy}>
            Make it
          </Button>
        </Acts>
      </form>
    </Dialog>
  );
}
