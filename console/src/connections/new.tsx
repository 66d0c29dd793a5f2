import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { json } from "~/api/client";
import { onceKey } from "~/api/once";
import { part } from "~/api/pages";
import { isApiError } from "~/api/problem";
import type { Connector } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button, ButtonLink } from "~/kit/button";
import { Page, Section } from "~/kit/page";
import { Initials } from "~/kit/text";
import { useTell } from "~/kit/toast";
import { Failure, Loading, Notice } from "~/kit/told";
import { AuthPart, isTaken } from "./auth-part";
import { ConnectionPart } from "./connection-part";
import { begin, type Draft, isEmbedded, methodKeyOf, methodOf, needsConsent } from "./draft";
import { PickConnector } from "./pick-connector";
import { useReadAgain } from "./query";
import { assign, type Saved, saveConnection, saveMethod } from "./save";

/** One form in two parts: how the API authenticates, and the connection itself. */
export function NewConnectionPage() {
  const { connector: key } = useSearch({ from: "/new/connection" });
  const connector = useQuery({
    queryKey: ["connector", key],
    queryFn: () => json<Connector>("GET", `/v1/connectors/${part(key ?? "")}`),
    enabled: key !== undefined,
  });
  if (key === undefined) {
    return (
      <Page title="New connection" about="Which API is it for?" up={{ label: "Connections", to: "/connections" }}>
        <PickConnector />
      </Page>
    );
  }
  return (
    <Page
      title={`New connection${connector.data ? ` to ${connector.data.name || key}` : ""}`}
      mark={connector.data && <Initials name={connector.data.name || key} />}
      about="A connection has an auth method of the API, a base URL, and the credentials, or a place for each tenant's."
      up={{ label: "Connections", to: "/connections" }}
    >
      {connector.isPending && <Loading />}
      {connector.isError && <Failure error={connector.error} again={() => connector.refetch()} />}
      {connector.data && <Form key={key} connector={connector.data} />}
    </Page>
  );
}

function Form({ connector }: { connector: Connector }) {
  const search = useSearch({ from: "/new/connection" });
  const [draft, setDraft] = useState(() => begin(connector, search.auth, search.environment));
  const [known, setKnown] = useState(connector);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const readAgain = useReadAgain();
  const tell = useTell();
  const mayAct = useMay("operator");
  const form = useRef<HTMLFormElement>(null);
  const method = methodOf(draft, known);
  const change = (next: Partial<Draft>) => {
    // Something else is asked for from now on.
    once.current = onceKey();
    setDraft((before) => ({ ...before, ...next }));
  };
  const [made, setMade] = useState<Saved>();
  const once = useRef(onceKey());
  const methodSave = useMutation({ mutationFn: () => saveMethod(draft, known) });
  const connectionSave = useMutation({
    mutationFn: (it: Draft) => saveConnection(it, known, once.current),
    onError: (error) => {
      // Refused: then another try is another request. Where no answer came it is the same one.
      if (isApiError(error) && error.status >= 400 && error.status < 500) once.current = onceKey();
    },
  });
  const placing = useMutation({
    mutationFn: (connection: string) => assign(search.environment ?? "", search.alias ?? "", connection),
  });
  const refused = methodSave.error ?? connectionSave.error;
  useEffect(() => {
    if (refused) form.current?.querySelector<HTMLElement>('[aria-invalid="true"], [role="alert"]')?.focus();
  }, [refused]);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (isTaken(draft, known)) return;
    methodSave.reset();
    const saved = made ?? (await make());
    // From here on it is there, whatever becomes of its place.
    setMade(saved);
    setDraft((before) => ({ ...before, credentials: {} }));
    const placed =
      search.environment && search.alias ? await placing.mutateAsync(saved.connection.key).then(() => true) : false;
    void readAgain();
    tell(placed ? `Made, and assigned in ${search.environment}` : (saved.notice ?? "The connection is made"));
    await navigate({ to: "/connections/$key", params: { key: saved.connection.key }, search: { next: "made" } });
  };
  const make = async () => {
    let ready = draft;
    if (draft.way !== "reuse") {
      const auth = await methodSave.mutateAsync();
      // What is kept already is reused from here on, whatever becomes of the connection.
      ready = { ...draft, way: "reuse", auth };
      const written = method as NonNullable<Connector["auth"]>[string];
      setKnown({ ...known, auth: { ...known.auth, [auth]: written } });
      setDraft((before) => ({ ...before, way: "reuse", auth }));
      await queries.invalidateQueries({ queryKey: ["connector", connector.key] });
      const now = queries.getQueryData<Connector>(["connector", connector.key]);
      if (now?.auth?.[auth]) setKnown(now);
    }
    return connectionSave.mutateAsync(ready);
  };
  const faults = [connectionSave.error, methodSave.error].find(isApiError);
  return (
    <form ref={form} onSubmit={(event) => save(event).catch(() => {})} className="grid max-w-3xl gap-2">
      {search.environment && (
        <div className="mb-4">
          <Notice>
            It will be assigned to {search.alias} in the environment {search.environment}.
          </Notice>
        </div>
      )}
      <fieldset disabled={made !== undefined} className="contents">
        <Section
          title="1. Auth method"
          about={`How ${connector.name || connector.key} knows who asks. It is kept on the connector, for other connections too.`}
        >
          <AuthPart
            connector={known}
            draft={draft}
            faults={methodSave.error && isApiError(methodSave.error) ? methodSave.error : undefined}
            onChange={change}
          />
        </Section>
        <Section title="2. Connection">
          <ConnectionPart connector={known} method={method} draft={draft} faults={faults} onChange={change} />
        </Section>
      </fieldset>
      <div className="grid gap-3" tabIndex={-1}>
        {made && placing.error ? (
          <Notice
            tone="warn"
            title="The connection is made, and not assigned yet"
            acts={
              <ButtonLink to="/connections/$key" params={{ key: made.connection.key }} search={{ next: "made" }}>
                Go on without
              </ButtonLink>
            }
          >
            {(placing.error as Error).message}
          </Notice>
        ) : (
          <Failure error={methodSave.error ?? connectionSave.error} />
        )}
        <div className="flex flex-wrap items-center justify-end gap-3">
          {!mayAct && <p className="text-[13px] text-dim">You may look, and not make connections: ask an operator.</p>}
          <Button
            type="submit"
            kind="primary"
            className="min-h-10 px-4"
            disabled={!mayAct || !draft.key || methodKeyOf(draft, known) === ""}
            busy={methodSave.isPending || connectionSave.isPending || placing.isPending}
          >
            {made ? `Assign it in ${search.environment}` : label(draft, method)}
          </Button>
        </div>
      </div>
    </form>
  );
}

function label(draft: Draft, method: object): string {
  if (needsConsent(draft, method)) return "Save, then connect the account";
  return isEmbedded(draft) ? "Make the embedded connection" : "Make the connection";
}
