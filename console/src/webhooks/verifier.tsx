import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { json } from "~/api/client";
import { all } from "~/api/pages";
import type { Hook, WebhookVerified } from "~/api/schema";
import { useMay } from "~/api/session";
import { Button } from "~/kit/button";
import { Field, Select, TextArea, TextInput } from "~/kit/field";
import { CodeBlock } from "~/kit/text";
import { Badge, Failure, Notice, type Tone } from "~/kit/told";

const EXAMPLE = `POST /hooks/github-hooks HTTP/1.1
Content-Type: application/json
X-GitHub-Event: push
X-Hub-Signature-256: sha256=…

{"ref":"refs/heads/main"}`;

const TONES: Record<string, Tone> = { passed: "good", failed: "bad", skipped: "dim" };

/** A captured request, pasted: which step it fails at, and what would have to be otherwise. */
export function Verifier({ wanted }: { wanted?: string | undefined }) {
  const [connection, setConnection] = useState(wanted ?? "");
  const [tenant, setTenant] = useState("");
  const [request, setRequest] = useState("");
  const mayAct = useMay("operator");
  const hooks = useQuery({ queryKey: ["all", "/v1/hooks"], queryFn: () => all<Hook>("/v1/hooks") });
  const chosen = hooks.data?.find((it) => it.connection === connection);
  const verify = useMutation({
    mutationFn: () =>
      json<WebhookVerified>("POST", "/v1/webhooks/verify", {
        connection,
        ...(chosen?.embedded && tenant && { tenant }),
        request,
      }),
    // What was pasted is somebody's: it goes with the page.
    gcTime: 0,
  });
  if (!mayAct) return <Notice>Looking at requests with a stored secret takes the role operator.</Notice>;
  return (
    <div className="grid gap-6 lg:grid-cols-2">
      <form
        className="grid content-start gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          verify.mutate();
        }}
      >
        <p className="text-[13px] text-dim">
          Paste a request as the sender made it: the request line, its headers, an empty line, the body. It is looked at
          with the connection's own secret, as when it came; nothing is forwarded.
        </p>
        <Failure error={hooks.error} />
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Connection">
            {(ties) => (
              <Select
                {...ties}
                required
                value={connection}
                onChange={(event) => {
                  setConnection(event.target.value);
                  verify.reset();
                }}
              >
                <option value="">Choose</option>
                {hooks.data?.map((it) => (
                  <option key={it.connection} value={it.connection}>
                    {it.name}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          {chosen?.embedded && (
            <Field label="Tenant" help="Each has a secret of its own.">
              {(ties) => (
                <TextInput {...ties} mono value={tenant} onChange={(event) => setTenant(event.target.value)} />
              )}
            </Field>
          )}
        </div>
        <Field label="The captured request">
          {(ties) => (
            <TextArea
              {...ties}
              mono
              rows={14}
              required
              placeholder={EXAMPLE}
              value={request}
              onChange={(event) => setRequest(event.target.value)}
            />
          )}
        </Field>
        <div>
          <Button kind="primary" type="submit" busy={verify.isPending}>
            Verify
          </Button>
        </div>
      </form>
      <div aria-live="polite">
        {verify.error ? <Failure error={verify.error} /> : verify.data ? <Outcome verified={verify.data} /> : null}
      </div>
    </div>
  );
}

function Outcome({ verified }: { verified: WebhookVerified }) {
  const isGood = verified.verdict !== "refused";
  return (
    <div className="grid gap-4">
      <Notice
        tone={isGood ? "good" : "bad"}
        title={
          isGood
            ? verified.verdict === "handshake"
              ? "A handshake: it would be answered."
              : "It verifies."
            : `It is refused: ${verified.code ?? ""}`
        }
      >
        {verified.hints.length > 0 && (
          <ul className="grid list-disc gap-1 pl-4">
            {verified.hints.map((it) => (
              <li key={it}>{it}</li>
            ))}
          </ul>
        )}
      </Notice>
      <ol className="grid gap-2">
        {verified.steps.map((it, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: steps of one name follow each other, and never move
          <li key={`${at} ${it.name}`} className="grid gap-1.5 rounded-lg border border-line bg-panel px-3.5 py-2.5">
            <div className="flex items-baseline justify-between gap-3">
              <span className="text-[13px] font-medium">{it.name}</span>
              <Badge tone={TONES[it.outcome] ?? "dim"}>{it.outcome}</Badge>
            </div>
            <p className="text-[13px] text-dim">{it.detail}</p>
            {it.content && <CodeBlock text={it.content} label={`What is signed: ${it.name}`} />}
          </li>
        ))}
      </ol>
    </div>
  );
}
