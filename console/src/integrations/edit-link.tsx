import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { isApiError } from "~/api/problem";
import type { RawLink } from "~/api/schema";
import { Consequences, JsonInput, patchJson, type Told, useReadAgain } from "~/connections/for-others";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Field, TextInput } from "~/kit/field";
import { useTell } from "~/kit/toast";
import { Failure, Notice } from "~/kit/told";
import { pathOf, type ReadIntegration } from "./query";

interface Props {
  read: ReadIntegration;
  alias: string;
  link: RawLink;
  onClose: () => void;
}

/** What is different of a connector in this integration alone. The central connector stays as it is. */
export function EditLink({ read: now, alias, link, onClose }: Props) {
  // The version that the form began with: one that is read meanwhile is not what is written here.
  const [read] = useState(now);
  const [baseUrl, setBaseUrl] = useState(link.base_url ?? "");
  const [endpoints, setEndpoints] = useState<unknown>(link.endpoints ?? undefined);
  const again = useReadAgain();
  const tell = useTell();
  const saving = useMutation({
    mutationFn: (force: boolean) => {
      const change = { base_url: baseUrl.trim() || null, endpoints: endpoints ?? null };
      return patchJson(pathOf(read.integration.key), { connectors: { [alias]: change } }, { force }, read.etag);
    },
    onSuccess: () => {
      tell(`${alias} is changed`);
      void again();
      onClose();
    },
  });
  const error = isApiError(saving.error) ? saving.error : undefined;
  const at = (member: string) => error?.at(`/connectors/${alias}/${member}`);
  const deeper = error?.faults.find((it) => it.pointer.startsWith(`/connectors/${alias}/endpoints`));
  const isInUse = error?.code === "in_use";
  return (
    <Dialog
      title={`${alias} in ${read.integration.name || read.integration.key}`}
      about="Only here: the connector itself stays as it is."
      open
      onClose={onClose}
    >
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          saving.mutate(false);
        }}
      >
        <Field
          label="Base URL"
          optional
          error={at("base_url")}
          help="Instead of the connection's. Its origin has to be one that the connection allows."
        >
          {(ties) => (
            <TextInput {...ties} mono type="url" value={baseUrl} onChange={(event) => setBaseUrl(event.target.value)} />
          )}
        </Field>
        <JsonInput
          label="Endpoints, as JSON"
          help="Which of the connector's matter here (only, or except), and what is different of them (override). It limits nobody."
          placeholder='{ "only": ["list_issues"], "override": { "list_issues": { "name": "Issues" } } }'
          value={endpoints}
          fault={deeper?.problem}
          rows={6}
          onChange={setEndpoints}
        />
        {isInUse && (
          <Notice tone="warn" title={error?.message ?? ""}>
            <Consequences told={(error?.body ?? {}) as Told} />
          </Notice>
        )}
        {!isInUse && <Failure error={saving.error} />}
        <Acts>
          <Button onClick={onClose}>Cancel</Button>
          {isInUse ? (
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
