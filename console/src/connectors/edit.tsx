import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { json } from "~/api/client";
import { part } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { Change, Connector } from "~/api/schema";
import { Button, ButtonLink } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Field, TextArea, TextInput } from "~/kit/field";
import { Card, Page, Section } from "~/kit/page";
import { useTell } from "~/kit/toast";
import { Failure, Loading, Notice } from "~/kit/told";
import { WouldChange } from "./affected";
import { BaseUrlField } from "./base-url";
import { connectorQuery, ifMatch, MERGE, nameOf } from "./data";
import { editedOf, patchOf } from "./edit-form";
import { VariableRows } from "./variable-rows";

export function EditConnectorPage() {
  const { key } = useParams({ from: "/connectors/$key/edit" });
  const connector = useQuery({ ...connectorQuery(key), staleTime: Number.POSITIVE_INFINITY });
  const up = { label: connector.data ? nameOf(connector.data) : key, to: "/connectors/$key", params: { key } } as const;
  return (
    <Page title={`Edit ${up.label}`} up={up}>
      {connector.isPending && <Loading rows={6} />}
      <Failure error={connector.error} again={connector.refetch} />
      {connector.data?.source && (
        <Notice>
          It is declared in {connector.data.source.file}, line {connector.data.source.line}: change it there.
        </Notice>
      )}
      {connector.data && !connector.data.source && <Form connector={connector.data} again={connector.refetch} />}
    </Page>
  );
}

function Form({
  connector: now,
  again,
}: {
  connector: Connector;
  again: () => Promise<{ data?: Connector | undefined }>;
}) {
  // What the form began with: what is read meanwhile is not what is written here, unless somebody wants that.
  const [connector, setConnector] = useState(now);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tell = useTell();
  const [edited, setEdited] = useState(() => editedOf(connector));
  const [change, setChange] = useState<Change>();
  const path = `/v1/connectors/${part(connector.key)}`;
  const patch = patchOf(connector, edited);
  const headers = { ...MERGE, ...ifMatch(connector) };
  const set = (more: Partial<typeof edited>) => setEdited({ ...edited, ...more });
  const save = useMutation({
    mutationFn: (search: string) => json<Connector>("PATCH", path + search, patch, headers),
    onSuccess: async () => {
      await queries.invalidateQueries();
      tell(`${edited.name || connector.key} is changed.`);
      navigate({ to: "/connectors/$key", params: { key: connector.key }, search: { tab: "about" } });
    },
  });
  const preview = useMutation({
    mutationFn: () => json<Change>("PATCH", `${path}?dry_run=true`, patch, headers),
    // Whom nobody uses needs no second look.
    onSuccess: (found) => (found.total === 0 && !found.refused ? save.mutate("") : setChange(found)),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    preview.mutate();
  };
  const error = save.error ?? preview.error;
  const refused = isApiError(error) ? error : undefined;
  const isOld = refused?.status === 412;
  return (
    <form onSubmit={submit} noValidate>
      <Section>
        <Card className="grid max-w-3xl gap-4">
          <Field label="Name" error={refused?.at("/name")} help="Its key stays: programs and files name it by that.">
            {(ties) => (
              <TextInput {...ties} value={edited.name} onChange={(event) => set({ name: event.target.value })} />
            )}
          </Field>
          <BaseUrlField
            value={edited.baseUrl}
            onChange={(baseUrl) => set({ baseUrl })}
            error={refused?.at("/base_url")}
            connector={connector.key}
            help="What differs between accounts stands in braces: https://{subdomain}.example.com. Without one, each connection says its own."
          />
          <Field label="Description" optional error={refused?.at("/description")}>
            {(ties) => (
              <TextArea
                {...ties}
                rows={2}
                value={edited.description}
                onChange={(event) => set({ description: event.target.value })}
              />
            )}
          </Field>
          <Field
            label="Documentation"
            optional
            help="The web page that describes the API."
            error={refused?.at("/docs")}
          >
            {(ties) => (
              <TextInput
                {...ties}
                type="url"
                value={edited.docs}
                onChange={(event) => set({ docs: event.target.value })}
              />
            )}
          </Field>
        </Card>
      </Section>
      <VariableRows
        rows={edited.variables}
        onChange={(variables) => set({ variables })}
        fault={(variable, member) => refused?.at(`/variables/${variable}${member && `/${member}`}`)}
      />
      {isOld ? (
        <Notice
          tone="warn"
          title="Somebody has changed it meanwhile"
          acts={
            <Button
              onClick={async () => {
                const { data } = await again();
                if (data) setConnector(data);
                save.reset();
                preview.reset();
              }}
            >
              Write mine over it
            </Button>
          }
        >
          {String(refused?.body.changed_by ?? "Another operator")} did. What you have typed stays here: with this it is
          saved over theirs at the next Save. Leave the page to see theirs.
        </Notice>
      ) : (
        <Failure error={error} />
      )}
      <div className="mt-4 flex max-w-3xl flex-wrap justify-end gap-2">
        <ButtonLink to="/connectors/$key" params={{ key: connector.key }} search={{ tab: "about" }}>
          Leave it as it is
        </ButtonLink>
        <Button
          type="submit"
          kind="primary"
          disabled={Object.keys(patch).length === 0}
          busy={preview.isPending || save.isPending}
        >
          Save
        </Button>
      </div>
      <Dialog title="Who this affects" open={change !== undefined} onClose={() => setChange(undefined)}>
        {change && <WouldChange change={change} />}
        <Failure error={save.error} />
        <Acts>
          <Button onClick={() => setChange(undefined)}>Back to the form</Button>
          {change && (
            <Button
              kind={change.refused ? "danger" : "primary"}
              busy={save.isPending}
              onClick={() => save.mutate(insisting(change))}
            >
              {change.refused ? "Save it all the same" : "Save it"}
            </Button>
          )}
        </Acts>
      </Dialog>
    </form>
  );
}

/** Whoever has read what it breaks, and wants it. */
function insisting(change: Change): string {
  const search = new URLSearchParams();
  if (change.breaks.length > 0) search.set("force", "true");
  if (change.moves.length > 0) search.set("confirm", "origin");
  return search.size > 0 ? `?${search}` : "";
}
