import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, given, json } from "~/api/client";
import { part } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { Connection, Connector, EnvironmentActivation } from "~/api/schema";
import { CredentialInputs } from "~/connections/credential-inputs";
import { consents } from "~/connections/method/fields";
import { Button } from "~/kit/button";
import { Acts } from "~/kit/dialog";
import { Field, TextInput } from "~/kit/field";
import { useTell } from "~/kit/toast";
import { Failure, Loading, Notice } from "~/kit/told";
import { credentialsOf, filled, variablesOf } from "./fields";
import { LinkMaker } from "./links";

interface Props {
  tenant: string;
  environment: string;
  onClose: () => void;
}

interface Taken {
  connection: Connection;
  connector: Connector;
}

type Typed = Record<string, Record<string, string>>;

/** Every embedded connection that an environment assigns, with what each takes. */
async function taken(environment: string, tenant: string): Promise<Taken[]> {
  const path = `/v1/environments/${part(environment)}/activations/${part(tenant)}`;
  const { connections } = await json<EnvironmentActivation>("GET", path);
  return Promise.all(
    Object.keys(connections).map(async (key) => {
      const connection = await given(
        api.GET("/v1/connections/{connection}", { params: { path: { connection: key } } }),
      );
      const of = { params: { path: { connector: connection.connector } } };
      return { connection, connector: await given(api.GET("/v1/connectors/{connector}", of)) };
    }),
  );
}

/** Activates a tenant under all embedded connections of an environment, or under none. */
export function ActivateEnvironment({ tenant, environment, onClose }: Props) {
  const { data, error } = useQuery({
    queryKey: ["users", "environment", environment, tenant],
    queryFn: () => taken(environment, tenant),
  });
  if (error) return <Failure error={error} />;
  if (!data) return <Loading />;
  if (data.length === 0)
    return <Notice>This environment assigns no embedded connection: there is nothing to activate.</Notice>;
  return <Fill tenant={tenant} environment={environment} taken={data} onClose={onClose} />;
}

function Fill({ tenant, environment, taken, onClose }: Props & { taken: Taken[] }) {
  const [credentials, setCredentials] = useState<Typed>({});
  const [variables, setVariables] = useState<Typed>({});
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const tell = useTell();
  const faults = isApiError(error) ? error : undefined;
  const needsConsent = taken.some((it) => consents(it.connection.auth_method ?? {}));
  const submit = async () => {
    setBusy(true);
    setError(undefined);
    const of = (key: string) => ({
      credentials: filled(credentials[key] ?? {}),
      variables: filled(variables[key] ?? {}),
    });
    const connections = Object.fromEntries(taken.map((it) => [it.connection.key, of(it.connection.key)]));
    try {
      await json("PUT", `/v1/environments/${part(environment)}/activations/${part(tenant)}`, { connections });
      setCredentials({});
      tell(`${tenant} is activated in ${environment}`);
      onClose();
    } catch (told) {
      setError(told);
      setBusy(false);
    }
  };
  return (
    <form
      className="grid gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <p className="text-[13px] text-dim">All of them are activated, or none.</p>
      {needsConsent && (
        <>
          <Notice title="Some of it takes their consent.">
            A link takes them through all of it, on pages of yours.
          </Notice>
          <LinkMaker tenant={tenant} environment={environment} />
        </>
      )}
      {taken.map(({ connection, connector }) => {
        const key = connection.key;
        const at = `/connections/${key}`;
        return (
          <fieldset key={key} className="grid gap-3 rounded-lg border border-line p-3.5">
            <legend className="px-1 text-[13px] font-semibold">{connection.name || key}</legend>
            {variablesOf(connection, connector).map((it) => (
              <Field
                key={it.name}
                label={it.label}
                help={it.help}
                optional={!it.required}
                error={faults?.at(`${at}/variables/${it.name}`)}
              >
                {(ties) => (
                  <TextInput
                    {...ties}
                    mono
                    placeholder={it.value}
                    value={variables[key]?.[it.name] ?? ""}
                    onChange={(event) =>
                      setVariables({ ...variables, [key]: { ...variables[key], [it.name]: event.target.value } })
                    }
                  />
                )}
              </Field>
            ))}
            <CredentialInputs
              fields={credentialsOf(connection)}
              values={credentials[key] ?? {}}
              onChange={(values) => setCredentials({ ...credentials, [key]: values })}
              faults={faults}
              at={`${at}/credentials`}
            />
          </fieldset>
        );
      })}
      <Failure error={error} />
      <Acts>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind={needsConsent ? "plain" : "primary"} type="submit" busy={busy}>
          Activate in {environment}
        </Button>
      </Acts>
    </form>
  );
}
