import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { isApiError } from "~/api/problem";
import type { Connection } from "~/api/schema";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { useTell } from "~/kit/toast";
import { Failure } from "~/kit/told";
import { type Place, setCredentials } from "./acts";
import { CredentialInputs } from "./credential-inputs";
import { type CredentialField, consents, credentialFields, isOfTheApp } from "./method/fields";
import { useReadAgain } from "./query";

interface Props {
  connection: Connection;
  place: Place;
  onClose: () => void;
}

/** The fields that are typed in at this place. */
export function fieldsOf(connection: Connection, place: Place): CredentialField[] {
  const method = connection.auth_method ?? {};
  const variables = Object.keys(connection.variables ?? {});
  const set = connection[place] ?? {};
  const fields = credentialFields(method, variables).filter((it) => it.need !== "obtained" || it.name in set);
  const isGlobal = (name: string) =>
    (connection.inputs?.[name] ?? (isOfTheApp(method, name) ? "global" : "tenant")) === "global";
  if (!connection.embedded) return fields;
  return fields.filter((it) => (place === "credentials" ? isGlobal(it.name) : !isGlobal(it.name)));
}

/** Types credentials in. A field that is left empty keeps what it has. */
export function SetCredentials({ connection, place, onClose }: Props) {
  const [values, setValues] = useState<Record<string, string>>({});
  const again = useReadAgain();
  const tell = useTell();
  const set = connection[place] ?? {};
  const base = fieldsOf(connection, place);
  const fields = base.map((it) =>
    it.name in set ? { ...it, need: "optional" as const, help: it.help ?? "Empty: it stays as it is." } : it,
  );
  const saving = useMutation({
    mutationFn: () => {
      const given = Object.entries(values).filter(([, it]) => it !== "");
      return setCredentials(connection.key, place, { ...set, ...Object.fromEntries(given) } as Record<string, string>);
    },
    onSuccess: () => {
      tell(
        place === "credentials" ? "The credentials are set, from the next request on" : "The test credentials are set",
      );
      void again();
      onClose();
    },
  });
  const error = isApiError(saving.error) ? saving.error : undefined;
  return (
    <Dialog
      title={place === "credentials" ? "Credentials" : "Test credentials"}
      about={
        place === "credentials"
          ? "They are sealed in the store, and never shown again."
          : "Used by requests tagged Attache-Test: true, and when you try an endpoint without choosing a tenant."
      }
      open
      onClose={onClose}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          saving.mutate();
        }}
      >
        <div className="grid gap-4">
          {place === "test_credentials" && consents(connection.auth_method ?? {}) && fields.length === 0 && (
            <p className="text-[13px]">A person consents for them: use Connect a test account.</p>
          )}
          <CredentialInputs fields={fields} values={values} onChange={setValues} faults={error} at="" />
          <Failure error={saving.error} />
        </div>
        <Acts>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="primary"
            type="submit"
            busy={saving.isPending}
            disabled={Object.values(values).every((it) => !it)}
          >
            Save
          </Button>
        </Acts>
      </form>
    </Dialog>
  );
}
