import { useMutation } from "@tanstack/react-query";
import { type FormEvent, type KeyboardEvent, useRef, useState } from "react";
import { json } from "~/api/client";
import { isApiError } from "~/api/problem";
import type { Connection, Connector, RawEndpoint, Tried } from "~/api/schema";
import { Button } from "~/kit/button";
import { Field, Pairs, Select, TextArea, TextInput } from "~/kit/field";
import { Card } from "~/kit/page";
import { Code } from "~/kit/text";
import { Empty, Failure, Notice } from "~/kit/told";
import { Answer } from "./answer";
import { useKept } from "./draft";
import { EndpointPicker } from "./endpoint-picker";
import { Keep } from "./keep";
import { bodyFault, type Draft, METHODS, missing, parametersOf, pretty, startOf, takesBody, wantedOf } from "./request";
import { type Chosen, WhomPart } from "./whom";

interface Props {
  connector: Connector;
  endpoint: string | undefined;
  begin: Pick<RawEndpoint, "method" | "path"> | undefined;
  connection: Connection | undefined;
  chosen: Chosen;
  onChoose: (chosen: Chosen) => void;
}

/** A request as it is written, and beside it what came of it. */
export function RequestPart({ connector, endpoint, begin, connection, chosen, onChoose }: Props) {
  const { draft, tried, by: triedBy, setDraft, setTried } = useKept(connector.key, endpoint, () => startOf(begin));
  const [isTold, setIsTold] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const answers = useRef<HTMLElement>(null);
  const send = useMutation({
    mutationFn: ({ sent, by = "" }: { sent: Draft; by?: string | undefined }) => {
      const { tenant, as } = chosen;
      return json<Tried>("POST", "/v1/try", wantedOf(sent, { connection: by, tenant, test: as === "test" }));
    },
    onSuccess: (answer, sent) => {
      setTried(answer, sent.by);
      requestAnimationFrame(() => shownAt(answers.current));
    },
  });
  const needsTenant = connection?.embedded === true && chosen.as !== "test" && !chosen.tenant;
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    setIsTold(true);
    if (missing(draft).length > 0 || needsTenant || send.isPending) {
      form.current?.querySelector<HTMLElement>("[data-needed]")?.focus();
      return;
    }
    send.mutate({ sent: draft, by: chosen.connection });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  };
  const set = (more: Partial<Draft>) => setDraft({ ...draft, ...more });
  const refused = isApiError(send.error) ? send.error : undefined;
  return (
    <div className="grid gap-5 xl:grid-cols-2">
      <form ref={form} onSubmit={submit} onKeyDown={onKeyDown} noValidate className="grid content-start gap-4">
        <Card className="grid gap-4">
          <WhomPart connector={connector} connection={connection} chosen={chosen} onChange={onChoose} />
          {isTold && needsTenant && (
            <p role="alert" className="text-[13px] text-bad">
              The connection is embedded: choose whose credentials go on the request.
            </p>
          )}
        </Card>
        <Card className="grid gap-4">
          <Line
            draft={draft}
            set={set}
            base={connection?.effective_base_url}
            fault={refused?.at("/path") ?? refused?.at("/method")}
            picker={<EndpointPicker connector={connector} current={endpoint} chosen={chosen} />}
          />
          <Parameters draft={draft} set={set} isTold={isTold} />
          <Pairs label="Query" rows={draft.query} onChange={(query) => set({ query })} />
          <Pairs label="Headers" rows={draft.headers} onChange={(headers) => set({ headers })} />
          {(takesBody(draft.method) || draft.body !== "") && (
            <Body draft={draft} set={set} fault={refused?.at("/body")} />
          )}
          <Failure error={send.error} />
          <div className="flex flex-wrap items-center justify-between gap-2">
            <p className="text-xs text-dim">attache puts the credential on. Ctrl+Enter sends.</p>
            <div className="flex gap-2">
              <Button onClick={() => setDraft(startOf(begin))}>Start over</Button>
              <Button type="submit" kind="primary" busy={send.isPending} className="min-w-24">
                Send
              </Button>
            </div>
          </div>
        </Card>
      </form>
      <section ref={answers} aria-label="Answer" className="grid min-w-0 content-start gap-3">
        <p role="status" className="sr-only">
          {send.isPending ? "Sending" : tried ? `Answered ${tried.status}` : ""}
        </p>
        {tried ? (
          <>
            {triedBy && triedBy !== chosen.connection && (
              <Notice tone="warn">
                This answer came by {triedBy}: send it again to have it by {chosen.connection ?? "another"}.
              </Notice>
            )}
            <Answer key={tried.request_id} tried={tried} connection={triedBy ?? chosen.connection ?? ""} />
            <Keep connector={connector} draft={draft} />
          </>
        ) : (
          <Empty title="The answer will be here">With where its time went, and what attache put on the request.</Empty>
        )}
      </section>
    </div>
  );
}

/** Where there is one column, the answer is below what is being written: it is brought into sight. */
function shownAt(place: HTMLElement | null) {
  if (place && place.getBoundingClientRect().top > window.innerHeight / 2) place.scrollIntoView({ block: "start" });
}

interface Part {
  draft: Draft;
  set: (more: Partial<Draft>) => void;
}

function Line({
  draft,
  set,
  base,
  fault,
  picker,
}: Part & { base: string | undefined; fault: string | undefined; picker: React.ReactNode }) {
  const methods = METHODS.some((it) => it === draft.method) ? METHODS : [draft.method, ...METHODS];
  return (
    <div className="grid gap-2">
      <div className="flex flex-wrap items-start gap-2">
        <div className="w-28">
          <Field label="Method">
            {(ties) => (
              <Select {...ties} value={draft.method} onChange={(event) => set({ method: event.target.value })}>
                {methods.map((it) => (
                  <option key={it}>{it}</option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        <div className="min-w-0 flex-1 basis-56">
          <Field label="Path" error={fault}>
            {(ties) => (
              <TextInput {...ties} mono value={draft.path} onChange={(event) => set({ path: event.target.value })} />
            )}
          </Field>
        </div>
        <div className="sm:pt-[1.62rem]">{picker}</div>
      </div>
      {base && (
        <p className="text-xs text-dim">
          Below <Code>{base}</Code>
        </p>
      )}
    </div>
  );
}

function Parameters({ draft, set, isTold }: Part & { isTold: boolean }) {
  const names = parametersOf(draft.path);
  if (names.length === 0) return null;
  const lacking = missing(draft);
  return (
    <fieldset className="grid gap-3 sm:grid-cols-2">
      <legend className="mb-1 text-[13px] font-medium">In the path</legend>
      {names.map((name) => {
        const isLacking = isTold && lacking.includes(name);
        return (
          <Field key={name} label={name} error={isLacking ? `Give ${name} a value.` : undefined}>
            {(ties) => (
              <TextInput
                {...ties}
                mono
                data-needed={lacking.includes(name) ? "" : undefined}
                value={draft.parameters[name] ?? ""}
                onChange={(event) => set({ parameters: { ...draft.parameters, [name]: event.target.value } })}
              />
            )}
          </Field>
        );
      })}
    </fieldset>
  );
}

function Body({ draft, set, fault }: Part & { fault: string | undefined }) {
  const nicer = pretty(draft.body);
  return (
    <div className="grid gap-1.5">
      <Field label="Body" error={fault ?? bodyFault(draft)}>
        {(ties) => (
          <TextArea
            {...ties}
            mono
            rows={8}
            value={draft.body}
            onChange={(event) => set({ body: event.target.value })}
          />
        )}
      </Field>
      {nicer !== undefined && nicer !== draft.body && (
        <div>
          <Button className="min-h-7! px-2 text-xs" onClick={() => set({ body: nicer })}>
            Break its lines
          </Button>
        </div>
      )}
    </div>
  );
}
