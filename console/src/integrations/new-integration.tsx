import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { json } from "~/api/client";
import { onceKey } from "~/api/once";
import { isApiError } from "~/api/problem";
import { keyFrom, useReadAgain } from "~/connections/for-others";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Field, TextArea, TextInput } from "~/kit/field";
import { Failure } from "~/kit/told";

/** Name and key; its connectors are added on its page. */
export function NewIntegration({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState("");
  const [ownKey, setOwnKey] = useState<string>();
  const [description, setDescription] = useState("");
  const navigate = useNavigate();
  const again = useReadAgain();
  const key = ownKey ?? keyFrom(name);
  const making = useMutation({
    mutationFn: () => {
      const body = { key, ...(name && { name }), ...(description && { description }) };
      return json("POST", "/v1/integrations", body, { "Idempotency-Key": onceKey() });
    },
    onSuccess: () => {
      void again();
      return navigate({ to: "/integrations/$key", params: { key } });
    },
  });
  const error = isApiError(making.error) ? making.error : undefined;
  return (
    <Dialog title="New integration" open onClose={onClose}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          making.mutate();
        }}
      >
        <Field label="Name" error={error?.at("/name")}>
          {(ties) => (
            <TextInput
              {...ties}
              placeholder="Ticket sync"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="Key" help="It stays, in every region and stage." error={error?.at("/key")}>
          {(ties) => (
            <TextInput {...ties} mono required value={key} onChange={(event) => setOwnKey(event.target.value)} />
          )}
        </Field>
        <Field label="Description" optional error={error?.at("/description")}>
          {(ties) => (
            <TextArea {...ties} rows={2} value={description} onChange={(event) => setDescription(event.target.value)} />
          )}
        </Field>
        <Failure error={making.error} />
        <Acts>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={making.isPending} disabled={!key}>
            Make the integration
          </Button>
        </Acts>
      </form>
    </Dialog>
  );
}
