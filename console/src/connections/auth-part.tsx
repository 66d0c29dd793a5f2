import type { ApiError } from "~/api/problem";
import type { Connector } from "~/api/schema";
import { Button } from "~/kit/button";
import { Field, Select, TextInput } from "~/kit/field";
import { Card } from "~/kit/page";
import { Notice } from "~/kit/told";
import { type Draft, isEmbedded, methodKeyOf, methodOf, wantsCredentials } from "./draft";
import { MethodFacts } from "./method/facts";
import { canBeEmbedded, type Method, typeName, typeOf, written } from "./method/types";
import { MethodForm } from "./method-form";

interface Props {
  connector: Connector;
  draft: Draft;
  faults?: ApiError | undefined;
  onChange: (change: Partial<Draft>) => void;
}

/** How the API authenticates: one of the connector's methods, one of them adjusted, or a new one. */
export function AuthPart({ connector, draft, faults, onChange }: Props) {
  const isFiled = Boolean(connector.source);
  const method = methodOf(draft, connector);
  const methods = Object.entries(connector.auth ?? {}).filter(
    ([, it]) => !isEmbedded(draft) || canBeEmbedded(typeOf(it)),
  );
  const choose = (value: string) => {
    if (value === "+") onChange({ way: "new", credentials: {}, inputs: {} });
    else onChange({ way: "reuse", auth: value, credentials: {}, inputs: {} });
  };
  return (
    <Card className="grid gap-5">
      <Field label="Which" error={faults?.at("/auth")}>
        {(ties) => (
          <Select
            {...ties}
            value={draft.way === "new" ? "+" : draft.auth}
            onChange={(event) => choose(event.target.value)}
          >
            {methods.map(([key, it]) => (
              <option key={key} value={key}>
                {it.name || key} ({typeName(typeOf(it))})
              </option>
            ))}
            {!isFiled && <option value="+">A new one</option>}
          </Select>
        )}
      </Field>
      {wantsCredentials(connector, method) && (
        <Notice tone="warn" title="Requests will fail">
          This API wants credentials, and with None nothing is put on requests. Choose it only for parts of the API that
          anybody may ask.
        </Notice>
      )}
      {draft.way === "reuse" && (
        <>
          <MethodFacts method={method} revision={revisionOf(connector, draft.auth)} />
          {isFiled ? (
            <p className="text-xs text-dim">{filed(connector)}</p>
          ) : (
            <div>
              <Button onClick={() => onChange({ way: "adjust", method: written(connector.auth?.[draft.auth] ?? {}) })}>
                Adjust it
              </Button>
            </div>
          )}
        </>
      )}
      {draft.way === "adjust" && (
        <Notice
          title="This makes a new revision"
          acts={<Button onClick={() => onChange({ way: "reuse" })}>Leave it as it is</Button>}
        >
          Connections that have {connector.auth?.[draft.auth]?.name || draft.auth} already keep the revision that they
          were made with, until somebody re-pins them.
        </Notice>
      )}
      {draft.way !== "reuse" && (
        <>
          <MethodForm
            value={draft.method}
            faults={faults}
            embedded={isEmbedded(draft)}
            connector={{ variables: connector.variables ?? {} }}
            onChange={(next: Method) =>
              onChange(
                typeOf(next) === typeOf(draft.method)
                  ? { method: next }
                  : { method: next, credentials: {}, inputs: {} },
              )
            }
          />
          {draft.way === "new" && (
            <Field
              label="Key of the method"
              optional
              help="The connector keeps it under this key, so that other connections can have it too."
              error={isTaken(draft, connector) ? "The connector has a method of this key already." : undefined}
            >
              {(ties) => (
                <TextInput
                  {...ties}
                  mono
                  placeholder={methodKeyOf(draft, connector)}
                  value={draft.methodKey}
                  onChange={(event) => onChange({ methodKey: event.target.value })}
                />
              )}
            </Field>
          )}
        </>
      )}
    </Card>
  );
}

export function isTaken(draft: Draft, connector: Connector): boolean {
  return draft.way === "new" && draft.methodKey !== "" && draft.methodKey in (connector.auth ?? {});
}

function revisionOf(connector: Connector, auth: string): string | undefined {
  const revision = connector.auth?.[auth]?.revision;
  return revision ? String(revision) : undefined;
}

function filed({ source }: Connector): string {
  const { file, line } = source as unknown as { file: string; line: number };
  return `The connector is declared in ${file}, line ${line}: its methods are changed there.`;
}
