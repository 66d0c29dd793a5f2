import { useMutation } from "@tanstack/react-query";
import { json } from "~/api/client";
import { type ApiError, isApiError } from "~/api/problem";
import type { Connector, RawVariable } from "~/api/schema";
import { Button } from "~/kit/button";
import { Field, TextInput } from "~/kit/field";
import { Code } from "~/kit/text";
import { Failure, Notice } from "~/kit/told";
import { filledIn } from "./draft";

interface Checked {
  reachable: boolean;
  status?: number;
  ms?: number;
  problem?: string;
  hint?: string;
}

interface Props {
  connector: Connector;
  value: string;
  variables: Record<string, string>;
  /** A webhook connection's base URL is where deliveries go. */
  inbound?: boolean;
  /** Variables that tenants fill in themselves. */
  open?: readonly string[];
  faults?: ApiError | undefined;
  onChange: (value: string) => void;
  onVariables: (variables: Record<string, string>) => void;
}

/** Where requests go: the connector's base URL or another, its variables, and whether somebody answers there. */
export function BaseUrl({ connector, value, variables, inbound, open = [], faults, onChange, onVariables }: Props) {
  const url = value.trim() || connector.base_url || "";
  const goes = filledIn(url, variables, connector.variables);
  const known = (connector.variables ?? {}) as Record<string, RawVariable>;
  const names = [
    ...new Set([...Object.keys(known), ...[...url.matchAll(/\{([a-z0-9_]+)\}/gi)].map((it) => it[1] ?? "")]),
  ];
  const check = useMutation({
    mutationFn: () =>
      json<Checked>("POST", "/v1/check_base_url", {
        base_url: url,
        connector: connector.key,
        variables: filled(variables),
      }),
  });
  const isFull = url !== "" && !goes.includes("{");
  return (
    <div className="grid gap-4">
      <Field
        label="Base URL"
        optional={!inbound && Boolean(connector.base_url)}
        error={faults?.at("/base_url")}
        help={
          inbound
            ? "Where verified deliveries are forwarded to: your own receiver."
            : connector.base_url
              ? `Leave it empty for the connector's own, ${connector.base_url}`
              : "The connector has none of its own: write where this API is."
        }
      >
        {(ties) => (
          <div className="flex gap-1.5">
            <TextInput
              {...ties}
              mono
              type="url"
              placeholder={inbound ? "http://127.0.0.1:9000/hooks" : (connector.base_url ?? "https://api.example.com")}
              value={value}
              onChange={(event) => {
                check.reset();
                onChange(event.target.value);
              }}
            />
            <Button busy={check.isPending} disabled={!isFull} onClick={() => check.mutate()}>
              Check
            </Button>
          </div>
        )}
      </Field>
      {names.map((name) => (
        <Field
          key={name}
          label={known[name]?.name || name}
          help={known[name]?.description || (open.includes(name) ? "Empty: each tenant fills it in." : undefined)}
          error={faults?.at(`/variables/${name}`)}
          optional={open.includes(name) || known[name]?.default != null}
        >
          {(ties) => (
            <TextInput
              {...ties}
              mono
              placeholder={known[name]?.default ?? undefined}
              value={variables[name] ?? ""}
              onChange={(event) => {
                check.reset();
                onVariables({ ...variables, [name]: event.target.value });
              }}
            />
          )}
        </Field>
      ))}
      {goes !== url && (
        <p className="text-xs text-dim">
          Requests go to <Code>{goes}</Code>
        </p>
      )}
      {check.data && <Answer checked={check.data} />}
      {isApiError(check.error) && check.error.status !== 404 && <Failure error={check.error} />}
    </div>
  );
}

function Answer({ checked }: { checked: Checked }) {
  if (checked.reachable) {
    return (
      <Notice tone="good" title="Somebody answers there">
        Status {checked.status} after {checked.ms} ms, asked without any credential.
        {checked.status === 401 || checked.status === 403 ? " It wants one, as it should." : ""}
      </Notice>
    );
  }
  return (
    <Notice tone="warn" title={checked.problem ?? "Nobody answers there"}>
      {checked.hint}
    </Notice>
  );
}

function filled(variables: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).filter(([, it]) => it !== ""));
}
