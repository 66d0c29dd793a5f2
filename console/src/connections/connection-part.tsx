import type { ApiError } from "~/api/problem";
import type { Connector } from "~/api/schema";
import { Field, TextInput, Toggle } from "~/kit/field";
import { Card } from "~/kit/page";
import { Notice } from "~/kit/told";
import { BaseUrl } from "./base-url";
import { CredentialInputs } from "./credential-inputs";
import { type Draft, fieldsToFill, inputOf, isEmbedded, keyFrom, needsConsent } from "./draft";
import { Inputs } from "./inputs";
import { consents, credentialFields } from "./method/fields";
import { canBeEmbedded, typeOf } from "./method/types";
import { More } from "./more";
import { RedirectUri } from "./redirect-uri";
import { WhoseCredentials } from "./whose";

interface Props {
  connector: Connector;
  method: object;
  draft: Draft;
  faults?: ApiError | undefined;
  onChange: (change: Partial<Draft>) => void;
}

/** The connection itself: what it is called, where it goes, and whose credentials it works with. */
export function ConnectionPart({ connector, method, draft, faults, onChange }: Props) {
  const type = typeOf(method);
  const variables = Object.keys(connector.variables ?? {});
  const embedded = isEmbedded(draft);
  const open = embedded ? variables.filter((it) => inputOf(draft, method, it, true) === "tenant") : [];
  const fields = fieldsToFill(draft, method, variables);
  const obtained = credentialFields(method, variables).filter((it) => it.need === "obtained" && it.name !== "scope");
  const rename = (name: string) => onChange({ name, ...(!draft.isKeyOwn && { key: keyFrom(name) }) });
  return (
    <Card className="grid gap-5">
      <div className="grid items-start gap-4 sm:grid-cols-2">
        <Field label="Name" error={faults?.at("/name")}>
          {(ties) => <TextInput {...ties} value={draft.name} onChange={(event) => rename(event.target.value)} />}
        </Field>
        <Field label="Key" help="What callers name it by. It stays." error={faults?.at("/key")}>
          {(ties) => (
            <TextInput
              {...ties}
              mono
              required
              value={draft.key}
              onChange={(event) => onChange({ key: event.target.value, isKeyOwn: true })}
            />
          )}
        </Field>
      </div>
      <BaseUrl
        connector={connector}
        value={draft.baseUrl}
        variables={draft.variables}
        inbound={type === "hmac"}
        open={open}
        faults={faults}
        onChange={(baseUrl) => onChange({ baseUrl })}
        onVariables={(next) => onChange({ variables: next })}
      />
      <WhoseCredentials
        draft={draft}
        barred={canBeEmbedded(type) ? undefined : "With None there is nothing that a tenant could bring."}
        onChange={onChange}
      />
      {consents(method) === "browser" && <RedirectUri embedded={embedded} />}
      {fields.length > 0 && (
        <div className="grid gap-3">
          <h3 className="text-[13px] font-semibold">{embedded ? "Set once, for all tenants" : "Credentials"}</h3>
          <CredentialInputs
            fields={fields}
            values={draft.credentials}
            faults={faults}
            onChange={(credentials) => onChange({ credentials })}
          />
        </div>
      )}
      {!embedded && fields.length === 0 && type !== "none" && faults && (
        <CredentialInputs
          fields={[]}
          values={draft.credentials}
          faults={faults}
          onChange={(credentials) => onChange({ credentials })}
        />
      )}
      {!embedded && consents(method) && obtained.length > 0 && (
        <More title="I have tokens already" about="from another system">
          <CredentialInputs
            fields={obtained}
            values={draft.credentials}
            faults={faults}
            onChange={(credentials) => onChange({ credentials })}
          />
        </More>
      )}
      {needsConsent(draft, method) && (
        <Notice title="Then you connect the account">
          After saving, one button takes you to the provider, where whoever owns the account consents.
        </Notice>
      )}
      {embedded && <Inputs connector={connector} method={method} draft={draft} onChange={onChange} />}
      <Toggle
        label="Expose to tenants"
        help="Tenant-scoped callers may list and use it."
        checked={draft.expose}
        onChange={(expose) => onChange({ expose })}
      />
    </Card>
  );
}
