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
import { environmentBody } from "./environment-body";
import { credentialsOf, variablesOf } from "./fields";
import { LinkMaker } from "./links";

interface Props {
  tenant: string;
  environment: string;
  onClose: () => void;
}

interface Taken {
  connection: Connection;
  connector: Connector;
  /** Whether the tenant is activated under it already. */
  isActivated: boolean;
}

type Typed = Record<string, Record<string, string>>;

/** Every embedded connection that an environment assigns, with what each takes. */
async function taken(environment: string, tenant: string): Promise<Taken[]> {
  const path = `/v1/environments/${part(environment)}/activations/${part(tenant)}`;
  const { connections } = await json<EnvironmentActivation>("GET", path);
  return Promise.all(
    Object.entries(connections).map(async ([key, isActivated]) => {
      const connection = await given(
        api.GET("/v1/connections/{connection}", { params: { path: { connection: key } } }),
      );
      const of = { params: { path: { connector: connection.connector } } };
      return { connection, connector: await given(api.GET("/v1/connectors/{connector}", of)), isActivated };
    }),
  );
}

/** Activates a tenant under all embedded connections of an environment, or under none. */
export function ActivateEnvironment({ tenant, environment, onClose }: Props) {
  const { data, error } = useQuery({
    queryKey: ["users", "environment", environment, tenant],
    // Where it is activated by now decides what is sent.
    gcTime: 0,
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
  const needsConsent = taken.some((it) => !it.isActivated && consents(it.connection.auth_method ?? {}));
  const submit = async () => {
    setBusy(true);
    setError(undefined);
    const activated = Object.fromEntries(taken.map((it) => [it.connection.key, it.isActivated]));
    const body = environmentBody(activated, credentials, variables);
    try {
      await json("PUT", `/v1/environments/${part(environment)}/activations/${part(tenant)}`, body);
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
      {taken.map(({ connection, connector, isActivated }) => {
        const key = connection.key;
        const at = `/connections/${key}`;
        return (
          <fieldset key={key} className="grid gap-3 rounded-lg border border-line p-3.5">
            <legend className="px-1 text-[13px] font-semibold">{connection.name || key}</legend>
            {isActivated && (
              <p className="text-xs text-dim">
                Activated already: it stays as it is, unless you fill something in. Then all of it is replaced.
              </p>
            )}
            {variablesOf(connection, connector).map((it) => (
              <Field
                key={it.name}
                label={it.label}
                help={it.help}
                optional={isActivated || !it.required}
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
              fields={credentialsOf(connection).map((it) => (isActivated ? { ...it, need: "optional" } : it))}
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
