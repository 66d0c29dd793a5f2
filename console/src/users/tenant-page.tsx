import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, given, json } from "~/api/client";
import { listQuery, part } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { Activation } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Confirm } from "~/kit/dialog";
import { List } from "~/kit/list";
import { Menu } from "~/kit/menu";
import { Page } from "~/kit/page";
import { Tabs } from "~/kit/tabs";
import { Code, count, Initials } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Empty, Failure, Loading } from "~/kit/told";
import { Rows } from "~/live/rows";
import { useLive } from "~/live/use-live";
import { ActivateDialog } from "./activate";
import { ActivationCard } from "./activation-card";
import { LinkDialog, Links } from "./links";

/** One customer: where it is activated, how that goes, and what it sends. */
export function TenantPage() {
  const { tenant: key } = useParams({ from: "/users/$tenant" });
  const { tab = "activations", connection } = useSearch({ from: "/users/$tenant" });
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tell = useTell();
  const mayAct = useMay("operator");
  const [asked, setAsked] = useState<"activate" | "link" | "delete" | undefined>(connection ? "activate" : undefined);
  const tenant = useQuery({
    queryKey: ["tenant", key],
    queryFn: () => given(api.GET("/v1/tenants/{tenant}", { params: { path: { tenant: key } } })),
  });
  const activations = useInfiniteQuery(listQuery<Activation>(`/v1/tenants/${part(key)}/activations`));
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
              <Menu label="More" items={[{ label: "Delete …", danger: true, onSelect: () => setAsked("delete") }]} />
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
      {asked === "activate" && (
        <ActivateDialog
          tenant={key}
          wanted={connection}
          onClose={() => {
            setAsked(undefined);
            void again();
          }}
        />
      )}
      {asked === "link" && <LinkDialog tenant={key} onClose={() => setAsked(undefined)} />}
      <Confirm
        title={`Delete ${name}?`}
        act="Delete them"
        type={many > 0 ? key : undefined}
        open={asked === "delete"}
        onClose={() => setAsked(undefined)}
        onAct={async () => {
          await json("DELETE", `/v1/tenants/${part(key)}${many > 0 ? "?force=true" : ""}`);
          await queries.invalidateQueries({ queryKey: ["list", "/v1/tenants"] });
          tell(`${name} is deleted`);
          await navigate({ to: "/users" });
        }}
      >
        {many > 0
          ? `${count(many, "activation")} of theirs and the credentials in ${many === 1 ? "it" : "them"} are deleted, and tokens are ended at their providers where these allow it. Requests for ${key} are answered 404 from now on.`
          : "They are not activated anywhere. Nothing else is lost."}
      </Confirm>
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
