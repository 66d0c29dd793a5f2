import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { onceKey } from "~/api/once";
import { isApiError } from "~/api/problem";
import { keyFrom, useReadAgain } from "~/connections/for-others";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Field, Select, TextInput, Toggle } from "~/kit/field";
import { useTell } from "~/kit/toast";
import { Failure } from "~/kit/told";
import { environmentsQuery } from "./query";

interface Props {
  integration: string;
  /** What it has at first: the connections of that one. */
  copyOf?: string;
  onClose: () => void;
}

/** Another deployed copy of an integration. */
export function NewEnvironment({ integration, copyOf = "", onClose }: Props) {
  const [name, setName] = useState("");
  const [ownKey, setOwnKey] = useState<string>();
  const [copied, setCopied] = useState(copyOf);
  const [deployed, setDeployed] = useState(false);
  const environments = useQuery(environmentsQuery);
  const again = useReadAgain();
  const tell = useTell();
  const key = ownKey ?? keyFrom(name);
  const others = (environments.data ?? []).filter((it) => it.integration === integration);
  const making = useMutation({
    mutationFn: () => {
      const assign = others.find((it) => it.key === copied)?.assign;
      const body = { key, ...(name && { name }), integration, deployed, ...(assign && { assign }) };
      return json("POST", "/v1/environments", body, { "Idempotency-Key": onceKey() });
    },
    onSuccess: () => {
      tell(`${name || key} is made`);
      void again();
      onClose();
    },
  });
  const error = isApiError(making.error) ? making.error : undefined;
  return (
    <Dialog
      title="New environment"
      about="A deployed copy of the integration: development, production. It has one connection for each connector."
      open
      onClose={onClose}
    >
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
              placeholder="Production"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="Key" help="What callers name it by. It stays." error={error?.at("/key")}>
          {(ties) => (
            <TextInput {...ties} mono required value={key} onChange={(event) => setOwnKey(event.target.value)} />
          )}
        </Field>
        {others.length > 0 && (
          <Field label="Begin with the connections of" optional>
            {(ties) => (
              <Select {...ties} value={copied} onChange={(event) => setCopied(event.target.value)}>
                <option value="">None: choose each</option>
                {others.map((it) => (
                  <option key={it.key} value={it.key}>
                    {it.name || it.key}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        )}
        <Toggle
          label="Deployed"
          help="In use: its connections are shown as in deployed use, and deleting them says so."
          checked={deployed}
          onChange={setDeployed}
        />
        <Failure error={making.error} />
        <Acts>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={making.isPending} disabled={!key}>
            Make the environment
          </Button>
        </Acts>
      </form>
    </Dialog>
  );
}
