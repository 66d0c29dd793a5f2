import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, given, json } from "~/api/client";
import { all, listQuery, part } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { Activation, Connection, Environment } from "~/api/schema";
import { beginTenantsConsent } from "~/connections/consenting";
import { CredentialInputs } from "~/connections/credential-inputs";
import { consents } from "~/connections/method/fields";
import { Button } from "~/kit/button";
import { Acts, Dialog } from "~/kit/dialog";
import { Field, Select, TextInput } from "~/kit/field";
import { List, Search } from "~/kit/list";
import { Initials } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Empty, Failure, Loading, Notice } from "~/kit/told";
import { ActivateEnvironment } from "./activate-environment";
import { credentialsOf, filled, variablesOf } from "./fields";
import { LinkMaker } from "./links";

interface Props {
  tenant: string;
  /** The connection, where it is known already. */
  wanted?: string | undefined;
  /** What there is already, where it is changed. */
  again?: Activation | undefined;
  onClose: () => void;
}

/** Activates a tenant on its behalf: which connection, then what it takes. */
export function ActivateDialog({ tenant, wanted, again, onClose }: Props) {
  const [chosen, setChosen] = useState(wanted);
  const [environment, setEnvironment] = useState("");
  const isChosen = Boolean(chosen || environment);
  return (
    <Dialog
      title={again ? `${tenant} under ${again.connection}` : `Activate ${tenant}`}
      about={
        isChosen ? undefined : "Under which embedded connection? Each tenant brings credentials of its own to these."
      }
      open
      onClose={onClose}
      wide={!isChosen}
    >
      {chosen ? (
        <Form tenant={tenant} connection={chosen} again={again} onClose={onClose} />
      ) : environment ? (
        <ActivateEnvironment tenant={tenant} environment={environment} onClose={onClose} />
      ) : (
        <div className="grid gap-5">
          <PickEnvironment onPick={setEnvironment} />
          <Pick onPick={setChosen} />
        </div>
      )}
    </Dialog>
  );
}

function PickEnvironment({ onPick }: { onPick: (environment: string) => void }) {
  const { data } = useQuery({
    queryKey: ["all", "/v1/environments"],
    queryFn: () => all<Environment>("/v1/environments"),
  });
  if (!data?.length) return null;
  return (
    <Field label="Everything that an environment takes" help="All of its embedded connections, or none.">
      {(ties) => (
        <Select {...ties} value="" onChange={(event) => onPick(event.target.value)}>
          <option value="">Choose an environment, or a connection below</option>
          {data.map((it) => (
            <option key={it.key} value={it.key}>
              {it.name || it.key}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

function Pick({ onPick }: { onPick: (connection: string) => void }) {
  const [q, setQ] = useState("");
  const query = useInfiniteQuery(listQuery<Connection>("/v1/connections", { embedded: true, q }));
  return (
    <div className="grid gap-3">
      <Search label="Search connections" value={q} onSearch={setQ} />
      <List
        query={query}
        empty={
          <Empty title="No embedded connection">
            Make one under Connect, with credentials that each tenant brings.
          </Empty>
        }
      >
        {(items) => (
          <ul className="grid gap-1.5">
            {items.map((it) => (
              <li key={it.key}>
                <button
                  type="button"
                  className="flex min-h-11 w-full items-center gap-3 rounded-lg border border-line px-3 py-1.5 text-left hover:bg-sunken"
                  onClick={() => onPick(it.key)}
                >
                  <Initials name={it.connector} size="sm" />
                  <span className="min-w-0 flex-1">
                    <span className="block text-[13px] font-medium">{it.name || it.key}</span>
                    <span className="block text-xs text-dim">{it.connector}</span>
                  </span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </List>
    </div>
  );
}

function Form({
  tenant,
  connection: key,
  again,
  onClose,
}: {
  tenant: string;
  connection: string;
  again?: Activation | undefined;
  onClose: () => void;
}) {
  const connection = useQuery({
    queryKey: ["users", "connection", key],
    queryFn: () => given(api.GET("/v1/connections/{connection}", { params: { path: { connection: key } } })),
  });
  const connector = useQuery({
    queryKey: ["users", "connector", connection.data?.connector],
    enabled: Boolean(connection.data),
    queryFn: () =>
      given(
        api.GET("/v1/connectors/{connector}", { params: { path: { connector: connection.data?.connector ?? "" } } }),
      ),
  });
  if (connection.error || connector.error) return <Failure error={connection.error ?? connector.error} />;
  if (!connection.data || !connector.data) return <Loading />;
  return (
    <Fill tenant={tenant} connection={connection.data} connector={connector.data} again={again} onClose={onClose} />
  );
}

interface FillProps {
  tenant: string;
  connection: Connection;
  connector: Parameters<typeof variablesOf>[1];
  again?: Activation | undefined;
  onClose: () => void;
}

function Fill({ tenant, connection, connector, again, onClose }: FillProps) {
  const fields = credentialsOf(connection);
  const variables = variablesOf(connection, connector);
  const consent = consents(connection.auth_method ?? {});
  const [values, setValues] = useState<Record<string, string>>({});
  const [given_, setGiven] = useState<Record<string, string>>(again?.variables ?? {});
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const tell = useTell();
  const path = `/v1/connections/${part(connection.key)}/activations/${part(tenant)}`;
  const faults = isApiError(error) ? error : undefined;
  const save = async () => {
    // What is left empty of what there is stays as it is: it is sent back as it was shown.
    const kept = Object.fromEntries(Object.entries(again?.credentials ?? {}).filter(([name]) => !values[name]));
    await json("PUT", path, {
      credentials: { ...kept, ...filled(values) },
      variables: filled(given_),
      ...(again && { enabled: again.enabled !== false }),
    });
  };
  const submit = async (thenConsent: boolean) => {
    setBusy(true);
    setError(undefined);
    try {
      await save();
      if (thenConsent) {
        setValues({});
        return await beginTenantsConsent(connection.key, tenant);
      }
      setValues({});
      tell(again ? "It is changed" : `${tenant} is activated`);
      onClose();
    } catch (told) {
      setError(told);
      setBusy(false);
    }
  };
  return (
    <form
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(consent === "browser");
      }}
    >
      {consent && (
        <>
          <Notice title="They consent at the provider.">
            Send them a link: they need no account here, and you see nothing of theirs. Or go there yourself, if the
            account is yours.
          </Notice>
          <LinkMaker tenant={tenant} connection={connection.key} />
        </>
      )}
      {variables.map((it) => (
        <Field
          key={it.name}
          label={it.label}
          help={it.help}
          optional={!it.required}
          error={faults?.at(`/variables/${it.name}`)}
        >
          {(ties) => (
            <TextInput
              {...ties}
              mono
              placeholder={it.value}
              value={given_[it.name] ?? ""}
              required={it.required && !consent}
              onChange={(event) => setGiven({ ...given_, [it.name]: event.target.value })}
            />
          )}
        </Field>
      ))}
      <CredentialInputs
        fields={again ? fields.map((it) => ({ ...it, need: "optional" as const })) : fields}
        values={values}
        onChange={setValues}
        faults={faults}
      />
      {again && fields.length > 0 && <p className="text-xs text-dim">What is left empty stays as it is.</p>}
      {!consent && fields.length === 0 && variables.length === 0 && (
        <p className="text-[13px] text-dim">There is nothing to fill in: all of it is set on the connection.</p>
      )}
      <Failure error={error} />
      <Acts>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind={consent ? "plain" : "primary"} type="submit" busy={busy}>
          {consent === "browser" ? "Consent here, now" : again ? "Save" : "Activate"}
        </Button>
      </Acts>
    </form>
  );
}
