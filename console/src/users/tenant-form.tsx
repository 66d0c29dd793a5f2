import { useState } from "react";
import { part } from "~/api/pages";
import type { Tenant } from "~/api/schema";
import { Field, TextInput } from "~/kit/field";
import { FormDialog } from "~/kit/form-dialog";

const PATH = "/v1/tenants";

interface Props {
  onClose: () => void;
  onDone: (tenant: Tenant) => unknown;
}

export function NewTenant({ onClose, onDone }: Props) {
  const [key, setKey] = useState("");
  const [name, setName] = useState("");
  return (
    <FormDialog<Tenant>
      title="New user"
      path={PATH}
      body={{ key, ...(name && { name }) }}
      onClose={onClose}
      onDone={onDone}
    >
      {(at) => (
        <>
          <Field
            label="Id"
            help="Your own id for this customer: what your requests say in Attache-Tenant."
            error={at("/key")}
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
          <ForPeople label="Name" example="Acme Ltd" value={name} error={at("/name")} onChange={setName} />
        </>
      )}
    </FormDialog>
  );
}

/** What a user is called; its id stays. */
export function EditTenant({ tenant, onClose, onDone }: Props & { tenant: Tenant }) {
  const [name, setName] = useState(tenant.name ?? "");
  const [description, setDescription] = useState(tenant.description ?? "");
  return (
    <FormDialog<Tenant>
      title={`The user ${tenant.key}`}
      about="What people know them by. The id stays: requests name it."
      act="Save"
      method="PATCH"
      path={`${PATH}/${part(tenant.key)}`}
      body={{ name: name || null, description: description || null }}
      etag={tenant.version === undefined ? undefined : `"${tenant.version}"`}
      onClose={onClose}
      onDone={onDone}
    >
      {(at) => (
        <>
          <ForPeople label="Name" example="Acme Ltd" value={name} error={at("/name")} onChange={setName} />
          <ForPeople
            label="Description"
            example="Since 2024, on the large plan"
            value={description}
            error={at("/description")}
            onChange={setDescription}
          />
        </>
      )}
    </FormDialog>
  );
}

interface ForPeopleProps {
  label: string;
  example: string;
  value: string;
  error: string | undefined;
  onChange: (text: string) => void;
}

function ForPeople({ label, example, value, error, onChange }: ForPeopleProps) {
  return (
    <Field label={label} optional help="For people." error={error}>
      {(ties) => (
        <TextInput {...ties} placeholder={example} value={value} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
}
