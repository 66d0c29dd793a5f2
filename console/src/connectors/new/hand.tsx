import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { json } from "~/api/client";
import { isApiError } from "~/api/problem";
import type { Connector, NewConnector } from "~/api/schema";
import { Button } from "~/kit/button";
import { Field, Select, TextInput } from "~/kit/field";
import { Card } from "~/kit/page";
import { useTell } from "~/kit/toast";
import { Failure } from "~/kit/told";
import { BaseUrlField } from "../base-url";
import { nameOf, once } from "../data";
import { newConnection } from "../elsewhere";
import { FIRST_METHODS, type FirstMethod, firstMethod, variablesOf } from "./first";
import { keyFault, keyOf } from "./key";

/** A connector of what is typed: a name and where the API is. The rest can come later. */
export function HandPart() {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const tell = useTell();
  const [name, setName] = useState("");
  const [ownKey, setOwnKey] = useState<string>();
  const [baseUrl, setBaseUrl] = useState("");
  const [method, setMethod] = useState<FirstMethod>("later");
  const [header, setHeader] = useState("X-Api-Key");
  const [isTold, setIsTold] = useState(false);
  const key = ownKey ?? keyOf(name);
  const create = useMutation({
    mutationFn: () => {
      const auth = firstMethod(method, header);
      const variables = variablesOf(baseUrl);
      const body: NewConnector = {
        key,
        ...(name && { name }),
        ...(baseUrl && { base_url: baseUrl }),
        ...(auth && { auth }),
        ...(variables && { variables }),
      };
      return json<Connector>("POST", "/v1/connectors", body, once());
    },
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["list", "/v1/connectors"] });
      tell(`${nameOf(made)} is made. Now a connection to it, with your credential.`);
      navigate(newConnection(made.key));
    },
  });
  const refused = isApiError(create.error) ? create.error : undefined;
  const isTaken = refused?.status === 409 ? refused.message : undefined;
  const keyError = isTaken ?? refused?.at("/key") ?? (isTold ? keyFault(key) : undefined);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setIsTold(true);
    if (!keyFault(key)) create.mutate();
  };
  const variables = Object.keys(variablesOf(baseUrl) ?? {});
  return (
    <form onSubmit={submit} noValidate>
      <Card className="grid max-w-2xl gap-4">
        <Field label="Name" help="As people call the API." error={refused?.at("/name")}>
          {(ties) => (
            <TextInput
              {...ties}
              autoFocus
              placeholder="Acme CRM"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="Key" help="Programs and files name the connector by it. It stays." error={keyError}>
          {(ties) => (
            <TextInput
              {...ties}
              mono
              placeholder="acme-crm"
              value={key}
              onChange={(event) => {
                create.reset();
                setOwnKey(event.target.value);
              }}
            />
          )}
        </Field>
        <BaseUrlField
          value={baseUrl}
          onChange={setBaseUrl}
          error={refused?.at("/base_url")}
          help={
            variables.length > 0
              ? `Each connection fills in ${variables.map((it) => `{${it}}`).join(", ")}.`
              : "What differs between accounts stands in braces: https://{subdomain}.example.com."
          }
        />
        <Field
          label="How it authenticates"
          help="More types, OAuth 2.0 and signatures among them, come with the connection."
          error={refused?.at("/auth")}
        >
          {(ties) => (
            <Select {...ties} value={method} onChange={(event) => setMethod(event.target.value as FirstMethod)}>
              {FIRST_METHODS.map((it) => (
                <option key={it.value} value={it.value}>
                  {it.label}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {method === "api_key" && (
          <Field label="Header" help="The one that the key goes in." error={refused?.at("/auth/key/api_key/name")}>
            {(ties) => <TextInput {...ties} mono value={header} onChange={(event) => setHeader(event.target.value)} />}
          </Field>
        )}
        {!isTaken && <Failure error={create.error} />}
        <div className="flex justify-end">
          <Button type="submit" kind="primary" busy={create.isPending}>
            Create it, and add a connection
          </Button>
        </div>
      </Card>
    </form>
  );
}
