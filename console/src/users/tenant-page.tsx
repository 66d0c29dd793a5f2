import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, given } from "~/api/client";
import { every, listQuery, part } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { Activation } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { List } from "~/kit/list";
import { Menu } from "~/kit/menu";
import { Page } from "~/kit/page";
import { Tabs } from "~/kit/tabs";
import { Code, Initials } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Empty, Failure, Loading } from "~/kit/told";
import { Rows } from "~/live/rows";
import { useLive } from "~/live/use-live";
import { ActivateDialog } from "./activate";
import { ActivationCard } from "./activation-card";
import { DeleteTenant } from "./delete-tenant";
import { LinkDialog, Links } from "./links";
import { EditTenant } from "./tenant-form";

/** One customer: where it is activated, how that goes, and what it sends. */
export function TenantPage() {
  const { tenant: key } = useParams({ from: "/users/$tenant" });
  const { tab = "activations", connection } = useSearch({ from: "/users/$tenant" });
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tell = useTell();
  const mayAct = useMay("operator");
  const [asked, setAsked] = useState<"activate" | "link" | "edit" | "delete" | undefined>(
    connection ? "activate" : undefined,
  );
  const tenant = useQuery({
    queryKey: ["tenant", key],
    queryFn: () => given(api.GET("/v1/tenants/{tenant}", { params: { path: { tenant: key } } })),
  });
  const activations = useInfiniteQuery({
    ...listQuery<Activation>(`/v1/tenants/${part(key)}/activations`),
    // They connect by themselves as well, on a page of their own.
    refetchInterval: every(5_000),
  });
  const again = () => queries.invalidateQueries({ queryKey: ["list", `/v1/tenants/${part(key)}/activations`] });
  // Whom an activation alone makes known is known by it.
  const isKnown = !isApiError(tenant.error) || tenant.error.status !== 404;
  const name = tenant.data?.name || key;
  const many = activations.data?.items.length ?? 0;
  return (
    <Page
      title={name}
      up={{ label: "Users", to: "/users" }}
      mark={<Initials name={name} />}
      about={
        <>
          <Code>{key}</Code> {tenant.data?.description}
        </>
      }
      acts={
        mayAct && (
          <>
            {isKnown && !tenant.data?.source && (
              <Menu
                label="More"
                items={[
                  ...(tenant.data ? [{ label: "Name and description …", onSelect: () => setAsked("edit") }] : []),
                  { label: "Delete …", danger: true, onSelect: () => setAsked("delete") },
                ]}
              />
            )}
            <Button onClick={() => setAsked("link")}>Make a connect link</Button>
            <Button kind="primary" onClick={() => setAsked("activate")}>
              Activate
            </Button>
          </>
        )
      }
    >
      {tenant.isPending ? (
        <Loading />
      ) : tenant.error && isKnown ? (
        <Failure error={tenant.error} again={() => tenant.refetch()} />
      ) : (
        <Tabs
          label="Of this user"
          value={tab}
          onChange={(it) =>
            navigate({
              to: "/users/$tenant",
              params: { tenant: key },
              search: it === "activations" ? {} : { tab: it },
              replace: true,
            })
          }
          tabs={[
            {
              value: "activations",
              label: "Activations",
              count: many || undefined,
              content: (
                <List
                  query={activations}
                  empty={
                    <Empty
                      title={`${name} is not activated anywhere`}
                      acts={
                        mayAct && (
                          <>
                            <Button onClick={() => setAsked("link")}>Make a connect link</Button>
                            <Button kind="primary" onClick={() => setAsked("activate")}>
                              Activate
                            </Button>
                          </>
                        )
                      }
                    >
                      Send a link, and they connect their own account. Or enter on their behalf what they gave you.
                    </Empty>
                  }
                >
                  {(items) => (
                    <ul className="grid gap-3 lg:grid-cols-2">
                      {items.map((it) => (
                        <li key={it.connection}>
                          <ActivationCard activation={it} onChanged={again} />
                        </li>
                      ))}
                    </ul>
                  )}
                </List>
              ),
            },
            { value: "links", label: "Links", content: <Links tenant={key} /> },
            { value: "requests", label: "Requests", content: <Requests tenant={key} /> },
          ]}
        />
      )}
      {asked === "edit" && tenant.data && (
        <EditTenant
          tenant={tenant.data}
          onClose={() => setAsked(undefined)}
          onDone={async () => {
            setAsked(undefined);
            await Promise.all([tenant.refetch(), queries.invalidateQueries({ queryKey: ["list", "/v1/tenants"] })]);
          }}
        />
      )}
      {asked === "activate" && mayAct && (
        <ActivateDialog
          tenant={key}
          wanted={connection}
          onClose={() => {
            setAsked(undefined);
            void again();
            // Once is enough: who loads the page anew is not asked again.
            if (connection) void navigate({ to: "/users/$tenant", params: { tenant: key }, search: {}, replace: true });
          }}
        />
      )}
      {asked === "link" && <LinkDialog tenant={key} onClose={() => setAsked(undefined)} />}
      {asked === "delete" && (
        <DeleteTenant
          tenant={key}
          name={name}
          onClose={() => setAsked(undefined)}
          onDone={async () => {
            await queries.invalidateQueries({ queryKey: ["list", "/v1/tenants"] });
            tell(`${name} is deleted`);
            await navigate({ to: "/users" });
          }}
        />
      )}
    </Page>
  );
}

function Requests({ tenant }: { tenant: string }) {
  const live = useLive({ tenant });
  if (live.pending && live.exchanges.length === 0) return <Loading rows={4} />;
  if (live.exchanges.length === 0)
    return (
      <Empty title="No requests for them lately">
        What goes through the proxy for this user shows here as it happens.
      </Empty>
    );
  return <Rows exchanges={live.exchanges} label={`Requests for ${tenant}`} from="tenant" />;
}
