import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { part } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { ConnectionPatch, Connector } from "~/api/schema";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Field, Select, TextInput } from "~/kit/field";
import { useTell } from "~/kit/toast";
import { Failure, Loading, Notice } from "~/kit/told";
import { patch } from "./acts";
import { BaseUrl } from "./base-url";
import { Consequences, type Told } from "./consequences";
import { JsonInput } from "./method/setting-input";
import { typeOf } from "./method/types";
import { More } from "./more";
import { type Read, useReadAgain } from "./query";

/** What has no field of its own in the form: limits, and how the upstream is spoken to. */
const REST = ["rate", "tenant_rate", "concurrency", "upstream", "egress", "inputs"] as const;

/** Changes a connection: a change that breaks somebody or sends credentials elsewhere is shown before it is made. */
export function EditConnection({ read, onClose }: { read: Read; onClose: () => void }) {
  const { connection } = read;
  const connector = useQuery({
    queryKey: ["connector", connection.connector],
    queryFn: () => json<Connector>("GET", `/v1/connectors/${part(connection.connector)}`),
  });
  const [version, setVersion] = useState(read);
  const [name, setName] = useState(connection.name ?? "");
  const [baseUrl, setBaseUrl] = useState(connection.base_url ?? "");
  const [variables, setVariables] = useState<Record<string, string>>({ ...connection.variables });
  const [origins, setOrigins] = useState((connection.allowed_origins ?? []).join(" "));
  const [suppliedBy, setSuppliedBy] = useState(connection.supplied_by ?? "tenant");
  const [rest, setRest] = useState<Record<string, unknown>>(() => restOf(connection));
  const again = useReadAgain();
  const tell = useTell();
  const body = (): ConnectionPatch =>
    ({
      // A word that the API does not know is sent as well: it is refused then, and not left out in silence.
      ...Object.fromEntries(Object.keys({ ...restOf(connection), ...rest }).map((it) => [it, rest[it] ?? null])),
      name: name || null,
      base_url: baseUrl.trim() || null,
      variables: changedVariables(connection.variables ?? {}, variables),
      allowed_origins: origins.split(/[\s,]+/).filter(Boolean),
      ...(connection.embedded && { supplied_by: suppliedBy }),
    }) as ConnectionPatch;
  const saving = useMutation({
    mutationFn: (all: boolean) => patch(version, body(), all ? { force: true, confirm: "origin" } : {}),
    onSuccess: () => {
      tell("Changed, from the next request on");
      void again();
      onClose();
    },
  });
  const error = isApiError(saving.error) ? saving.error : undefined;
  const asks = error?.code === "origin_changed" || error?.code === "in_use";
  const isOld = error?.status === 412;
  return (
    <Dialog title={`Edit ${connection.name || connection.key}`} open onClose={onClose} wide>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          saving.mutate(false);
        }}
      >
        <Field label="Name" error={error?.at("/name")}>
          {(ties) => <TextInput {...ties} value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
        {connector.isPending && <Loading rows={1} />}
        {connector.data && (
          <BaseUrl
            connector={connector.data}
            value={baseUrl}
            variables={variables}
            inbound={typeOf(connection.auth_method ?? {}) === "hmac"}
            open={connection.embedded ? Object.keys(connector.data.variables ?? {}) : []}
            faults={error}
            onChange={setBaseUrl}
            onVariables={setVariables}
          />
        )}
        {connection.embedded && (
          <Field label="Whose credentials" error={error?.at("/supplied_by")}>
            {(ties) => (
              <Select
                {...ties}
                value={suppliedBy}
                onChange={(event) => setSuppliedBy(event.target.value as typeof suppliedBy)}
              >
                <option value="tenant">The tenant's own</option>
                <option value="operator">The organisation's, one for each tenant</option>
              </Select>
            )}
          </Field>
        )}
        <More
          title="Limits, other origins, and how the API is spoken to"
          open={error?.faults.some((it) =>
            [...REST, "allowed_origins"].some((one) => it.pointer.startsWith(`/${one}`)),
          )}
        >
          <Field
            label="Other allowed origins"
            optional
            help="What Attache-Base-Url may name besides, with spaces between."
            error={error?.at("/allowed_origins")}
          >
            {(ties) => (
              <TextInput {...ties} mono value={origins} onChange={(event) => setOrigins(event.target.value)} />
            )}
          </Field>
          <JsonInput
            label="Limits and upstream settings, as JSON"
            help="rate, tenant_rate, concurrency, upstream, egress, and of an embedded one inputs (which are global, which each tenant's): as the configuration file writes them."
            placeholder='{ "rate": { "requests": 10, "per": "1s" } }'
            value={Object.keys(rest).length > 0 ? rest : undefined}
            fault={error?.faults.find((it) => REST.some((one) => it.pointer.startsWith(`/${one}`)))?.problem}
            rows={6}
            onChange={(next) => setRest((next ?? {}) as Record<string, unknown>)}
          />
        </More>
        {asks && error && (
          <Notice tone="warn" title={error.message}>
            <div className="mt-2">
              <Consequences told={error.body as Told} />
            </div>
          </Notice>
        )}
        {isOld && (
          <Notice
            tone="warn"
            title="Somebody changed it meanwhile"
            acts={
              <Button
                onClick={async () => {
                  setVersion({ ...read, etag: "*" });
                  saving.reset();
                }}
              >
                Write mine over it
              </Button>
            }
          >
            Close this to see theirs, or write yours over it.
          </Notice>
        )}
        {!asks && !isOld && <Failure error={saving.error} />}
        <Acts>
          <Button onClick={onClose}>Cancel</Button>
          {asks ? (
            <Button kind="danger" busy={saving.isPending} onClick={() => saving.mutate(true)}>
              Change it all the same
            </Button>
          ) : (
            <Button kind="primary" type="submit" busy={saving.isPending}>
              Save
            </Button>
          )}
        </Acts>
      </form>
    </Dialog>
  );
}

function restOf(connection: Read["connection"]): Record<string, unknown> {
  const entries = REST.map((it) => [it, connection[it]] as const);
  return Object.fromEntries(entries.filter(([, it]) => it != null));
}

/** As a merge patch: null takes a value away. */
function changedVariables(
  before: Record<string, string>,
  after: Record<string, string>,
): Record<string, string | null> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return Object.fromEntries(names.map((it) => [it, after[it] || null]));
}
