import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { json } from "~/api/client";
import { all } from "~/api/pages";
import type { LinkEndpointView, Preview } from "~/api/schema";
import { useMay } from "~/api/session";
import { Consequences, Decide, patchJson, useReadAgain } from "~/connections/for-others";
import { Matrix, NewEnvironment, useEnvironmentsOf } from "~/environments/for-others";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Field, TextArea, TextInput } from "~/kit/field";
import { Menu } from "~/kit/menu";
import { Page, Section } from "~/kit/page";
import { Code, Initials } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Empty, Failure, Loading } from "~/kit/told";
import { AddConnector } from "./add-connector";
import { LinkCard } from "./link-card";
import { integrationQuery, pathOf, type ReadIntegration } from "./query";

/** One integration: its connectors, methods, connections, endpoints and environments in one place. */
export function IntegrationPage() {
  const { key } = useParams({ from: "/integrations/$key" });
  const query = useQuery(integrationQuery(key));
  if (query.data) return <Shown read={query.data} />;
  return (
    <Page title={key} up={{ label: "Integrations", to: "/integrations" }}>
      {query.isPending ? <Loading rows={5} /> : <Failure error={query.error} again={() => query.refetch()} />}
    </Page>
  );
}

function Shown({ read }: { read: ReadIntegration }) {
  const { integration } = read;
  const [asks, setAsks] = useState<"add" | "environment" | "edit" | "delete">();
  const mayAct = useMay("operator");
  const editable = mayAct && !integration.source;
  const environments = useEnvironmentsOf(integration.key);
  const endpoints = useQuery({
    queryKey: ["integrations", integration.key, "endpoints", integration.version],
    queryFn: () => all<LinkEndpointView>(`${pathOf(integration.key)}/endpoints`),
  });
  const links = Object.entries(integration.connectors ?? {});
  const close = () => setAsks(undefined);
  const name = integration.name || integration.key;
  const { file, line } = (integration.source ?? {}) as { file?: string; line?: number };
  const add = editable && (
    <Button kind="primary" onClick={() => setAsks("add")}>
      Add a connector
    </Button>
  );
  return (
    <Page
      title={name}
      mark={<Initials name={name} />}
      about={
        <>
          <Code>{integration.key}</Code> {integration.description}
          {file && ` Declared in ${file}, line ${line}: it is changed there.`}
        </>
      }
      up={{ label: "Integrations", to: "/integrations" }}
      acts={
        editable && (
          <>
            <Menu
              label="More that can be done"
              items={[
                { label: "Name and description", onSelect: () => setAsks("edit") },
                { label: "Delete", danger: true, onSelect: () => setAsks("delete") },
              ]}
            />
            {add}
          </>
        )
      }
    >
      <Section
        title="Environments"
        about="Which connection each has for each connector."
        acts={mayAct && <Button onClick={() => setAsks("environment")}>New environment</Button>}
      >
        {environments.length > 0 && links.length > 0 ? (
          <Matrix integration={integration} environments={environments} />
        ) : (
          <p className="rounded-xl border border-dashed border-line px-4 py-6 text-center text-[13px] text-dim">
            {links.length === 0
              ? "Add a connector first: an environment has one connection for each."
              : "No environment yet: make one, and choose its connections."}
          </p>
        )}
      </Section>
      <Section title="Connectors" about="Each under the alias that the integration calls it by.">
        {links.length === 0 ? (
          <Empty title="It links no connector yet" acts={add}>
            Choose one of yours, or one of the catalogue: then its central version and the link are made at once.
          </Empty>
        ) : (
          <div className="grid gap-3">
            {links.map(([alias, link]) => (
              <LinkCard
                key={alias}
                read={read}
                alias={alias}
                link={link}
                endpoints={endpoints.data?.filter((it) => it.alias === alias)}
                assigned={environments.flatMap((it) => it.assign?.[alias] ?? [])}
              />
            ))}
          </div>
        )}
        <Failure error={endpoints.error} />
      </Section>
      {asks === "add" && <AddConnector read={read} onClose={close} />}
      {asks === "environment" && <NewEnvironment integration={integration.key} onClose={close} />}
      {asks === "edit" && <EditIntegration read={read} onClose={close} />}
      {asks === "delete" && <DeleteIntegration read={read} onClose={close} />}
    </Page>
  );
}

function EditIntegration({ read: now, onClose }: { read: ReadIntegration; onClose: () => void }) {
  // The version that the form began with: one that is read meanwhile is not what is written here.
  const [read] = useState(now);
  const [name, setName] = useState(read.integration.name ?? "");
  const [description, setDescription] = useState(read.integration.description ?? "");
  const again = useReadAgain();
  const saving = useMutation({
    mutationFn: () =>
      patchJson(pathOf(read.integration.key), { name: name || null, description: description || null }, {}, read.etag),
    onSuccess: () => {
      void again();
      onClose();
    },
  });
  return (
    <Dialog title="Name and description" open onClose={onClose}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          saving.mutate();
        }}
      >
        <Field label="Name">
          {(ties) => <TextInput {...ties} value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
        <Field label="Description" optional>
          {(ties) => (
            <TextArea {...ties} rows={3} value={description} onChange={(event) => setDescription(event.target.value)} />
          )}
        </Field>
        <Failure error={saving.error} />
        <Acts>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={saving.isPending}>
            Save
          </Button>
        </Acts>
      </form>
    </Dialog>
  );
}

function DeleteIntegration({ read, onClose }: { read: ReadIntegration; onClose: () => void }) {
  const { key } = read.integration;
  const navigate = useNavigate();
  const again = useReadAgain();
  const tell = useTell();
  return (
    <Decide<Preview>
      title={`Delete ${read.integration.name || key}?`}
      of={[key, read.etag]}
      preview={() => json<Preview>("DELETE", `${pathOf(key)}?dry_run=true`)}
      act={(it) => ({ label: it.refused ? "Delete it and break these" : "Delete", danger: true })}
      onAct={async (it) => {
        const expected: Record<string, string> = read.etag ? { "If-Match": read.etag } : {};
        await json("DELETE", `${pathOf(key)}${it.refused ? "?force=true" : ""}`, undefined, expected);
        await navigate({ to: "/integrations" });
        tell(`${key} is deleted`);
        void again();
      }}
      onClose={onClose}
    >
      {(it) => (
        <>
          <p>Its connectors and connections stay.{it.total > 0 ? " Its environments can't be used any more:" : ""}</p>
          <Consequences told={it} />
        </>
      )}
    </Decide>
  );
}
