import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { json, raw } from "~/api/client";
import { part } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { AuthMethod, Connector } from "~/api/schema";
import { type Method, written } from "~/connections/method/types";
import { MethodForm } from "~/connections/method-form";
import { Button, ButtonLink } from "~/kit/button";
import { Field, TextInput } from "~/kit/field";
import { Card, Page } from "~/kit/page";
import { useTell } from "~/kit/toast";
import { Failure, Loading, Notice } from "~/kit/told";
import { connectorQuery, ifMatch, nameOf, revisionsQuery } from "./data";
import { keyFault, keyOf } from "./new/key";

const BEGIN: Method = { bearer: {} };

/** One more way that the API can be authenticated with. */
export function NewMethodPage() {
  const { key } = useParams({ from: "/connectors/$key/new-auth" });
  const connector = useQuery(connectorQuery(key));
  return (
    <Page title="New auth method" up={upTo(key, connector.data)} about="How the API wants to be authenticated with.">
      {connector.isPending && <Loading rows={6} />}
      <Failure error={connector.error} again={connector.refetch} />
      {connector.data && <MethodPart connector={connector.data} begin={BEGIN} />}
    </Page>
  );
}

export function EditMethodPage() {
  const { key, method } = useParams({ from: "/connectors/$key/auth/$method" });
  const connector = useQuery(connectorQuery(key));
  const found = useQuery({
    queryKey: ["connector", key, "auth", method],
    queryFn: async () => {
      const response = await raw(`/v1/connectors/${part(key)}/auth/${part(method)}`);
      return { settings: (await response.json()) as AuthMethod, etag: response.headers.get("ETag") };
    },
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const revisions = useQuery(revisionsQuery(key, method));
  const newest = found.data?.settings.revision;
  const pinned = revisions.data?.reduce((sum, it) => sum + it.connections_total, 0) ?? 0;
  return (
    <Page title={`Edit ${found.data?.settings.name || method}`} up={upTo(key, connector.data)}>
      {(found.isPending || connector.isPending) && <Loading rows={6} />}
      <Failure error={found.error ?? connector.error} again={found.refetch} />
      {found.data && connector.data && (
        <div className="grid gap-4">
          <div className="max-w-3xl">
            <Notice title={newest ? `Saving makes revision ${newest + 1}` : "Saving makes another revision"}>
              {pinned > 0
                ? `${pinned === 1 ? "The connection" : `The ${pinned.toLocaleString("en")} connections`} that pin an earlier one keep it until somebody re-pins them: nothing breaks now.`
                : "No connection pins an earlier one."}
            </Notice>
          </div>
          <MethodPart
            connector={connector.data}
            method={method}
            begin={written(found.data.settings)}
            etag={found.data.etag}
          />
        </div>
      )}
    </Page>
  );
}

function upTo(key: string, connector: Connector | undefined) {
  const label = connector ? nameOf(connector) : key;
  return { label, to: "/connectors/$key", params: { key }, search: { tab: "auth" } } as const;
}

interface Props {
  connector: Connector;
  /** None where it is a new one. */
  method?: string;
  begin: Method;
  etag?: string | null;
}

function MethodPart({ connector, method, begin, etag }: Props) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tell = useTell();
  const [value, setValue] = useState(begin);
  // The version that the form began with: one that is read meanwhile is not what is written here.
  const [version] = useState(etag);
  const [ownKey, setOwnKey] = useState<string>();
  const [isTold, setIsTold] = useState(false);
  const key = method ?? ownKey ?? (keyOf(value.name ?? "") || "main");
  const isTaken = method === undefined && connector.auth?.[key] !== undefined;
  const keyError = isTaken ? `There is a method ${key} already: edit that one, or take another key.` : keyFault(key);
  const save = useMutation({
    mutationFn: () => {
      const path = `/v1/connectors/${part(connector.key)}/auth/${part(key)}`;
      const expected = method === undefined ? ifMatch(connector) : version ? { "If-Match": version } : {};
      return json<AuthMethod>("PUT", path, value, expected);
    },
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["connector", connector.key] });
      const revision = made.revision === undefined ? "" : `, revision ${made.revision}`;
      tell(`${made.name || key} is saved${revision}.`);
      navigate({ to: "/connectors/$key", params: { key: connector.key }, search: { tab: "auth" } });
    },
  });
  const refused = isApiError(save.error) ? save.error : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setIsTold(true);
    if (!keyError) save.mutate();
  };
  return (
    <form onSubmit={submit} className="grid max-w-3xl gap-4">
      <Card>
        <MethodForm value={value} onChange={setValue} faults={refused} connector={connector} />
        {method === undefined && (
          <div className="mt-5">
            <Field
              label="Key"
              help="Connections and files name the method by it. It stays."
              error={isTold || isTaken ? keyError : undefined}
            >
              {(ties) => <TextInput {...ties} mono value={key} onChange={(event) => setOwnKey(event.target.value)} />}
            </Field>
          </div>
        )}
      </Card>
      {refused?.status === 412 && method === undefined ? (
        <Notice
          tone="warn"
          title="Somebody has changed the connector meanwhile"
          acts={
            <Button
              onClick={async () => {
                await queries.invalidateQueries({ queryKey: ["connector", connector.key] });
                save.reset();
              }}
            >
              Look again
            </Button>
          }
        >
          What you have typed stays here. Look whether there is a method of this key now, and add yours then.
        </Notice>
      ) : refused?.status === 412 ? (
        <Notice tone="warn" title="Somebody has changed it meanwhile">
          {String(refused.body.changed_by ?? "Another operator")} did. Open this page again to see theirs: what you have
          typed here is not saved.
        </Notice>
      ) : (
        <Failure error={save.error} />
      )}
      <div className="flex flex-wrap justify-end gap-2">
        <ButtonLink to="/connectors/$key" params={{ key: connector.key }} search={{ tab: "auth" }}>
          Leave it as it is
        </ButtonLink>
        <Button type="submit" kind="primary" busy={save.isPending}>
          {method === undefined ? "Add it" : "Save as another revision"}
        </Button>
      </div>
    </form>
  );
}
