import { useState } from "react";
import type { SwitchPreview } from "~/api/schema";
import { count } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Notice } from "~/kit/told";
import { act } from "./acts";
import { Consequences } from "./consequences";
import { CredentialInputs } from "./credential-inputs";
import { Decide } from "./decide";
import { credentialFields, isOfTheApp } from "./method/fields";
import { type Read, useReadAgain } from "./query";

/** From standard to embedded or back: what is deleted and who is affected is said first. */
export function SwitchConnection({ read, onClose }: { read: Read; onClose: () => void }) {
  const { connection } = read;
  const method = connection.auth_method ?? {};
  const to = connection.embedded ? "standard" : "embedded";
  const [values, setValues] = useState<Record<string, string>>({});
  const again = useReadAgain();
  const tell = useTell();
  const set = connection.credentials ?? {};
  const fields = credentialFields(method).filter((it) => it.need !== "obtained" && !(it.name in set));
  const ask = to === "standard" ? fields : [];
  const given = Object.fromEntries(Object.entries(values).filter(([, it]) => it !== ""));
  const missing = ask.some((it) => it.need === "required" && !given[it.name]);
  const credentials = to === "standard" ? { credentials: { ...set, ...given } } : {};
  return (
    <Decide<SwitchPreview>
      title={to === "embedded" ? "Let each tenant bring its own?" : "Hold the credentials here?"}
      about={
        to === "embedded"
          ? "An embedded connection has no credentials of its own. It does nothing until a tenant is activated."
          : "A standard connection has one set of credentials, for whoever uses it."
      }
      of={[connection.key, connection.version]}
      preview={() => act<SwitchPreview>(connection.key, "switch", { to }, { dry_run: true })}
      act={(it) => ({
        label: to === "embedded" ? "Make it embedded" : "Make it standard",
        danger: it.needs_confirmation,
        disabled: missing,
      })}
      onAct={async (it) => {
        await act(connection.key, "switch", { to, ...credentials, ...(it.needs_confirmation && { confirm: true }) });
        tell(`${connection.key} is ${to} now`);
        void again();
      }}
      onClose={onClose}
    >
      {(it) => (
        <>
          <Lost preview={it} />
          <Consequences told={it.uses} />
          {to === "embedded" && it.uses.environments > 0 && (
            <Notice tone="warn">
              Requests through these need a tenant from then on, and an activation of that tenant.
            </Notice>
          )}
          {ask.length > 0 && (
            <CredentialInputs
              fields={ask.map((field) => (isOfTheApp(method, field.name) ? field : { ...field }))}
              values={values}
              onChange={setValues}
            />
          )}
        </>
      )}
    </Decide>
  );
}

function Lost({ preview }: { preview: SwitchPreview }) {
  const lost = [
    preview.credentials_deleted.length > 0 && `its credentials (${preview.credentials_deleted.join(", ")})`,
    preview.test_credentials_deleted.length > 0 &&
      `its test credentials (${preview.test_credentials_deleted.join(", ")})`,
    preview.activations_deleted > 0 && `${count(preview.activations_deleted, "activation")} with their credentials`,
    preview.settings_deleted.length > 0 && `the settings ${preview.settings_deleted.join(", ")}`,
  ].filter((it) => typeof it === "string");
  if (lost.length === 0) return <p>Nothing is deleted.</p>;
  return (
    <div>
      <p className="font-medium text-bad">This is deleted, and can't be brought back:</p>
      <ul className="mt-1 list-disc pl-5">
        {lost.map((it) => (
          <li key={it}>{it}</li>
        ))}
      </ul>
    </div>
  );
}
